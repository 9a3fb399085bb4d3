package backend

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// inspectEvery is how often each root key is inspected, and inspectAgain how soon
	// after an inspection that failed.
	inspectEvery = 24 * time.Hour
	inspectAgain = time.Hour
	// lastDays are the days before a root key's end in which every mint warns of it.
	lastDays = 14 * 24 * time.Hour
)

// rootExpiry remembers, in memory only, when root keys end. No mint asks for it.
type rootExpiry struct {
	now func() time.Time

	mu    sync.Mutex
	known map[string]inspected
}

// inspected is what the last inspection of a connection's root key has shown.
type inspected struct {
	apiKey string
	// ends is zero if the exchange never ends the key, or does not tell.
	ends time.Time
	// next is when it is inspected again.
	next time.Time
}

func newRootExpiry(now func() time.Time) *rootExpiry {
	return &rootExpiry{now: now, known: map[string]inspected{}}
}

// note records an inspection that was made, for whatever reason.
func (x *rootExpiry) note(l *link, ends time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.known[l.name] = inspected{apiKey: l.Credential.APIKey, ends: ends, next: x.now().Add(inspectEvery)}
}

// due reports whether the root key is to be inspected.
func (x *rootExpiry) due(l *link) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	last, known := x.known[l.name]
	return !known || last.apiKey != l.Credential.APIKey || !x.now().Before(last.next)
}

// failed puts the next inspection off.
func (x *rootExpiry) failed(l *link) {
	x.mu.Lock()
	defer x.mu.Unlock()
	last := x.known[l.name]
	if last.apiKey != l.Credential.APIKey {
		last = inspected{apiKey: l.Credential.APIKey}
	}
	last.next = x.now().Add(inspectAgain)
	x.known[l.name] = last
}

// keep forgets all connections but these.
func (x *rootExpiry) keep(names []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for name := range x.known {
		if !slices.Contains(names, name) {
			delete(x.known, name)
		}
	}
}

// left is how long each root key still has that ends, by connection.
func (x *rootExpiry) left() map[string]time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	left := map[string]time.Duration{}
	for name, last := range x.known {
		if !last.ends.IsZero() {
			left[name] = last.ends.Sub(x.now())
		}
	}
	return left
}

// warning says that the connection's root key ends soon; empty if it does not, as far
// as is known.
func (x *rootExpiry) warning(l *link) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	last := x.known[l.name]
	if last.apiKey != l.Credential.APIKey || last.ends.IsZero() || last.ends.Sub(x.now()) > lastDays {
		return ""
	}
	return fmt.Sprintf("the root key of connection %q ends at %s; from then on no key can be made or deleted with it, so whoever manages the connection must write a new one before then",
		l.name, timestamp(last.ends))
}

// inspectRoot asks the exchange once a day what it says of the root key.
func (e *engine) inspectRoot(ctx context.Context, l *link) error {
	if !e.rootExpiry.due(l) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sweepKeyTimeout)
	defer cancel()
	identity, err := l.account.Inspect(ctx)
	if err != nil {
		e.rootExpiry.failed(l)
		return l.failed(err)
	}
	e.rootExpiry.note(l, identity.ExpiresAt)
	if warning := e.rootExpiry.warning(l); warning != "" {
		e.Logger().Warn(warning)
	}
	return nil
}

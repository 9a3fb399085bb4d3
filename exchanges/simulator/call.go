package simulator

import (
	"encoding/json"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// call is one request under way, as an exchange's rules see it. The books may be
// read and changed freely: the venue is locked while rules run.
type call struct {
	*http.Request            // as it came; RequestURI and URL.RawQuery are the bytes that were sent
	body          []byte     // as it came
	caller        netip.Addr // the other end of the TCP connection
	now           time.Time  // by the exchange's clock, which a fault may have moved
	books         *books
	key           *key    // the calling key; nil on public routes
	quotas        []quota // one for each of the route's limits that was looked at
	fault         Fault   // the zero Fault if none acts on this call
	multiplier    float64 // of the documented rate limits
}

// grant decides what a new or edited key gets for what was asked. Under the
// faults GrantMore and GrantLess that is one permission more (the first of
// surplus that was not asked for) or one less (the last that was asked for).
func (c *call) grant(asked []string, surplus ...string) []string {
	granted := slices.Clone(asked)
	switch c.fault.Kind {
	case GrantMore:
		for _, permission := range surplus {
			if !slices.Contains(asked, permission) {
				return append(granted, permission)
			}
		}
	case GrantLess:
		return granted[:max(len(granted)-1, 0)]
	}
	return granted
}

// starts is from when the exchange knows a key that is made now: at once, unless
// the fault SlowStart acts.
func (c *call) starts() time.Time {
	if c.fault.Kind == SlowStart {
		return c.now.Add(c.fault.Delay)
	}
	return c.now
}

// removeKey deletes a key, unless the fault DeleteLies acts.
func (c *call) removeKey(k *key) {
	if c.fault.Kind != DeleteLies {
		c.books.removeKey(k)
	}
}

// emptyKey takes all permissions from a key, at an exchange where that stands
// for its deletion, unless the fault DeleteLies acts.
func (c *call) emptyKey(k *key) {
	if c.fault.Kind != DeleteLies {
		k.permissions = nil
	}
}

// documented is how long ago something was, in documented time: with a
// multiplier for the limits, all waits pass faster. What a clock that was put
// back has yet to come to is long past.
func (c *call) documented(at time.Time) time.Duration {
	if at.After(c.now) {
		return math.MaxInt64
	}
	return time.Duration(float64(c.now.Sub(at)) * c.multiplier)
}

// answer is what goes back to the caller once the venue is unlocked.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func textAnswer(status int, contentType, body string) *answer {
	header := http.Header{}
	if body != "" {
		header.Set("Content-Type", contentType)
	}
	return &answer{status: status, header: header, body: []byte(body)}
}

func jsonAnswer(status int, body any) *answer {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err) // answers are built from types that always encode
	}
	return textAnswer(status, "application/json", string(encoded))
}

// set adds a header line.
func (a *answer) set(name, value string) *answer {
	a.header.Set(name, value)
	return a
}

func (a *answer) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a caller that has gone is no concern of the venue
}

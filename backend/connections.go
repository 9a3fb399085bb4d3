package backend

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/ryanuber/go-glob"

	"vault-plugin-secrets-exchange/backend/store"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/pace"
)

// connectionPrefix is where connections lie in storage.
const connectionPrefix = "config/"

// link is a connection in use: opened once, kept with its pooled HTTP client,
// and shared by all requests.
type link struct {
	connection
	name    string
	about   exchanges.Description
	variant exchanges.Variant
	account *guarded
	// held says that nothing is to be done here, see [holdVariable].
	held bool
	// allowed has the roles that were checked; nil to check each time.
	allowed *allowedRoles
}

// allowsSubAccount reports whether keys may be minted in the sub-account.
func (l *link) allowsSubAccount(name string) bool {
	return slices.ContainsFunc(l.AllowedSubAccounts, func(allowed string) bool {
		return glob.Glob(l.variant.SubAccountName(allowed), l.variant.SubAccountName(name))
	})
}

// keyBaseURL is where a minted key is used.
func (l *link) keyBaseURL() string {
	environment, _ := l.about.Environment(l.Environment)
	switch {
	case l.BaseURL != "":
		return l.BaseURL
	case environment.KeyBaseURL != "":
		return environment.KeyBaseURL
	}
	return environment.BaseURL
}

// failed names the connection in an error of its exchange.
func (l *link) failed(err error) error {
	if err == nil {
		return nil
	}
	return &connectionError{l.name, err}
}

// connections keeps the links, so that neither storage nor a new TCP
// connection is needed for each mint. It never holds its lock around a call to
// storage or network.
type connections struct {
	catalog []exchanges.Exchange
	table   *store.Table[connection]
	now     func() time.Time
	// held says that the plugin is held, see [holdVariable].
	held bool
	// pacers has the pace of each root key, which its connections share and which
	// outlives their links.
	pacers *pace.Pacers
	// observer returns what a connection's calls are reported to.
	observer func(connection string) func(operation exchanges.Operation, err error, took time.Duration)

	mu    sync.Mutex
	links map[string]*link
	// changes counts invalidations: what was read before one must not be kept
	// after it.
	changes int
}

func newConnections(catalog []exchanges.Exchange, now func() time.Time, observer func(string) func(exchanges.Operation, error, time.Duration)) *connections {
	c := &connections{catalog: catalog, now: now, pacers: &pace.Pacers{}, observer: observer, links: map[string]*link{}}
	c.table = store.New[connection](connectionPrefix, c.forget)
	return c
}

// exchange returns the exchange of that name.
func (c *connections) exchange(name string) (exchanges.Exchange, error) {
	var known []string
	for _, e := range c.catalog {
		if e.Describe().Name == name {
			return e, nil
		}
		known = append(known, e.Describe().Name)
	}
	return nil, oneOf("exchange", name, known...)
}

// displayName is the exchange's own spelling of its name.
func (c *connections) displayName(name string) string {
	exchange, err := c.exchange(name)
	if err != nil {
		return name
	}
	return exchange.Describe().DisplayName
}

// get returns the link of a connection, or nil if there is no such connection.
func (c *connections) get(ctx context.Context, s logical.Storage, name string) (*link, error) {
	c.mu.Lock()
	known, changes := c.links[name], c.changes
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	entry, err := c.table.Get(ctx, s, name)
	if err != nil || entry == nil {
		return nil, err
	}
	opened, err := c.link(name, *entry)
	if err != nil {
		return nil, fmt.Errorf("connection %q: %w", name, err)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.links[name]; known != nil {
		opened.account.Close()
		return known, nil
	}
	if c.changes == changes {
		c.links[name] = opened
	}
	return opened, nil
}

// existing returns the link of a connection that must exist.
func (c *connections) existing(ctx context.Context, s logical.Storage, name string) (*link, error) {
	l, err := c.get(ctx, s, name)
	if err == nil && l == nil {
		return nil, invalid("name", "there is no connection %q; list them with: vault list <mount>/config", name)
	}
	return l, err
}

// freeze stops minting on a connection, if that exists. It does not loosen a
// freeze that goes further.
func (c *connections) freeze(ctx context.Context, s logical.Storage, name string) error {
	return c.table.Update(ctx, s, name, func(now *connection) (*connection, error) {
		if now == nil || now.Frozen != frozenNo {
			return nil, nil
		}
		now.Frozen = frozenMinting
		return now, nil
	})
}

// link makes a link; it makes no network call.
func (c *connections) link(name string, entry connection) (*link, error) {
	exchange, err := c.exchange(entry.Exchange)
	if err != nil {
		return nil, err
	}
	about := exchange.Describe()
	variant, err := about.Variant(entry.Variant)
	if err != nil {
		return nil, err
	}
	options := entry.options()
	options.Pacers = c.pacers
	account, err := exchange.Open(entry.Credential.reveal(), options)
	if err != nil {
		return nil, err
	}
	return &link{
		connection: entry, name: name, about: about, variant: variant, account: guard(account, c.now, c.observer(name)), held: c.held,
		allowed: &allowedRoles{},
	}, nil
}

// circuits reports, for each connection in use, whether its circuit is open.
func (c *connections) circuits() map[string]bool {
	return c.states(func(l *link) bool { return l.account.circuit.open() })
}

// states asks something of each connection in use. The question must be quick.
func (c *connections) states(ask func(*link) bool) map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	answers := map[string]bool{}
	for name, l := range c.links {
		answers[name] = ask(l)
	}
	return answers
}

// forget drops the link after the connection changed. Calls in flight on it
// end as they would have.
func (c *connections) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	if known := c.links[name]; known != nil {
		known.account.Close()
		delete(c.links, name)
	}
}

// close drops every link.
func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	for name, known := range c.links {
		known.account.Close()
		delete(c.links, name)
	}
}

package backend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/store"
)

// Connections of a mount can hold one root key, each with guard rails of its own. A
// rotation replaces it for all of them: those that hold the same credential get the
// new one, and until nobody uses the old one it is not deleted.

// peers are the other connections of the mount.
type peers struct {
	known map[string]connection // by name
	// unreadable are those whose credential nobody can tell, nor use.
	unreadable []string
}

// peersOf reads the connections besides the one of that name.
func (e *engine) peersOf(ctx context.Context, s logical.Storage, name string) (peers, error) {
	names, err := e.connections.table.List(ctx, s)
	if err != nil {
		return peers{}, err
	}
	p := peers{known: map[string]connection{}}
	for _, other := range names {
		if other == name {
			continue
		}
		c, err := e.connections.table.Get(ctx, s, other)
		switch unreadable := (*store.UnreadableError)(nil); {
		case errors.As(err, &unreadable):
			p.unreadable = append(p.unreadable, other)
		case err != nil:
			return peers{}, err
		case c != nil:
			p.known[other] = *c
		}
	}
	return p, nil
}

// that are the names of those of which something is true, in order.
func (p peers) that(is func(connection) bool) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(p.known)) {
		if is(p.known[name]) {
			names = append(names, name)
		}
	}
	return names
}

// using are those that use a root key of an exchange. Wherever they reach the exchange,
// say through a proxy, the key is the same.
func (p peers) using(exchange, apiKey string) []string {
	return p.that(func(c connection) bool {
		return apiKey != "" && c.Exchange == exchange && c.Credential.APIKey == apiKey
	})
}

// deleting are those that are about to delete a root key of an exchange.
func (p peers) deleting(exchange, apiKey string) []string {
	return p.that(func(c connection) bool { return c.Exchange == exchange && c.Leftovers.of(apiKey) })
}

// goOnWith reports whether one of them goes on with a connection's root key that the
// engine made, and so sees to its deletion one day.
func (p peers) goOnWith(c connection) bool {
	return len(p.that(func(other connection) bool {
		return other.Made && other.Exchange == c.Exchange && other.Credential == c.Credential
	})) > 0
}

// unused are those of a connection's leftover root keys that none of them uses.
func (p peers) unused(exchange string, roots leftoverRoots) leftoverRoots {
	return slices.DeleteFunc(slices.Clone(roots), func(root leftoverRoot) bool { return len(p.using(exchange, root.APIKey)) > 0 })
}

// handOver gives a connection's root key to all that hold the one in whose place it is.
func (e *engine) handOver(ctx context.Context, s logical.Storage, l *link, old leftoverRoot) error {
	if !l.Made || old.Fingerprint == "" {
		return nil // A person has chosen the present one, for this connection.
	}
	p, err := e.peersOf(ctx, s, l.name)
	if err != nil {
		return err
	}
	for _, name := range p.using(l.Exchange, old.APIKey) {
		var given bool
		err := e.connections.table.Update(ctx, s, name, func(now *connection) (*connection, error) {
			if given = now != nil && now.sharesRoot(l.connection, old); !given {
				return nil, nil
			}
			now.Credential, now.Rotated, now.Made = l.Credential, e.now(), true
			return now, nil
		})
		if err != nil {
			return err
		}
		if given {
			e.Logger().Info("a root key was replaced in another connection that held it", "connection", name, "replaced_by", l.name)
		}
	}
	return nil
}

// sharesRoot reports whether the connection reaches the same place as another with the
// very credential that was replaced there. An API key alone, which is no secret, does
// not entitle to its successor, and neither does another address: it would receive
// what the successor signs.
func (c connection) sharesRoot(other connection, old leftoverRoot) bool {
	return c.Credential.fingerprint() == old.Fingerprint &&
		c.Exchange == other.Exchange && c.Environment == other.Environment && c.BaseURL == other.BaseURL
}

// mayUse refuses a root key for a connection that another is about to delete, or whose
// deletion has come between its verification and now.
func (e *engine) mayUse(p peers, c connection) error {
	if others := p.deleting(c.Exchange, c.Credential.APIKey); len(others) > 0 {
		return invalid("api_key", "root key %s was replaced in connection %q, and the engine is deleting it; write another one", c.Credential.APIKey, others[0])
	}
	if _, deleted := e.deletedRoots.Load(rootName(c.Exchange, c.Credential.APIKey)); deleted {
		return invalid("api_key", "root key %s was replaced, and the engine has deleted it; write another one", c.Credential.APIKey)
	}
	return nil
}

// rootName names a root key. No connection has such a name.
func rootName(exchange, apiKey string) string { return exchange + "/" + apiKey }

// deleteUnused deletes a root key at the exchange, unless another connection uses it.
func (e *engine) deleteUnused(ctx context.Context, s logical.Storage, l *link, apiKey string) error {
	p, err := e.peersOf(ctx, s, l.name)
	if err != nil {
		return err
	}
	if names := p.using(l.Exchange, apiKey); len(names) > 0 {
		return refuse("%s", stillUsed(names))
	}
	if len(p.unreadable) > 0 {
		return refuse("it may be in use in config/%s, which cannot be read", p.unreadable[0])
	}
	if err := l.account.DeleteRoot(ctx, apiKey); err != nil {
		return l.failed(err)
	}
	e.deletedRoots.Store(rootName(l.Exchange, apiKey), true)
	return nil
}

// stillUsed says which connections keep a replaced root key from being deleted, and
// what to do.
func stillUsed(names []string) string {
	return fmt.Sprintf("it is kept until config/%s no longer uses it; write another root key there, or replace it with config/%s/rotate-root",
		strings.Join(names, " and config/"), names[0])
}

package backend

import (
	"context"
	"fmt"

	"github.com/hashicorp/vault/sdk/logical"
)

// holdVariable is the variable of the plugin's environment that acts as frozen=all
// on every connection: it stops a server that was restored from a snapshot before
// its first sweep, in which nobody can write to a connection yet.
const holdVariable = "EXCHANGE_HOLD"

// holds reports whether a value of the variable holds the plugin. Whoever sets it
// wants that, so that only what plainly says no does not.
func holds(value string) bool { return value != "" && value != "0" && value != "false" }

// frozen is what is stopped on the connection: what was written, or everything while
// the plugin is held.
func (l *link) frozen() string {
	if l.held {
		return frozenAll
	}
	return l.Frozen
}

// freeze says what stops things on the connection, and who can change that.
func (l *link) freeze() string {
	if l.held {
		return holdVariable + " in the plugin's environment acts as frozen=all, until the plugin is started without it"
	}
	return fmt.Sprintf("frozen=%s; an operator can lift it by writing frozen=no to config/%s", l.Frozen, l.name)
}

// mayDelete refuses deletions at the exchange that are held back: by a freeze, or
// because storage looks restored from a snapshot.
func (e *engine) mayDelete(ctx context.Context, s logical.Storage, l *link) error {
	if l.frozen() == frozenAll {
		return refuse("deletions on connection %q are held back (%s)", l.name, l.freeze())
	}
	return e.mayBeRestored(ctx, s, l)
}

// whyHeld is why deletions on the connection are held back, as far as is known
// without asking anybody; empty if they are not.
func (e *engine) whyHeld(l *link) string {
	if l.frozen() == frozenAll {
		return l.freeze()
	}
	return e.heartbeat.found(l.name)
}

// heldConnections reports, for each connection in use, whether deletions are held back.
func (e *engine) heldConnections() map[string]bool {
	return e.connections.states(func(l *link) bool { return e.whyHeld(l) != "" })
}

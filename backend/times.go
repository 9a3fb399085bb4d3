package backend

import (
	"context"
	"time"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// Bounds on the life of a key. Those of a mint and a revocation are chosen so that
// Vault, which holds locks meanwhile, is not kept waiting.
const (
	// createTimeout bounds the creation of a key at the exchange, waiting for the
	// rate limit not included, and all that follows from it.
	createTimeout = 30 * time.Second
	// aftermathTimeout bounds what is done about a key that came to nothing.
	aftermathTimeout = 20 * time.Second
	// maxMaxWait bounds a role's max_wait.
	maxMaxWait = 60 * time.Second
	// unlistedGrace is how long after its hard limit a key may be taken for ended
	// by itself at an exchange that lists none: longer than a mint can take, and
	// than what is added to a key's life so that its lease ends first.
	unlistedGrace = ledger.PendingGrace + time.Minute
	// revokeTimeout bounds one revocation asked for by Vault.
	revokeTimeout = 8 * time.Second
	// revokePatience is how long a revocation waits for the rate limit.
	revokePatience = 5 * time.Second
)

// No mint may still run when the sweeper settles its pending entry: this does not
// compile if one could.
const _ = uint64(ledger.PendingGrace - (maxMaxWait + createTimeout + 30*time.Second))

// afterwards is the context of work that must be done however little time is left,
// and whether or not the caller is still there.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), aftermathTimeout)
}

// revokeBudget is the context of a revocation that Vault waits for.
func revokeBudget(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(exchanges.WithPatience(ctx, revokePatience), revokeTimeout)
}

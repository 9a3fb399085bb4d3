package exchanges

import (
	"context"
	"time"
)

type (
	patienceKey struct{}
	revokingKey struct{}
	roleKey     struct{}
	turnKey     struct{}
)

// WithPatience bounds how long calls under the context may wait for their turn at
// the exchange's rate limit. A call whose turn would come later fails at once with
// [ErrRateLimited]. Without it, only the deadline bounds the wait.
func WithPatience(ctx context.Context, patience time.Duration) context.Context {
	return context.WithValue(ctx, patienceKey{}, patience)
}

// Patience returns what WithPatience set.
func Patience(ctx context.Context) (time.Duration, bool) {
	patience, ok := ctx.Value(patienceKey{}).(time.Duration)
	return patience, ok
}

// WithRevoking marks calls under the context as part of a revocation, which lets
// them go ahead of every other call that waits for its turn.
func WithRevoking(ctx context.Context) context.Context {
	return context.WithValue(ctx, revokingKey{}, true)
}

// Revoking reports whether WithRevoking was applied.
func Revoking(ctx context.Context) bool {
	revoking, _ := ctx.Value(revokingKey{}).(bool)
	return revoking
}

// WithRole names the role that calls under the context are made for. Roles take
// turns at the exchange's rate limit, so that none keeps the others waiting by the
// number of its callers. Calls for no role take turns with them as one more.
func WithRole(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, roleKey{}, name)
}

// Role returns what WithRole set.
func Role(ctx context.Context) string {
	name, _ := ctx.Value(roleKey{}).(string)
	return name
}

// OnTurn has taken called whenever a call under the context has got its turn at the
// exchange's rate limit, by whatever goroutine makes the call. It must be quick.
func OnTurn(ctx context.Context, taken func()) context.Context {
	return context.WithValue(ctx, turnKey{}, taken)
}

// TurnTaken calls what OnTurn set.
func TurnTaken(ctx context.Context) {
	if taken, wanted := ctx.Value(turnKey{}).(func()); wanted {
		taken()
	}
}

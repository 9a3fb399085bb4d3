package exchanges_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestPatience(t *testing.T) {
	_, set := exchanges.Patience(t.Context())
	require.False(t, set)

	ctx := exchanges.WithPatience(t.Context(), time.Second)
	patience, set := exchanges.Patience(exchanges.WithRevoking(ctx))
	require.True(t, set)
	require.Equal(t, time.Second, patience)

	patience, set = exchanges.Patience(exchanges.WithPatience(ctx, 0))
	require.True(t, set, "no patience is not the same as none set")
	require.Zero(t, patience)
}

func TestRevoking(t *testing.T) {
	require.False(t, exchanges.Revoking(t.Context()))
	require.False(t, exchanges.Revoking(exchanges.WithPatience(t.Context(), 0)))
	require.True(t, exchanges.Revoking(exchanges.WithPatience(exchanges.WithRevoking(t.Context()), 0)))
}

func TestRole(t *testing.T) {
	require.Empty(t, exchanges.Role(t.Context()))
	require.Equal(t, "trader", exchanges.Role(exchanges.WithRevoking(exchanges.WithRole(t.Context(), "trader"))))
}

func TestOnTurn(t *testing.T) {
	exchanges.TurnTaken(t.Context())
	turns := 0
	ctx := exchanges.WithRevoking(exchanges.OnTurn(t.Context(), func() { turns++ }))
	exchanges.TurnTaken(ctx)
	exchanges.TurnTaken(ctx)
	require.Equal(t, 2, turns)
}

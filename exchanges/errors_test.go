package exchanges_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestErrorText(t *testing.T) {
	for _, test := range []struct {
		err  exchanges.Error
		want string
	}{
		{exchanges.Error{Kind: exchanges.ErrAuth}, "authentication failed"},
		{
			exchanges.Error{
				Kind: exchanges.ErrPermission, Exchange: "bybit", Operation: exchanges.OpCreateKey, Code: "10005",
				Message: "Permission denied", Remedy: "give the root key a Wallet right",
			},
			"bybit: create key: permission denied (10005): Permission denied; give the root key a Wallet right",
		},
		{exchanges.Error{Kind: exchanges.ErrInvalid, Message: "base_url: wrong"}, "base_url: wrong"},
	} {
		require.Equal(t, test.want, test.err.Error())
	}
}

func TestErrorKinds(t *testing.T) {
	seen := map[exchanges.Kind]bool{}
	for _, kind := range exchanges.Kinds() {
		require.False(t, seen[kind], kind)
		seen[kind] = true
		require.Equal(t, string(kind), kind.Error())

		wrapped := fmt.Errorf("minting: %w", &exchanges.Error{Kind: kind, Err: context.Canceled})
		for _, other := range exchanges.Kinds() {
			require.Equal(t, kind == other, errors.Is(wrapped, other), "%s is %s", kind, other)
		}
		require.ErrorIs(t, wrapped, context.Canceled)
		require.NotErrorIs(t, wrapped, context.DeadlineExceeded)
	}
	require.Len(t, seen, 10)
}

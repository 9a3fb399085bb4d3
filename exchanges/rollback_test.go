package exchanges_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestRollBack(t *testing.T) {
	ref := exchanges.KeyRef{SubAccount: "desk", ID: "key"}
	failed := func(kind exchanges.Kind) error {
		return &exchanges.Error{Kind: kind, Exchange: "example", Operation: "bind addresses", Code: "42", Message: "no"}
	}
	for _, test := range []struct {
		name    string
		cause   error
		deleted error
		want    exchanges.Kind
	}{
		{"refused, and deleted", failed(exchanges.ErrInvalid), nil, exchanges.ErrInvalid},
		{"refused for rate, and deleted", failed(exchanges.ErrRateLimited), nil, exchanges.ErrRateLimited},
		{"in doubt, and deleted", failed(exchanges.ErrOutcomeUnknown), nil, exchanges.ErrUnavailable},
		{"refused, and not deleted", failed(exchanges.ErrInvalid), failed(exchanges.ErrUnavailable), exchanges.ErrOutcomeUnknown},
		{"in doubt, and not deleted", failed(exchanges.ErrOutcomeUnknown), failed(exchanges.ErrAuth), exchanges.ErrOutcomeUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := exchanges.RollBack(t.Context(), ref, test.cause, func(context.Context) error { return test.deleted })
			var failure *exchanges.Error
			require.True(t, errors.As(err, &failure))
			require.Equal(t, test.want, failure.Kind)
			require.Equal(t, "example", failure.Exchange)
			if test.deleted != nil {
				require.ErrorContains(t, err, "delete key key of sub-account desk")
			}
		})
	}
	t.Run("though the caller has gone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := exchanges.RollBack(ctx, ref, context.Canceled, func(ctx context.Context) error {
			require.NoError(t, ctx.Err())
			_, bounded := ctx.Deadline()
			require.True(t, bounded)
			require.True(t, exchanges.Revoking(ctx), "a roll-back goes ahead of other calls")
			patience, _ := exchanges.Patience(ctx)
			require.Greater(t, patience, time.Second)
			return nil
		})
		require.ErrorIs(t, err, context.Canceled)
	})
}

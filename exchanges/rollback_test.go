package exchanges_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestRollBack(t *testing.T) {
	refused := &exchanges.Error{Kind: exchanges.ErrInvalid, Exchange: "acme", Operation: "bind key", Message: "bad address"}
	lost := &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown, Exchange: "acme", Operation: "bind key", Err: context.DeadlineExceeded}
	foreign := errors.New("not of an exchange")
	ref := exchanges.KeyRef{SubAccount: "desk", ID: "key7"}
	gone, cancel := context.WithCancel(t.Context())
	cancel()

	for _, test := range []struct {
		name     string
		cause    error
		deletion error
		kind     exchanges.Kind
	}{
		{"refused, deleted", refused, nil, exchanges.ErrInvalid},
		{"lost, deleted", lost, nil, exchanges.ErrUnavailable},
		{"refused, not deleted", refused, lost, exchanges.ErrOutcomeUnknown},
		{"foreign, not deleted", foreign, foreign, exchanges.ErrOutcomeUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := exchanges.RollBack(gone, ref, test.cause, func(ctx context.Context) error {
				require.NoError(t, ctx.Err(), "the deletion outlives the caller")
				require.True(t, exchanges.Revoking(ctx))
				_, bounded := ctx.Deadline()
				require.True(t, bounded)
				return test.deletion
			})
			require.ErrorIs(t, err, test.kind)
			if test.deletion != nil {
				assert.ErrorContains(t, err, "delete key key7 of sub-account desk")
				var failure *exchanges.Error
				require.ErrorAs(t, err, &failure)
				assert.Equal(t, "key7", failure.KeyID)
				assert.ErrorIs(t, err, test.cause)
				assert.ErrorIs(t, err, test.deletion)
			}
			if test.cause == lost {
				assert.ErrorIs(t, err, context.DeadlineExceeded)
			}
		})
	}
	assert.Equal(t, foreign, exchanges.RollBack(t.Context(), ref, foreign, func(context.Context) error { return nil }))
	err := exchanges.RollBack(t.Context(), exchanges.KeyRef{ID: "key7"}, refused, func(context.Context) error { return lost })
	assert.ErrorContains(t, err, "delete key key7 at the exchange")

	// A token is gone with the call that made it.
	err = exchanges.RollBack(t.Context(), exchanges.KeyRef{ID: "key7", Token: "hush"}, refused, func(context.Context) error { return lost })
	assert.ErrorIs(t, err, exchanges.ErrOutcomeUnknown)
	assert.ErrorContains(t, err, "the key ends by itself")
	assert.NotContains(t, err.Error(), "hush")
	var failure *exchanges.Error
	require.ErrorAs(t, err, &failure)
	assert.Empty(t, failure.KeyID, "by its id alone nobody could delete it")
}

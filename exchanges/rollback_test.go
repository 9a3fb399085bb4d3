package exchanges_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// rollingBack is an account with one key, whose deletion works or fails.
type rollingBack struct {
	exchanges.Account
	failure error
	see     func(context.Context)
}

func (r rollingBack) DeleteKey(ctx context.Context, _ exchanges.KeyRef) error {
	r.see(ctx)
	return r.failure
}

func (r rollingBack) ListKeys(context.Context, string) ([]exchanges.KeyInfo, error) {
	if r.failure != nil {
		return []exchanges.KeyInfo{{ID: "key7"}}, nil
	}
	return nil, nil
}

func TestRollBack(t *testing.T) {
	refused := &exchanges.Error{Kind: exchanges.ErrInvalid, Exchange: "acme", Operation: "bind_key", Message: "bad address"}
	lost := &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown, Exchange: "acme", Operation: "bind_key", Err: context.DeadlineExceeded}
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
			account := rollingBack{nil, test.deletion, func(ctx context.Context) {
				require.NoError(t, ctx.Err(), "the deletion outlives the caller")
				require.True(t, exchanges.Revoking(ctx))
				_, bounded := ctx.Deadline()
				require.True(t, bounded)
			}}
			err := exchanges.RollBack(gone, account, exchanges.Variant{}, ref, test.cause)
			require.ErrorIs(t, err, test.kind)
			if test.deletion != nil {
				assert.ErrorContains(t, err, "delete key key7 of sub-account desk")
				var failure *exchanges.Error
				require.ErrorAs(t, err, &failure)
				assert.Equal(t, "key7", failure.KeyID)
				assert.ErrorIs(t, err, test.cause)
				assert.ErrorIs(t, err, test.deletion)
			}
			if errors.Is(test.cause, lost) {
				assert.ErrorIs(t, err, context.DeadlineExceeded)
			}
		})
	}
	deletes, fails := rollingBack{nil, nil, func(context.Context) {}}, rollingBack{nil, lost, func(context.Context) {}}
	settled := exchanges.RollBack(t.Context(), deletes, exchanges.Variant{}, ref, foreign)
	assert.ErrorIs(t, settled, foreign)
	assert.ErrorIs(t, settled, exchanges.ErrUnavailable, "no doubt remains")
	err := exchanges.RollBack(t.Context(), fails, exchanges.Variant{}, exchanges.KeyRef{ID: "key7"}, refused)
	assert.ErrorContains(t, err, "delete key key7 at the exchange")

	err = exchanges.RollBack(t.Context(), fails, exchanges.Variant{}, exchanges.KeyRef{ID: "key7", Token: "hush"}, refused)
	assert.ErrorIs(t, err, exchanges.ErrOutcomeUnknown)
	assert.ErrorContains(t, err, "the key expires by itself")
	assert.NotContains(t, err.Error(), "hush")
}

// A key is reported before anything else is done for it, and deleted if that fails
// or if it could not be recorded.
func TestFinish(t *testing.T) {
	ref := exchanges.KeyRef{SubAccount: "desk", ID: "key7"}
	broken := errors.New("broken")
	for _, test := range []struct {
		name         string
		made, finish error
		steps        []string
	}{
		{"all goes well", nil, nil, []string{"made", "finish"}},
		{"not noted", broken, nil, []string{"made", "delete"}},
		{"not finished", nil, broken, []string{"made", "finish", "delete"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var steps []string
			step := func(name string, err error) error {
				steps = append(steps, name)
				return err
			}
			account := rollingBack{nil, nil, func(context.Context) { _ = step("delete", nil) }}
			err := exchanges.Finish(t.Context(), account, exchanges.Variant{}, func(_ context.Context, known exchanges.KeyRef) error {
				assert.Equal(t, ref, known)
				return step("made", test.made)
			}, ref, func(context.Context) error { return step("finish", test.finish) })
			assert.Equal(t, test.steps, steps)
			if test.made == nil && test.finish == nil {
				assert.NoError(t, err)
			} else {
				assert.ErrorIs(t, err, broken)
			}
		})
	}
	err := exchanges.Finish(t.Context(), nil, exchanges.Variant{}, nil, ref, func(context.Context) error { return nil })
	assert.NoError(t, err, "nobody needs to be told")
}

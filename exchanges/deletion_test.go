package exchanges_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// listing is an account of which only ListKeys is asked.
type listing struct {
	exchanges.Account
	keys  []exchanges.KeyInfo
	err   error
	asked int
}

func (l *listing) ListKeys(_ context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	l.asked++
	if subAccount != "desk" {
		return nil, &exchanges.Error{Kind: exchanges.ErrInvalid, Message: "the wrong sub-account was listed"}
	}
	return l.keys, l.err
}

func TestSettleDeletion(t *testing.T) {
	gone := []exchanges.KeyInfo{{ID: "other"}}
	there := []exchanges.KeyInfo{{ID: "other"}, {ID: "key"}}
	failed := func(kind exchanges.Kind) error { return &exchanges.Error{Kind: kind} }
	for _, test := range []struct {
		name    string
		deleted error
		keys    []exchanges.KeyInfo
		listed  error
		want    error
		asks    int
	}{
		{"confirmed and gone", nil, gone, nil, nil, 1},
		{"confirmed and the last one", nil, nil, nil, nil, 1},
		{"confirmed and still there", nil, there, nil, exchanges.ErrUnavailable, 1},
		{"confirmed without proof", nil, nil, failed(exchanges.ErrUnavailable), exchanges.ErrUnavailable, 1},
		{"confirmed, and the sub-account is gone", nil, nil, failed(exchanges.ErrNotFound), nil, 1},
		{"not found and gone", failed(exchanges.ErrNotFound), gone, nil, nil, 1},
		{"not found and still there", failed(exchanges.ErrNotFound), there, nil, exchanges.ErrNotFound, 1},
		{"lost answer and gone", failed(exchanges.ErrOutcomeUnknown), gone, nil, nil, 1},
		{"lost answer and still there", failed(exchanges.ErrOutcomeUnknown), there, nil, exchanges.ErrOutcomeUnknown, 1},
		{"lost answer without proof", failed(exchanges.ErrOutcomeUnknown), nil, failed(exchanges.ErrRateLimited), exchanges.ErrRateLimited, 1},
		{"refused parameters and gone", failed(exchanges.ErrInvalid), gone, nil, nil, 1},
		{"refused parameters and still there", failed(exchanges.ErrInvalid), there, nil, exchanges.ErrInvalid, 1},
		{"root refused", failed(exchanges.ErrAuth), gone, nil, exchanges.ErrAuth, 0},
		{"no permission", failed(exchanges.ErrPermission), gone, nil, exchanges.ErrPermission, 0},
		{"refused for rate", failed(exchanges.ErrRateLimited), gone, nil, exchanges.ErrRateLimited, 0},
		{"not reached", failed(exchanges.ErrUnavailable), gone, nil, exchanges.ErrUnavailable, 0},
		{"cannot be done", failed(exchanges.ErrUnsupported), gone, nil, exchanges.ErrUnsupported, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			account := &listing{keys: test.keys, err: test.listed}
			err := exchanges.SettleDeletion(t.Context(), account, exchanges.KeyRef{SubAccount: "desk", ID: "key"},
				func(context.Context) error { return test.deleted })
			require.ErrorIs(t, err, test.want)
			require.Equal(t, test.asks, account.asked, "how often the keys were listed")
		})
	}
}

// slowListing is an account that goes on listing a deleted key for a while.
type slowListing struct {
	exchanges.Account
	until time.Time
}

func (s *slowListing) ListKeys(context.Context, string) ([]exchanges.KeyInfo, error) {
	if time.Now().Before(s.until) {
		return []exchanges.KeyInfo{{ID: "key"}}, nil
	}
	return nil, nil
}

func TestSettleSlowDeletion(t *testing.T) {
	const delay = 7 * time.Second
	for _, test := range []struct {
		name    string
		deleted error
		listed  time.Duration
		want    error
		took    time.Duration
	}{
		{"gone at once", nil, 0, nil, 0},
		{"gone after a while", nil, 2 * time.Second, nil, 3 * time.Second},
		{"gone at the last moment", nil, delay, nil, delay},
		{"still there after the delay", nil, time.Hour, exchanges.ErrUnavailable, delay},
		{"not confirmed", &exchanges.Error{Kind: exchanges.ErrInvalid}, time.Hour, exchanges.ErrInvalid, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				account := &slowListing{until: start.Add(test.listed)}
				err := exchanges.SettleSlowDeletion(t.Context(), account, exchanges.KeyRef{ID: "key"}, delay,
					func(context.Context) error { return test.deleted })
				require.ErrorIs(t, err, test.want)
				require.Equal(t, test.took, time.Since(start))
			})
		})
	}
	t.Run("the caller leaves", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			start := time.Now()
			err := exchanges.SettleSlowDeletion(ctx, &slowListing{until: start.Add(time.Hour)}, exchanges.KeyRef{ID: "key"}, delay,
				func(context.Context) error { return nil })
			require.ErrorIs(t, err, exchanges.ErrUnavailable)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 2*time.Second, time.Since(start))
		})
	})
}

package exchanges_test

import (
	"context"
	"testing"

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

package exchanges_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestAsKeyCap(t *testing.T) {
	refused := &exchanges.Error{Kind: exchanges.ErrInvalid, Code: "7", Message: "no", Remedy: "guess"}
	unsupported := &exchanges.Error{Kind: exchanges.ErrUnsupported, Code: "8"}
	for _, test := range []struct {
		name    string
		refusal error
		keys    int
		listErr error
		full    bool
	}{
		{"full", refused, 10, nil, true},
		{"more than full", refused, 11, nil, true},
		{"refused as unsupported", unsupported, 10, nil, true},
		{"room left", refused, 9, nil, false},
		{"no list", refused, 10, exchanges.ErrUnavailable, false},
		{"not a refusal", &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}, 10, nil, false},
		{"not an exchange's", errors.New("no"), 10, nil, false},
		{"no failure", nil, 10, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := exchanges.AsKeyCap(test.refusal, 10, func() ([]string, error) { return make([]string, test.keys), test.listErr })
			if !test.full {
				require.Equal(t, test.refusal, err)
				return
			}
			require.ErrorIs(t, err, exchanges.ErrKeyCap)
			require.ErrorContains(t, err, "as many as the exchange allows")
			var full, before *exchanges.Error
			require.ErrorAs(t, err, &full)
			require.ErrorAs(t, test.refusal, &before)
			require.Equal(t, before.Code, full.Code)
			require.Equal(t, before.Message, full.Message)
			require.NotErrorIs(t, test.refusal, exchanges.ErrKeyCap, "the refusal itself is as it was")
		})
	}
}

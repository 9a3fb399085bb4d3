package exchanges_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestAsGone(t *testing.T) {
	refused := &exchanges.Error{Kind: exchanges.ErrAuth, Exchange: "okx", Code: "50119", Message: "no such key", Remedy: "check api_key"}
	gone := exchanges.AsGone(refused, "59506", "50119")
	require.EqualError(t, gone, "okx: not found (50119): no such key")
	require.ErrorIs(t, gone, exchanges.ErrNotFound)
	require.ErrorIs(t, refused, exchanges.ErrAuth, "the refusal itself is as it was")
	for _, other := range []error{nil, errors.New("50119"), refused} {
		require.Equal(t, other, exchanges.AsGone(other, "59506"))
	}
}

package exchanges_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestSubAccountNumber(t *testing.T) {
	number, err := exchanges.SubAccountNumber("bybit", exchanges.OpCreateKey, "53888000")
	require.NoError(t, err)
	require.Equal(t, int64(53888000), number)
	for _, name := range []string{"", "desk", "-1", "+1", "1/keys", " 1", "9223372036854775808"} {
		_, err := exchanges.SubAccountNumber("bybit", exchanges.OpCreateKey, name)
		require.ErrorIs(t, err, exchanges.ErrInvalid, name)
	}
	_, err = exchanges.SubAccountNumber("bybit", exchanges.OpCreateKey, "desk")
	require.EqualError(t, err, `bybit: create key: invalid request: "desk" is not a sub-account: they are named by number here; list the numbers with config/NAME/sub-accounts`)
}

package venuetest

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// WalletOf is the wallet with a private key.
func WalletOf(t testing.TB, private string) *venue.Wallet {
	raw, err := hex.DecodeString(strings.TrimPrefix(private, "0x"))
	require.NoError(t, err)
	w := &venue.Wallet{Key: secp256k1.PrivKeyFromBytes(raw)}
	require.Equal(t, private, w.Private())
	return w
}

package rest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// TestSignRaw signs a text as it is, where the config says how, and nowhere else.
func TestSignRaw(t *testing.T) {
	client := &Client{config: Config{Signature: HexHMAC("secret")}}
	signature, err := client.SignRaw("text\n")
	require.NoError(t, err)
	want, err := HexHMAC("secret")("text\n")
	require.NoError(t, err)
	require.Equal(t, want, signature)
	_, err = new(Client).SignRaw("text")
	require.ErrorIs(t, err, exchanges.ErrUnsupported)
}

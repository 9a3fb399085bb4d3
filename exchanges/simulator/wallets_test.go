package simulator

import (
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// startAt starts a simulator with a clock that the caller sets.
func startAt(t *testing.T, at time.Time) (*Simulator, *time.Time) {
	t.Helper()
	s := New(Options{RateMultiplier: 1, Now: func() time.Time { return at }})
	require.NoError(t, s.Start("127.0.0.1", 0))
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, &at
}

// answerTo sends a request and returns the status and body of the answer.
func answerTo(t *testing.T, request *http.Request) (status int, body string) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// walletOf is the wallet with a private key.
func walletOf(t testing.TB, private string) *venue.Wallet {
	raw, err := hex.DecodeString(strings.TrimPrefix(private, "0x"))
	require.NoError(t, err)
	w := &venue.Wallet{Key: secp256k1.PrivKeyFromBytes(raw)}
	require.Equal(t, private, w.Private())
	return w
}

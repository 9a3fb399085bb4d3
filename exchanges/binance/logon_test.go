package binance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// publishedKey is that of the example on Binance's page on FIX
// (https://developers.binance.com/docs/binance-spot-api-docs/fix-api#signature-computation).
const publishedKey = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u\n-----END PRIVATE KEY-----\n"

// TestLogonAsPublished signs the Logon of Binance's own example.
func TestLogonAsPublished(t *testing.T) {
	account, err := New().Open(exchanges.Credential{APIKey: "FAKEKEY", PrivateKey: publishedKey}, exchanges.Options{})
	require.NoError(t, err)
	defer account.Close()
	fields, err := account.(exchanges.LogonSigner).SignLogon(t.Context(), exchanges.Logon{
		SenderCompID: "EXAMPLE", TargetCompID: "SPOT", MsgSeqNum: 1, SendingTime: "20240627-11:17:25.223",
	})
	require.NoError(t, err)
	require.Equal(t, map[int]string{
		34: "1", 49: "EXAMPLE", 52: "20240627-11:17:25.223", 56: "SPOT", 95: "88",
		96:  "4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM+5UdlGPrQHrgtS3CvsRURC1oj73j8gCA==",
		553: "FAKEKEY",
	}, fields)
}

// TestOnlyEd25519OpensSessions refuses keys that Binance would refuse.
func TestOnlyEd25519OpensSessions(t *testing.T) {
	account, err := New().Open(exchanges.Credential{APIKey: "FAKEKEY", APISecret: "FAKE-secret"}, exchanges.Options{BaseURL: "http://127.0.0.1:1"})
	require.NoError(t, err)
	defer account.Close()
	_, err = account.(exchanges.LogonSigner).SignLogon(t.Context(), exchanges.Logon{SenderCompID: "A", TargetCompID: "SPOT", MsgSeqNum: 1, SendingTime: "20240627-11:17:25.223"})
	require.ErrorIs(t, err, exchanges.ErrUnsupported)
	_, err = account.(exchanges.LoginSigner).SignLogin(t.Context(), exchanges.LoginRequest{Channel: channelAPI})
	require.ErrorIs(t, err, exchanges.ErrUnsupported)
	require.True(t, strings.Contains(err.Error(), "ed25519"), err)
}

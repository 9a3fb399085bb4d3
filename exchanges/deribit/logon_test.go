package deribit

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// TestLogon checks the password of a Logon as Deribit's documentation makes it.
func TestLogon(t *testing.T) {
	account, err := New().Open(exchanges.Credential{APIKey: "id", APISecret: "FAKE-secret"}, exchanges.Options{BaseURL: "http://127.0.0.1:1"})
	require.NoError(t, err)
	defer account.Close()
	signer := account.(exchanges.LogonSigner)
	logon := exchanges.Logon{SenderCompID: "DESK", TargetCompID: "DERIBITSERVER", MsgSeqNum: 1, SendingTime: "20240627-11:17:25.223"}

	fields, err := signer.SignLogon(t.Context(), logon)
	require.NoError(t, err)
	raw := fields[exchanges.TagRawData]
	password := sha256.Sum256([]byte(raw + "FAKE-secret"))
	require.Equal(t, base64.StdEncoding.EncodeToString(password[:]), fields[exchanges.TagPassword])
	require.Equal(t, strconv.Itoa(len(raw)), fields[exchanges.TagRawDataLength])
	require.Equal(t, "id", fields[exchanges.TagUsername])
	sent, nonce, _ := strings.Cut(raw, ".")
	at, err := strconv.ParseInt(sent, 10, 64)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), time.UnixMilli(at), time.Minute)
	decoded, err := base64.StdEncoding.DecodeString(nonce)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(decoded), 32)

	again, err := signer.SignLogon(t.Context(), logon)
	require.NoError(t, err)
	require.NotEqual(t, raw, again[exchanges.TagRawData], "no nonce is used twice")
}

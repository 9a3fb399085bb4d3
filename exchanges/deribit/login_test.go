package deribit

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
)

// TestLoginVector compares a login's signature with that of other software, for the
// same nonce.
func TestLoginVector(t *testing.T) {
	logins := exchangetest.ReadLogins(t, name)
	var message struct {
		Params struct{ Nonce, Signature string }
	}
	require.NoError(t, json.Unmarshal(logins.Logins[0].Message, &message))
	signer, err := newSigner(exchanges.Credential{APIKey: logins.APIKey, APISecret: logins.Secret})
	require.NoError(t, err)
	signature, err := signer.signature(loginText(time.UnixMilli(logins.Milliseconds), message.Params.Nonce))
	require.NoError(t, err)
	require.Equal(t, message.Params.Signature, signature)
}

// TestNoLoginAsRequest proves that no request can be had whose body holds the secret.
func TestNoLoginAsRequest(t *testing.T) {
	account, err := New().Open(exchanges.Credential{APIKey: "id", APISecret: "FAKE-secret"}, exchanges.Options{BaseURL: "http://127.0.0.1:1"})
	require.NoError(t, err)
	defer account.Close()
	_, err = account.(exchanges.RequestSigner).SignRequest(t.Context(), exchanges.UserRequest{Method: http.MethodPost, Path: pathOf(methodAuth), Body: []byte("{}")})
	require.ErrorIs(t, err, exchanges.ErrUnsupported)
}

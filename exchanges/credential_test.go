package exchanges_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestCredentialSecrets(t *testing.T) {
	require.Empty(t, exchanges.Credential{APIKey: "key"}.Secrets())
	require.Equal(t, []exchanges.Secret{"a", "b"}, exchanges.Credential{APIKey: "key", APISecret: "a", TOTPSecret: "b"}.Secrets())
	require.Len(t, exchanges.Credential{APISecret: "a", Passphrase: "b", PrivateKey: "c", TOTPSecret: "d", Token: "e"}.Secrets(), 5)
}

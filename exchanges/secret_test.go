package exchanges_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

const canary = exchanges.Secret("canary-0123456789")

func TestSecretIsMasked(t *testing.T) {
	holders := []any{
		canary, []exchanges.Secret{canary}, map[string]exchanges.Secret{"key": canary}, [1]exchanges.Secret{canary},
		exchanges.Credential{APISecret: canary, Passphrase: canary, PrivateKey: canary, TOTPSecret: canary, Token: canary},
		&exchanges.Credential{APISecret: canary}, exchanges.KeyRequest{Passphrase: canary},
		exchanges.Key{APISecret: canary, Passphrase: canary, Token: canary}, &exchanges.KeyRef{Passphrase: canary, Token: canary},
		fmt.Errorf("with %v", canary),
	}
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%c", "%U", "%t", "%e", "%T %v", "%10s", "%-30v", "%.3s"}
	for _, holder := range holders {
		for _, verb := range verbs {
			text := fmt.Sprintf(verb, holder)
			require.NotContains(t, text, "canary", verb)
			require.NotContains(t, text, "can", verb)
			require.NotContains(t, text, "63616e617279", verb) // "canary" in hexadecimal
			require.NotContains(t, text, "63 61 6e", verb)
		}
		encoded, err := json.Marshal(holder)
		require.NoError(t, err)
		require.NotContains(t, string(encoded), "canary")
	}
	require.Equal(t, "[secret]", canary.String())
	require.Equal(t, "[secret]", fmt.Sprint(canary))
	require.Equal(t, "canary-0123456789", canary.Reveal())
}

// A secret is masked only on the way out.
func TestSecretIsRead(t *testing.T) {
	var read struct{ Secret exchanges.Secret }
	require.NoError(t, json.Unmarshal([]byte(`{"Secret":"canary-0123456789"}`), &read))
	require.Equal(t, canary, read.Secret)
}

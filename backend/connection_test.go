package backend

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestSecretsPrintNothing(t *testing.T) {
	c := connection{Credential: credential{APISecret: "canary", PrivateKey: "canary"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, c), "canary")
		require.NotContains(t, fmt.Sprintf(verb, &c.Credential), "canary")
	}
	require.ErrorIs(t, &connectionError{"x", exchanges.ErrAuth}, exchanges.ErrAuth)
}

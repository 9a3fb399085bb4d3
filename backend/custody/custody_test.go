package custody_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/custody"
	"vault-plugin-secrets-exchange/exchanges"
)

func TestSecretComesBackWhole(t *testing.T) {
	var changed []string
	table, storage := custody.New(func(id string) { changed = append(changed, id) }), &logical.InmemStorage{}
	key := exchanges.Key{ID: "17", APIKey: "a", APISecret: "b", Passphrase: "c", Token: "d"}
	require.NoError(t, table.Put(t.Context(), storage, "id", custody.Of(key, "e", "desk")))

	raw, err := storage.Get(t.Context(), "custody/id")
	require.NoError(t, err)
	require.NotNil(t, raw, "not where seal wrapping looks for it")
	found, err := table.Get(t.Context(), storage, "id")
	require.NoError(t, err)
	require.Equal(t, exchanges.Credential{
		APIKey: "a", APISecret: "b", Passphrase: "c", Token: "d", PrivateKey: "e", SubAccount: "desk",
	}, found.Credential())
	require.NoError(t, table.Delete(t.Context(), storage, "id"))
	require.Equal(t, []string{"id", "id"}, changed)
}

func TestSecretPrintsNothing(t *testing.T) {
	secret := custody.Of(exchanges.Key{APIKey: "canary", APISecret: "canary", Passphrase: "canary"}, "canary", "canary")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		require.NotContains(t, fmt.Sprintf(verb, secret), "canary", verb)
		require.NotContains(t, fmt.Sprintf(verb, &secret), "canary", verb)
		require.NotContains(t, fmt.Sprintf(verb, struct{ S custody.Secret }{secret}), "canary", verb)
	}
}

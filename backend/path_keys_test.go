package backend

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

func TestKeysShowTheLedgerWithoutSecrets(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	id := lease.Data["key_id"].(string)

	listed := d.must(logical.ListOperation, "keys/", nil)
	require.Equal(t, []string{id}, listed.Data["keys"])
	require.Equal(t, map[string]any{
		"state": "live", "api_key": lease.Data["api_key"], "connection": "bybit", "sub_account": lease.Data["sub_account"],
		"role": "trader", "display_name": "userpass-ada",
		"created_at": timestamp(d.clock.Now()), "expires_at": lease.Data["expires_at"],
	}, listed.Data["key_info"].(map[string]any)[id])

	shown := d.read("keys/" + id)
	require.Equal(t, "userpass-ada", shown["display_name"])
	require.Equal(t, lease.Data["api_key"], shown["api_key"])
	for field, value := range shown {
		require.NotEqual(t, lease.Data["api_secret"], value, field)
	}

	d.inject("bybit", exchanges.OpDeleteKey, simulator.Error5xx, 0)
	_, err := d.do(logical.DeleteOperation, "keys/"+id, nil)
	require.ErrorContains(t, err, "outcome unknown")
	shown = d.read("keys/" + id)
	require.Equal(t, "revoking", shown["state"])
	require.Equal(t, 1, shown["revoke_attempts"])
	require.Zero(t, shown["revocation_delay"])
	require.NotEmpty(t, shown["last_error"])
	d.sim.ClearFaults()

	d.must(logical.DeleteOperation, "keys/"+id, nil)
	require.Empty(t, d.sim.Keys())
	d.listed()
	require.NoError(t, d.revoke(lease), "the lease finds nothing left to do")
	resp, err := d.do(logical.ReadOperation, "keys/"+id, nil)
	require.NoError(t, err)
	require.Nil(t, resp)
	d.refused(logical.ReadOperation, "keys/not an id", nil, "id", "vault list <mount>/keys")
	d.must(logical.DeleteOperation, "keys/unknown", nil)
}

// TestKeyThatSomebodyIsAtWorkOn: to wait for them in vain is no fault of the engine's.
func TestKeyThatSomebodyIsAtWorkOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.trader()
		id := d.mint("trader").Data["key_id"].(string)
		claim, err := d.engine.ledger.Claim(t.Context(), d.storage, id)
		require.NoError(t, err)
		defer claim.Release()
		_, err = d.do(logical.DeleteOperation, "keys/"+id, nil)
		require.ErrorContains(t, err, "try again")
		var coded logical.HTTPCodedError
		require.ErrorAs(t, err, &coded)
		require.Equal(t, http.StatusServiceUnavailable, coded.Code())
	})
}

func TestKeyIsLookedUpByItsAPIKey(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")
	lease := d.mint("trader")
	lookUp := func(apiKey any) map[string]any {
		t.Helper()
		return d.must(logical.UpdateOperation, "keys/lookup", map[string]any{"api_key": apiKey}).Data
	}
	require.Equal(t, d.read("keys/"+lease.Data["key_id"].(string)), lookUp(lease.Data["api_key"]))
	require.Equal(t, lease.Data["key_id"], lookUp(lease.Data["api_key"].(string) + "\n")["key_id"])

	d.inject("bybit", exchanges.OpDeleteKey, simulator.Error5xx, 0)
	require.Error(t, d.revoke(lease))
	require.Equal(t, "revoking", lookUp(lease.Data["api_key"])["state"])
	d.sim.ClearFaults()
	require.NoError(t, d.revoke(lease))

	for _, apiKey := range []any{lease.Data["api_key"], lease.Data["key_id"], "nobody's"} {
		_, err := d.do(logical.UpdateOperation, "keys/lookup", map[string]any{"api_key": apiKey})
		var coded logical.HTTPCodedError
		require.ErrorAs(t, err, &coded)
		require.Equal(t, http.StatusNotFound, coded.Code())
	}
	d.refused(logical.UpdateOperation, "keys/lookup", map[string]any{"api_key": " "}, "api_key", "missing")
	d.refused(logical.UpdateOperation, "keys/lookup", nil, "api_key", "missing")
	d.keptSecrets()
}

func TestStrayIsLookedUpByItsIDAtTheExchange(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	require.NoError(t, ledgerTable().Delete(t.Context(), d.storage, lease.Data["key_id"].(string)))
	d.start()
	d.inject("bybit", exchanges.OpDeleteKey, simulator.Error5xx, 0)
	d.write("config/bybit/reconcile", map[string]any{"dry_run": false})
	found := d.must(logical.UpdateOperation, "keys/lookup", map[string]any{"api_key": lease.Data["api_key"]}).Data
	require.Equal(t, "stray", found["cause"])
}

func TestInfo(t *testing.T) {
	d := newDesk(t)
	info := d.read("info")
	require.Equal(t, "v1.2.3", info["version"])
	require.Equal(t, d.must(logical.ListOperation, "exchanges/", nil).Data["keys"], info["exchanges"])
	require.Equal(t, d.engine.tag, info["label_tag"])
}

func TestEveryPathHelpsAndDeclaresItself(t *testing.T) {
	d := newDesk(t)
	for _, path := range d.engine.Paths {
		require.NotEmpty(t, path.HelpSynopsis, path.Pattern)
		require.NotEmpty(t, path.HelpDescription, path.Pattern)
		require.NotNil(t, path.DisplayAttrs, path.Pattern)
		require.Equal(t, operationPrefix, path.DisplayAttrs.OperationPrefix, path.Pattern)
		require.NotEmpty(t, path.DisplayAttrs.OperationSuffix, path.Pattern)
		for name, field := range path.Fields {
			require.NotEmpty(t, field.Description, "%s: %s", path.Pattern, name)
		}
		for operation, handler := range path.Operations {
			require.NotEmpty(t, handler.Properties().Summary, "%s %s", operation, path.Pattern)
			require.NotEmpty(t, handler.Properties().Responses, "%s %s", operation, path.Pattern)
		}
	}
	resp, err := d.engine.HandleRequest(t.Context(), d.request(logical.HelpOperation, "", nil))
	require.NoError(t, err)
	require.Contains(t, resp.Data["help"], "exchange secrets engine")
	require.ElementsMatch(t, []string{"config/", "key/", "custody/"}, d.engine.PathsSpecial.SealWrapStorage)
}

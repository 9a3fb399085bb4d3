package backend

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// forget asks for a key to be forgotten.
func (d *desk) forget(id string) *logical.Response {
	d.Helper()
	return d.write("keys/"+id+"/forget", nil)
}

// TestKeyThatCannotBeDeletedIsForgotten without proof: nothing is asked of the exchange,
// the answer says how to look for the key, and the log who gave it up.
func TestKeyThatCannotBeDeletedIsForgotten(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	id := lease.Data["key_id"].(string)
	forget := "keys/" + id + "/forget"
	d.refused(logical.UpdateOperation, forget, nil, "tried and has failed", "vault delete <mount>/keys/"+id)
	d.inject("bybit", exchanges.OpDeleteKey, simulator.Error5xx, 0)
	require.Error(t, d.revoke(lease))

	known, calls := d.read("keys/"+id), d.sim.Calls("bybit", exchanges.OpAny)
	d.failWrites(allWrites, errors.New("storage is full"))
	_, err := d.do(logical.UpdateOperation, forget, nil)
	require.ErrorContains(t, err, "storage is full")
	d.failWrites(noWrites, nil)
	require.Len(t, d.ledgerIDs(), 1)

	resp := d.forget(id)
	require.Equal(t, known, resp.Data)
	require.Len(t, resp.Warnings, 2)
	for _, words := range []string{"nobody has proved", lease.Data["api_key"].(string), known["label"].(string), "website of Bybit", known["sub_account"].(string), "config/bybit/reconcile"} {
		require.Contains(t, resp.Warnings[0], words)
	}
	require.Contains(t, resp.Warnings[1], "may still use it")
	require.Equal(t, calls, d.sim.Calls("bybit", exchanges.OpAny))
	require.Empty(t, d.ledgerIDs())
	require.Len(t, d.sim.Keys(), 1, "it is still there")
	for _, words := range []string{
		"[WARN]", loggedForgotten, "key_id=" + id, "role=trader", "connection=bybit", "sub_account=" + known["sub_account"].(string), "display_name=userpass-ada", "entity_id=entity-1",
	} {
		require.Contains(t, d.log.String(), words)
	}
	require.NotContains(t, d.log.String(), loggedGone)

	_, err = d.do(logical.UpdateOperation, forget, nil)
	var coded logical.HTTPCodedError
	require.ErrorAs(t, err, &coded)
	require.Equal(t, http.StatusNotFound, coded.Code())
	d.refused(logical.UpdateOperation, "keys/not an id/forget", nil, "id", "vault list <mount>/keys")
	d.start()
	d.sweep()
	require.Empty(t, d.ledgerIDs())
	d.keptSecrets()
}

// A connection that holds nothing but what was forgotten can be deleted.
func TestForgottenKeyFreesItsConnection(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.inject("bybit", exchanges.OpCreateKey, simulator.DropAfterCommit, 1)
	_, err := d.do(logical.ReadOperation, "creds/trader", nil)
	require.Error(t, err)
	id := d.ledgerIDs()[0]
	d.write("config/bybit/revoke-all", nil)
	d.inject("bybit", exchanges.OpListKeys, simulator.Error5xx, 0)
	_, err = d.do(logical.DeleteOperation, "keys/"+id, nil)
	require.Error(t, err)
	d.refused(logical.UpdateOperation, "keys/"+id+"/forget", nil, "2m0s after it was asked for")
	d.clock.advance(ledger.PendingGrace)
	d.sweep()
	require.Equal(t, ledger.Pending, d.entry(id).State)

	resp := d.forget(id)
	require.Len(t, resp.Warnings, 1, "nobody got it")
	require.Contains(t, resp.Warnings[0], fmt.Sprint("the label ", resp.Data["label"]))
	require.EqualValues(t, 0, d.read("config/bybit/revoke-all")["keys_left"])
	d.must(logical.DeleteOperation, "config/bybit", nil)
}

// A deletion asks the exchange, whatever it is given: what forgets is a path of its own,
// which a policy can tell apart.
func TestDeletionForgetsNothing(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.refused(logical.DeleteOperation, "keys/"+lease.Data["key_id"].(string), map[string]any{"forget": true}, "forget", "not a field")
	require.Len(t, d.ledgerIDs(), 1)
}

package backend

import (
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// rotating is an exchange whose API can replace a root key.
const rotating = "deribit"

func TestRotateRootReplacesTheKeyAndDeletesTheOld(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	d.write("roles/r", map[string]any{
		"connection": rotating, "sub_accounts": d.sim.Exchange(rotating).SubAccounts[0], "scopes": "read",
	})
	lease := d.mint("r")
	before := d.read("config/" + rotating)["api_key"]

	answer := d.write("config/"+rotating+"/rotate-root", nil).Data
	require.Equal(t, true, answer["old_deleted"])
	require.NotEqual(t, before, answer["api_key"])
	require.Equal(t, answer["api_key"], d.read("config/" + rotating)["api_key"])
	require.NoError(t, d.revoke(lease), "a key of the old root is deleted with the new one")
	d.mint("r")
}

func TestRotateRootKeepsTheOldKeyIfTheNewOneCannotBeStored(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	before := d.read("config/" + rotating)["api_key"]
	d.storage.failing(func(call, _ string) error {
		if call == "put" {
			return errors.New("storage is full")
		}
		return nil
	})
	_, err := d.do(logical.UpdateOperation, "config/"+rotating+"/rotate-root", nil)
	require.ErrorContains(t, err, "storage is full")
	d.storage.failing(nil)
	require.Equal(t, before, d.read("config/" + rotating)["api_key"])
	require.Equal(t, true, d.read("config/" + rotating + "/check")["can_mint"])
	require.Len(t, d.sim.Deletions(rotating), 1, "the new root key is deleted")
}

func TestSupersededRootKeyIsDeletedLater(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	d.inject(rotating, exchanges.OpDeleteKey, simulator.Error5xx, 0)
	answer := d.write("config/"+rotating+"/rotate-root", nil).Data
	require.Equal(t, false, answer["old_deleted"])
	d.refused(logical.UpdateOperation, "config/"+rotating+"/rotate-root", nil, "not deleted yet")
	d.sim.ClearFaults()
	d.sweep()
	d.eventually("the old root key is deleted", func() bool { return len(d.sim.Deletions(rotating)) == 1 })
}

func TestRotationPeriod(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, map[string]any{"rotation_period": "24h"})
	before := d.read("config/" + rotating)["api_key"]
	d.clock.advance(23 * time.Hour)
	d.sweep()
	d.engine.rotator.stop()
	require.Equal(t, before, d.read("config/" + rotating)["api_key"])
	d.start()
	d.clock.advance(time.Hour)
	d.sweep()
	d.eventually("the root key is replaced", func() bool { return d.read("config/" + rotating)["api_key"] != before })
	d.refused(logical.UpdateOperation, "config/"+rotating, map[string]any{"rotation_period": "1m"}, "rotation_period", "at least")
}

func TestRotateRootWhereTheExchangeCannot(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	d.refused(logical.UpdateOperation, "config/bybit/rotate-root", nil, "Bybit", "website")
	d.refused(logical.UpdateOperation, "config/none/rotate-root", nil, "none")
	d.refused(logical.UpdateOperation, "config/bybit", map[string]any{"rotation_period": "24h"}, "rotation_period", "by hand")
}

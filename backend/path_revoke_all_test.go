package backend

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// pool mints n keys of a role without addresses.
func (d *desk) pool(n int) []*logical.Response {
	d.Helper()
	d.connect("bybit", nil)
	d.write("roles/pool", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts, "scopes": "read", "ttl": "1h",
	})
	leases := make([]*logical.Response, n)
	for i := range leases {
		leases[i] = d.mint("pool")
	}
	return leases
}

// TestTheKillSwitchNeedsOneWrite: whatever storage refuses after that, each key is
// doomed, and no damaged entry stands in the way of the others.
func TestTheKillSwitchNeedsOneWrite(t *testing.T) {
	d := newDesk(t)
	leases := d.pool(40)
	stubborn := ledger.Prefix + leases[3].Data["key_id"].(string)
	d.storage.failing(func(call, key string) error {
		if call == "put" && key == stubborn {
			return errors.New("storage is out of order")
		}
		return nil
	})
	_, writes := d.storage.counted(func() {
		require.NoError(t, d.engine.ledger.Throw(t.Context(), d.storage, ledger.OfRole, "pool"))
	})
	require.Equal(t, 1, writes)

	d.must(logical.UpdateOperation, "roles/pool/revoke-all", nil)
	d.eventually("all other keys are gone", func() bool { return len(d.sim.Keys()) == 1 })
	resp, err := d.leaseAnswer(logical.RenewOperation, leases[3], 0)
	require.NoError(t, err)
	require.ErrorContains(t, resp.Error(), "revoked", "it is doomed, though that could not be written")
	d.storage.failing(nil)
	d.eventually("the last key is gone too", func() bool {
		d.tick()
		return len(d.ledgerIDs()) == 0
	})
	require.Empty(t, d.sim.Keys())
}

// TestTheKillSwitchSurvivesARestart: the keys are doomed by what is stored, though
// the process died before the first was deleted, and whatever the clock says.
func TestTheKillSwitchSurvivesARestart(t *testing.T) {
	for name, kind := range map[string]ledger.Kind{"bybit": ledger.OfConnection, "pool": ledger.OfRole} {
		t.Run(string(kind), func(t *testing.T) {
			d := newDesk(t)
			d.pool(3)
			require.NoError(t, d.engine.ledger.Throw(t.Context(), d.storage, kind, name))
			d.clock.jump(-24 * time.Hour)
			d.start()
			d.refused(logical.ReadOperation, "creds/pool", nil, "kill switch")
			d.tick()
			require.Empty(t, d.sim.Keys())
			require.Empty(t, d.ledgerIDs())
		})
	}
}

// TestNothingResetsAKillSwitch: not the deletion of the role, nor a write of it, nor
// of the connection; a DELETE of the switch does, and leaves doomed what was.
func TestNothingResetsAKillSwitch(t *testing.T) {
	d := newDesk(t)
	d.pool(2)
	d.write("config/bybit", map[string]any{"frozen": "all"})
	d.must(logical.UpdateOperation, "roles/pool/revoke-all", nil)
	d.eventually("the freeze holds the deletions back", func() bool { return d.read("roles/pool/revoke-all")["failing"] == 2 })
	shown := d.read("roles/pool/revoke-all")
	require.Equal(t, true, shown["on"])
	require.NotEmpty(t, shown["since"])
	require.Equal(t, 2, shown["keys_left"])
	require.Contains(t, shown["last_error"], "frozen=all")

	d.must(logical.DeleteOperation, "roles/pool", nil)
	d.must(logical.UpdateOperation, "roles/pool/revoke-all", nil) // Its keys are still there.
	d.write("roles/pool", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "read", "disabled": false,
	})
	d.write("config/bybit", map[string]any{"frozen": "no"})
	made := d.sim.Calls("bybit", exchanges.OpCreateKey)
	d.refused(logical.ReadOperation, "creds/pool", nil, "kill switch", "roles/pool/revoke-all")
	require.Equal(t, made, d.sim.Calls("bybit", exchanges.OpCreateKey), "the exchange is not even asked")

	d.must(logical.DeleteOperation, "roles/pool/revoke-all", nil)
	require.Equal(t, false, d.read("roles/pool/revoke-all")["on"])
	kept := d.mint("pool")
	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Len(t, d.sim.Keys(), 1, "what was doomed stays doomed")
	require.Equal(t, kept.Data["api_key"], d.sim.Keys()[0].APIKey)
}

func TestAKillSwitchOfNothingIsRefused(t *testing.T) {
	d := newDesk(t)
	d.refused(logical.UpdateOperation, "roles/nobody/revoke-all", nil, "name", "nobody", "no key")
	d.refused(logical.UpdateOperation, "config/nowhere/revoke-all", nil, "name", "nowhere", "no key")
	require.Equal(t, 0, d.read("roles/nobody/revoke-all")["keys_left"])
}

// TestADoomedKeyIsNotRenewed: neither while the switch is on nor once it is lifted.
func TestADoomedKeyIsNotRenewed(t *testing.T) {
	d := newDesk(t)
	lease := d.pool(1)[0]
	d.write("config/bybit", map[string]any{"frozen": "all"})
	require.NoError(t, d.engine.ledger.Throw(t.Context(), d.storage, ledger.OfRole, "pool"))
	require.NoError(t, d.engine.ledger.Lift(t.Context(), d.storage, ledger.OfRole, "pool"))
	d.write("config/bybit", map[string]any{"frozen": "no"})
	resp, err := d.leaseAnswer(logical.RenewOperation, lease, 0)
	require.NoError(t, err)
	require.ErrorContains(t, resp.Error(), "revoked")
}

func TestRevokeAllEmptiesAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.connect("bybit", nil)
		d.write("roles/pool", map[string]any{
			"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts, "scopes": "read", "ttl": "1h",
		})
		const keys = 60
		for range keys {
			d.mint("pool")
		}
		d.inject("bybit", exchanges.OpDeleteKey, simulator.RateLimit, 2)
		left := d.must(logical.UpdateOperation, "config/bybit/revoke-all", nil).Data["keys_left"].(int)
		require.LessOrEqual(t, left, keys)
		d.refused(logical.ReadOperation, "creds/pool", nil, "kill switch", "config/bybit/revoke-all")
		d.eventually("all keys are gone", func() bool {
			return d.read("config/bybit/revoke-all")["keys_left"] == 0
		})
		require.Empty(t, d.sim.Keys())
		require.Empty(t, d.ledgerIDs())
		d.refused(logical.UpdateOperation, "config/none/revoke-all", nil, "none")
	})
}

func TestRevokeAllOfARoleLeavesOthersAlone(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.write("roles/reader", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "read",
	})
	d.mint("trader")
	kept := d.mint("reader")
	d.must(logical.UpdateOperation, "roles/trader/revoke-all", nil)
	d.eventually("the role's keys are gone", func() bool { return d.read("roles/trader/revoke-all")["keys_left"] == 0 })
	require.Len(t, d.sim.Keys(), 1)
	require.Equal(t, kept.Data["api_key"], d.sim.Keys()[0].APIKey)
	require.Equal(t, true, d.read("roles/trader/revoke-all")["on"])
	require.Equal(t, false, d.read("roles/trader")["disabled"], "only a write that names it changes it")
	d.mint("reader")
	d.refused(logical.UpdateOperation, "roles/gone/revoke-all", nil, "gone", "no key")
}

func TestRevokeAllHeldBackByAFreezeGoesOnAfterwards(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")
	d.write("config/bybit", map[string]any{"frozen": "all"})
	d.must(logical.UpdateOperation, "config/bybit/revoke-all", nil)
	d.eventually("the drainer has given up", func() bool {
		return d.entry(d.ledgerIDs()[0]).Attempts > 0
	})
	require.Len(t, d.sim.Keys(), 1)
	require.Equal(t, "all", d.read("config/bybit")["frozen"], "the kill switch does not loosen a freeze")
	d.write("config/bybit", map[string]any{"frozen": "minting"})
	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Empty(t, d.sim.Keys())
}

// TestAThousandKeysLeaveAtTheExchangesRate empties forty sub-accounts through
// the paced queue while mints are refused. The documented limits are multiplied
// to make it short.
func TestAThousandKeysLeaveAtTheExchangesRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const keys, faster = 1000, 60
		d := newBubbleDesk(t, "binance")
		d.connect("binance", nil)
		d.write("roles/pool", map[string]any{
			"connection": "binance", "sub_accounts": d.sim.AddSubAccounts("binance", 40), "scopes": "read", "ttl": "1h",
		})
		for range keys {
			d.mint("pool")
		}
		d.write("config/binance", map[string]any{"rate_multiplier": faster})
		began := time.Now()
		d.must(logical.UpdateOperation, "config/binance/revoke-all", nil)
		d.refused(logical.ReadOperation, "creds/pool", nil, "kill switch")
		left := keys
		require.Eventually(t, func() bool {
			now := d.read("config/binance/revoke-all")["keys_left"].(int)
			require.LessOrEqual(t, now, left, "no key comes in")
			left = now
			return left == 0
		}, 3*time.Minute, 50*time.Millisecond)
		rate := keys / time.Since(began).Seconds()
		require.Empty(t, d.sim.Keys())
		require.Len(t, d.sim.Deletions("binance"), keys, "each was deleted once")
		t.Logf("%.1f deletions a second of the %d that are allowed", rate, faster)
	})
}

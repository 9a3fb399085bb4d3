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

// renewAsVault renews a lease and works out its end as Vault does (framework.CalculateTTL): it grants what the
// client asks for, up to the maximum that the engine returns, from when the lease was
// issued.
func (d *desk) renewAsVault(lease *logical.Response, issued time.Time, increment time.Duration) time.Time {
	d.Helper()
	lease.Secret.IssueTime = issued
	resp, err := d.leaseAnswer(logical.RenewOperation, lease, increment)
	require.NoError(d, err)
	require.False(d, resp.IsError(), "%v", resp)
	granted := resp.Secret.TTL
	if increment > 0 {
		granted = increment
	}
	return d.clock.Now().Add(min(granted, issued.Add(resp.Secret.MaxTTL).Sub(d.clock.Now())))
}

// TestARenewedLeaseEndsWithItsKey: whatever increment the client asks for, and however
// the limits have tightened since, lease and ledger end at the same time.
func TestARenewedLeaseEndsWithItsKey(t *testing.T) {
	for _, increment := range []time.Duration{0, time.Minute, 45 * time.Minute, 12 * time.Hour} {
		for name, tighten := range map[string]func(*desk){
			"as it was": func(*desk) {},
			"role": func(d *desk) {
				d.must(logical.PatchOperation, "roles/pool", map[string]any{"max_ttl": "90m", "ttl": "10m"})
			},
			"connection": func(d *desk) {
				d.must(logical.PatchOperation, "roles/pool", map[string]any{"max_ttl": "80m"})
				d.write("config/bybit", map[string]any{"max_ttl": "80m"})
			},
			"mount": func(d *desk) { d.system.MaxLeaseTTLVal = 70 * time.Minute },
		} {
			t.Run(name+" "+increment.String(), func(t *testing.T) {
				d := newDesk(t)
				d.connect("bybit", nil)
				d.write("roles/pool", map[string]any{
					"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "read", "ttl": "1h", "max_ttl": "4h",
				})
				d.midway(func() { d.clock.advance(40 * time.Second) })
				lease := d.mint("pool")
				issued := d.clock.Now()
				d.clock.advance(30 * time.Minute)
				tighten(d)
				end := d.renewAsVault(lease, issued, increment)
				require.WithinDuration(t, end, d.entry(lease.Data["key_id"].(string)).Expires, time.Second)
			})
		}
	}
}

// TestARoleThatMovedRenewsNothing: its keys are in sub-accounts that it does not name
// any more.
func TestARoleThatMovedRenewsNothing(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.must(logical.PatchOperation, "roles/trader", map[string]any{"sub_accounts": d.sim.Exchange("bybit").SubAccounts[1]})
	resp, err := d.leaseAnswer(logical.RenewOperation, lease, 0)
	require.NoError(t, err)
	require.ErrorContains(t, resp.Error(), "moved to other sub-accounts")
}

// TestTheExchangesOwnEndCoversTheWait: where keys end by themselves, one whose mint
// had to wait does not end before its lease.
func TestTheExchangesOwnEndCoversTheWait(t *testing.T) {
	for _, exchange := range []string{"hyperliquid", "orderly"} {
		t.Run(exchange, func(t *testing.T) {
			d := newDesk(t)
			d.connect(exchange, map[string]any{"allowed_scopes": "read,trade,transfer", "require_ip_allowlist": false})
			scopes := "read"
			if exchange == "hyperliquid" {
				scopes = "trade,transfer"
			}
			d.write("roles/r", map[string]any{
				"connection": exchange, "sub_accounts": d.sim.Exchange(exchange).SubAccounts[0], "scopes": scopes,
				"ttl": "1h", "max_ttl": "1h", "max_wait": "60s",
			})
			d.midway(func() { d.clock.advance(60 * time.Second) })
			lease := d.mint("r")
			account, err := d.engine.connections.get(t.Context(), d.storage, exchange)
			require.NoError(t, err)
			listed, err := account.account.ListKeys(t.Context(), d.sim.Exchange(exchange).SubAccounts[0])
			require.NoError(t, err)
			require.Len(t, listed, 1)
			require.False(t, listed[0].ExpiresAt.IsZero())
			require.False(t, listed[0].ExpiresAt.Before(d.clock.Now().Add(lease.Secret.TTL)))
		})
	}
}

// TestRevokingWhatIsGoneLeavesNoGhost: the leases of keys that a kill switch has
// deleted are revoked later, perhaps while the exchange is down.
func TestRevokingWhatIsGoneLeavesNoGhost(t *testing.T) {
	d := newDesk(t)
	leases := d.pool(3)
	d.must(logical.UpdateOperation, "roles/pool/revoke-all", nil)
	d.eventually("the keys are gone", func() bool { return len(d.ledgerIDs()) == 0 })
	d.start() // A new process remembers nothing.
	d.inject("bybit", exchanges.OpAny, simulator.Error5xx, 0)
	require.Error(t, d.revoke(leases[0]), "nobody can say that it is gone")
	require.Empty(t, d.ledgerIDs())
	d.sim.ClearFaults()
	d.listed()
	for _, lease := range leases {
		require.NoError(t, d.revoke(lease))
	}
	require.Empty(t, d.ledgerIDs())
}

// TestAKeyThatTheLedgerLostIsTakenBack: storage was restored from before it was
// minted, and its deletion fails: the sweeper goes on with it.
func TestAKeyThatTheLedgerLostIsTakenBack(t *testing.T) {
	d := newDesk(t)
	lease := d.pool(1)[0]
	require.NoError(t, ledgerTable().Delete(t.Context(), d.storage, lease.Data["key_id"].(string)))
	d.start()
	d.inject("bybit", exchanges.OpDeleteKey, simulator.DeleteLies, 0)
	require.Error(t, d.revoke(lease))
	require.Equal(t, []string{lease.Data["key_id"].(string)}, d.ledgerIDs())
	require.Equal(t, d.sim.Keys()[0].Label, d.entry(d.ledgerIDs()[0]).Label)
	d.sim.ClearFaults()
	d.clock.advance(10 * time.Minute)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

// TestALeaseHasThePassphraseThatDeletionTakes: without the ledger's entry, nobody else does.
func TestALeaseHasThePassphraseThatDeletionTakes(t *testing.T) {
	d := newDesk(t)
	d.connect("kucoin", nil)
	d.write("roles/reader", map[string]any{"connection": "kucoin", "sub_accounts": d.sim.Exchange("kucoin").SubAccounts[0], "scopes": "read"})
	lease := d.mint("reader")
	require.NoError(t, ledgerTable().Delete(t.Context(), d.storage, lease.Data["key_id"].(string)))
	d.start()
	require.NoError(t, d.revoke(lease))
	require.Empty(t, d.keysAt())
}

func TestRenewMovesTheLedgerFirst(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	id := lease.Data["key_id"].(string)
	d.clock.advance(5 * time.Minute)

	resp, err := d.leaseAnswer(logical.RenewOperation, lease, 20*time.Minute)
	require.NoError(t, err)
	require.False(t, resp.IsError(), "%v", resp)
	require.Equal(t, 20*time.Minute, resp.Secret.TTL)
	require.WithinDuration(t, d.clock.Now().Add(20*time.Minute), d.entry(id).Expires, time.Second)

	resp, err = d.leaseAnswer(logical.RenewOperation, lease, 5*time.Hour)
	require.NoError(t, err)
	require.Equal(t, 55*time.Minute, resp.Secret.TTL, "the hard limit stands")

	d.storage.failing(func(call, _ string) error {
		if call == "put" {
			return errors.New("storage is full")
		}
		return nil
	})
	_, err = d.leaseAnswer(logical.RenewOperation, lease, time.Minute)
	require.ErrorContains(t, err, "storage is full", "what the ledger does not hold is not promised")
	d.storage.failing(nil)

	d.clock.advance(time.Hour)
	resp, err = d.leaseAnswer(logical.RenewOperation, lease, time.Minute)
	require.NoError(t, err)
	require.True(t, resp.IsError())
}

func TestRenewAsksTheRoleAgain(t *testing.T) {
	for name, tighten := range map[string]func(d *desk){
		"role disabled":    func(d *desk) { d.must(logical.PatchOperation, "roles/trader", map[string]any{"disabled": true}) },
		"role deleted":     func(d *desk) { d.must(logical.DeleteOperation, "roles/trader", nil) },
		"scope taken away": func(d *desk) { d.must(logical.PatchOperation, "roles/trader", map[string]any{"scopes": "read"}) },
		"address taken away": func(d *desk) {
			d.must(logical.PatchOperation, "roles/trader", map[string]any{"ip_allowlist": "203.0.113.7"})
		},
		"connection frozen":     func(d *desk) { d.write("config/bybit", map[string]any{"frozen": "minting"}) },
		"scope not allowed":     func(d *desk) { d.write("config/bybit", map[string]any{"allowed_scopes": "read"}) },
		"sub-account forbidden": func(d *desk) { d.write("config/bybit", map[string]any{"allowed_sub_accounts": "nobody"}) },
		"role forbidden":        func(d *desk) { d.write("config/bybit", map[string]any{"allowed_roles": "other-*"}) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.trader()
			lease := d.mint("trader")
			require.NoError(t, d.lease(logical.RenewOperation, lease))
			tighten(d)
			resp, err := d.leaseAnswer(logical.RenewOperation, lease, 0)
			require.NoError(t, err)
			require.True(t, resp.IsError(), "renewed all the same")
			require.NoError(t, d.revoke(lease))
			require.Empty(t, d.sim.Keys())
		})
	}
}

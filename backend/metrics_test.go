package backend

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// Vault would answer 500 if there were nothing to say.
func TestMetricsOfAnIdleMount(t *testing.T) {
	text := newDesk(t).metrics()
	require.Contains(t, text, `exchange_build_info{commit="abc",version="v1.2.3"} 1`)
	require.Contains(t, text, "exchange_unreadable_entries 0")
	require.NotContains(t, text, "exchange_free_slots")
}

func TestMetricsTellFreeSlots(t *testing.T) {
	d := newDesk(t)
	subAccounts := d.sim.Exchange("bybit").SubAccounts
	d.connect("bybit", map[string]any{"max_keys_per_sub_account": 2})
	for role, pool := range map[string]any{"pool": subAccounts[:2], "idle": subAccounts[2:]} {
		d.write("roles/"+role, map[string]any{"connection": "bybit", "sub_accounts": pool, "scopes": "read"})
	}
	d.connect("kucoin", nil)
	require.NotContains(t, d.metrics(), "exchange_free_slots", "nothing is in use")
	lease := d.mint("pool")
	free := func(subAccount string, slots int) string {
		return fmt.Sprintf("exchange_free_slots{connection=%q,sub_account=%q} %d\n", "bybit", subAccount, slots)
	}
	used, empty := subAccounts[0], subAccounts[1]
	if lease.Data["sub_account"] != used {
		used, empty = empty, used
	}
	calls := d.sim.Calls("bybit", exchanges.OpAny)
	text := d.metrics()
	require.Contains(t, text, free(used, 1))
	require.Contains(t, text, free(empty, 2), "the next key goes there")
	require.NotContains(t, text, free(subAccounts[2], 2))
	require.Equal(t, calls, d.sim.Calls("bybit", exchanges.OpAny), "no exchange is asked")

	d.write("config/bybit", map[string]any{"max_keys_per_sub_account": 1})
	require.Contains(t, d.metrics(), free(used, 0))
	d.mint("pool")
	require.Contains(t, d.metrics(), free(empty, 0))
	d.write("config/bybit", map[string]any{"max_keys_per_sub_account": 0})
	require.NotContains(t, d.metrics(), "exchange_free_slots", "without a cap")

	d.write("config/bybit", map[string]any{"max_keys_per_sub_account": 3})
	d.must(logical.DeleteOperation, "roles/pool", nil)
	d.storage.failing(func(string, string) error { return errors.New("storage is down") })
	require.NotContains(t, d.metrics(), "exchange_free_slots", "what cannot be read is left out")
	d.storage.failing(nil)
	require.Contains(t, d.metrics(), free(used, 2), "a role that is gone is left out")
	d.keptSecrets()
}

// One key that can never be deleted hides how late the others are, but not how many.
func TestMetricsCountOverdueKeys(t *testing.T) {
	d := newDesk(t)
	d.trader()
	overdue := func(keys int) string { return fmt.Sprintf("exchange_overdue_keys{connection=\"bybit\"} %d\n", keys) }
	leases := []*logical.Response{d.mint("trader"), d.mint("trader"), d.mint("trader")}
	require.Contains(t, d.metrics(), overdue(0))
	d.inject("bybit", exchanges.OpDeleteKey, simulator.Error5xx, 0)
	for i, lease := range leases[:2] {
		require.Error(t, d.revoke(lease))
		d.clock.advance(time.Minute)
		require.Contains(t, d.metrics(), overdue(i+1))
	}
	require.Contains(t, d.metrics(), "exchange_overdue_seconds{connection=\"bybit\"} 120\n")
	d.sim.ClearFaults()
	require.NoError(t, d.revoke(leases[0]))
	require.Contains(t, d.metrics(), overdue(1))
	d.clock.advance(leases[2].Secret.TTL)
	require.Contains(t, d.metrics(), overdue(2), "the third lease has ended, and nobody has asked")
	d.sweep()
	require.NotContains(t, d.metrics(), "exchange_overdue_keys", "there are no keys")
}

// A place is one, however a role spells it.
func TestFreeSlotsAreCountedByTheOneSpelling(t *testing.T) {
	d := newDesk(t)
	d.connect("hyperliquid", map[string]any{"max_keys_per_sub_account": 2})
	account := d.sim.Exchange("hyperliquid").SubAccounts[0]
	d.write("config/hyperliquid", map[string]any{"allowed_scopes": "read,trade,transfer", "require_ip_allowlist": false})
	d.write("roles/agent", map[string]any{
		"connection": "hyperliquid", "sub_accounts": "0x" + strings.ToUpper(account[2:]), "scopes": "trade,transfer",
	})
	d.mint("agent")
	text := d.metrics()
	require.Contains(t, text, fmt.Sprintf("exchange_free_slots{connection=%q,sub_account=%q} 1\n", "hyperliquid", strings.ToLower(account)))
	require.Equal(t, 1, strings.Count(text, "\nexchange_free_slots{"))
}

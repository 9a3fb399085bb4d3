package backend

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// logged are the lines of the log at info that say so, without the time.
func (d *desk) logged(what string) []string {
	var lines []string
	for line := range strings.Lines(d.log.String()) {
		if _, said, ok := strings.Cut(line, "[INFO]  "+what+": "); ok {
			lines = append(lines, strings.TrimSpace(said))
		}
	}
	return lines
}

func TestLogSaysWhenAKeyCameAndWent(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	key := fmt.Sprintf("key_id=%s role=trader connection=bybit sub_account=%s", lease.Data["key_id"], lease.Data["sub_account"])
	require.Equal(t, []string{key + " expires_at=" + lease.Data["expires_at"].(string)}, d.logged(loggedMinted))
	require.Empty(t, d.logged(loggedRenewed))

	d.clock.advance(time.Minute)
	require.NoError(t, d.lease(logical.RenewOperation, lease))
	require.Equal(t, []string{key + " expires_at=" + timestamp(d.entry(lease.Data["key_id"].(string)).Expires)}, d.logged(loggedRenewed))

	d.inject("bybit", exchanges.OpDeleteKey, simulator.DeleteLies, 1)
	require.Error(t, d.revoke(lease))
	require.Empty(t, d.logged(loggedGone), "it is not proved gone")
	require.Equal(t, "lease ended", d.read("keys/" + lease.Data["key_id"].(string))["cause"])
	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Equal(t, []string{key + ` cause="lease ended"`}, d.logged(loggedGone), "whoever deletes it, the cause stays")
	require.Len(t, d.logged(loggedMinted), 1)
	d.keptSecrets()
}

func TestLogSaysWhyAKeyWent(t *testing.T) {
	for cause, end := range map[string]func(*desk, *logical.Response){
		causeLeaseEnded: func(d *desk, lease *logical.Response) { require.NoError(d, d.revoke(lease)) },
		causeLeaseOver: func(d *desk, _ *logical.Response) {
			d.clock.advance(10*time.Minute + ledger.LeaseGrace)
			d.sweep()
		},
		causeByHand: func(d *desk, lease *logical.Response) {
			d.must(logical.DeleteOperation, "keys/"+lease.Data["key_id"].(string), nil)
		},
		causeKillSwitch: func(d *desk, _ *logical.Response) {
			d.write("roles/trader/revoke-all", nil)
			d.sweep()
		},
		causeConnectionDeleted: func(d *desk, _ *logical.Response) {
			d.must(logical.DeleteOperation, "config/bybit", map[string]any{"force": true})
		},
		causeStray: func(d *desk, lease *logical.Response) {
			require.NoError(d, ledgerTable().Delete(d.Context(), d.storage, lease.Data["key_id"].(string)))
			d.start()
			d.write("config/bybit/reconcile", map[string]any{"dry_run": false})
			d.sweep()
		},
	} {
		t.Run(cause, func(t *testing.T) {
			d := newDesk(t)
			d.trader()
			end(d, d.mint("trader"))
			d.eventually("the key is gone", func() bool { return len(d.logged(loggedGone)) > 0 })
			require.Empty(t, d.sim.Keys())
			require.Len(t, d.logged(loggedGone), 1)
			require.Contains(t, d.logged(loggedGone)[0], fmt.Sprintf("connection=bybit sub_account=%s cause=", d.sim.Exchange("bybit").SubAccounts[0]))
			require.Contains(t, d.logged(loggedGone)[0], cause)
			d.keptSecrets()
		})
	}
	t.Run(causeNeverHandedOut, func(t *testing.T) {
		d := newDesk(t)
		d.trader()
		d.inject("bybit", exchanges.OpCreateKey, simulator.DropAfterCommit, 1)
		_, err := d.do(logical.ReadOperation, "creds/trader", nil)
		require.ErrorContains(t, err, "outcome unknown")
		d.clock.advance(ledger.PendingGrace)
		d.sweep()
		require.Empty(t, d.logged(loggedMinted))
		require.Len(t, d.logged(loggedGone), 1)
		require.Contains(t, d.logged(loggedGone)[0], `cause="never handed out"`)
	})
	t.Run("nothing was made", func(t *testing.T) {
		d := newDesk(t)
		d.trader()
		d.inject("bybit", exchanges.OpCreateKey, simulator.RateLimit, 0)
		d.must(logical.PatchOperation, "roles/trader", map[string]any{"max_wait": "1s"})
		_, err := d.do(logical.ReadOperation, "creds/trader", nil)
		require.Error(t, err)
		require.Empty(t, d.ledgerIDs())
		require.Empty(t, d.logged(loggedGone))
	})
}

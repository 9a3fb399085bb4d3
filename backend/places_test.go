package backend

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// TestOneBadSubAccountDoesNotKillThePool: it holds the fewest keys, so that it would
// be chosen every time.
func TestOneBadSubAccountDoesNotKillThePool(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	pool := append([]string{"11111111"}, d.sim.Exchange("bybit").SubAccounts...)
	d.write("roles/pool", map[string]any{"connection": "bybit", "sub_accounts": pool, "scopes": "read", "verify": false})
	for range 10 {
		require.NotEqual(t, pool[0], d.mint("pool").Data["sub_account"])
	}
	require.Equal(t, 11, d.sim.Calls("bybit", exchanges.OpCreateKey), "the bad one is asked once")
	require.Len(t, d.ledgerIDs(), 10)

	checked := d.read("roles/pool/check")
	require.Equal(t, true, checked["ok"], checked["problem"])
	require.Len(t, checked["set_aside"], 1)
	require.Contains(t, checked["set_aside"].(map[string]string)[pool[0]], "500010")

	d.clock.advance(asideTime)
	require.Empty(t, d.read("roles/pool/check")["set_aside"])
	d.mint("pool")
	require.Equal(t, 13, d.sim.Calls("bybit", exchanges.OpCreateKey), "it is asked again after a while")
}

// TestAPoolOfBadSubAccountsSaysWhy: a mint tries a few and no more, and the next one
// tries again.
func TestAPoolOfBadSubAccountsSaysWhy(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	d.write("roles/pool", map[string]any{
		"connection": "bybit", "sub_accounts": []string{"11111111", "11111112", "11111113", "11111114", "11111115"}, "scopes": "read", "verify": false,
	})
	for calls := maxRefusals; calls <= 3*maxRefusals; calls += maxRefusals {
		_, err := d.do(logical.ReadOperation, "creds/pool", nil)
		require.ErrorContains(t, err, "500010")
		require.LessOrEqual(t, d.sim.Calls("bybit", exchanges.OpCreateKey), calls)
	}
	require.Empty(t, d.ledgerIDs())
}

// TestWhatIsNoFaultOfThePlaceSetsNoneAside: an exchange that is down, or busy, would
// refuse elsewhere too.
func TestWhatIsNoFaultOfThePlaceSetsNoneAside(t *testing.T) {
	for kind, want := range map[exchanges.Kind]bool{
		exchanges.ErrKeyCap: true, exchanges.ErrNotFound: true, exchanges.ErrPermission: true, exchanges.ErrInvalid: true,
		exchanges.ErrAuth: false, exchanges.ErrRateLimited: false, exchanges.ErrUnavailable: false, exchanges.ErrOutcomeUnknown: false,
	} {
		require.Equal(t, want, concernsPlace(&exchanges.Error{Kind: kind}), kind)
	}
	require.False(t, concernsPlace(nil))

	d := newDesk(t)
	d.connect("bybit", nil)
	d.write("roles/pool", map[string]any{"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts, "scopes": "read"})
	d.inject("bybit", exchanges.OpCreateKey, simulator.DropBeforeCommit, 1)
	_, err := d.do(logical.ReadOperation, "creds/pool", nil)
	require.Error(t, err)
	require.Empty(t, d.read("roles/pool/check")["set_aside"])
	require.Less(t, asideTime, time.Hour)
}

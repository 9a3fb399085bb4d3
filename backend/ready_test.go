package backend

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// slowDesk is a desk in a bubble, at an exchange that takes a while to accept a new
// key.
type slowDesk struct {
	*desk
	waits []time.Duration
	// meanwhile, if set, happens after each wait.
	meanwhile func()
}

// newSlowDesk has a role whose mints wait as long as given.
func newSlowDesk(t *testing.T, maxWait string) *slowDesk {
	d := &slowDesk{desk: newBubbleDesk(t, "coinex")}
	d.engine.sleep = func(ctx context.Context, wait time.Duration) error {
		d.waits = append(d.waits, wait)
		time.Sleep(wait)
		if d.meanwhile != nil {
			d.meanwhile()
		}
		return ctx.Err()
	}
	d.connect("coinex", map[string]any{"request_timeout": "1s"})
	d.write("roles/reader", map[string]any{
		"connection": "coinex", "sub_accounts": d.sim.Exchange("coinex").SubAccounts[0], "scopes": "read",
		"ttl": "10m", "max_ttl": "1h", "max_wait": maxWait,
	})
	return d
}

// startSlowly lets the exchange know the next key only after the delay.
func (d *slowDesk) startSlowly(delay time.Duration) {
	d.Helper()
	require.NoError(d, d.sim.Inject(simulator.Fault{
		Exchange: "coinex", Operation: exchanges.OpCreateKey, Kind: simulator.SlowStart, Count: 1, Delay: delay,
	}))
}

// inSeconds are waits of so many seconds.
func inSeconds(counts ...int) []time.Duration {
	var waits []time.Duration
	for _, n := range counts {
		waits = append(waits, time.Duration(n)*time.Second)
	}
	return waits
}

func TestMintWaitsUntilTheKeyIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newSlowDesk(t, "60s")
		d.startSlowly(20 * time.Second)
		d.meanwhile = func() {
			known := d.entry(d.ledgerIDs()[0])
			require.Equal(t, ledger.Pending, known.State)
			require.NotEmpty(t, known.ExchangeKeyID, "a crash now would not lose the key")
		}
		lease := d.mint("reader")
		require.Equal(t, true, lease.Data["ready"])
		shown := d.read("keys/" + lease.Data["key_id"].(string))
		require.Equal(t, lease.Data["api_key"], shown["api_key"])
		require.Regexp(t, "^[0-9]+$", shown["exchange_key_id"])
		require.Empty(t, lease.Warnings)
		require.Equal(t, inSeconds(1, 2, 4, 8, 8), d.waits)
		require.Equal(t, timestamp(d.clock.Now().Add(10*time.Minute)), lease.Data["expires_at"], "the lease begins after the wait")

		d.waits = nil
		require.Equal(t, true, d.mint("reader").Data["ready"])
		require.Empty(t, d.waits, "a key that is accepted at once is not waited for")
		d.keptSecrets()
	})
}

// A key that is not accepted in time is handed out all the same, and deleted like
// any other.
func TestMintWaitsNoLongerThanTheRoleSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newSlowDesk(t, "10s")
		d.startSlowly(10 * time.Minute)
		lease := d.mint("reader")
		require.Equal(t, false, lease.Data["ready"])
		require.Equal(t, inSeconds(1, 2, 4, 3), d.waits)
		require.Len(t, lease.Warnings, 1)
		require.Contains(t, lease.Warnings[0], "CoinEx had not accepted the key")
		require.Contains(t, lease.Warnings[0], "10m")

		require.Equal(t, ledger.Live, d.entry(lease.Data["key_id"].(string)).State)
		require.NoError(t, d.revoke(lease))
		require.Equal(t, []string{lease.Data["api_key"].(string)}, d.sim.Deletions("coinex"))
		d.keptSecrets()
	})
}

// That the exchange cannot be asked is no reason to throw a good key away.
func TestMintWhileTheExchangeCannotBeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newSlowDesk(t, "1s")
		d.inject("coinex", exchanges.OpUseKey, simulator.Error5xx, 0)
		lease := d.mint("reader")
		require.Equal(t, false, lease.Data["ready"])
		require.Len(t, lease.Warnings, 1)
		require.Len(t, d.sim.Keys(), 1)
		d.keptSecrets()
	})
}

func TestWaitIsStopped(t *testing.T) {
	t.Run("by the kill switch", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newSlowDesk(t, "10s")
			d.startSlowly(time.Second)
			d.meanwhile = func() { d.write("roles/reader/revoke-all", nil) }
			d.refused(logical.ReadOperation, "creds/reader", nil, "while the key was made", "deleted")
			require.Empty(t, d.sim.Keys())
			require.Empty(t, d.ledgerIDs())
		})
	})
	t.Run("by a caller that hangs up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newSlowDesk(t, "60s")
			d.startSlowly(time.Hour)
			ctx, hangUp := context.WithCancel(t.Context())
			d.meanwhile = hangUp
			_, err := d.engine.HandleRequest(ctx, d.request(logical.ReadOperation, "creds/reader", nil))
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, inSeconds(1), d.waits)
			require.Empty(t, d.sim.Keys())
			require.Empty(t, d.ledgerIDs())
		})
	})
}

func TestExchangesTellHowLongKeysTake(t *testing.T) {
	d := newDesk(t)
	of := func(exchange string) any {
		return d.read("exchanges/" + exchange + "/variants/default")["activation_delay"]
	}
	require.Equal(t, int64(600), of("coinex"))
	require.Equal(t, int64(0), of("bybit"))
	d.trader()
	require.Equal(t, true, d.mint("trader").Data["ready"])
}

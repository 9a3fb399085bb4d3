package backend

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// unlistedDesk has a role at an exchange that lists no keys, by whose clock keys
// are seen to end.
func unlistedDesk(t *testing.T) *desk {
	clock := &fakeClock{now: time.Now()}
	d := newDeskAt(t, simulator.Options{RateMultiplier: hurried, Now: clock.Now}, clock)
	d.connect("bitfinex", map[string]any{"require_ip_allowlist": false})
	d.write("roles/trader", map[string]any{
		"connection": "bitfinex", "sub_accounts": "self", "scopes": "trade", "ttl": "10m", "max_ttl": "2h",
	})
	return d
}

func TestBearerKey(t *testing.T) {
	d := unlistedDesk(t)
	lease := d.mint("trader")
	token := lease.Data["token"].(string)
	require.Equal(t, "bearer", lease.Data["key_type"])
	require.Empty(t, lease.Data["api_secret"])
	require.NotContains(t, lease.Data["api_key"], token)
	require.False(t, lease.Secret.Renewable)
	require.LessOrEqual(t, lease.Secret.TTL, 10*time.Minute, "the token's own end was settled before the lease's")
	require.Greater(t, lease.Secret.TTL, 9*time.Minute)
	require.Equal(t, 10*time.Minute, lease.Secret.MaxTTL, "a longer max_ttl is of no use")

	entry := d.entry(lease.Data["key_id"].(string))
	require.Equal(t, token, entry.Token, "only the token itself can delete it")
	require.Equal(t, entry.HardLimit, entry.Expires)
	for field, value := range d.read("keys/" + entry.ID) {
		require.NotEqual(t, token, value, field)
	}
	resp, err := d.leaseAnswer(logical.RenewOperation, lease, time.Minute)
	require.NoError(t, err)
	require.ErrorContains(t, resp.Error(), "end with their first lease")
	d.refused(logical.UpdateOperation, "config/bitfinex/reconcile", nil, "lists no keys")

	require.NoError(t, d.revoke(lease))
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
	d.keptSecrets()
}

// A lease whose ledger entry was lost with a restored snapshot deletes its token
// all the same.
func TestBearerKeyOfALostLedger(t *testing.T) {
	d := unlistedDesk(t)
	lease := d.mint("trader")
	require.NoError(t, ledgerTable().Delete(t.Context(), d.storage, lease.Data["key_id"].(string)))
	d.start()
	require.NoError(t, d.revoke(lease))
	require.Empty(t, d.sim.Keys())
}

// As long as the exchange cannot be asked, such a token is not taken for ended:
// when it was to end is not known any more.
func TestBearerKeyOfALostLedgerDuringAnOutage(t *testing.T) {
	d := unlistedDesk(t)
	lease := d.mint("trader")
	require.NoError(t, ledgerTable().Delete(t.Context(), d.storage, lease.Data["key_id"].(string)))
	d.start()
	d.inject("bitfinex", exchanges.OpAny, simulator.Error5xx, 0)
	require.Error(t, d.revoke(lease))
	require.Len(t, d.ledgerIDs(), 1, "the token is known again")
	d.clock.advance(unlistedGrace + 15*time.Second)
	d.sweep()
	require.Len(t, d.ledgerIDs(), 1)
	require.Len(t, d.sim.Keys(), 1)

	d.sim.ClearFaults()
	d.clock.advance(ledger.LastRetry - unlistedGrace)
	d.sweep()
	require.Empty(t, d.ledgerIDs())
	require.Empty(t, d.sim.Keys())
}

// A key that took longer to make than it was to live is not handed out.
func TestBearerKeyThatTookTooLong(t *testing.T) {
	d := unlistedDesk(t)
	puts := 0
	d.storage.failing(func(call, _ string) error {
		if call == "put" {
			puts++
		}
		if puts == 2 {
			// The token is made, and is now looked at.
			d.clock.advance(45 * time.Second)
			puts++
		}
		return nil
	})
	d.refused(logical.UpdateOperation, "creds/trader", map[string]any{"ttl": "30s"}, "ttl", "30s", "ask for a longer one")
	d.storage.failing(nil)
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

// stubborn is an exchange that never confirms a deletion.
type stubborn struct{ exchanges.Account }

func (stubborn) DeleteKey(context.Context, exchanges.KeyRef) error { return errStubborn }

func (stubborn) ListKeys(context.Context, string) ([]exchanges.KeyInfo, error) {
	return []exchanges.KeyInfo{{ID: "tok_1"}}, nil
}

var errStubborn = errors.New("what is this token?")

// Where no list shows keys, one that has surely ended by itself is gone, whatever
// the exchange says of it; elsewhere only what it says counts.
func TestKeyThatHasEndedByItself(t *testing.T) {
	d := newDesk(t)
	entry := ledger.Entry{ExchangeKeyID: "tok_1", HardLimit: d.clock.Now()}
	unlisted := exchanges.Variant{Unlisted: "it ends by itself"}
	for _, test := range []struct {
		variant exchanges.Variant
		after   time.Duration
		want    error
	}{
		{unlisted, 0, errStubborn},
		{unlisted, unlistedGrace - time.Second, errStubborn},
		{unlisted, unlistedGrace, nil},
		{exchanges.Variant{}, unlistedGrace, errStubborn},
	} {
		d.clock.advance(entry.HardLimit.Add(test.after).Sub(d.clock.Now()))
		l := &link{variant: test.variant, account: guard(stubborn{}, d.clock.Now, func(exchanges.Operation, error, time.Duration) {})}
		require.ErrorIs(t, d.engine.deleteAtExchange(t.Context(), l, entry), test.want)
	}
}

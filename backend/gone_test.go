package backend

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestGoneIsRememberedForAWhile(t *testing.T) {
	clock := &fakeClock{now: time.Unix(1_700_000_000, 0)}
	g := newGone(clock.Now)
	g.note("a")
	require.True(t, g.has("a"))
	require.False(t, g.has("b"))
	clock.advance(goneMemory - time.Second)
	require.True(t, g.has("a"))
	clock.advance(time.Second)
	require.False(t, g.has("a"))
	g.note("b")
	require.Len(t, g.since, 1, "what is old is dropped")
}

// A key that was deleted moments after it was minted is gone for its lease too, and
// the exchange is not asked again. A process that does not remember it must ask, and
// learns nothing until the exchange's list must show the key.
func TestLeaseOfAKeyThatIsGoneAsksNothing(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.must(logical.DeleteOperation, "keys/"+lease.Data["key_id"].(string), nil)
	before := d.sim.Calls("bybit", exchanges.OpAny)
	require.NoError(t, d.revoke(lease))
	require.Equal(t, before, d.sim.Calls("bybit", exchanges.OpAny))

	d.start()
	require.ErrorIs(t, d.revoke(lease), exchanges.ErrUnseen)
	require.Empty(t, d.ledgerIDs())
	d.listed()
	require.NoError(t, d.revoke(lease))
}

// A key that was proved gone, but not struck out since storage failed, need not be
// proved gone again.
func TestGoneButNotStruckOut(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.storage.failing(func(call, _ string) error {
		if call == "delete" {
			return logical.ErrReadOnly
		}
		return nil
	})
	require.Error(t, d.revoke(lease))
	d.storage.failing(nil)
	require.NoError(t, d.revoke(lease))
	require.Empty(t, d.ledgerIDs())
}

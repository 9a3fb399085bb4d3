package hyperliquid

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/hyperliquid"
)

// An agent that Hyperliquid refuses to remove is replaced by one that is nobody's and
// soon expires.
func TestRemovalRefused(t *testing.T) {
	v := newVenue(t)
	v.in("zero_address", "refused")
	account := v.root("main")
	ref := v.agent(account)
	require.NoError(t, exchangetest.Settle(v.Context(), account, ref))
	keys, err := account.ListKeys(v.Context(), ref.SubAccount)
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.Equal(t, nobody(ref.SubAccount, ref.Label).String(), keys[0].ID)
	require.Equal(t, ref.Label, keys[0].Label)
	require.WithinDuration(t, time.Now().Add(nobodysLife), keys[0].ExpiresAt, time.Minute)

	// It was gone before, and somebody asks again.
	require.NoError(t, exchangetest.Settle(v.Context(), account, ref))
}

// Nobody's agent is not replaced in turn, or it would never expire. Its key stays in the
// ledger until it is no longer listed.
func TestNobodysAgentIsNotReplaced(t *testing.T) {
	var passed atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	v := venue{exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{Now: now})}
	v.in("zero_address", "refused")
	account := v.root("main")
	ref := v.agent(account)
	require.NoError(t, exchangetest.Settle(v.Context(), account, ref))
	before := v.Keys()
	ref.ID = nobody(ref.SubAccount, ref.Label).String()
	require.ErrorIs(t, exchangetest.Settle(v.Context(), account, ref), exchanges.ErrInvalid)
	require.Equal(t, before, v.Keys())
	require.Equal(t, 2, v.Calls("hyperliquid", exchanges.OpCreateKey), "the agent's and nobody's")
	passed.Store(int64(time.Hour))
	require.NoError(t, exchangetest.Settle(v.Context(), account, ref))
}

// If no successor can be approved either, the agent is not taken for gone.
func TestReplacementRefused(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"the call is lost":      {Operation: exchanges.OpCreateKey, Kind: simulator.DropBeforeCommit, Count: 1},
		"its role is not known": {Operation: exchanges.OpInspect, Kind: simulator.DropBeforeCommit},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVenue(t)
			v.in("zero_address", "refused")
			account := v.root("main")
			ref := v.agent(account)
			fault.Exchange = "hyperliquid"
			require.NoError(t, v.Inject(fault))
			require.ErrorIs(t, exchangetest.Settle(v.Context(), account, ref), exchanges.ErrInvalid)
			require.Len(t, v.Keys(), 1)
			require.Equal(t, ref.ID, v.Keys()[0].APIKey)
		})
	}
}

// Each name of each account has an agent of nobody's of its own.
func TestNobody(t *testing.T) {
	seen := map[string]bool{}
	for _, owner := range []string{"0x1", "0x2"} {
		for _, name := range []string{"vlt1", "vlt2"} {
			require.Equal(t, nobody(owner, name), nobody(owner, name))
			seen[nobody(owner, name).String()] = true
		}
	}
	require.Len(t, seen, 4)
}

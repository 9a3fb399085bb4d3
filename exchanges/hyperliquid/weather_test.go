package hyperliquid

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/hyperliquid"
)

// in sets a condition of the weather.
func (v venue) in(condition, value string) {
	require.NoError(v, v.SetWeather("hyperliquid", condition, value))
}

// agent makes a new agent and says how to delete it.
func (v venue) agent(account exchanges.Account) exchanges.KeyRef {
	const label = "vlt-1"
	request, _ := v.request(label)
	made, err := account.CreateKey(v.Context(), request)
	require.NoError(v, err)
	return exchanges.KeyRef{SubAccount: request.SubAccount, ID: made.ID, Label: label, Age: time.Hour}
}

// An agent whose removal is confirmed and that lives on is not taken for gone.
func TestRemovalThatDoesNothing(t *testing.T) {
	v := newVenue(t)
	v.in("zero_address", "does_nothing")
	account := v.root("main")
	ref := v.agent(account)
	require.ErrorIs(t, exchangetest.Settle(v.Context(), account, ref), exchanges.ErrUnavailable)
	require.Len(t, v.Keys(), 1)
	v.in("zero_address", "")
	require.NoError(t, exchangetest.Settle(v.Context(), account, ref))
	require.Empty(t, v.Keys())
}

// However the list writes an agent, it is known, and it is removed by its name.
func TestFormsOfListedAgents(t *testing.T) {
	for condition, values := range map[string][]string{
		"listed_name": {"", "with_end"}, "listed_address": {"capitals"}, "listed_end": {"null", "text", "left_out"},
	} {
		for _, value := range values {
			t.Run(condition+"="+value, func(t *testing.T) {
				v := newVenue(t)
				v.in(condition, value)
				account := v.root("main")
				ref := v.agent(account)
				keys, err := account.ListKeys(v.Context(), ref.SubAccount)
				require.NoError(t, err)
				require.Len(t, keys, 1)
				require.Equal(t, ref.ID, keys[0].ID)
				require.Equal(t, ref.Label, keys[0].Label)
				require.Equal(t, value == "null" || value == "left_out", keys[0].ExpiresAt.IsZero())
				require.NoError(t, exchangetest.Settle(v.Context(), account, ref))
				require.Empty(t, v.Keys())
			})
		}
	}
}

// The names that the driver asks the engine for have no hyphens, which may be refused.
func TestNamesWithoutHyphens(t *testing.T) {
	v := newVenue(t)
	v.in("name_letters", "no_hyphens")
	require.False(t, New().Describe().Variants[0].Label.Hyphens)
	for name, refused := range map[string]bool{"vlt-1": true, "vlt1": false} {
		request, _ := v.request(name)
		_, err := v.root("main").CreateKey(v.Context(), request)
		require.Equal(t, refused, errors.Is(err, exchanges.ErrInvalid), "%s: %v", name, err)
	}
	require.Len(t, v.Keys(), 1)
}

// An account that needs no unnamed agent gets named ones.
func TestNoStandardAgentNeeded(t *testing.T) {
	v := newVenue(t)
	v.in("standard_agent", "not_needed")
	account := v.root("no_agent")
	identity, err := account.Inspect(v.Context())
	require.NoError(t, err)
	request, _ := v.request("vlt-1")
	request.SubAccount = identity.Account
	_, err = account.CreateKey(v.Context(), request)
	require.NoError(t, err)
	require.Len(t, v.Keys(), 1)
}

// Whatever Hyperliquid says of an agent that was removed and is still listed, the list
// decides in the end, and not before.
func TestRemovedAgentStillListedInAnyWords(t *testing.T) {
	for weather, want := range map[string]error{"": exchanges.ErrUnavailable, "confirmed": exchanges.ErrUnavailable, "unknown_sentence": exchanges.ErrInvalid} {
		t.Run(weather, func(t *testing.T) {
			v := newVenue(t)
			v.in("removed_agent", weather)
			account := v.root("main")
			ref := v.agent(account)
			v.in("vanishes_late", "20s")
			require.NoError(t, account.DeleteKey(v.Context(), ref))
			require.Empty(t, v.Keys())
			err := exchangetest.Settle(v.Context(), account, ref)
			require.ErrorIs(t, err, want)
			require.Equal(t, 2, v.Calls("hyperliquid", exchanges.OpDeleteKey))
			v.in("vanishes_late", "")
			require.Eventually(t, func() bool { return exchangetest.Settle(v.Context(), account, ref) == nil }, 20*time.Second, 10*time.Millisecond)
		})
	}
}

// However long the account refuses approvals after a removal, the refusal says that
// this passes, and it leaves nothing behind.
func TestPauseAfterARemoval(t *testing.T) {
	for weather, pause := range map[string]time.Duration{"": coolDown, "20s": 20 * time.Second} {
		t.Run(weather, func(t *testing.T) {
			var passed atomic.Int64
			start := time.Now()
			now := func() time.Time { return start.Add(time.Duration(passed.Load())) }
			v := venue{exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{RateMultiplier: 1, Now: now})}
			v.in("removal_pause", weather)
			account := v.root("main")
			require.NoError(t, account.DeleteKey(v.Context(), v.agent(account)))
			for _, at := range []time.Duration{0, pause - time.Millisecond, pause} {
				passed.Store(int64(at))
				request, _ := v.request("vlt-2")
				_, err := account.CreateKey(exchanges.WithPatience(v.Context(), time.Second), request)
				if at < pause {
					require.ErrorIs(t, err, exchanges.ErrRateLimited, at)
					require.Empty(t, v.Keys())
				} else {
					require.NoError(t, err, at)
				}
			}
		})
	}
}

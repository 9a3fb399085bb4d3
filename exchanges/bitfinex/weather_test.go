package bitfinex

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/bitfinex"
)

// desk is an account in some weather.
type desk struct {
	*account
	t   *testing.T
	sim *simulator.Simulator
}

// inWeather runs a test in each weather of a condition, and in calm weather, with the
// root of a kind.
func inWeather(t *testing.T, root, condition string, values []string, test func(d desk, value string)) {
	for _, value := range append([]string{""}, values...) {
		t.Run(condition+"="+value, func(t *testing.T) {
			subject := exchangetest.Subject{Exchange: New(), Venue: standin.Venue()}
			exchangetest.Bubble(t, subject, func(t *testing.T, sim *simulator.Simulator, options exchanges.Options) {
				require.NoError(t, sim.SetWeather("bitfinex", condition, value))
				access, ok := sim.Root("bitfinex", root)
				require.True(t, ok)
				opened, err := New().Open(exchanges.Credential{APIKey: access.APIKey, APISecret: exchanges.Secret(access.APISecret)}, options)
				require.NoError(t, err)
				t.Cleanup(opened.Close)
				test(desk{opened.(*account), t, sim}, value)
			})
		})
	}
}

// mint makes a token that may read orders and lasts an hour and half a minute.
func (d desk) mint() exchanges.KeyRef {
	key, err := d.CreateKey(d.t.Context(), request("orders:read"))
	require.NoError(d.t, err)
	require.Equal(d.t, []string{"orders:read"}, key.Permissions)
	return exchanges.KeyRef{SubAccount: self, ID: key.ID, Token: key.Token, Age: time.Hour}
}

func (d desk) settle(ref exchanges.KeyRef) error {
	return exchanges.SettleOne(d.t.Context(), d, d.Variant(), ref)
}

// A token that may not ask what it may do says so in its text, and is known to be gone
// when Bitfinex no longer knows it.
func TestTokenThatMayNotAsk(t *testing.T) {
	inWeather(t, "main", "may_not_ask", []string{"on"}, func(d desk, value string) {
		ref := d.mint()
		_, err := d.CheckKey(d.t.Context(), ref, false)
		require.Equal(d.t, value != "", err != nil, "%v", err)
		require.NoError(d.t, d.settle(ref))
		require.Empty(d.t, d.sim.Keys())
	})
}

// Whatever else Bitfinex says to a token that has ended, it is no proof.
func TestDeadTokenInOtherWords(t *testing.T) {
	inWeather(t, "main", "dead_token", []string{"apikey_invalid"}, func(d desk, value string) {
		err := d.settle(d.mint())
		require.Empty(d.t, d.sim.Keys())
		if value == "" {
			require.NoError(d.t, err)
		} else {
			require.ErrorIs(d.t, err, exchanges.ErrAuth)
		}
	})
}

// If tokens cannot be deleted, each counts as there until it has ended by itself.
func TestTokenThatCannotBeDeleted(t *testing.T) {
	inWeather(t, "main", "deletion", []string{"missing", "does_nothing"}, func(d desk, value string) {
		ref := d.mint()
		err := d.settle(ref)
		if value == "" {
			require.NoError(d.t, err)
			return
		}
		require.Error(d.t, err)
		require.Len(d.t, d.sim.Keys(), 1)
		time.Sleep(time.Hour)
		require.Error(d.t, d.settle(ref), "it outlives its lease by half a minute")
		time.Sleep(lifetimeMargin + time.Second)
		require.NoError(d.t, d.settle(ref))
	})
}

// A token that has less than was asked for shows it.
func TestRootThatLacksARight(t *testing.T) {
	inWeather(t, "reader", "lacking_right", []string{"grants_less"}, func(d desk, value string) {
		asked := request("orders:read", "funding:read")
		key, err := d.CreateKey(d.t.Context(), asked)
		if value == "" {
			require.ErrorIs(d.t, err, exchanges.ErrPermission)
			return
		}
		require.NoError(d.t, err)
		require.Error(d.t, d.Variant().CheckGrant(exchanges.Grant{Permissions: asked.Permissions}, key.Permissions))
	})
}

// A life that Bitfinex does not accept makes no token.
func TestLongestToken(t *testing.T) {
	inWeather(t, "main", "longest_token", []string{"24h"}, func(d desk, value string) {
		d.mint()
		long := request("orders:read")
		long.Expires = time.Now().Add(48 * time.Hour)
		_, err := d.CreateKey(d.t.Context(), long)
		if value == "" {
			require.NoError(d.t, err)
			return
		}
		require.ErrorIs(d.t, err, exchanges.ErrInvalid)
		require.Len(d.t, d.sim.Keys(), 1)
	})
}

// A key that has as many tokens as Bitfinex allows gets no more.
func TestFullKey(t *testing.T) {
	inWeather(t, "main", "full_key", []string{"invalid", "generic"}, func(d desk, value string) {
		for range 3 {
			d.mint()
		}
		_, err := d.CreateKey(d.t.Context(), request("orders:read"))
		want := map[string]error{"invalid": exchanges.ErrInvalid, "generic": exchanges.ErrOutcomeUnknown}[value]
		require.ErrorIs(d.t, err, want)
		if value != "" {
			require.Len(d.t, d.sim.Keys(), 3)
		}
	})
}

// A token that is given up before it is known at all is not taken for gone.
func TestTokenThatIsNotKnownYet(t *testing.T) {
	inWeather(t, "main", "known_late", []string{"20s"}, func(d desk, value string) {
		ctx, cancel := context.WithTimeout(d.t.Context(), 5*time.Second)
		defer cancel()
		var made exchanges.KeyRef
		asked := request("orders:read")
		asked.Made = func(_ context.Context, ref exchanges.KeyRef) error { made = ref; return nil }
		_, err := d.CreateKey(ctx, asked)
		if value == "" {
			require.NoError(d.t, err)
			return
		}
		require.ErrorIs(d.t, err, exchanges.ErrOutcomeUnknown)
		require.Len(d.t, d.sim.Keys(), 1)
		time.Sleep(time.Minute)
		made.Age = time.Minute
		require.NoError(d.t, d.settle(made))
		require.Empty(d.t, d.sim.Keys())
	})
}

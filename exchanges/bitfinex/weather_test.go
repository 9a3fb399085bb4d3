package bitfinex

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/bitfinex"
)

// desk is an account in some weather.
type desk struct {
	exchangetest.Simulated
	*account
}

// inWeather runs a test in each weather of a condition, and in calm weather, with the
// root of a kind.
func inWeather(t *testing.T, root, condition string, values []string, test func(d desk, value string)) {
	subject := exchangetest.Subject{Exchange: New(), Venue: standin.Venue()}
	exchangetest.InWeather(t, subject, condition, values, func(s exchangetest.Simulated, value string) {
		test(desk{s, s.OpenRoot(root, exchanges.Options{}).(*account)}, value)
	})
}

// mint makes a token that may read orders and lasts an hour and half a minute.
func (d desk) mint() exchanges.KeyRef {
	key, err := d.CreateKey(d.T.Context(), request("orders:read"))
	require.NoError(d, err)
	require.Equal(d, []string{"orders:read"}, key.Permissions)
	return exchanges.KeyRef{SubAccount: self, ID: key.ID, Token: key.Token, Age: time.Hour}
}

func (d desk) settle(ref exchanges.KeyRef) error {
	return exchanges.SettleOne(d.T.Context(), d.account, d.Variant(), ref)
}

// A token that may not ask what it may do says so in its text, and is known to be gone
// when Bitfinex no longer knows it.
func TestTokenThatMayNotAsk(t *testing.T) {
	inWeather(t, "main", "may_not_ask", []string{"on"}, func(d desk, value string) {
		ref := d.mint()
		_, err := d.CheckKey(d.T.Context(), ref, false)
		require.Equal(d, value != "", err != nil, "%v", err)
		require.NoError(d, d.settle(ref))
		require.Empty(d, d.Keys())
	})
}

// Whatever else Bitfinex says to a token that has ended, it is no proof.
func TestDeadTokenInOtherWords(t *testing.T) {
	inWeather(t, "main", "dead_token", []string{"apikey_invalid"}, func(d desk, value string) {
		err := d.settle(d.mint())
		require.Empty(d, d.Keys())
		if value == "" {
			require.NoError(d, err)
		} else {
			require.ErrorIs(d, err, exchanges.ErrAuth)
		}
	})
}

// If tokens cannot be deleted, each counts as there until it has ended by itself.
func TestTokenThatCannotBeDeleted(t *testing.T) {
	inWeather(t, "main", "deletion", []string{"missing", "does_nothing"}, func(d desk, value string) {
		ref := d.mint()
		err := d.settle(ref)
		if value == "" {
			require.NoError(d, err)
			return
		}
		require.Error(d, err)
		require.Len(d, d.Keys(), 1)
		time.Sleep(time.Hour)
		require.Error(d, d.settle(ref), "it outlives its lease by half a minute")
		time.Sleep(lifetimeMargin + time.Second)
		require.NoError(d, d.settle(ref))
	})
}

// A token that has less than was asked for shows it.
func TestRootThatLacksARight(t *testing.T) {
	inWeather(t, "reader", "lacking_right", []string{"grants_less"}, func(d desk, value string) {
		asked := request("orders:read", "funding:read")
		key, err := d.CreateKey(d.T.Context(), asked)
		if value == "" {
			require.ErrorIs(d, err, exchanges.ErrPermission)
			return
		}
		require.NoError(d, err)
		require.Error(d, d.Variant().CheckGrant(exchanges.Grant{Permissions: asked.Permissions}, key.Permissions))
	})
}

// A life that Bitfinex does not accept makes no token.
func TestLongestToken(t *testing.T) {
	inWeather(t, "main", "longest_token", []string{"24h"}, func(d desk, value string) {
		d.mint()
		long := request("orders:read")
		long.Expires = time.Now().Add(48 * time.Hour)
		_, err := d.CreateKey(d.T.Context(), long)
		if value == "" {
			require.NoError(d, err)
			return
		}
		require.ErrorIs(d, err, exchanges.ErrInvalid)
		require.Len(d, d.Keys(), 1)
	})
}

// A key that has as many tokens as Bitfinex allows gets no more.
func TestFullKey(t *testing.T) {
	inWeather(t, "main", "full_key", []string{"invalid", "generic"}, func(d desk, value string) {
		for range 3 {
			d.mint()
		}
		_, err := d.CreateKey(d.T.Context(), request("orders:read"))
		want := map[string]error{"invalid": exchanges.ErrInvalid, "generic": exchanges.ErrOutcomeUnknown}[value]
		require.ErrorIs(d, err, want)
		if value != "" {
			require.Len(d, d.Keys(), 3)
		}
	})
}

// A token that is given up before it is known at all is not taken for gone.
func TestTokenThatIsNotKnownYet(t *testing.T) {
	inWeather(t, "main", "known_late", []string{"20s"}, func(d desk, value string) {
		ctx, cancel := context.WithTimeout(d.T.Context(), 5*time.Second)
		defer cancel()
		var made exchanges.KeyRef
		asked := request("orders:read")
		asked.Made = func(_ context.Context, ref exchanges.KeyRef) error { made = ref; return nil }
		_, err := d.CreateKey(ctx, asked)
		if value == "" {
			require.NoError(d, err)
			return
		}
		require.ErrorIs(d, err, exchanges.ErrOutcomeUnknown)
		require.Len(d, d.Keys(), 1)
		time.Sleep(time.Minute)
		made.Age = time.Minute
		require.NoError(d, d.settle(made))
		require.Empty(d, d.Keys())
	})
}

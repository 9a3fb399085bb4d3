package exchanges_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestNewPassphrase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(8, 32).Draw(t, "length")
		rule := exchanges.PassphraseRule{Length: length, Alphanumeric: rapid.Bool().Draw(t, "alphanumeric")}
		passphrase, err := exchanges.NewPassphrase(rule)
		require.NoError(t, err)
		text := passphrase.Reveal()
		require.Len(t, text, length)
		for _, class := range []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"} {
			require.True(t, strings.ContainsAny(text, class), "no character of %q", class)
		}
		require.NotEqual(t, rule.Alphanumeric, strings.Contains(text, "@"))
		require.NotRegexp(t, `[^A-Za-z0-9@]`, text, "shells, URLs and environment files take it as it is")
		other, err := exchanges.NewPassphrase(rule)
		require.NoError(t, err)
		require.NotEqual(t, passphrase, other)
	})
}

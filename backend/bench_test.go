package backend

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// BenchmarkMintAndRevoke mints and revokes one key after another, over HTTP to
// a simulated exchange on the same machine.
func BenchmarkMintAndRevoke(b *testing.B) {
	d := newDeskWith(b, simulator.Options{RateMultiplier: 1e6})
	d.connect("bybit", map[string]any{"rate_multiplier": 10_000})
	d.write("roles/trader", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "trade:spot", "ip_allowlist": "127.0.0.1",
	})
	for b.Loop() {
		require.NoError(b, d.revoke(d.mint("trader")))
	}
}

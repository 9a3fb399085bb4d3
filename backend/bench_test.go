package backend

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
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

// BenchmarkLoadLedger loads the index of a ledger, as every start does.
func BenchmarkLoadLedger(b *testing.B) {
	for _, keys := range []int{1_000, 100_000} {
		storage := fullLedger(b, keys)
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			for b.Loop() {
				l := &ledger{index: newIndex()}
				require.NoError(b, l.load(b.Context(), storage))
			}
		})
	}
}

// BenchmarkReserve takes a slot and gives it back, beside many keys.
func BenchmarkReserve(b *testing.B) {
	for _, keys := range []int{1_000, 100_000} {
		l := &ledger{index: newIndex()}
		require.NoError(b, l.load(b.Context(), fullLedger(b, keys)))
		choice := slots{roleName: "role", connection: "c", candidates: []string{"a", "b", "c"}, perAccount: keys + 1, maxLiveKeys: keys + 1}
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			for b.Loop() {
				entry := keyEntry{ID: "new", State: statePending, Connection: "c", Role: "role"}
				require.NoError(b, l.index.reserve(&entry, choice.choose))
				l.index.remove("new")
			}
		})
	}
}

// BenchmarkDue asks what is due when nothing is, as most ticks of the sweeper
// do.
func BenchmarkDue(b *testing.B) {
	l := &ledger{index: newIndex()}
	require.NoError(b, l.load(b.Context(), fullLedger(b, 100_000)))
	now := time.Now()
	for b.Loop() {
		require.Empty(b, l.index.dueBefore(now, sweepBatch))
	}
}

// fullLedger returns storage with many live keys.
func fullLedger(b *testing.B, keys int) logical.Storage {
	b.Helper()
	storage := &logical.InmemStorage{}
	for i := range keys {
		entry := keyEntry{
			ID: fmt.Sprintf("key%09d", i), State: stateLive, Connection: "c", SubAccount: []string{"a", "b", "c"}[i%3], Role: "role",
			Created: time.Now(), Expires: time.Now().Add(time.Hour + time.Duration(i)*time.Millisecond),
		}
		require.NoError(b, ledgerTable().put(b.Context(), storage, entry.ID, entry))
	}
	return storage
}

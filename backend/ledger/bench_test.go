package ledger

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// BenchmarkLoad loads the index of a ledger, as every start does.
func BenchmarkLoad(b *testing.B) {
	for _, keys := range []int{1_000, 100_000} {
		storage := full(b, keys)
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, New(time.Now, noTime).Load(b.Context(), storage))
			}
		})
	}
}

// BenchmarkReserve takes a slot and gives it back, beside many keys. The entry is
// never written.
func BenchmarkReserve(b *testing.B) {
	for _, keys := range []int{1_000, 100_000} {
		l, storage := New(time.Now, noTime), full(b, keys)
		require.NoError(b, l.Load(b.Context(), storage))
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			for b.Loop() {
				claim, err := l.Claim(b.Context(), storage, "new")
				require.NoError(b, err)
				require.ErrorIs(b, claim.Reserve(b.Context(), Entry{Connection: "c", Role: "role"},
					func(Tally) (string, error) { return "a", nil },
					func(*Entry) error { return context.Canceled }), context.Canceled)
				claim.Release()
			}
		})
	}
}

// BenchmarkDue asks what is due when nothing is, as most ticks of the sweeper do.
func BenchmarkDue(b *testing.B) {
	l, storage := New(time.Now, noTime), full(b, 100_000)
	for b.Loop() {
		due, err := l.Due(b.Context(), storage, 64)
		require.NoError(b, err)
		require.Empty(b, due)
	}
}

// full returns storage with many live keys.
func full(b *testing.B, keys int) logical.Storage {
	b.Helper()
	storage := &logical.InmemStorage{}
	table := New(time.Now, noTime).table
	for i := range keys {
		entry := Entry{
			ID: fmt.Sprintf("key%09d", i), State: Live, Connection: "c", SubAccount: []string{"a", "b", "c"}[i%3], Role: "role",
			Created: time.Now(), Expires: time.Now().Add(time.Hour + time.Duration(i)*time.Millisecond),
		}
		require.NoError(b, table.Put(b.Context(), storage, entry.ID, entry))
	}
	return storage
}

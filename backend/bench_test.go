package backend

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// BenchmarkMintAndRevoke mints and revokes one key after another, over HTTP to
// a simulated exchange on the same machine.
func BenchmarkMintAndRevoke(b *testing.B) {
	d := benchDesk(b)
	for b.Loop() {
		require.NoError(b, d.revoke(d.mint("trader")))
	}
}

// benchDesk has a role that trades, and no rate limit in the way.
func benchDesk(b *testing.B) *desk {
	b.Helper()
	d := newDeskWith(b, simulator.Options{RateMultiplier: 1e6, SubAccounts: 200})
	d.connect("bybit", map[string]any{"rate_multiplier": 10_000})
	d.write("roles/trader", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "trade:spot", "ip_allowlist": "127.0.0.1",
	})
	return d
}

// BenchmarkScale measures what each operation costs beside so many keys in the ledger.
// Storage is in memory, and the exchange on the same machine.
func BenchmarkScale(b *testing.B) {
	for _, keys := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			d := fullDesk(b, keys)
			for _, bench := range []struct {
				operation string
				run       func(b *testing.B)
			}{
				{"mint and revoke", d.mintAndRevoke},
				{"mint and revoke beside 16 refused callers", d.beside(16, d.refuse)},
				{"mint and revoke beside 4 auditors", d.beside(4, func() { d.list(10) })},
				{"refused mint", loop(d.refuse)},
				{"keys, 10 of them", loop(func() { d.list(10) })},
				{"keys, all of them", loop(func() { d.list(0) })},
				{"metrics", loop(func() { d.ask(logical.ReadOperation, "metrics", nil) })},
				{"config read", loop(func() { d.ask(logical.ReadOperation, "config/bybit", nil) })},
				{"sub-accounts, 200 of them", loop(func() { d.ask(logical.ListOperation, "config/bybit/sub-accounts/", nil) })},
				{"reconcile, dry run", loop(func() { d.ask(logical.UpdateOperation, "config/bybit/reconcile", nil) })},
				{"due, 64 of them", d.dueOf},
			} {
				b.Run(bench.operation, func(b *testing.B) {
					b.ReportAllocs()
					bench.run(b)
				})
			}
		})
	}
}

// fullDesk is a desk with so many live keys of other roles, half of them over, and a role
// that is full.
func fullDesk(b *testing.B, keys int) *desk {
	b.Helper()
	d := benchDesk(b)
	subs := d.sim.Exchange("bybit").SubAccounts
	table, now := ledgerTable(), d.clock.Now()
	for i := range keys {
		entry := ledger.Entry{
			ID: fmt.Sprintf("key%09d", i), State: ledger.Live, Connection: "bybit", Exchange: "bybit", SubAccount: subs[1+i%(len(subs)-1)],
			Role: "full", APIKey: fmt.Sprintf("api-key-%026d", i), ExchangeKeyID: fmt.Sprintf("api-key-%026d", i),
			Label: fmt.Sprintf("vlt-0123456789-key%09d", i), Created: now, Expires: now.Add(time.Hour), HardLimit: now.Add(time.Hour),
		}
		if i%2 == 1 {
			entry.Connection = "over"
			entry.State, entry.NextTry, entry.Revoking = ledger.Revoking, now, now
		}
		require.NoError(b, table.Put(b.Context(), d.storage.Storage, entry.ID, entry))
	}
	d.start()
	d.write("config/bybit", map[string]any{"max_keys_per_sub_account": 1_000_000})
	d.write("roles/full", map[string]any{"connection": "bybit", "sub_accounts": subs[1], "scopes": "read", "max_live_keys": 1})
	require.NoError(b, d.engine.ledger.Load(b.Context(), d.storage))
	return d
}

// ask makes a request that must succeed, from any goroutine.
func (d *desk) ask(operation logical.Operation, path string, data map[string]any) *logical.Response {
	req := d.unnumbered(operation, path, data)
	resp, err := d.engine.HandleRequest(context.Background(), req)
	if err != nil || resp.IsError() {
		d.Errorf("%s %s: %v %v", operation, path, resp, err)
	}
	return resp
}

// unnumbered is a request that can be made beside others.
func (d *desk) unnumbered(operation logical.Operation, path string, data map[string]any) *logical.Request {
	return &logical.Request{
		ID: fmt.Sprintf("bench-%d", benched.Add(1)), Operation: operation, Path: path, Data: data, Storage: d.storage,
		Connection: &logical.Connection{RemoteAddr: "127.0.0.1"},
	}
}

var benched atomic.Int64

func (d *desk) list(limit int) { d.ask(logical.ListOperation, "keys/", map[string]any{"limit": limit}) }

// refuse asks for a key of the role that is full.
func (d *desk) refuse() {
	_, err := d.engine.HandleRequest(context.Background(), d.unnumbered(logical.ReadOperation, "creds/full", nil))
	var coded logical.HTTPCodedError
	if !errors.As(err, &coded) {
		d.Errorf("a full role answered %v", err)
	}
}

func (d *desk) mintAndRevoke(b *testing.B) {
	for b.Loop() {
		lease := d.ask(logical.ReadOperation, "creds/trader", nil)
		req := d.unnumbered(logical.RevokeOperation, "", nil)
		req.Secret = lease.Secret
		req.Secret.IssueTime = time.Now()
		if _, err := d.engine.HandleRequest(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}

// beside mints and revokes while others do something all the time, each as often as a
// client over the network could: a thousand times a second.
func (d *desk) beside(others int, work func()) func(b *testing.B) {
	return func(b *testing.B) {
		ctx, stop := context.WithCancel(b.Context())
		var busy sync.WaitGroup
		for range others {
			busy.Go(func() {
				for tick := time.Tick(time.Millisecond); ; work() {
					select {
					case <-tick:
					case <-ctx.Done():
						return
					}
				}
			})
		}
		d.mintAndRevoke(b)
		stop()
		busy.Wait()
	}
}

func (d *desk) dueOf(b *testing.B) {
	for b.Loop() {
		due, err := d.engine.ledger.Due(b.Context(), d.storage, 64)
		if err != nil || len(due["over"]) != 64 {
			b.Fatal(len(due["over"]), err)
		}
	}
}

func loop(work func()) func(b *testing.B) {
	return func(b *testing.B) {
		for b.Loop() {
			work()
		}
	}
}

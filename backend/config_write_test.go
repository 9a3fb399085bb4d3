package backend

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// Each pair of writers of a connection meets at each call that the first of them makes,
// be it to storage or to the exchange: it pauses with the answer in hand, while the
// second does all its work. Whatever the order, nothing that succeeded is lost, the root
// key that is stored works, and every other one that the engine made is gone.
func TestWritersOfAConnectionLoseNothing(t *testing.T) {
	t.Parallel()
	for _, first := range writers() {
		for _, second := range writers() {
			t.Run(first.name+", then "+second.name, func(t *testing.T) {
				t.Parallel()
				meetings := 0
				for meetAt(t, first, second, meetings+1) {
					meetings++
				}
				require.GreaterOrEqual(t, meetings, 3, "the pause does not reach the calls")
			})
		}
	}
}

// writer is something that writes to a connection.
type writer struct {
	name string
	// path that it writes to, and what; none for the rotator.
	path string
	data func(*desk) map[string]any
	// kept asserts that what it did is not undone by the other, which succeeded too.
	kept func(d *desk, shown map[string]any, other string)
	// refusal is why it may be refused, besides the reasons that all share.
	refusal string
}

const (
	// again is the writer that, as Terraform does, writes what was there at first.
	again = "the first credential again"
	// moved is the writer that takes the connection to another account by force, and is
	// told what stays at the former one.
	moved = "another account"
)

func writers() []writer {
	const config = "config/" + rotating
	fields := func(fields map[string]any) func(*desk) map[string]any {
		return func(*desk) map[string]any { return fields }
	}
	nothing := func(*desk, map[string]any, string) {}
	return []writer{
		{name: "a guard rail", path: config, data: fields(map[string]any{"max_ttl": "2h"}), kept: func(d *desk, shown map[string]any, _ string) {
			require.EqualValues(d, 7200, shown["max_ttl"], "the guard rail reverts")
		}},
		{name: "a freeze", path: config, data: fields(map[string]any{"frozen": "minting"}), kept: func(d *desk, shown map[string]any, _ string) {
			require.Equal(d, "minting", shown["frozen"], "the freeze is lost")
		}},
		{name: "a rotation", path: config + "/rotate-root", data: fields(nil), kept: func(d *desk, shown map[string]any, _ string) {
			require.NotEqual(d, d.sim.Exchange(rotating).APIKey, shown["api_key"], "the root key that was replaced is back")
		}},
		{name: "a credential", path: config, data: (*desk).otherRoot, kept: func(d *desk, shown map[string]any, other string) {
			if other != again {
				require.NotEqual(d, d.sim.Exchange(rotating).APIKey, shown["api_key"], "the former root key is back")
			}
		}},
		{name: again, path: config, refusal: "could not be verified", kept: nothing, data: func(d *desk) map[string]any {
			return replacement(d.sim.Exchange(rotating))
		}},
		{name: moved, path: config, kept: nothing, data: func(d *desk) map[string]any {
			access, ok := d.sim.Root(rotating, "other")
			require.True(d, ok)
			return merge(replacement(access), map[string]any{"force": true})
		}},
		{name: "a kill switch", path: config + "/revoke-all", data: fields(nil), kept: func(d *desk, _ map[string]any, other string) {
			require.Equal(d, true, d.read(config + "/revoke-all")["on"], "the kill switch is lost")
			if other == moved {
				return
			}
			d.eventually("the keys are gone", func() bool {
				// A deletion with a root key that was just replaced is tried again.
				d.clock.advance(ledger.LastRetry)
				d.sweep()
				return d.read(config + "/revoke-all")["keys_left"] == 0
			})
		}},
		{name: "the rotator", kept: nothing},
	}
}

// mayFail reports whether the writer may end so when it meets another.
func (w writer) mayFail(err error) bool {
	refusals := []string{"changed by another request meanwhile", "being replaced already", "not deleted yet", "engine is deleting it", "engine has deleted it", "could no longer be revoked"}
	if w.refusal != "" {
		refusals = append(refusals, w.refusal)
	}
	return err == nil || slices.ContainsFunc(refusals, func(text string) bool { return strings.Contains(err.Error(), text) })
}

// prepare returns the writer's work, which another goroutine may do.
func (w writer) prepare(d *desk) func() error {
	if w.path == "" {
		return func() error {
			d.engine.tendRoots(context.Background(), d.storage)
			return nil
		}
	}
	req := d.request(logical.UpdateOperation, w.path, w.data(d))
	return func() error {
		resp, err := d.engine.HandleRequest(context.Background(), req)
		if err == nil && resp.IsError() {
			err = resp.Error()
		}
		return err
	}
}

// patience is how long the second writer gets while the first pauses. It may have to
// wait for the first, and then meets it later; nothing is asserted about that.
const patience = 100 * time.Millisecond

// meetAt lets the writers meet at the n-th call, and reports whether the first made so
// many.
func meetAt(t *testing.T, first, second writer, n int) bool {
	p := &pauser{paused: make(chan struct{}), resume: make(chan struct{})}
	d := newWritersDesk(t, p)
	lease := d.mint("reader").Data["api_key"].(string)
	d.clock.advance(25 * time.Hour) // A rotation is due, and so is an inspection.

	met, failed, otherFailed := p.meet(n, first.prepare(d), second.prepare(d))
	if !met {
		return false
	}
	require.True(t, first.mayFail(failed), "the first at call %d: %v", n, failed)
	require.True(t, second.mayFail(otherFailed), "the second at call %d: %v", n, otherFailed)
	require.False(t, failed != nil && otherFailed != nil, "both were refused at call %d: %v, %v", n, failed, otherFailed)

	d.clock.advance(leftoverGrace)
	d.write("config/"+rotating, map[string]any{"rotation_period": 0})
	d.tendRoots()
	shown, checked := d.read("config/"+rotating), d.read("config/"+rotating+"/check")
	if failed == nil {
		first.kept(d, shown, second.name)
	}
	if otherFailed == nil {
		second.kept(d, shown, first.name)
	}
	require.Equal(t, true, checked["can_mint"], "the stored root key does not work")
	require.Equal(t, checked["account"], shown["account"], "the stored root key is of another account")
	require.Empty(t, shown["leftover_root_keys"])
	if first.name == moved || second.name == moved {
		return true
	}
	for _, key := range d.sim.Keys() {
		require.Contains(t, []any{lease, shown["api_key"]}, key.APIKey, "nobody tracks a root key")
	}
	return true
}

// newWritersDesk has a connection whose exchange replaces root keys, with a role that
// reads. Each call to storage or the exchange passes the pauser.
func newWritersDesk(t *testing.T, p *pauser) *desk {
	venues := slices.DeleteFunc(all.Venues(), func(l simulator.Listing) bool { return l.Name != rotating })
	sim := simulator.New(simulator.Options{RateMultiplier: hurried}, venues...)
	require.NoError(t, sim.Start("127.0.0.1", 0))
	var pausing []exchanges.Exchange
	for _, exchange := range catalog.All() {
		if exchange.Describe().Name == rotating {
			pausing = append(pausing, pausingExchange{exchange, p})
		}
	}
	d := newDeskOf(t, sim, &fakeClock{now: time.Now()}, pausing)
	d.storage.Storage = pausingStorage{d.storage.Storage, p}
	d.connect(rotating, map[string]any{"rotation_period": "24h"})
	d.write("roles/reader", map[string]any{
		"connection": rotating, "sub_accounts": d.sim.Exchange(rotating).SubAccounts[0], "scopes": "read", "ttl": "20h", "max_ttl": "23h",
	})
	return d
}

// pauser holds whoever passes it as the n-th from now on, until it is resumed.
type pauser struct {
	mu             sync.Mutex
	left           int
	paused, resume chan struct{}
}

// pauseAt says which passing pauses, counted from 1; 0 for none.
func (p *pauser) pauseAt(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = n
}

// meet pauses one at its n-th call, while the other does its work. It reports whether
// one made so many calls, and how both ended.
func (p *pauser) meet(n int, one, other func() error) (met bool, failed, otherFailed error) {
	ones, others := make(chan error, 1), make(chan error, 1)
	p.pauseAt(n)
	go func() { ones <- one() }()
	select {
	case <-p.paused:
	case failed = <-ones:
		// What the first left to the background may be about to pause, or do so now.
		p.pauseAt(0)
		close(p.resume)
		return false, failed, nil
	}
	go func() { others <- other() }()
	select {
	case otherFailed = <-others:
		close(p.resume)
	case <-time.After(patience):
		close(p.resume)
		otherFailed = <-others
	}
	return true, <-ones, otherFailed
}

// pass is called once a call is answered: what it read may be out of date by the time
// that it is used.
func (p *pauser) pass() {
	p.mu.Lock()
	p.left--
	pausing := p.left == 0
	p.mu.Unlock()
	if pausing {
		close(p.paused)
		<-p.resume
	}
}

// pausingStorage is storage whose callers pass a pauser.
type pausingStorage struct {
	logical.Storage
	pauser *pauser
}

func (s pausingStorage) List(ctx context.Context, prefix string) ([]string, error) {
	defer s.pauser.pass()
	return s.Storage.List(ctx, prefix)
}

func (s pausingStorage) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	defer s.pauser.pass()
	return s.Storage.Get(ctx, key)
}

func (s pausingStorage) Put(ctx context.Context, entry *logical.StorageEntry) error {
	defer s.pauser.pass()
	return s.Storage.Put(ctx, entry)
}

func (s pausingStorage) Delete(ctx context.Context, key string) error {
	defer s.pauser.pass()
	return s.Storage.Delete(ctx, key)
}

// pausingExchange is an exchange whose accounts' callers pass a pauser.
type pausingExchange struct {
	exchanges.Exchange
	pauser *pauser
}

func (x pausingExchange) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	account, err := x.Exchange.Open(credential, options)
	if err != nil {
		return nil, err
	}
	return pausingAccount{account, account.(exchanges.RootRotator), x.pauser}, nil
}

type pausingAccount struct {
	exchanges.Account
	rotator exchanges.RootRotator
	pauser  *pauser
}

func (a pausingAccount) Inspect(ctx context.Context) (exchanges.Identity, error) {
	defer a.pauser.pass()
	return a.Account.Inspect(ctx)
}

func (a pausingAccount) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	defer a.pauser.pass()
	return a.Account.ListKeys(ctx, subAccount)
}

func (a pausingAccount) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	defer a.pauser.pass()
	return a.Account.DeleteKey(ctx, ref)
}

func (a pausingAccount) RotateRoot(ctx context.Context, label string) (exchanges.Credential, error) {
	defer a.pauser.pass()
	return a.rotator.RotateRoot(ctx, label)
}

func (a pausingAccount) FindRoots(ctx context.Context, label string) ([]string, error) {
	defer a.pauser.pass()
	return a.rotator.FindRoots(ctx, label)
}

func (a pausingAccount) DeleteRoot(ctx context.Context, apiKey string) error {
	defer a.pauser.pass()
	return a.rotator.DeleteRoot(ctx, apiKey)
}

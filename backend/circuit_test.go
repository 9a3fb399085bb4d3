package backend

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

func TestCircuitOpensAndProbesOneAtATime(t *testing.T) {
	clock := &fakeClock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	c := &circuit{now: clock.Now}
	for range circuitFailures {
		require.NoError(t, c.enter())
		c.leave(&exchanges.Error{Kind: exchanges.ErrOutcomeUnknown})
	}
	require.True(t, c.open())
	err := c.enter()
	require.ErrorIs(t, err, exchanges.ErrUnavailable)
	require.ErrorContains(t, err, "since 2026-01-01T00:00:00Z, 5 calls in a row")

	clock.advance(circuitPause)
	require.NoError(t, c.enter(), "one probe")
	require.Error(t, c.enter(), "and no second at the same time")
	c.leave(&exchanges.Error{Kind: exchanges.ErrUnavailable})
	require.Error(t, c.enter(), "the pause begins anew")

	clock.advance(circuitPause)
	require.NoError(t, c.enter())
	c.leave(context.Canceled)
	require.True(t, c.open(), "a caller who left proves nothing")
	require.NoError(t, c.enter(), "so the next one probes")
	c.leave(&exchanges.Error{Kind: exchanges.ErrInvalid})
	require.False(t, c.open(), "any answer shows that the exchange is back")
}

// Giving up in our own queue is neither an outage nor the end of one.
func TestCircuitIgnoresOurOwnQueue(t *testing.T) {
	gaveUp := &exchanges.Error{Kind: exchanges.ErrUnavailable, Err: errors.Join(exchanges.ErrNotAsked, context.DeadlineExceeded)}
	tooLate := &exchanges.Error{Kind: exchanges.ErrRateLimited, Err: exchanges.ErrNotAsked}
	c := &circuit{now: time.Now}
	for range 2 * circuitFailures {
		require.NoError(t, c.enter())
		c.leave(gaveUp)
	}
	for range circuitFailures {
		require.False(t, c.open())
		c.leave(tooLate)
		c.leave(&exchanges.Error{Kind: exchanges.ErrUnavailable})
		c.leave(gaveUp)
	}
	require.True(t, c.open(), "failures in a row are counted past those in between that were not asked")
	c.leave(tooLate)
	require.True(t, c.open())
	c.leave(&exchanges.Error{Kind: exchanges.ErrRateLimited})
	require.False(t, c.open(), "the exchange's own refusal is an answer")
}

func TestOutageFailsMintsFastAndDeletesEverythingWhenItEnds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.trader()
	leases := []*logical.Response{d.mint("trader"), d.mint("trader"), d.mint("trader")}
	d.inject("bybit", exchanges.OpAny, simulator.Outage, 0)
	for _, lease := range leases {
		require.Error(t, d.revoke(lease))
	}
	for range circuitFailures {
		_, err := d.do(logical.ReadOperation, "creds/trader", nil)
		require.Error(t, err)
	}
	before := d.sim.Calls("bybit", exchanges.OpCreateKey)
	_, err := d.do(logical.ReadOperation, "creds/trader", nil)
	require.ErrorContains(t, err, "has not answered since")
	require.Equal(t, before, d.sim.Calls("bybit", exchanges.OpCreateKey), "the exchange was not asked")
	text := d.metrics()
	require.Contains(t, text, `exchange_circuit_open{connection="bybit"} 1`)
	require.Contains(t, text, `exchange_keys{connection="bybit",state="revoking"} 3`)

	// Longer than all of Vault's own attempts, which end in an irrevocable
	// lease.
	for range 4 {
		d.clock.advance(5 * time.Minute)
		d.sweep()
	}
	require.Contains(t, d.metrics(), `exchange_overdue_seconds{connection="bybit"} 1200`)
	d.sim.ClearFaults()
	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
	require.Contains(t, d.metrics(), `exchange_circuit_open{connection="bybit"} 0`)
	d.mint("trader")
}

// The proof of a deletion is a call like any other.
func TestDeletionAndItsProofAreCounted(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	require.Contains(t, d.metrics(), `exchange_calls_total{connection="bybit",operation="list_keys",result="ok"} 1`, "for the addresses of the new key")
	require.NoError(t, d.revoke(lease))
	text := d.metrics()
	require.Contains(t, text, `exchange_calls_total{connection="bybit",operation="delete_key",result="ok"} 1`)
	require.Contains(t, text, `exchange_calls_total{connection="bybit",operation="list_keys",result="ok"} 2`)
}

// metrics reads the metrics as text.
func (d *desk) metrics() string {
	d.Helper()
	resp, err := d.engine.HandleRequest(d.Context(), d.request(logical.ReadOperation, "metrics", nil))
	require.NoError(d, err)
	return string(resp.Data[logical.HTTPRawBody].([]byte))
}

// renewable is an account whose root key can be replaced, in a second.
type renewable struct {
	exchanges.Account
	clock *fakeClock
	err   error
}

func (r renewable) RotateRoot(context.Context, string) (exchanges.Credential, error) {
	r.clock.advance(time.Second)
	return exchanges.Credential{APIKey: "fresh"}, r.err
}

func (r renewable) FindRoots(context.Context, string) ([]string, error) {
	r.clock.advance(time.Second)
	return []string{"fresh"}, r.err
}

func (r renewable) DeleteRoot(context.Context, string) error {
	r.clock.advance(time.Second)
	return r.err
}

// What only some accounts can do is held back and counted as any call is.
func TestCircuitHoldsForEveryCapability(t *testing.T) {
	clock := &fakeClock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	seen := map[exchanges.Operation]int{}
	observe := func(operation exchanges.Operation, _ error, took time.Duration) {
		seen[operation]++
		require.Equal(t, time.Second, took)
	}
	g := guard(renewable{clock: clock}, clock.Now, observe)
	require.True(t, g.canRotateRoot())
	fresh, err := g.RotateRoot(t.Context(), "label")
	require.NoError(t, err)
	require.Equal(t, "fresh", fresh.APIKey)
	found, err := g.FindRoots(t.Context(), "label")
	require.NoError(t, err)
	require.Equal(t, []string{"fresh"}, found)
	require.NoError(t, g.DeleteRoot(t.Context(), "old"))
	require.Equal(t, map[exchanges.Operation]int{exchanges.OpRotateRoot: 1, exchanges.OpFindRoots: 1, exchanges.OpDeleteRoot: 1}, seen)

	g = guard(renewable{clock: clock, err: &exchanges.Error{Kind: exchanges.ErrUnavailable}}, clock.Now, observe)
	for range circuitFailures {
		require.Error(t, g.DeleteRoot(t.Context(), "old"))
	}
	asked := seen[exchanges.OpDeleteRoot]
	_, err = g.RotateRoot(t.Context(), "label")
	require.ErrorIs(t, err, errCircuitOpen)
	require.ErrorIs(t, g.DeleteRoot(t.Context(), "old"), errCircuitOpen)
	require.Equal(t, asked, seen[exchanges.OpDeleteRoot])
}

func TestCapabilityThatAnAccountLacks(t *testing.T) {
	var asked []exchanges.Operation
	g := guard(stubborn{}, time.Now, func(operation exchanges.Operation, _ error, _ time.Duration) { asked = append(asked, operation) })
	require.False(t, g.canRotateRoot())
	_, err := g.RotateRoot(t.Context(), "label")
	require.ErrorIs(t, err, exchanges.ErrUnsupported)
	require.ErrorContains(t, err, "rotate root key: unsupported")
	_, err = g.FindRoots(t.Context(), "label")
	require.ErrorIs(t, err, exchanges.ErrUnsupported)
	require.ErrorIs(t, g.DeleteRoot(t.Context(), "old"), exchanges.ErrUnsupported)
	works, err := g.KeyWorks(t.Context(), exchanges.Key{})
	require.NoError(t, err)
	require.True(t, works, "a key works at once")
	require.Empty(t, asked)
	keys, err := g.CheckKey(t.Context(), exchanges.KeyRef{SubAccount: "desk"}, true)
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.Equal(t, []exchanges.Operation{exchanges.OpListKeys}, asked, "the list tells of one key, too")
}

// together is an account that checks keys one by one, and together unless that fails.
type together struct {
	exchanges.Account
	err error
}

func (together) CheckKey(context.Context, exchanges.KeyRef, bool) ([]exchanges.KeyInfo, error) {
	return []exchanges.KeyInfo{{ID: "one"}}, nil
}

func (a together) CheckKeys(context.Context, string) ([]exchanges.KeyInfo, error) {
	return []exchanges.KeyInfo{{ID: "one"}, {ID: "two"}}, a.err
}

// A key is checked with the others of its sub-account where that costs no more.
func TestKeysAreCheckedTogether(t *testing.T) {
	down := &exchanges.Error{Kind: exchanges.ErrUnavailable}
	for name, test := range map[string]struct {
		together, want error
		keys, calls    int
	}{
		"they can be":    {nil, nil, 2, 1},
		"they cannot be": {&exchanges.Error{Kind: exchanges.ErrUnsupported}, nil, 1, 2},
		"it fails":       {down, down, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			g := guard(together{err: test.together}, time.Now, func(exchanges.Operation, error, time.Duration) { calls++ })
			keys, err := g.CheckKey(t.Context(), exchanges.KeyRef{SubAccount: "desk"}, true)
			require.ErrorIs(t, err, test.want)
			require.Len(t, keys, test.keys)
			require.Equal(t, test.calls, calls)
		})
	}
}

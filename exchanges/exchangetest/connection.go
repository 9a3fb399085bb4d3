package exchangetest

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// testCancellation checks that each call ends when its caller goes, and leaves
// no goroutine. It runs alone, so that no other test's goroutines are counted.
func (s *suite) testCancellation(t *testing.T) {
	venue := s.start(t)
	for _, operation := range append(s.reads(), exchanges.OpCreateKey, exchanges.OpDeleteKey) {
		t.Run(string(operation), func(t *testing.T) {
			venue.Reset()
			o := s.order(t, venue.root(t).SubAccounts[0], s.readGrant(t))
			before := goleak.IgnoreCurrent()
			account, err := s.Exchange.Open(credentialOf(venue.root(t).Credential), venue.options(t))
			require.NoError(t, err)

			gone, cancel := context.WithCancel(t.Context())
			cancel()
			err = perform(gone, account, operation, o)
			require.ErrorIs(t, err, context.Canceled)
			assertKind(t, err)

			// Cancel once while the exchange's clock is being read, if it is, and
			// once later.
			for range 2 {
				venue.inject(t, exchanges.OpAny, simulator.Slow, 0, time.Hour)
				cancelMidway(t, venue, func(ctx context.Context) error { return perform(ctx, account, operation, o) })
				venue.ClearFaults()
				_, err = account.Inspect(deadline(t))
				require.NoError(t, err)
			}
			assert.Empty(t, venue.live(o.SubAccount))
			account.Close()
			goleak.VerifyNone(t, before)
		})
	}
}

// cancelMidway cancels a call while the exchange is working on it.
func cancelMidway(t *testing.T, venue *venue, call func(context.Context) error) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	arrived := venue.calls(exchanges.OpAny)
	done := make(chan error, 1)
	go func() { done <- call(ctx) }()
	require.Eventually(t, func() bool { return venue.calls(exchanges.OpAny) > arrived }, limit, time.Millisecond)
	cancel()
	select {
	case err := <-done:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(limit):
		require.Fail(t, "the call goes on although its caller has gone")
	}
}

// testConnections checks that calls share a connection and that Close ends it. It
// runs alone, so that no other test's goroutines are counted.
func (s *suite) testConnections(t *testing.T) {
	venue := s.start(t)
	relay := newRelay(t, venue.root(t).BaseURL)
	before := goleak.IgnoreCurrent()
	options := venue.options(t)
	options.BaseURL = relay.url
	account, err := s.Exchange.Open(credentialOf(venue.root(t).Credential), options)
	require.NoError(t, err)
	const calls = 500
	for range calls {
		_, err := account.Inspect(deadline(t))
		require.NoError(t, err)
	}
	// net/http gives a connection up whose writing goroutine does not get to run for
	// 50 ms, as happens now and then on a busy machine.
	assert.Less(t, relay.connections.Load(), int64(calls/20), "consecutive calls must share a connection")
	account.Close()
	goleak.VerifyNone(t, before)
}

// relay forwards TCP connections and counts them.
type relay struct {
	url         string
	connections atomic.Int64
}

// newRelay relays to the host of a base URL until the test ends.
func newRelay(t *testing.T, base string) *relay {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &relay{url: "http://" + listener.Addr().String()}
	target := base[len("http://"):]
	var running sync.WaitGroup
	running.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			r.connections.Add(1)
			running.Go(func() { passOn(near, target) })
		}
	})
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		running.Wait()
	})
	return r
}

// passOn copies both ways between a connection and a new one to the target. It
// returns when either side has ended.
func passOn(near net.Conn, target string) {
	defer near.Close()
	far, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer far.Close()
	var copying sync.WaitGroup
	copying.Go(func() {
		_, _ = io.Copy(far, near)
		_ = far.Close()
	})
	_, _ = io.Copy(near, far)
	_ = near.Close()
	copying.Wait()
}

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
	subAccount := venue.root(t).SubAccounts[0]
	calls := map[string]func(context.Context, exchanges.Account) error{
		"create": func(ctx context.Context, a exchanges.Account) error {
			_, err := a.CreateKey(ctx, s.order(t, subAccount, s.readGrant(t)).KeyRequest)
			return err
		},
		"delete": func(ctx context.Context, a exchanges.Account) error {
			return a.DeleteKey(ctx, s.order(t, subAccount, s.readGrant(t)).ref("no-such-key"))
		},
	}
	for _, read := range reads(subAccount) {
		calls[string(read.operation)] = read.call
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			venue.Reset()
			before := goleak.IgnoreCurrent()
			account, err := s.Exchange.Open(credential(venue.root(t).Credential), venue.options(t))
			require.NoError(t, err)

			gone, cancel := context.WithCancel(t.Context())
			cancel()
			err = call(gone, account)
			require.ErrorIs(t, err, context.Canceled)
			assertKind(t, err)
			assert.Empty(t, venue.live(subAccount))

			// Once while the exchange's clock is being asked for, if it is,
			// and once later.
			for range 2 {
				venue.inject(t, simulator.AnyOperation, simulator.Slow, 0, time.Hour)
				s.cancelMidway(t, venue, account, call)
				venue.ClearFaults()
				_, err = account.Inspect(deadline(t))
				require.NoError(t, err)
			}
			account.Close()
			goleak.VerifyNone(t, before)
		})
	}
}

// cancelMidway cancels a call once the exchange works on it.
func (s *suite) cancelMidway(t *testing.T, venue *venue, account exchanges.Account, call func(context.Context, exchanges.Account) error) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	arrived := venue.calls(simulator.AnyOperation)
	done := make(chan error, 1)
	go func() { done <- call(ctx, account) }()
	require.Eventually(t, func() bool { return venue.calls(simulator.AnyOperation) > arrived }, limit, time.Millisecond)
	cancel()
	select {
	case err := <-done:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(limit):
		require.Fail(t, "the call goes on though its caller has gone")
	}
}

// testConnections checks that calls share one connection and that Close ends
// it. It runs alone, so that no other test's goroutines are counted.
func (s *suite) testConnections(t *testing.T) {
	venue := s.start(t)
	relay := newRelay(t, venue.root(t).BaseURL)
	before := goleak.IgnoreCurrent()
	options := venue.options(t)
	options.BaseURL = relay.url
	account, err := s.Exchange.Open(credential(venue.root(t).Credential), options)
	require.NoError(t, err)
	for range 500 {
		_, err := account.Inspect(deadline(t))
		require.NoError(t, err)
	}
	assert.EqualValues(t, 1, relay.connections.Load(), "one connection must serve calls made one after the other")
	account.Close()
	goleak.VerifyNone(t, before)
}

// relay passes TCP connections on and counts them.
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

// passOn copies both ways between a connection and a new one to the target, and
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

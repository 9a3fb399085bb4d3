package backend

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// newBubbleDesk returns a desk for a test in a testing/synctest bubble, with one
// simulated exchange. The engine, the exchange's clients and the exchange itself go
// by the bubble's clock, so that waiting is exact and takes no time.
func newBubbleDesk(t testing.TB, exchange string) *desk {
	t.Helper()
	return newBubbleDeskWith(t, exchange, simulator.Options{RateMultiplier: hurried}, func(through http.RoundTripper) http.RoundTripper { return through })
}

// newBubbleDeskWith is newBubbleDesk with another exchange, to which all calls go through
// what around returns.
func newBubbleDeskWith(t testing.TB, exchange string, options simulator.Options, around func(http.RoundTripper) http.RoundTripper) *desk {
	t.Helper()
	// A bubble begins in the year 2000, when a time in milliseconds had one digit less.
	time.Sleep(time.Until(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)))
	n := &network{listeners: map[string]*listener{}}
	var wired []exchanges.Exchange
	for _, exchange := range catalog.All() {
		wired = append(wired, wiredExchange{exchange, n, around})
	}
	venues := slices.DeleteFunc(all.Venues(), func(l simulator.Listing) bool { return l.Name != exchange })
	sim := simulator.New(options, venues...)
	require.NoError(t, sim.Serve(n.listen))
	return newDeskOf(t, sim, bubbleClock{time.Now()}, wired)
}

// bubbleClock is the clock of the bubble that the test runs in.
type bubbleClock struct{ began time.Time }

func (bubbleClock) Now() time.Time           { return time.Now() }
func (c bubbleClock) Elapsed() time.Duration { return time.Since(c.began) }
func (bubbleClock) advance(by time.Duration) { time.Sleep(by) }
func (bubbleClock) elapse(by time.Duration)  { time.Sleep(by) }
func (bubbleClock) jump(time.Duration)       { panic("a bubble's clock cannot be set") }

// wiredExchange is an exchange whose accounts call through a network in memory.
type wiredExchange struct {
	exchanges.Exchange
	network *network
	around  func(http.RoundTripper) http.RoundTripper
}

// Open gives each account a transport of its own, as the account itself would.
func (w wiredExchange) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	options.Transport = w.around(&http.Transport{DialContext: w.network.dial})
	return w.Exchange.Open(credential, options)
}

// NewKeyPair implements [exchanges.PairMaker] for exchanges that do and that do not.
func (w wiredExchange) NewKeyPair(t exchanges.KeyType) (string, exchanges.Secret, error) {
	return exchanges.MakeKeyPair(w.Exchange, t)
}

// network carries HTTP in memory: a goroutine that waits for a socket would keep
// the bubble's clock from moving.
type network struct {
	mu        sync.Mutex
	listeners map[string]*listener // by address
}

func (n *network) listen(i int) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &listener{
		address: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 20000 + i},
		dialed:  make(chan net.Conn), closed: make(chan struct{}),
	}
	n.listeners[l.address.String()] = l
	return l, nil
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[address]
	n.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
	}
	ours, theirs := net.Pipe()
	select {
	case l.dialed <- caller{theirs}:
		return ours, nil
	case <-l.closed:
		return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// listener is one server's end of the network.
type listener struct {
	address *net.TCPAddr
	dialed  chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.dialed:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return l.address }

// caller is a connection that comes from this machine, as the addresses to which
// keys are bound want it.
type caller struct{ net.Conn }

func (caller) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50000} }

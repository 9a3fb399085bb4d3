package exchangetest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// present is the time at which a test in a bubble starts. It is later than the
// recorded answers, some of which contain their own time.
func present() time.Time { return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) }

// bubble runs a test in a synctest bubble, with a simulator at its time.
func (s *suite) bubble(t *testing.T, multiplier float64, test func(*testing.T, *bubble)) {
	w := newWire(t)
	venue := s.startWith(t, simulator.Options{RateMultiplier: multiplier, Now: w.clock})
	options := venue.options(t)
	options.RateMultiplier, options.Transport = multiplier, w
	b := &bubble{venue: venue, wire: w, options: options}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(present())) // A bubble starts in the year 2000.
		test(t, b)
	})
}

// Bubble runs a test of an exchange package in a synctest bubble, against a
// simulated exchange that keeps to the bubble's time and to the documented limits.
// The options say how to reach it.
func Bubble(t *testing.T, subject Subject, test func(t *testing.T, sim *simulator.Simulator, options exchanges.Options)) {
	newSuite(t, subject).bubble(t, 1, func(t *testing.T, b *bubble) { test(t, b.Simulator, b.options) })
}

// bubble is a simulated exchange and how to reach it from inside a bubble.
type bubble struct {
	*venue
	wire    *wire
	options exchanges.Options
}

// account opens the root that can do everything and makes a first call, so
// that the clock has been measured.
func (b *bubble) account(t *testing.T) exchanges.Account {
	account := b.open(t, credentialOf(b.root(t).Credential), b.options)
	_, err := account.Inspect(t.Context())
	require.NoError(t, err)
	return account
}

// leaveUnanswered has the venue take requests of an operation, do nothing and say
// nothing, until its faults are cleared. A request that it has taken by then stays
// without an answer.
func (b *bubble) leaveUnanswered(t *testing.T, operation exchanges.Operation) {
	b.inject(t, operation, simulator.DropBeforeCommit, 0, 0)
	b.wire.keepQuiet()
}

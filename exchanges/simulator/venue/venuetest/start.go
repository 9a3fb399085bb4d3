package venuetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Start serves a simulator of one exchange that ends with the test. Without a clock
// in the options its time stands still, so that no request is too old, however long
// it is on its way.
func Start(t *testing.T, exchange venue.Listing, options simulator.Options) *simulator.Simulator {
	t.Helper()
	if options.Now == nil {
		options.Now = NewClock().Now
	}
	s := simulator.New(options, exchange)
	require.NoError(t, s.Start("127.0.0.1", 0))
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// Unhurried is a simulator whose rate limits do not get in the way.
func Unhurried(t *testing.T, exchange venue.Listing) *simulator.Simulator {
	t.Helper()
	return Start(t, exchange, simulator.Options{RateMultiplier: 1000})
}

// StartAt serves a simulator that uses a clock which the caller sets.
func StartAt(t *testing.T, exchange venue.Listing, at time.Time) (*simulator.Simulator, *time.Time) {
	t.Helper()
	return Start(t, exchange, simulator.Options{Now: func() time.Time { return at }}), &at
}

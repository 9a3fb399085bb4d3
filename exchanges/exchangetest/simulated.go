package exchangetest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// Simulated is a driver's exchange in a simulator, for tests of what is specific to
// the driver and not part of [Run].
type Simulated struct {
	*testing.T
	*simulator.Simulator
	driver exchanges.Exchange
	// options say how to reach the exchange.
	options exchanges.Options
}

// Simulate starts a simulator of the driver's venue that ends with the test. Unless
// the options say otherwise, its rate limits do not get in the way.
func Simulate(t *testing.T, driver exchanges.Exchange, venue simulator.Listing, options simulator.Options) Simulated {
	t.Helper()
	if options.RateMultiplier == 0 {
		options.RateMultiplier = hurried
	}
	s := simulator.New(options, venue)
	require.NoError(t, s.Start("127.0.0.1", 0))
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return Simulated{t, s, driver, exchanges.Options{BaseURL: s.Exchange(venue.Name).BaseURL, RateMultiplier: hurried}}
}

// InWeather runs a test in calm weather and in each weather of a condition, each time in
// a [Bubble].
func InWeather(t *testing.T, subject Subject, condition string, values []string, test func(s Simulated, value string)) {
	for _, value := range append([]string{""}, values...) {
		t.Run(condition+"="+value, func(t *testing.T) {
			Bubble(t, subject, func(t *testing.T, sim *simulator.Simulator, options exchanges.Options) {
				s := Simulated{t, sim, subject.Exchange, options}
				s.Set(condition, value)
				test(s, value)
			})
		})
	}
}

// Context ends with the test, and after 30 seconds at the latest.
func (s Simulated) Context() context.Context { return deadline(s.T) }

// Set sets a condition of the exchange's weather; no value makes it calm.
func (s Simulated) Set(condition, value string) {
	s.Helper()
	require.NoError(s, s.SetWeather(s.driver.Describe().Name, condition, value))
}

// Access returns how to reach one of the roots, by its kind.
func (s Simulated) Access(kind string) simulator.Access {
	s.Helper()
	access, ok := s.Root(s.driver.Describe().Name, kind)
	require.True(s, ok, "the simulator has no root %q", kind)
	return access
}

// Open opens an account that is closed when the test ends. The options need neither
// address nor pace.
func (s Simulated) Open(credential exchanges.Credential, options exchanges.Options) exchanges.Account {
	s.Helper()
	options.BaseURL, options.RateMultiplier, options.Transport = s.options.BaseURL, s.options.RateMultiplier, s.options.Transport
	account, err := s.driver.Open(credential, options)
	require.NoError(s, err)
	s.Cleanup(account.Close)
	return account
}

// OpenRoot opens an account with one of the roots, by its kind.
func (s Simulated) OpenRoot(kind string, options exchanges.Options) exchanges.Account {
	s.Helper()
	return s.Open(credentialOf(s.Access(kind).Credential), options)
}

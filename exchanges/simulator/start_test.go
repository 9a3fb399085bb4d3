package simulator_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// start serves a simulator that ends with the test.
func start(t *testing.T, options simulator.Options) *simulator.Simulator {
	t.Helper()
	s := simulator.New(options)
	require.NoError(t, s.Start("127.0.0.1", 0))
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// unhurried is a simulator whose rate limits do not get into the way.
func unhurried(t *testing.T) *simulator.Simulator {
	return start(t, simulator.Options{RateMultiplier: 1000})
}

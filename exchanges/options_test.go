package exchanges_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// An account with a multiple of the documented rates waits for that fraction of the
// time.
func TestOptionsWait(t *testing.T) {
	for multiplier, want := range map[float64]time.Duration{0: time.Second, 1: time.Second, 2: time.Second / 2, 0.25: 4 * time.Second} {
		require.Equal(t, want, exchanges.Options{RateMultiplier: multiplier}.Wait(time.Second))
	}
}

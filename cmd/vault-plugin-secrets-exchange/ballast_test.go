package main

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBallast: what is thrown away is collected only once as much has gathered as the
// ballast is large.
func TestBallast(t *testing.T) {
	collections := func() (of uint32) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range ballastSize / 2 >> 10 {
			thrownAway = make([]byte, 1<<10)
		}
		runtime.ReadMemStats(&after)
		return after.NumGC - before.NumGC
	}
	require.Positive(t, collections())
	require.NoError(t, withBallast(func() error {
		require.Zero(t, collections())
		return nil
	}))
}

// thrownAway keeps the compiler from leaving out what nobody uses.
var thrownAway []byte

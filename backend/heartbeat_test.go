package backend

import (
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

func TestHeartbeatIsWrittenOnceAMinute(t *testing.T) {
	d := newDesk(t)
	beats := 0
	d.storage.failing(func(call, key string) error {
		if call == "put" && key == pulsePrefix+pulseName {
			beats++
		}
		return nil
	})
	for range 3 {
		d.tick()
	}
	require.Equal(t, 1, beats)
	d.clock.advance(beatEvery)
	d.tick()
	require.Equal(t, 2, beats)
	d.clock.jump(-time.Hour)
	d.tick()
	require.Equal(t, 3, beats, "the clock was put right")
}

// A beat that cannot be written stops nothing, and one that cannot be read leaves
// everything in doubt.
func TestHeartbeatThatStorageDoesNotTake(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.storage.failing(func(_, key string) error {
		if key == pulsePrefix+pulseName {
			return errors.New("storage is full")
		}
		return nil
	})
	require.NoError(t, d.sweepQuietly())
	require.Contains(t, d.log.String(), "the heartbeat could not be written")
	require.NoError(t, d.revoke(lease))
	lease = d.mint("trader")
	d.start()
	require.ErrorContains(t, d.revoke(lease), "storage is full")
	require.Len(t, d.sim.Keys(), 1)
	d.storage.failing(nil)
	require.NoError(t, d.revoke(lease))

	require.NoError(t, d.storage.Put(t.Context(), &logical.StorageEntry{Key: pulsePrefix + pulseName, Value: []byte("{")}))
	d.start()
	doubt, doubtful := d.engine.heartbeat.doubts("bybit")
	require.True(t, doubtful)
	require.True(t, doubt.Since.IsZero())
	d.engine.invalidate(t.Context(), pulsePrefix+pulseName)
	d.tick()
	d.start()
	_, doubtful = d.engine.heartbeat.doubts("bybit")
	require.True(t, doubtful)
}

package backend

import (
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// TestUsesAreRecorded counts what is signed with a key, and has the ledger know of it at
// most once an hour.
func TestUsesAreRecorded(t *testing.T) {
	d := newDesk(t)
	key := d.leaseHandle("bybit", map[string]any{"ttl": "8h", "max_ttl": "8h"})
	id, path := key["key_id"].(string), key["sign_path"].(string)
	now := d.clock.(*fakeClock).Now
	shown := func(uses int, last time.Time) {
		t.Helper()
		told := d.read("keys/" + id)
		require.Equal(t, uses, told["uses"])
		require.Equal(t, timestamp(last), told["last_used"])
	}
	stored := func() int { return d.entry(id).Uses }
	shown(0, time.Time{})

	d.write(path, anyRequest("bybit"))
	d.write(path+"/login", nil)
	d.refused(logical.UpdateOperation, path, map[string]any{"method": "get"}, "method")
	first := now()
	shown(2, first)
	require.Zero(t, stored())
	d.tick()
	require.Equal(t, 2, stored(), "recorded with the next tick")
	_, writes := d.storage.counted(d.tick)
	require.Zero(t, writes, "nothing new")

	d.clock.advance(time.Minute)
	d.write(path, anyRequest("bybit"))
	second := now()
	d.tick()
	require.Equal(t, 2, stored(), "not so soon again")
	shown(3, second)
	d.clock.advance(time.Hour)
	d.failWrites(1, errors.New("no disk"))
	d.tick()
	require.Equal(t, 2, stored())
	shown(3, second)
	d.tick()
	require.Equal(t, 3, stored(), "what failed is recorded later")

	d.start() // with nothing in memory
	shown(3, second)
	d.write(path, anyRequest("bybit"))
	shown(4, now())
	d.end(id)
	d.tick()
	require.Empty(t, d.engine.uses.of)
}

package ledger

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// TestASwitchDoomsWhatWasMadeBefore: and nothing that is made after, nor anything of
// another role or connection; before and after the ledger is loaded anew.
func TestASwitchDoomsWhatWasMadeBefore(t *testing.T) {
	now := start
	l, storage := New(func() time.Time { return now }, noTime), &logical.InmemStorage{}
	enter := func(id, connection, role string) {
		claim, err := l.Claim(t.Context(), storage, id)
		require.NoError(t, err)
		defer claim.Release()
		require.NoError(t, claim.Import(t.Context(), Entry{Connection: connection, Role: role, Created: now, Expires: now.Add(time.Hour)}))
	}
	enter("old", "c", "r")
	enter("other role", "c", "s")
	enter("other connection", "d", "r")
	enter("bystander", "d", "s")
	now = now.Add(time.Minute)
	require.NoError(t, l.Throw(t.Context(), storage, OfRole, "r"))
	enter("new", "c", "r")

	for _, fresh := range []bool{false, true} {
		if fresh {
			l = New(func() time.Time { return now }, noTime)
		}
		due, err := l.Due(t.Context(), storage, 10)
		require.NoError(t, err)
		require.Equal(t, map[string][]string{"c": {"old"}, "d": {"other connection"}}, due)
		claim, err := l.Claim(t.Context(), storage, "old")
		require.NoError(t, err)
		require.True(t, claim.Doomed())
		require.True(t, claim.Due())
		claim.Release()
	}
	keys, err := l.Keys(t.Context(), storage, func(key Key) bool { return key.ID == "old" })
	require.NoError(t, err)
	require.Equal(t, now, keys[0].WantedGone)

	require.NoError(t, l.Throw(t.Context(), storage, OfConnection, "d"))
	require.NoError(t, l.Lift(t.Context(), storage, OfConnection, "d"))
	due, err := l.Due(t.Context(), storage, 10)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"other connection", "bystander"}, due["d"], "lifting the switch saves no key")
	thrown, err := l.Switch(t.Context(), storage, OfConnection, "d")
	require.NoError(t, err)
	require.Equal(t, Switch{Generation: 1, Since: now}, thrown)
	never, err := l.Switch(t.Context(), storage, OfConnection, "c")
	require.NoError(t, err)
	require.Zero(t, never)
}

// TestASwitchDoomsWhatIsClaimedBeforeItIsRead: after a start, a key may be asked for before
// anybody has read which switches were thrown.
func TestASwitchDoomsWhatIsClaimedBeforeItIsRead(t *testing.T) {
	storage := &logical.InmemStorage{}
	ledger := func() *Ledger { return New(func() time.Time { return start }, noTime) }
	before := ledger()
	claim, err := before.Claim(t.Context(), storage, "old")
	require.NoError(t, err)
	require.NoError(t, claim.Import(t.Context(), Entry{Connection: "c", Role: "r", Created: start, Expires: start.Add(time.Hour)}))
	claim.Release()
	require.NoError(t, before.Throw(t.Context(), storage, OfRole, "r"))

	l := ledger()
	claim, err = l.Claim(t.Context(), storage, "old")
	require.NoError(t, err)
	claim.Release()
	due, err := l.Due(t.Context(), storage, 10)
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"c": {"old"}}, due)
}

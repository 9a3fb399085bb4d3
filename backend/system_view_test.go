package backend

import (
	"testing"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

const active = consts.ReplicationPerformanceDisabled | consts.ReplicationDRDisabled

func TestOnlyThatItMayWriteIsRememberedOfANode(t *testing.T) {
	system := &logical.StaticSystemView{ReplicationStateVal: consts.ReplicationPerformanceStandby}
	view := &systemView{SystemView: system}
	for _, step := range []struct {
		state consts.ReplicationState
		local bool
		want  standing
	}{
		{consts.ReplicationPerformanceStandby, false, standing{consts.ReplicationPerformanceStandby, false}},
		{consts.ReplicationDRSecondary, false, standing{consts.ReplicationDRSecondary, false}},
		{consts.ReplicationPerformanceSecondary, false, standing{consts.ReplicationPerformanceSecondary, false}},
		{consts.ReplicationUnknown, false, standing{consts.ReplicationUnknown, false}},
		{consts.ReplicationPerformanceSecondary, true, standing{consts.ReplicationPerformanceSecondary, true}},
		// From here on it is remembered.
		{consts.ReplicationPerformanceStandby, false, standing{consts.ReplicationPerformanceSecondary, true}},
	} {
		system.ReplicationStateVal, system.LocalMountVal = step.state, step.local
		require.Equal(t, step.want, standing{view.ReplicationState(), view.LocalMount()})
	}
	view.forget()
	require.Equal(t, consts.ReplicationPerformanceStandby, view.ReplicationState())
}

// A node that may not write any more learns that from the first write that Vault refuses,
// before the exchange is asked for anything.
func TestANodeThatIsNoLongerActiveForwards(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")
	d.system.ReplicationStateVal = consts.ReplicationPerformanceStandby
	d.storage.failing(func(call, _ string) error {
		if call == "put" || call == "delete" {
			return logical.ErrReadOnly
		}
		return nil
	})
	for range 2 {
		_, err := d.do(logical.ReadOperation, "creds/trader", nil)
		require.ErrorIs(t, err, logical.ErrReadOnly)
	}
	require.Len(t, d.sim.Keys(), 1)
	require.False(t, d.engine.ownsStorage())
	require.Equal(t, consts.ReplicationPerformanceStandby, d.engine.System().ReplicationState())

	// It is active again, and nothing keeps it from learning that.
	d.system.ReplicationStateVal = active
	d.storage.failing(nil)
	d.mint("trader")
}

// What another node has written, and what another request has, is obeyed by the next
// request: what is kept in memory of a role or a connection is never the older one.
func TestWhatIsWrittenElsewhereIsObeyedAtOnce(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")

	stored, err := roleTable().Get(t.Context(), d.storage, "trader")
	require.NoError(t, err)
	stored.Disabled = true
	require.NoError(t, roleTable().Put(t.Context(), d.storage, "trader", *stored))
	d.engine.InvalidateKey(t.Context(), rolePrefix+"trader")
	d.refused(logical.ReadOperation, "creds/trader", nil, "disabled")
	resp, err := d.leaseAnswer(logical.RenewOperation, lease, 0)
	require.NoError(t, err)
	require.ErrorContains(t, resp.Error(), "disabled")
	d.must(logical.PatchOperation, "roles/trader", map[string]any{"disabled": false})
	d.mint("trader")
	d.must(logical.PatchOperation, "roles/trader", map[string]any{"disabled": true})
	d.refused(logical.ReadOperation, "creds/trader", nil, "disabled")
	d.must(logical.PatchOperation, "roles/trader", map[string]any{"disabled": false})

	entry, err := connectionTable().Get(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	entry.Frozen = frozenMinting
	require.NoError(t, connectionTable().Put(t.Context(), d.storage, "bybit", *entry))
	d.engine.InvalidateKey(t.Context(), connectionPrefix+"bybit")
	d.refused(logical.ReadOperation, "creds/trader", nil, "frozen")
	d.write("config/bybit", map[string]any{"frozen": "no"})
	d.mint("trader")
	d.write("config/bybit", map[string]any{"frozen": "minting"})
	d.refused(logical.ReadOperation, "creds/trader", nil, "frozen")

	d.must(logical.DeleteOperation, "roles/trader", nil)
	d.refused(logical.ReadOperation, "creds/trader", nil, "no role")
}

package backend

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// TestStorageBudget: what a request costs in calls to storage once nothing is new.
func TestStorageBudget(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")
	var lease *logical.Response

	reads, writes := d.storage.counted(func() { lease = d.mint("trader") })
	require.Equal(t, []int{0, 2}, []int{reads, writes}, "mint")

	reads, writes = d.storage.counted(func() { require.NoError(t, d.lease(logical.RenewOperation, lease)) })
	require.Equal(t, []int{0, 1}, []int{reads, writes}, "renew")

	reads, writes = d.storage.counted(func() { require.NoError(t, d.revoke(lease)) })
	require.Equal(t, []int{0, 2}, []int{reads, writes}, "revoke")
}

package backend

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

func TestStorageBudget(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")
	var lease *logical.Response

	reads, writes := d.storage.counted(func() { lease = d.mint("trader") })
	require.LessOrEqual(t, reads+writes, 5, "mint")
	require.LessOrEqual(t, writes, 2, "mint")

	reads, writes = d.storage.counted(func() { require.NoError(t, d.lease(logical.RenewOperation, lease)) })
	require.LessOrEqual(t, reads+writes, 3, "renew")
	require.Equal(t, 1, writes, "renew")

	reads, writes = d.storage.counted(func() { require.NoError(t, d.revoke(lease)) })
	require.LessOrEqual(t, reads+writes, 3, "revoke")
}

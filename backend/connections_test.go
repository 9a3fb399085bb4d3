package backend

import (
	"net/http/httptrace"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
)

func TestEachConnectionIsOpenedOnceAndForgottenWhenItChanges(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	first, err := d.engine.connections.get(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	again, err := d.engine.connections.get(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	require.Same(t, first, again)

	// Another node wrote: what was kept must not be used any more.
	d.engine.invalidate(t.Context(), connectionPrefix+"bybit")
	fresh, err := d.engine.connections.get(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	require.NotSame(t, first, fresh)

	// An invalidation that comes while storage is being read wins.
	d.engine.invalidate(t.Context(), connectionPrefix+"bybit")
	d.storage.failing(func(call, key string) error {
		if call == "get" && key == connectionPrefix+"bybit" {
			d.engine.invalidate(t.Context(), key)
		}
		return nil
	})
	_, err = d.engine.connections.get(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	require.Empty(t, d.engine.connections.links)
}

func TestOneConnectionServesManyMints(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, simulator.Options{RateMultiplier: hurried, SubAccounts: 25})
	d.connect("bybit", nil)
	d.write("roles/pool", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts, "scopes": "trade:spot", "ip_allowlist": "127.0.0.1",
	})
	opened := 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if !info.Reused {
				opened++
			}
		},
	})
	for range 500 {
		resp, err := d.engine.HandleRequest(ctx, d.request(logical.ReadOperation, "creds/pool", nil))
		require.NoError(t, err)
		require.False(t, resp.IsError(), "%v", resp)
	}
	require.Len(t, d.sim.Keys(), 500)
	// A second one is opened where a call begins before the pool has taken the
	// last call's connection back.
	require.LessOrEqual(t, opened, 4, "TCP connections for 500 mints, one after another")
}

package backend

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

func TestCredsCanOnlyBeNarrowed(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	d.write("roles/wide", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "trade",
		"ip_allowlist": "127.0.0.1", "allowed_ip_ranges": "203.0.113.0/24", "ttl": "1h", "max_ttl": "2h",
	})
	resp := d.must(logical.UpdateOperation, "creds/wide", map[string]any{
		"ttl": "10m", "scopes": "read", "ip_allowlist": "203.0.113.9", "reason": "DESK-1",
	})
	require.Equal(t, 10*time.Minute, resp.Secret.TTL)
	require.Equal(t, []string{"read"}, resp.Data["scopes"])
	require.Equal(t, []string{"203.0.113.9"}, resp.Data["ip_allowlist"])
	require.Equal(t, "minimal", resp.Data["risk"])
	require.Equal(t, "DESK-1", d.entry(resp.Data["key_id"].(string)).Requester.Reason)
	require.Contains(t, d.sim.Keys()[0].Permissions, "ReadOnly")
	require.NoError(t, d.lease(logical.RenewOperation, resp), "a narrowed key is renewed")

	made := len(d.sim.Keys())
	for name, test := range map[string]struct {
		data  map[string]any
		words []string
	}{
		"ttl over role":      {map[string]any{"ttl": "90m"}, []string{"ttl", "1h30m", "1h0m0s"}},
		"ttl over max":       {map[string]any{"ttl": "3h"}, []string{"ttl", "3h", "2h"}},
		"negative ttl":       {map[string]any{"ttl": "-1s"}, []string{"ttl", "negative"}},
		"wider scopes":       {map[string]any{"scopes": "transfer"}, []string{"scopes", "transfer", "narrow"}},
		"unknown scope":      {map[string]any{"scopes": "x"}, []string{"scopes", "\"x\""}},
		"foreign address":    {map[string]any{"ip_allowlist": "198.51.100.1"}, []string{"ip_allowlist", "198.51.100.1"}},
		"malformed address":  {map[string]any{"ip_allowlist": "localhost"}, []string{"ip_allowlist", "localhost"}},
		"everywhere":         {map[string]any{"ip_allowlist": "::/0"}, []string{"ip_allowlist", "every address"}},
		"unknown field":      {map[string]any{"sub_account": "1"}, []string{"sub_account", "not a field"}},
		"reason without end": {map[string]any{"reason": strings.Repeat("ü", 201)}, []string{"reason", "200"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := *d
			d.TB = t
			d.refused(logical.UpdateOperation, "creds/wide", test.data, test.words...)
		})
	}
	require.Len(t, d.sim.Keys(), made, "nothing is minted")
	d.refused(logical.ReadOperation, "creds/nobody", nil, "no role")
	d.refused(logical.ReadOperation, "creds/no body", nil, "name")
}

func TestCredsGuards(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	sub := d.sim.Exchange("bybit").SubAccounts[0]
	d.write("roles/strict", map[string]any{
		"connection": "bybit", "sub_accounts": sub, "scopes": "read", "require_reason": true, "require_wrapping": true, "max_live_keys": 1,
	})
	d.refused(logical.ReadOperation, "creds/strict", map[string]any{"reason": "  "}, "reason", "missing")
	d.refused(logical.ReadOperation, "creds/strict", map[string]any{"reason": "audit"}, "wrap")

	req := d.request(logical.ReadOperation, "creds/strict", map[string]any{"reason": "audit"})
	req.WrapInfo = &logical.RequestWrapInfo{TTL: time.Minute}
	resp, err := d.send(req)
	require.NoError(t, err)
	require.False(t, resp.IsError(), "%v", resp)

	again := d.request(logical.ReadOperation, "creds/strict", map[string]any{"reason": "audit"})
	again.WrapInfo = req.WrapInfo
	_, err = d.send(again)
	require.ErrorContains(t, err, "max_live_keys")

	d.must(logical.PatchOperation, "roles/strict", map[string]any{"disabled": true})
	d.refused(logical.ReadOperation, "creds/strict", nil, "disabled")
}

func TestCredsBoundToTheCaller(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	d.write("roles/bound", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "trade:spot",
		"bind_client_ip": true, "allowed_ip_ranges": "10.0.0.0/8",
	})
	from := func(address string) (*logical.Response, error) {
		req := d.request(logical.ReadOperation, "creds/bound", nil)
		req.Connection.RemoteAddr = address
		return d.send(req)
	}
	resp, err := from("10.1.2.3")
	require.NoError(t, err)
	require.False(t, resp.IsError(), "%v", resp)
	require.Equal(t, []string{"10.1.2.3"}, resp.Data["ip_allowlist"])
	require.NoError(t, d.lease(logical.RenewOperation, resp))
	for _, address := range []string{"192.0.2.1", ""} {
		resp, err = from(address)
		require.NoError(t, err)
		require.True(t, resp.IsError())
		require.Contains(t, resp.Error().Error(), "10.0.0.0/8")
	}
	d.refused(logical.UpdateOperation, "creds/bound", map[string]any{"ip_allowlist": "10.1.2.3"}, "ip_allowlist", "leave the field out")
}

func TestLabelCarriesTheRolesText(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	d.write("roles/labelled", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "read",
		"label_template": "{{ .RoleName }}/{{.DisplayName}}",
	})
	stem := d.entry(d.mint("labelled").Data["key_id"].(string)).Stem()
	require.Equal(t, d.engine.tag+stem+"la", d.sim.Keys()[0].Label, "as far as the exchange's length allows")
}

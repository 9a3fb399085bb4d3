package backend

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

func TestRoleRefusesBadInput(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", map[string]any{"max_ttl": "4h", "allowed_sub_accounts": "*", "allowed_roles": "r*"})
	sub := d.sim.Exchange("bybit").SubAccounts[0]
	good := func(more map[string]any) map[string]any {
		return merge(map[string]any{
			"connection": "bybit", "sub_accounts": sub, "scopes": "trade:spot", "ip_allowlist": "203.0.113.7",
		}, more)
	}
	for name, test := range map[string]struct {
		path  string
		data  map[string]any
		words []string
	}{
		"no connection":        {"roles/r", good(map[string]any{"connection": nil}), []string{"connection", "missing"}},
		"unknown connection":   {"roles/r", good(map[string]any{"connection": "kraken"}), []string{"connection", "kraken", "config/kraken"}},
		"role not allowed":     {"roles/x", good(nil), []string{"connection", "allowed_roles", "r*"}},
		"no sub-account":       {"roles/r", good(map[string]any{"sub_accounts": nil}), []string{"sub_accounts", "missing"}},
		"no scope":             {"roles/r", good(map[string]any{"scopes": nil}), []string{"scopes", "missing"}},
		"unknown scope":        {"roles/r", good(map[string]any{"scopes": "trade:swap"}), []string{"scopes", "trade:swap", "trade:spot"}},
		"scope not offered":    {"roles/r", good(map[string]any{"scopes": "withdraw"}), []string{"scopes", "withdraw", "not offered"}},
		"scope beyond rails":   {"roles/r", good(map[string]any{"scopes": "transfer"}), []string{"scopes", "transfer", "allowed_scopes"}},
		"unknown permission":   {"roles/r", good(map[string]any{"native_permissions": "Fly"}), []string{"native_permissions", "Fly", "Earn.Earn"}},
		"permission beyond":    {"roles/r", good(map[string]any{"native_permissions": "Earn.Earn"}), []string{"native_permissions", "Earn.Earn", "allowed_scopes"}},
		"address malformed":    {"roles/r", good(map[string]any{"ip_allowlist": "300.1.1.1"}), []string{"ip_allowlist", "300.1.1.1"}},
		"address anywhere":     {"roles/r", good(map[string]any{"ip_allowlist": "0.0.0.0/0"}), []string{"ip_allowlist", "0.0.0.0/0", "every address"}},
		"address unspecified":  {"roles/r", good(map[string]any{"ip_allowlist": "0.0.0.0"}), []string{"ip_allowlist", "0.0.0.0"}},
		"block not taken":      {"roles/r", good(map[string]any{"ip_allowlist": "203.0.113.0/24"}), []string{"ip_allowlist", "single addresses"}},
		"block with host bits": {"roles/r", good(map[string]any{"allowed_ip_ranges": "203.0.113.7/24"}), []string{"allowed_ip_ranges", "203.0.113.0/24"}},
		"IPv6 not taken":       {"roles/r", good(map[string]any{"ip_allowlist": "2001:db8::1"}), []string{"ip_allowlist", "IPv4"}},
		"no address":           {"roles/r", good(map[string]any{"ip_allowlist": nil}), []string{"ip_allowlist", "missing", "bind_client_ip"}},
		"bind without ranges":  {"roles/r", good(map[string]any{"ip_allowlist": nil, "bind_client_ip": true}), []string{"allowed_ip_ranges", "bind_client_ip"}},
		"bind and list":        {"roles/r", good(map[string]any{"allowed_ip_ranges": "203.0.113.0/24", "bind_client_ip": true}), []string{"ip_allowlist", "bind_client_ip"}},
		"unknown key type":     {"roles/r", good(map[string]any{"key_type": "dsa"}), []string{"key_type", "dsa", "hmac"}},
		"negative ttl":         {"roles/r", good(map[string]any{"ttl": "-1h"}), []string{"ttl", "negative"}},
		"ttl over max":         {"roles/r", good(map[string]any{"ttl": "2h", "max_ttl": "1h"}), []string{"ttl", "2h", "max_ttl"}},
		"max over connection":  {"roles/r", good(map[string]any{"max_ttl": "5h"}), []string{"max_ttl", "5h", "4h"}},
		"negative cap":         {"roles/r", good(map[string]any{"max_live_keys": -1}), []string{"max_live_keys", "-1"}},
		"long wait":            {"roles/r", good(map[string]any{"max_wait": "1h"}), []string{"max_wait", "1h", "at most"}},
		"bad template":         {"roles/r", good(map[string]any{"label_template": "{{ .Nope }}"}), []string{"label_template", ".RoleName"}},
		"unparsable template":  {"roles/r", good(map[string]any{"label_template": "{{"}), []string{"label_template"}},
		"unknown field":        {"roles/r", good(map[string]any{"scope": "read"}), []string{"scope", "not a field", "scopes"}},
		"odd name":             {"roles/r%2Fx y", good(nil), []string{"name", "letters"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := *d
			d.TB = t
			d.refused(logical.UpdateOperation, test.path, test.data, test.words...)
			names, err := roleTable().List(t.Context(), d.storage)
			require.NoError(t, err)
			require.Empty(t, names, "nothing is stored")
		})
	}
}

func TestRoleIsShownAsWrittenBesideWhatItComesTo(t *testing.T) {
	d := newDesk(t)
	d.trader()
	shown := d.read("roles/trader")
	for field, want := range map[string]any{
		"scopes": []string{"trade:spot"}, "effective_scopes": []string{"read", "trade:spot"},
		"key_type": "", "effective_key_type": "hmac",
		"ttl": int64(600), "effective_ttl": int64(600), "max_ttl": int64(3600), "effective_max_ttl": int64(3600),
		"max_wait": int64(0), "effective_max_wait": int64(20), "risk": "moderate",
	} {
		require.Equal(t, want, shown[field], field)
	}
	d.must(logical.PatchOperation, "roles/trader", map[string]any{"ttl": 0, "max_ttl": 0, "max_wait": "5s"})
	shown = d.read("roles/trader")
	for field, want := range map[string]any{
		"ttl": int64(0), "effective_ttl": int64(3600), "max_ttl": int64(0), "effective_max_ttl": int64(24 * 3600), "effective_max_wait": int64(5),
	} {
		require.Equal(t, want, shown[field], "by the mount: %s", field)
	}

	d.write("config/bybit", map[string]any{"allowed_scopes": "read"})
	resp := d.must(logical.ReadOperation, "roles/trader", nil)
	require.Len(t, resp.Warnings, 1)
	require.Contains(t, resp.Warnings[0], "allowed_scopes")
	d.refused(logical.ReadOperation, "creds/trader", nil, "trade:spot", "allowed_scopes")
}

func TestRolePatchChangesSingleFields(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.must(logical.PatchOperation, "roles/trader", map[string]any{"ttl": "5m"})
	shown := d.read("roles/trader")
	require.EqualValues(t, 300, shown["ttl"])
	require.EqualValues(t, 3600, shown["max_ttl"], "the rest stays")

	d.must(logical.PatchOperation, "roles/trader", map[string]any{"max_ttl": nil})
	require.EqualValues(t, 0, d.read("roles/trader")["max_ttl"], "null gives the default")
	d.refused(logical.PatchOperation, "roles/trader", map[string]any{"connection": nil}, "connection", "missing")
	d.refused(logical.PatchOperation, "roles/trader", map[string]any{"tll": "5m"}, "tll")
	_, err := d.do(logical.PatchOperation, "roles/nobody", map[string]any{"ttl": "5m"})
	require.ErrorContains(t, err, "no role")

	d.refused(logical.UpdateOperation, "roles/trader", map[string]any{"ttl": "5m"}, "connection", "patch")
}

func TestRoleWarnsWhereTheMountAllowsLess(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	resp := d.write("roles/long", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "read", "max_ttl": "1000h",
	})
	require.Len(t, resp.Warnings, 1)
	require.Equal(t, d.system.MaxLeaseTTLVal, d.mint("long").Secret.MaxTTL)
}

package backend

import (
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

func TestConfigShowsNoSecret(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", map[string]any{"passphrase": "canary-passphrase"})
	access := d.sim.Exchange("bybit")
	shown := d.read("config/bybit")
	require.Equal(t, access.APIKey, shown["api_key"])
	for field, value := range shown {
		require.NotEqual(t, access.APISecret, value, field)
		require.NotEqual(t, "canary-passphrase", value, field)
	}
	require.NotEmpty(t, shown["account"], "verified by default")
	require.Equal(t, "no", shown["frozen"])
	require.Equal(t, true, shown["require_ip_allowlist"])
	require.NotContains(t, shown["allowed_scopes"], "transfer")
	require.NotContains(t, shown["allowed_scopes"], "withdraw")
}

func TestConfigIsShownAsWrittenBesideWhatItComesTo(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	shown := d.read("config/bybit")
	for field, want := range map[string]any{
		"environment": "", "effective_environment": "production", "variant": "", "effective_variant": "",
		"base_url": d.sim.Exchange("bybit").BaseURL, "effective_base_url": d.sim.Exchange("bybit").BaseURL,
		"request_timeout": int64(0), "effective_request_timeout": int64(10),
		"max_keys_per_sub_account": 0, "effective_max_keys_per_sub_account": 0,
	} {
		require.Equal(t, want, shown[field], field)
	}
	d.write("config/bybit", map[string]any{"max_keys_per_sub_account": 3, "request_timeout": "5s"})
	shown = d.read("config/bybit")
	require.Equal(t, int64(5), shown["effective_request_timeout"])
	require.Equal(t, 3, shown["effective_max_keys_per_sub_account"])
}

// What a downgrade made unusable is still shown, with the reason.
func TestConfigThatCannotBeUsedIsShown(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	entry, err := connectionTable().Get(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	entry.Variant = "no-such"
	require.NoError(t, connectionTable().Put(t.Context(), d.storage, "bybit", *entry))
	d.start()
	resp := d.must(logical.ReadOperation, "config/bybit", nil)
	require.Equal(t, "no-such", resp.Data["variant"])
	require.Len(t, resp.Warnings, 1)
	require.Contains(t, resp.Warnings[0], "no-such")
}

func TestConfigRefusesBadInput(t *testing.T) {
	d := newDesk(t)
	access := d.sim.Exchange("bybit")
	good := func(more map[string]any) map[string]any {
		return merge(map[string]any{
			"exchange": "bybit", "base_url": access.BaseURL, "api_key": access.APIKey, "api_secret": access.APISecret,
		}, more)
	}
	readOnly, _ := d.sim.Root("bybit", "read_only")
	for name, test := range map[string]struct {
		path  string
		data  map[string]any
		words []string
	}{
		"unknown exchange":       {"config/x", good(map[string]any{"exchange": "mtgox"}), []string{"exchange", "mtgox", "bybit"}},
		"no exchange":            {"config/x", good(map[string]any{"exchange": nil}), []string{"exchange", "missing"}},
		"unknown environment":    {"config/x", good(map[string]any{"environment": "moon"}), []string{"environment", "moon", "testnet"}},
		"unknown variant":        {"config/x", good(map[string]any{"variant": "link"}), []string{"variant", "link"}},
		"no key":                 {"config/x", good(map[string]any{"api_key": nil}), []string{"api_key", "missing"}},
		"no secret":              {"config/x", good(map[string]any{"api_secret": nil}), []string{"api_secret", "missing"}},
		"wrong secret":           {"config/x", good(map[string]any{"api_secret": "canary-secret"}), []string{"could not be verified", "api_secret"}},
		"root without the right": {"config/x", good(map[string]any{"api_key": readOnly.APIKey, "api_secret": readOnly.APISecret}), []string{"read-only"}},
		"plain http elsewhere":   {"config/x", good(map[string]any{"base_url": "http://api.bybit.com"}), []string{"base_url", "loopback", "https"}},
		"base_url with a path":   {"config/x", good(map[string]any{"base_url": "https://api.bybit.com/"}), []string{"base_url"}},
		"negative ttl":           {"config/x", good(map[string]any{"max_ttl": "-5m"}), []string{"max_ttl", "-300", "negative"}},
		"negative timeout":       {"config/x", good(map[string]any{"request_timeout": "-1"}), []string{"request_timeout", "negative"}},
		"long timeout":           {"config/x", good(map[string]any{"request_timeout": "5m"}), []string{"request_timeout", "at most"}},
		"negative cap":           {"config/x", good(map[string]any{"max_keys_per_sub_account": -1}), []string{"max_keys_per_sub_account", "-1"}},
		"unknown freeze":         {"config/x", good(map[string]any{"frozen": "yes"}), []string{"frozen", "yes", "minting"}},
		"unknown scope":          {"config/x", good(map[string]any{"allowed_scopes": "fly"}), []string{"allowed_scopes", "fly", "read"}},
		"rate multiplier of 0":   {"config/x", good(map[string]any{"rate_multiplier": 0}), []string{"rate_multiplier"}},
		"rate multiplier of NaN": {"config/x", good(map[string]any{"rate_multiplier": "NaN"}), []string{"rate_multiplier"}},
		"root rotation":          {"config/x", good(map[string]any{"rotation_period": "24h"}), []string{"rotation_period"}},
		"unknown field":          {"config/x", good(map[string]any{"api_sercet": "x"}), []string{"api_sercet", "not a field", "api_secret"}},
		"odd name":               {"config/a b", good(nil), []string{"name", "a b", "letters"}},
		"name with a dot first":  {"config/.x", good(nil), []string{"name"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := *d
			d.TB = t
			d.refused(logical.UpdateOperation, test.path, test.data, test.words...)
			names, err := connectionTable().List(t.Context(), d.storage)
			require.NoError(t, err)
			require.Empty(t, names, "nothing is stored")
		})
	}
	require.NotContains(t, d.log.String(), "canary-secret")
}

func TestConfigWriteKeepsWhatIsNotGiven(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.write("config/bybit", map[string]any{"max_ttl": "2h", "allowed_roles": "trad*"})
	require.EqualValues(t, 7200, d.read("config/bybit")["max_ttl"])
	d.mint("trader")
}

func TestConfigPatchChangesSingleFields(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", map[string]any{"max_ttl": "2h", "allowed_roles": "desk-*", "require_ip_allowlist": false, "rate_multiplier": 3})
	before := d.read("config/bybit")
	patch := func(fields map[string]any) { d.must(logical.PatchOperation, "config/bybit", fields) }

	patch(map[string]any{"frozen": "minting"})
	require.Equal(t, merge(before, map[string]any{"frozen": "minting", "effective_frozen": "minting"}), merge(d.read("config/bybit"), nil), "the rest stays")

	patch(map[string]any{
		"frozen": nil, "max_ttl": nil, "allowed_roles": nil, "allowed_scopes": nil, "require_ip_allowlist": nil, "rate_multiplier": nil,
	})
	shown := d.read("config/bybit")
	for field, initial := range newConnection().show() {
		switch field {
		case "exchange", "base_url", "api_key":
			require.Equal(t, before[field], shown[field], field)
		default:
			require.Equal(t, initial, shown[field], "null gives the default: %s", field)
		}
	}

	d.refused(logical.PatchOperation, "config/bybit", map[string]any{"exchange": nil}, "exchange", "missing")
	d.refused(logical.PatchOperation, "config/bybit", map[string]any{"max_tll": "5m"}, "max_tll")
	_, err := d.do(logical.PatchOperation, "config/nobody", map[string]any{"max_ttl": "5m"})
	require.ErrorContains(t, err, "there is no connection")
	require.Equal(t, shown, d.read("config/bybit"))
}

// What null means does not depend on the operation: a guard rail that is on by
// default stays on.
func TestConfigNullIsTheDefaultInAWriteToo(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", map[string]any{"require_ip_allowlist": false})
	d.write("config/bybit", map[string]any{"require_ip_allowlist": nil, "rate_multiplier": nil})
	require.Equal(t, true, d.read("config/bybit")["require_ip_allowlist"])
	d.refused(logical.UpdateOperation, "config/bybit", map[string]any{"api_secret": "wrong", "verify": nil}, "could not be verified")
}

func TestConfigPatchOfSecretsIsVerified(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", map[string]any{"passphrase": "canary-passphrase"})
	stored := func() credential {
		entry, err := connectionTable().Get(t.Context(), d.storage, "bybit")
		require.NoError(t, err)
		return entry.Credential
	}
	before := stored()
	for name, test := range map[string]struct {
		patch map[string]any
		words []string
	}{
		"wrong secret":   {map[string]any{"api_secret": "wrong"}, []string{"could not be verified"}},
		"no secret":      {map[string]any{"api_secret": nil}, []string{"api_secret", "missing"}},
		"no key":         {map[string]any{"api_key": nil}, []string{"api_key", "missing"}},
		"second secret":  {map[string]any{"private_key": "-"}, []string{"private_key", "not both"}},
		"nobody's check": {map[string]any{"api_secret": "wrong", "verify": nil}, []string{"could not be verified"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := *d
			d.TB = t
			d.refused(logical.PatchOperation, "config/bybit", test.patch, test.words...)
			require.Equal(t, before, stored(), "nothing is stored")
		})
	}

	rsa, ok := d.sim.Root("bybit", "rsa")
	require.True(t, ok)
	d.must(logical.PatchOperation, "config/bybit", map[string]any{"api_key": rsa.APIKey, "api_secret": nil, "private_key": rsa.PrivateKey})
	after := stored()
	require.Empty(t, after.APISecret)
	require.Equal(t, "canary-passphrase", after.Passphrase, "a patch leaves what it does not name")

	d.write("config/bybit", map[string]any{"api_key": before.APIKey, "api_secret": before.APISecret})
	after = stored()
	require.Empty(t, after.PrivateKey, "a write replaces the secret parts together")
	require.Empty(t, after.Passphrase)
}

func TestConfigWithKeysStaysWhereItIs(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")
	d.refused(logical.UpdateOperation, "config/bybit", map[string]any{"environment": "testnet"}, "1 key", "revoke")
	d.refused(logical.DeleteOperation, "config/bybit", nil, "1 key", "force=true")

	d.inject("bybit", exchanges.OpDeleteKey, simulator.DeleteLies, 1)
	d.refused(logical.DeleteOperation, "config/bybit", map[string]any{"force": true}, "still has 1 key", "frozen")
	require.Equal(t, "minting", d.read("config/bybit")["frozen"], "no new key comes in meanwhile")

	d.must(logical.DeleteOperation, "config/bybit", map[string]any{"force": true})
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
	resp, err := d.do(logical.ReadOperation, "config/bybit", nil)
	require.NoError(t, err)
	require.Nil(t, resp)
}

// TestConnectionIsNotDeletedUnderAMint: whenever it comes, either no key is made or the
// connection stays, without which the key could not be deleted.
func TestConnectionIsNotDeletedUnderAMint(t *testing.T) {
	t.Run("before the key counts", func(t *testing.T) {
		d := newDesk(t)
		d.trader()
		d.engine.vault.SystemView = askedView{d.system, sync.OnceFunc(func() { d.must(logical.DeleteOperation, "config/bybit", nil) })}
		d.refused(logical.ReadOperation, "creds/trader", nil, "deleted before the key was made")
		require.Empty(t, d.sim.Deletions("bybit"))
		require.Empty(t, d.ledgerIDs())
	})
	t.Run("after the keys were counted", func(t *testing.T) {
		d := newDesk(t)
		d.trader()
		var lease *logical.Response
		d.storage.failing(func(call, key string) error {
			if call == "delete" && key == connectionPrefix+"bybit" {
				d.storage.failing(nil)
				lease = d.mint("trader")
			}
			return nil
		})
		d.refused(logical.DeleteOperation, "config/bybit", nil, "1 key")
		require.NotNil(t, lease)
		d.listed()
		require.NoError(t, d.revoke(lease))
		require.Empty(t, d.keysAt())
		d.must(logical.DeleteOperation, "config/bybit", nil)
	})
}

// askedView does something whenever it is asked how long leases may last.
type askedView struct {
	logical.SystemView
	asked func()
}

func (v askedView) MaxLeaseTTL() time.Duration {
	v.asked()
	return v.SystemView.MaxLeaseTTL()
}

func TestRootKeyIsReplacedWhileKeysLive(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	rsa, ok := d.sim.Root("bybit", "rsa")
	require.True(t, ok)
	successor := map[string]any{"api_key": rsa.APIKey, "private_key": rsa.PrivateKey}

	unverified := map[string]any{"api_key": rsa.APIKey, "api_secret": "other", "verify": false}
	d.refused(logical.UpdateOperation, "config/bybit", unverified, "1 key", "no longer be revoked")

	d.write("config/bybit", successor)
	require.NoError(t, d.revoke(lease))
	require.Empty(t, d.sim.Keys())
}

func TestConfigCanBeFrozenDuringAnOutage(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.inject("bybit", exchanges.OpAny, simulator.Outage, 0)
	d.write("config/bybit", map[string]any{"frozen": "minting"})
	d.refused(logical.ReadOperation, "creds/trader", nil, "frozen")
	d.refused(logical.UpdateOperation, "config/bybit", map[string]any{"verify": true}, "could not be verified")
}

func TestConfigUnverified(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", map[string]any{"api_secret": "wrong", "verify": false})
	_, err := d.do(logical.ReadOperation, "config/bybit/check", nil)
	require.ErrorContains(t, err, "authentication failed")
	require.ErrorContains(t, err, "check config/bybit")
}

func TestConfigCheckAndSubAccounts(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")
	checked := d.read("config/bybit/check")
	require.Equal(t, true, checked["can_mint"])

	listed := d.must(logical.ListOperation, "config/bybit/sub-accounts/", nil).Data
	require.ElementsMatch(t, d.sim.Exchange("bybit").SubAccounts, listed["keys"])
	held := 0
	for name, about := range listed["key_info"].(map[string]any) {
		about := about.(map[string]any)
		held += about["live_keys"].(int)
		require.Equal(t, true, about["allowed"], name)
		require.NotContains(t, about, "max_keys", "without a cap")
		require.NotContains(t, about, "free_slots", "without a cap")
	}
	require.Equal(t, 1, held)
	d.refused(logical.ReadOperation, "config/none/check", nil, "none", "vault list <mount>/config")
	d.refused(logical.ListOperation, "config/none/sub-accounts", nil, "none")
}

func TestSubAccountsShowFreeSlots(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.write("config/bybit", map[string]any{"max_keys_per_sub_account": 3})
	full := d.sim.Exchange("bybit").SubAccounts[0]
	for range 2 {
		d.mint("trader")
	}
	info := func(name string) map[string]any {
		listed := d.must(logical.ListOperation, "config/bybit/sub-accounts/", map[string]any{"limit": 100}).Data
		return listed["key_info"].(map[string]any)[name].(map[string]any)
	}
	require.Equal(t, map[string]any{"alias": info(full)["alias"], "frozen": false, "allowed": true, "live_keys": 2, "max_keys": 3, "free_slots": 1}, info(full))
	require.Equal(t, 3, info(d.sim.Exchange("bybit").SubAccounts[1])["free_slots"])
	d.write("config/bybit", map[string]any{"max_keys_per_sub_account": 1, "allowed_sub_accounts": "none"})
	require.Equal(t, 0, info(full)["free_slots"], "never below none")
	require.Equal(t, false, info(full)["allowed"])
}

func TestConfigWarnsOfAnUnboundRoot(t *testing.T) {
	d := newDesk(t)
	root, ok := d.sim.Root("bybit", "unbound")
	require.True(t, ok)
	resp := d.write("config/bybit", map[string]any{
		"exchange": "bybit", "base_url": root.BaseURL, "api_key": root.APIKey, "api_secret": root.APISecret,
	})
	require.NotNil(t, resp)
	require.NotEmpty(t, resp.Warnings)
}

func TestListsArePaged(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	for _, name := range []string{"a", "b", "c", "d"} {
		d.write("roles/"+name, map[string]any{"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "read"})
	}
	page := func(data map[string]any) any { return d.must(logical.ListOperation, "roles/", data).Data["keys"] }
	require.Equal(t, []string{"a", "b", "c", "d"}, page(nil))
	require.Equal(t, []string{"a", "b"}, page(map[string]any{"limit": 2}))
	require.Equal(t, []string{"c", "d"}, page(map[string]any{"after": "b"}))
	require.Equal(t, []string{"c"}, page(map[string]any{"after": "bb", "limit": 1}))
	d.refused(logical.ListOperation, "roles/", map[string]any{"limit": -1}, "limit", "-1")
	require.Equal(t, []string{"bybit"}, d.must(logical.ListOperation, "config/", nil).Data["keys"])
}

// A connection that is in use is shown from memory, and as it was written last.
func TestConfigIsReadFromMemory(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")
	reads, _ := d.storage.counted(func() { d.must(logical.ReadOperation, "config/bybit", nil) })
	require.Zero(t, reads)
	d.write("config/bybit", map[string]any{"max_keys_per_sub_account": 7})
	require.Equal(t, 7, d.must(logical.ReadOperation, "config/bybit", nil).Data["max_keys_per_sub_account"])
}

package backend

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// nameless are exchanges that do not say whose a root key is, with another root key of
// the same account.
var nameless = map[string]string{"binance": "unbound", "coinex": "unbound", "whitebit": ""}

// replacement are the fields that replace a root key.
func replacement(access simulator.Access) map[string]any {
	return map[string]any{"api_key": access.APIKey, "api_secret": access.APISecret}
}

// namelessDesk has a connection to such an exchange, with a role that reads.
func namelessDesk(t *testing.T, exchange string) *desk {
	d := newDesk(t)
	d.connect(exchange, nil)
	require.Empty(t, d.read("config/" + exchange)["account"])
	d.write("roles/reader", map[string]any{
		"connection": exchange, "sub_accounts": d.sim.Exchange(exchange).SubAccounts, "scopes": "read", "ip_allowlist": "127.0.0.1",
	})
	return d
}

func TestRootKeyOfAnotherAccountIsRefusedWhileKeysLive(t *testing.T) {
	for exchange, same := range nameless {
		t.Run(exchange, func(t *testing.T) {
			d := namelessDesk(t, exchange)
			other, ok := d.sim.Root(exchange, "other")
			require.True(t, ok)
			lease := d.mint("reader")
			d.mint("reader")
			before := d.read("config/" + exchange)["api_key"]
			d.refused(logical.UpdateOperation, "config/"+exchange, replacement(other), "lists none of the keys", "force=true", "nothing was written")
			require.Equal(t, before, d.read("config/" + exchange)["api_key"])
			require.NoError(t, d.revoke(lease))

			if same != "" {
				access, known := d.sim.Root(exchange, same)
				require.True(t, known)
				d.write("config/"+exchange, replacement(access))
				require.Equal(t, access.APIKey, d.read("config/" + exchange)["api_key"])
			}
			resp := d.write("config/"+exchange, merge(replacement(other), map[string]any{"force": true}))
			require.Contains(t, fmt.Sprint(resp.Warnings), "1 key")
			require.Contains(t, fmt.Sprint(resp.Warnings), "no longer be revoked")
		})
	}
}

// Where nothing can be lost nothing is proved.
func TestRootKeyOfAnotherAccountIsTakenWhereNothingLives(t *testing.T) {
	d := namelessDesk(t, "binance")
	other, _ := d.sim.Root("binance", "other")
	require.NoError(t, d.revoke(d.mint("reader")))
	listed := d.sim.Calls("binance", exchanges.OpListKeys)
	d.write("config/binance", replacement(other))
	require.Equal(t, listed, d.sim.Calls("binance", exchanges.OpListKeys))
}

// An exchange that cannot be asked proves nothing, and force asks nobody.
func TestProofThatCannotBeHad(t *testing.T) {
	d := namelessDesk(t, "binance")
	same, _ := d.sim.Root("binance", "unbound")
	d.mint("reader")
	d.inject("binance", exchanges.OpListKeys, simulator.Error5xx, 0)
	d.refused(logical.UpdateOperation, "config/binance", replacement(same), "could not ask whether", "unavailable", "force=true")
	listed := d.sim.Calls("binance", exchanges.OpListKeys)
	d.write("config/binance", merge(replacement(same), map[string]any{"force": true}))
	require.Equal(t, listed, d.sim.Calls("binance", exchanges.OpListKeys))
	require.Equal(t, same.APIKey, d.read("config/binance")["api_key"])
}

// Bitfinex says nothing and lists nothing.
func TestRootKeyWhereNothingCanBeProved(t *testing.T) {
	d := newDesk(t)
	d.connect("bitfinex", nil)
	d.write("config/bitfinex", map[string]any{"require_ip_allowlist": false})
	d.write("roles/reader", map[string]any{"connection": "bitfinex", "sub_accounts": d.sim.Exchange("bitfinex").SubAccounts[0], "scopes": "read"})
	d.mint("reader")
	l, err := d.engine.connections.existing(t.Context(), d.storage, "bitfinex")
	require.NoError(t, err)
	require.ErrorContains(t, d.engine.proveAccount(t.Context(), d.storage, l), "nor lists keys by which to tell")
}

func TestBusiestSubAccountsAreAskedFirst(t *testing.T) {
	key := func(place string, state ledger.State) ledger.Key { return ledger.Key{SubAccount: place, State: state} }
	require.Equal(t, []string{"b", "a", "c"}, busiest([]ledger.Key{
		key("a", ledger.Live), key("b", ledger.Live), key("b", ledger.Live), key("c", ledger.Pending), key("c", ledger.Revoking), key("c", ledger.Revoking),
	}))
	require.Empty(t, busiest(nil))
}

func TestKeyIsAmongThoseListed(t *testing.T) {
	entry := ledger.Key{ExchangeKeyID: "abcdef", Label: "vx-1"}
	for name, test := range map[string]struct {
		key   exchanges.KeyInfo
		entry ledger.Key
		want  bool
	}{
		"by its id":                       {exchanges.KeyInfo{ID: "abcdef"}, entry, true},
		"by its label":                    {exchanges.KeyInfo{ID: "x", Label: "vx-1"}, ledger.Key{Label: "vx-1"}, true},
		"by what is shown of its id":      {exchanges.KeyInfo{ID: "ab**ef", Masked: true}, entry, true},
		"masked, by its label":            {exchanges.KeyInfo{ID: "ab**ef", Masked: true, Label: "vx-1"}, entry, true},
		"masked alike, of another label":  {exchanges.KeyInfo{ID: "ab**ef", Masked: true, Label: "vx-2"}, entry, false},
		"masked otherwise":                {exchanges.KeyInfo{ID: "xy**ef", Masked: true}, entry, false},
		"another":                         {exchanges.KeyInfo{ID: "ghijkl", Label: "vx-2"}, entry, false},
		"another, both without a label":   {exchanges.KeyInfo{ID: "ghijkl"}, ledger.Key{ExchangeKeyID: "abcdef"}, false},
		"of neither id nor label":         {exchanges.KeyInfo{ID: "*", Masked: true}, ledger.Key{}, false},
		"another, whose id is not stored": {exchanges.KeyInfo{ID: ""}, ledger.Key{}, false},
	} {
		require.Equal(t, test.want, isAmong([]exchanges.KeyInfo{test.key}, test.entry), name)
	}
}

// TestLineageFollowsTheAccount: it stays as long as each root key is proved to be of
// the account of the one before.
func TestLineageFollowsTheAccount(t *testing.T) {
	d := newDesk(t)
	lineageOf := func(name string) string {
		l, err := d.engine.connections.existing(t.Context(), d.storage, name)
		require.NoError(t, err)
		require.NotEmpty(t, l.lineage())
		return l.lineage()
	}
	d.trader()
	first := lineageOf("bybit")
	require.Equal(t, first, d.entry(d.mint("trader").Data["key_id"].(string)).Lineage)
	rsa, _ := d.sim.Root("bybit", "rsa")
	d.write("config/bybit", map[string]any{"api_key": rsa.APIKey, "private_key": rsa.PrivateKey})
	require.Equal(t, first, lineageOf("bybit"), "the exchange says that it is of the same account")
	d.write("config/bybit", map[string]any{"private_key": "", "api_secret": "mistyped", "verify": false, "force": true})
	require.Equal(t, first, lineageOf("bybit"), "it is the same key")
	d.write("config/bybit", map[string]any{"api_key": "unknown", "api_secret": "unknown", "verify": false, "force": true})
	require.NotEqual(t, first, lineageOf("bybit"), "nobody was asked")
	d.start()
	require.NotEqual(t, first, lineageOf("bybit"))

	d.connect(rotating, nil)
	first = lineageOf(rotating)
	d.write("config/"+rotating+"/rotate-root", nil)
	require.Equal(t, first, lineageOf(rotating), "the exchange made the new key for the same account")

	d = namelessDesk(t, "binance")
	first = lineageOf("binance")
	d.mint("reader")
	same, _ := d.sim.Root("binance", "unbound")
	d.write("config/binance", replacement(same))
	require.Equal(t, first, lineageOf("binance"), "it lists the connection's key")
	d.start()
	require.Equal(t, first, lineageOf("binance"))
	d.write("config/binance", merge(replacement(d.sim.Exchange("binance")), map[string]any{"force": true}))
	require.Equal(t, first, lineageOf("binance"), "it is the key that the line began with")
	other, _ := d.sim.Root("binance", "other")
	d.write("config/binance", merge(replacement(other), map[string]any{"force": true}))
	require.NotEqual(t, first, lineageOf("binance"))
}

func TestLineage(t *testing.T) {
	base := connection{Exchange: "e", Credential: credential{APIKey: "k", APISecret: "s", Broker: "b"}, Account: "a"}
	changed := func(change func(*connection)) connection {
		c := base
		change(&c)
		return c
	}
	for name, test := range map[string]struct {
		next   connection
		proved bool
		same   bool
	}{
		"guard rails":                  {changed(func(c *connection) { c.MaxTTL = time.Hour }), false, true},
		"another secret":               {changed(func(c *connection) { c.Credential.APISecret = "t" }), false, true},
		"another key":                  {changed(func(c *connection) { c.Credential.APIKey = "l" }), false, false},
		"another key of the account":   {changed(func(c *connection) { c.Credential.APIKey = "l" }), true, true},
		"another broker":               {changed(func(c *connection) { c.Credential.Broker = "c" }), false, false},
		"another variant":              {changed(func(c *connection) { c.Variant = "v" }), false, false},
		"another environment":          {changed(func(c *connection) { c.Environment = "v" }), true, false},
		"another address":              {changed(func(c *connection) { c.BaseURL = "v" }), true, false},
		"the account, once it is said": {changed(func(c *connection) { c.Account = "b" }), false, true},
	} {
		next := test.next
		next.succeed(base, test.proved)
		require.Equal(t, test.same, next.lineage() == base.lineage(), name)
	}
	wallet := connection{Exchange: "e", Credential: credential{PrivateKey: "p"}}
	require.Empty(t, wallet.lineage(), "nothing names it")
	wallet.Account = "a"
	require.NotEmpty(t, wallet.lineage())
	other := wallet
	other.Credential.PrivateKey, other.Account = "q", "b"
	other.succeed(wallet, false)
	require.NotEqual(t, wallet.lineage(), other.lineage())
}

package acceptance_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// Mistakes are answered with 400 and a text that names the field and what to do,
// and change nothing.
func TestInput(t *testing.T) {
	t.Parallel()
	e := enableDesk(t, vaulttest.Start(t, 1))
	// A key stands in the way of some changes.
	e.mint(t, trader)

	connection, role := e.connection(), e.role("read,trade:spot")
	for _, test := range []struct {
		name string
		path string
		data fields
		says []string
	}{
		{"unknown exchange", "config/new", connection.with(fields{"exchange": "nasdaq"}), []string{"exchange", `"nasdaq"`, "choose one of", bybit}},
		{"no exchange", "config/new", connection.with(fields{"exchange": ""}), []string{"exchange", "missing", "exchanges/"}},
		{"unknown environment", "config/new", connection.with(fields{"environment": "moon"}), []string{"environment", "choose one of", "testnet"}},
		{"unknown variant", "config/new", connection.with(fields{"variant": "broker"}), []string{"variant", "leave it out"}},
		{"no key", "config/new", connection.with(fields{"api_key": ""}), []string{"api_key", "missing"}},
		{"no secret", "config/new", connection.with(fields{"api_secret": ""}), []string{"api_secret", "missing", "give"}},
		{"no passphrase", "config/new", root(e.simulator.Exchange("okx"), "okx").with(fields{"passphrase": ""}), []string{"passphrase", "missing"}},
		{"malformed private key", "config/new", connection.with(fields{"api_secret": "", "private_key": "not PEM"}), []string{"private_key", "PEM", "BEGIN"}},
		{"two kinds of secret", "config/new", connection.with(fields{"private_key": "x"}), []string{"private_key", "not both"}},
		{"wrong secret", "config/new", connection.with(fields{"api_secret": "wrong"}), []string{"check api_secret", "nothing was written", "verify=false"}},
		{"root that only reads", "config/new", e.otherRoot("read_only"), []string{"cannot mint", "nothing was written"}},
		{"root of less right", "config/new", e.otherRoot("no_right"), []string{"cannot mint", "nothing was written"}},
		{"plain http", "config/new", connection.with(fields{"base_url": "http://203.0.113.7"}), []string{"base_url", "https", "loopback"}},
		{"no address at all", "config/new", connection.with(fields{"base_url": "exchange"}), []string{"base_url", "https"}},
		{"address with a query", "config/new", connection.with(fields{"base_url": "https://api.example.com/?a=b"}), []string{"base_url"}},
		{"negative max_ttl", "config/new", connection.with(fields{"max_ttl": "-1h"}), []string{"max_ttl", "negative", "give"}},
		{"max_ttl without meaning", "config/new", connection.with(fields{"max_ttl": "soon"}), []string{"max_ttl"}},
		{"endless timeout", "config/new", connection.with(fields{"request_timeout": "1h"}), []string{"request_timeout", "too long", "at most"}},
		{"no rate", "config/new", connection.with(fields{"rate_multiplier": 0}), []string{"rate_multiplier", "above 0"}},
		{"negative cap", "config/new", connection.with(fields{"max_keys_per_sub_account": -1}), []string{"max_keys_per_sub_account", "negative"}},
		{"unknown guard rail", "config/new", connection.with(fields{"allowed_scopes": "read,fly"}), []string{"allowed_scopes", `"fly"`, "the scopes are"}},
		{"unknown freeze", "config/new", connection.with(fields{"frozen": "solid"}), []string{"frozen", "minting"}},
		{"rotation that the exchange lacks", "config/new", connection.with(fields{"rotation_period": "24h"}), []string{"rotation_period", "by hand"}},
		{"misspelt field", "config/new", connection.with(fields{"api_secrt": "x"}), []string{"api_secrt", "the fields are", "api_secret"}},
		{"connection with keys moved", "config/" + desk, fields{"base_url": "http://127.0.0.1:1", "verify": false}, []string{desk, "1 key", "revoke"}},

		{"no connection", "roles/new", role.with(fields{"connection": ""}), []string{"connection", "missing", "config/"}},
		{"unknown connection", "roles/new", role.with(fields{"connection": "nowhere"}), []string{"connection", "nowhere", "config/nowhere"}},
		{"no sub-account", "roles/new", role.with(fields{"sub_accounts": ""}), []string{"sub_accounts", "missing", "config/desk/sub-accounts"}},
		{"no scope", "roles/new", role.with(fields{"scopes": ""}), []string{"scopes", "missing", "give"}},
		{"unknown scope", "roles/new", role.with(fields{"scopes": "write"}), []string{"scopes", `"write"`, "the scopes are"}},
		{"scope not offered", "roles/new", role.with(fields{"scopes": "withdraw"}), []string{"scopes", "withdraw", "which offers", "trade:spot"}},
		{"scope not allowed", "roles/new", role.with(fields{"scopes": "transfer"}), []string{"scopes", "transfer", "allowed_scopes"}},
		{"unknown permission", "roles/new", role.with(fields{"native_permissions": "Fly"}), []string{"native_permissions", `"Fly"`, "choose from"}},
		{"no addresses", "roles/new", role.with(fields{"ip_allowlist": ""}), []string{"ip_allowlist", "missing", "allowed_ip_ranges"}},
		{"malformed address", "roles/new", role.with(fields{"ip_allowlist": "300.1.1.1"}), []string{"ip_allowlist", "300.1.1.1", "203.0.113.7"}},
		{"name for an address", "roles/new", role.with(fields{"ip_allowlist": "bot.example.com"}), []string{"ip_allowlist", "bot.example.com"}},
		{"every address", "roles/new", role.with(fields{"ip_allowlist": "0.0.0.0/0"}), []string{"ip_allowlist", "every address", "name"}},
		{"every IPv6 address", "roles/new", role.with(fields{"ip_allowlist": "::/0"}), []string{"ip_allowlist", "every address"}},
		{"half a block", "roles/new", role.with(fields{"ip_allowlist": "203.0.113.7/24"}), []string{"ip_allowlist", "203.0.113.0/24"}},
		{"block where single addresses go", "roles/new", role.with(fields{"ip_allowlist": "203.0.113.0/24"}), []string{"ip_allowlist", "single addresses"}},
		{"IPv6 where IPv4 goes", "roles/new", role.with(fields{"ip_allowlist": "2001:db8::7"}), []string{"ip_allowlist", "IPv4"}},
		{"own address without ranges", "roles/new", role.with(fields{"ip_allowlist": "", "bind_client_ip": true}), []string{"allowed_ip_ranges", "missing"}},
		{"unknown key type", "roles/new", role.with(fields{"key_type": "ed448"}), []string{"key_type", "ed448", "hmac"}},
		{"ttl over max_ttl", "roles/new", role.with(fields{"ttl": "3h"}), []string{"ttl", "3h", "max_ttl"}},
		{"negative ttl", "roles/new", role.with(fields{"ttl": "-10m"}), []string{"ttl", "negative", "give"}},
		{"negative limit", "roles/new", role.with(fields{"max_live_keys": -1}), []string{"max_live_keys", "negative"}},
		{"endless wait", "roles/new", role.with(fields{"max_wait": "24h"}), []string{"max_wait", "at most"}},
		{"broken template", "roles/new", role.with(fields{"label_template": "{{.Nobody}}"}), []string{"label_template", ".RoleName"}},
		{"misspelt field of a role", "roles/new", role.with(fields{"ipallowlist": "127.0.0.1"}), []string{"ipallowlist", "the fields are", "ip_allowlist"}},

		{"unknown role", "creds/nobody", nil, []string{"nobody", "vault list <mount>/roles"}},
		{"more than the role's ttl", "creds/" + trader, fields{"ttl": "1h"}, []string{"ttl", "only shorten"}},
		{"more than any ttl", "creds/" + trader, fields{"ttl": "1000h"}, []string{"ttl", "allow"}},
		{"negative ttl of a key", "creds/" + trader, fields{"ttl": "-1m"}, []string{"ttl", "negative"}},
		{"more scopes", "creds/" + trader, fields{"scopes": "trade:futures"}, []string{"scopes", "trade:futures", "only narrow"}},
		{"other addresses", "creds/" + trader, fields{"ip_allowlist": "203.0.113.7"}, []string{"ip_allowlist", "203.0.113.7", "127.0.0.1"}},
		{"endless reason", "creds/" + trader, fields{"reason": strings.Repeat("x", 1000)}, []string{"reason", "at most"}},
		{"misspelt field of a key", "creds/" + trader, fields{"scope": "read"}, []string{"scope", "the fields are", "scopes"}},

		{"name with a blank", "config/a b", connection, []string{"name", "a b", "letters, digits"}},
		{"name that begins with a hyphen", "config/-a", connection, []string{"name", "-a", "letters, digits"}},
		{"name with a glob", "roles/a*", role, []string{"name", "letters, digits"}},
		{"name in another script", "roles/rôle", role, []string{"name", "letters, digits"}},
		{"name that is too long", "roles/" + strings.Repeat("x", 129), role, []string{"name", "1 to 128"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e.unmoved(t, func() {
				refused(t, e.tryWrite(t, test.path, test.data), http.StatusBadRequest, test.says...)
			})
		})
	}

	t.Run("change of a role", func(t *testing.T) {
		e.unmoved(t, func() {
			refused(t, e.tryPatch(t, "roles/"+trader, fields{"ttl": "3h"}), http.StatusBadRequest, "ttl", "3h", "max_ttl")
			refused(t, e.tryPatch(t, "roles/"+trader, fields{"tll": "1h"}), http.StatusBadRequest, "tll", "the fields are", "ttl")
			refused(t, e.tryPatch(t, "roles/nobody", fields{"ttl": "1m"}), http.StatusNotFound, "nobody")
		})
	})
	t.Run("deletion", func(t *testing.T) {
		e.unmoved(t, func() {
			refused(t, e.tryDelete(t, "config/"+desk), http.StatusBadRequest, desk, "1 key", "force=true")
			refused(t, e.tryDelete(t, "keys/a b"), http.StatusBadRequest, "id", "list the ids with: vault list <mount>/keys")
		})
	})
	t.Run("what is not there", func(t *testing.T) {
		for _, path := range []string{"config/nowhere", "roles/nobody", "keys/abc", "nothing/at/all"} {
			secret, err := e.client.Logical().ReadWithContext(t.Context(), e.path+"/"+path)
			require.Nil(t, secret, path)
			if err != nil {
				refused(t, err, http.StatusNotFound)
			}
		}
		refused(t, e.tryRead(t, "config/nowhere/check"), http.StatusBadRequest, "nowhere", "vault list <mount>/config")
		refused(t, e.tryRead(t, "exchanges/nasdaq"), http.StatusBadRequest, "nasdaq", bybit)
	})
}

// otherRoot is a connection with another kind of the exchange's roots.
func (e *engine) otherRoot(kind string) fields {
	access, _ := e.simulator.Root(bybit, kind)
	return root(access, bybit)
}

func (e *engine) tryPatch(t *testing.T, path string, data fields) error {
	_, err := e.client.Logical().JSONMergePatch(t.Context(), e.path+"/"+path, data)
	return err
}

// state is everything that a refused request must leave as it is.
type state struct {
	connections, roles, keys []string
	desk, trader             map[string]any
	atExchange               []simulator.KeyView
	created, deleted         int
}

// unmoved checks that requests change nothing.
func (e *engine) unmoved(t *testing.T, requests func()) {
	before := e.state(t)
	requests()
	require.Equal(t, before, e.state(t))
}

func (e *engine) state(t *testing.T) state {
	return state{
		connections: e.list(t, "config"), roles: e.list(t, "roles"), keys: e.list(t, "keys"),
		desk: e.read(t, "config/"+desk), trader: e.read(t, "roles/"+trader),
		atExchange: e.simulator.Keys(),
		created:    e.simulator.Calls(bybit, exchanges.OpCreateKey), deleted: e.simulator.Calls(bybit, exchanges.OpDeleteKey),
	}
}

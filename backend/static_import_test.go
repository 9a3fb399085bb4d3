package backend

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/custody"
	"vault-plugin-secrets-exchange/backend/ledger"
)

// handMade makes a key at the exchange as a person does, and returns what the person
// would have of it.
func (d *desk) handMade(exchange string, fields map[string]any) map[string]any {
	d.Helper()
	other := *d
	other.uuid = "another mount"
	other.storage = &watchedStorage{Storage: &logical.InmemStorage{}}
	other.engine = nil
	other.start()
	other.connect(exchange, nil)
	other.write("roles/hand", merge(map[string]any{"connection": exchange, "ttl": "10h", "max_ttl": "10h", "max_wait": "60s"}, fields))
	made := map[string]any{}
	for field, value := range other.mint("hand").Data {
		switch field {
		case "api_key", "api_secret", "passphrase", "private_key":
			made[field] = value
		}
	}
	d.secrets = append(d.secrets, other.secrets...)
	return made
}

func (d *desk) handMadeAtBybit(scopes string) map[string]any {
	d.Helper()
	return d.handMade("bybit", map[string]any{
		"sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": scopes, "ip_allowlist": "127.0.0.1",
	})
}

func TestImportedKeyIsReplacedWithTheOverlap(t *testing.T) {
	staticBubble(t, func(d *desk) {
		hand := d.handMadeAtBybit("trade:spot")
		d.gateway(hand)
		first := d.static()
		require.Equal(t, hand["api_key"], first["api_key"])
		require.Equal(t, hand["api_secret"], first["api_secret"])
		require.Equal(t, 1, first["version"])
		key := d.read("keys/" + first["key_id"].(string))
		require.Equal(t, "static/gateway", key["owner"])
		require.Equal(t, "import", key["reason"])
		require.Equal(t, true, d.read("static-roles/gateway/check")["ok"])

		time.Sleep(time.Hour + time.Second)
		second := d.static()
		require.Equal(t, hand["api_key"], second["previous_api_key"])
		require.Len(t, d.keysAt(), 2)
		time.Sleep(10 * time.Minute)
		require.Equal(t, []string{second["api_key"].(string)}, d.keysAt())
		require.Equal(t, []string{second["key_id"].(string)}, d.custodyIDs())
		d.keptSecrets()
	})
}

func TestImportOfAKeyThatMayDoMoreWarns(t *testing.T) {
	staticBubble(t, func(d *desk) {
		hand := d.handMadeAtBybit("trade:spot,trade:futures")
		d.connect("bybit", nil)
		resp := d.write("static-roles/gateway", merge(merge(d.gatewayFields(), hand), map[string]any{"ip_allowlist": "127.0.0.1,127.0.0.2"}))
		require.Len(t, resp.Warnings, 2)
		require.Contains(t, strings.Join(resp.Warnings, "\n"), "the imported key holds [")
		require.Contains(t, strings.Join(resp.Warnings, "\n"), "the imported key works from [127.0.0.1]")
		require.NotEmpty(t, d.static()["added_permissions"])
		d.write("rotate-role/gateway", map[string]any{"overlap": 0})
		require.Empty(t, d.static()["added_permissions"])
	})
}

func TestImportIsRefused(t *testing.T) {
	staticBubble(t, func(d *desk) {
		hand := d.handMadeAtBybit("trade:spot")
		d.connect("bybit", nil)
		create := func(more map[string]any, words ...string) {
			d.Helper()
			d.refused(logical.UpdateOperation, "static-roles/gateway", merge(merge(d.gatewayFields(), hand), more), words...)
			require.Nil(d, d.must(logical.ReadOperation, "static-roles/gateway", nil), "something is left")
			require.Empty(d, d.custodyIDs())
			require.Empty(d, d.ledgerIDs())
		}
		create(map[string]any{"api_key": "nothere"}, "api_key: Bybit lists no key nothere in sub-account")
		create(map[string]any{"sub_account": d.sim.Exchange("bybit").SubAccounts[1]}, "api_key: Bybit lists no key")
		create(map[string]any{"api_secret": "wrong"}, "api_key: Bybit does not accept the key")
		create(map[string]any{"api_secret": nil}, "api_secret: missing")
		create(map[string]any{"api_key": nil}, "api_key: missing")
		create(map[string]any{"private_key": "x"}, "private_key: cannot be combined")
		require.Equal(t, []string{hand["api_key"].(string)}, d.keysAt())

		d.gateway(hand)
		d.refused(logical.UpdateOperation, "static-roles/second", merge(d.gatewayFields(), hand), "api_key:", "a key of this engine already")
	})
}

// TestFailedImportEndsNoKey: whatever fails, the key that a person made, and that
// something uses, stays.
func TestFailedImportEndsNoKey(t *testing.T) {
	for _, at := range []string{staticRolePrefix, custody.Prefix, ledger.Prefix} {
		for _, killed := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				d := newBubbleDesk(t, "bybit")
				hand := d.handMadeAtBybit("trade:spot")
				d.connect("bybit", nil)
				broken := false
				d.storage.failing(func(call, key string) error {
					if call == "put" && strings.HasPrefix(key, at) {
						broken = true
					}
					if broken && (call == "put" || call == "delete") && (killed || strings.HasPrefix(key, at)) {
						return errors.New("storage is out of order")
					}
					return nil
				})
				_, err := d.do(logical.UpdateOperation, "static-roles/gateway", merge(d.gatewayFields(), hand))
				require.Error(t, err)
				d.storage.failing(nil)
				if killed {
					d.start()
				}
				d.sweep()
				time.Sleep(3 * time.Hour)
				d.sweep()
				require.Contains(t, d.keysAt(), hand["api_key"], "%s, killed %v", at, killed)
				d.keptSecrets()
			})
		}
	}
}

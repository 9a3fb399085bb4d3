package backend

import (
	"maps"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// linkAt is a connection to an exchange, as far as a credential's form depends on it.
func linkAt(t *testing.T, exchange, environment, variant string) *link {
	for _, e := range catalog.All() {
		if about := e.Describe(); about.Name == exchange {
			v, err := about.Variant(variant)
			require.NoError(t, err)
			return &link{connection: connection{Environment: environment}, about: about, variant: v}
		}
	}
	t.Fatalf("there is no exchange %q", exchange)
	return nil
}

func TestClientConfig(t *testing.T) {
	const pem = "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n"
	key := func(more map[string]any) map[string]any {
		fields := map[string]any{
			"base_url": "https://exchange.example", "sub_account": "53888000",
			"api_key": "K", "api_secret": "", "passphrase": "", "private_key": "", "token": "",
		}
		maps.Copy(fields, more)
		return fields
	}
	for name, test := range map[string]struct {
		exchange, environment, variant string
		key                            map[string]any
		ccxt, freqtrade, env           string
	}{
		"hmac": {
			"bybit", "production", "", key(map[string]any{"api_secret": "<S&>"}),
			`{"apiKey":"K","id":"bybit","secret":"<S&>"}`,
			`{"exchange":{"key":"K","name":"bybit","secret":"<S&>"}}`,
			"EXCHANGE_BASE_URL='https://exchange.example'\nEXCHANGE_SUB_ACCOUNT='53888000'\nEXCHANGE_API_KEY='K'\nEXCHANGE_API_SECRET='<S&>'\n",
		},
		"a passphrase, in a test system": {
			"okx", "demo", "", key(map[string]any{"api_secret": "S", "passphrase": "it's"}),
			`{"apiKey":"K","id":"okx","password":"it's","sandbox":true,"secret":"S"}`,
			`{"exchange":{"ccxt_config":{"sandbox":true},"key":"K","name":"okx","password":"it's","secret":"S"}}`,
			"EXCHANGE_BASE_URL='https://exchange.example'\nEXCHANGE_SUB_ACCOUNT='53888000'\nEXCHANGE_API_KEY='K'\nEXCHANGE_API_SECRET='S'\nEXCHANGE_PASSPHRASE='it'\"'\"'s'\n",
		},
		"a variant with settings": {
			"bitget", "eu", "unified", key(map[string]any{"api_secret": "S", "passphrase": "P"}),
			`{"apiKey":"K","hostname":"bitget-eu.com","id":"bitget","options":{"uta":true},"password":"P","secret":"S"}`,
			`{"exchange":{"ccxt_config":{"hostname":"bitget-eu.com","options":{"uta":true}},"key":"K","name":"bitget","password":"P","secret":"S"}}`,
			"",
		},
		"a private key": {
			"binance", "production", "master", key(map[string]any{"private_key": pem}),
			`{"apiKey":"K","id":"binance","secret":"-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n"}`,
			"",
			"EXCHANGE_BASE_URL='https://exchange.example'\nEXCHANGE_SUB_ACCOUNT='53888000'\nEXCHANGE_API_KEY='K'\nEXCHANGE_PRIVATE_KEY='" + pem + "'\n",
		},
		"an account's id": {
			"orderly", "production", "", key(map[string]any{"private_key": "ed25519:abc"}),
			`{"accountId":"53888000","apiKey":"K","id":"woofipro","secret":"ed25519:abc"}`,
			`{"exchange":{"ccxt_config":{"accountId":"53888000"},"key":"K","name":"woofipro","secret":"ed25519:abc"}}`,
			"",
		},
		"a wallet": {
			"hyperliquid", "testnet", "", key(map[string]any{"private_key": "0x5f"}),
			`{"id":"hyperliquid","privateKey":"0x5f","sandbox":true,"walletAddress":"53888000"}`,
			`{"exchange":{"ccxt_config":{"privateKey":"0x5f","sandbox":true,"walletAddress":"53888000"},"name":"hyperliquid"}}`,
			"",
		},
		"a token": {
			"bitfinex", "production", "", key(map[string]any{"token": "T"}), "", "",
			"EXCHANGE_BASE_URL='https://exchange.example'\nEXCHANGE_SUB_ACCOUNT='53888000'\nEXCHANGE_API_KEY='K'\nEXCHANGE_TOKEN='T'\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := linkAt(t, test.exchange, test.environment, test.variant)
			for format, want := range map[string]string{formatCCXT: test.ccxt, formatFreqtrade: test.freqtrade, formatEnv: test.env} {
				if want != "" {
					assert.Equal(t, want, clientConfig(format, l, test.key), format)
				}
			}
		})
	}
}

// TestClientFormatIsChecked proves that a format which a client could not use is refused
// before a key is made, be it in a role or in a request.
func TestClientFormatIsChecked(t *testing.T) {
	for name, test := range map[string]struct {
		exchange string
		keyType  exchanges.KeyType
		format   string
		says     string
	}{
		"none":               {"bitfinex", exchanges.KeyBearer, "", ""},
		"lines":              {"bitfinex", exchanges.KeyBearer, "env", ""},
		"known":              {"deribit", exchanges.KeyHMAC, "ccxt", ""},
		"unknown":            {"bybit", exchanges.KeyHMAC, "hummingbot", `client_format: "hummingbot" is not known; choose one of: ccxt, freqtrade, env`},
		"of another type":    {"deribit", exchanges.KeyEd25519, "ccxt", "client_format: ccxt cannot use keys of type ed25519 of Deribit: it signs for Deribit with HMAC only; choose env, or leave the field out"},
		"of another library": {"bitfinex", exchanges.KeyBearer, "freqtrade", "client_format: freqtrade cannot use keys of type bearer of Bitfinex"},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkClientFormat("client_format", test.format, linkAt(t, test.exchange, "", ""), test.keyType)
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.says)
		})
	}
}

// TestCredsCarryAClientConfig proves that a role and a request may ask for one, and that
// all parts of a key are answered, empty where there is none.
func TestCredsCarryAClientConfig(t *testing.T) {
	d := newDesk(t)
	d.trader()
	data := d.mint("trader").Data
	require.NotContains(t, data, "client_config")
	require.NotEmpty(t, data["api_secret"])
	for _, part := range []string{"passphrase", "private_key", "token"} {
		require.Equal(t, "", data[part], part)
	}
	d.must(logical.PatchOperation, "roles/trader", map[string]any{"client_format": "ccxt"})
	require.Equal(t, "ccxt", d.read("roles/trader")["client_format"])
	data = d.mint("trader").Data
	require.JSONEq(t, `{"id":"bybit","apiKey":"`+data["api_key"].(string)+`","secret":"`+data["api_secret"].(string)+`"}`, data["client_config"].(string))
	data = d.must(logical.UpdateOperation, "creds/trader", map[string]any{"format": "env"}).Data
	require.Contains(t, data["client_config"], "EXCHANGE_API_SECRET='"+data["api_secret"].(string)+"'\n")

	made := len(d.sim.Keys())
	d.refused(logical.UpdateOperation, "creds/trader", map[string]any{"format": "json"}, "format", "json", "ccxt, freqtrade, env")
	require.Len(t, d.sim.Keys(), made, "nothing is minted")
	d.refused(logical.PatchOperation, "roles/trader", map[string]any{"client_format": "json"}, "client_format", "json")
	d.keptSecrets()
}

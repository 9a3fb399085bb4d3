package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// TestKeyOfEachExchange uses a key, deletes it, and uses it again.
func TestKeyOfEachExchange(t *testing.T) {
	var passed atomic.Int64
	sim := simulator.New(simulator.Options{
		RateMultiplier: 1000, Now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) },
	}, all.Venues()...)
	require.NoError(t, sim.Start("127.0.0.1", 0))
	t.Cleanup(func() { require.NoError(t, sim.Close()) })
	for _, exchange := range catalog.All() {
		t.Run(exchange.Describe().Name, func(t *testing.T) {
			root := sim.Exchange(exchange.Describe().Name)
			variant, err := exchange.Describe().Variant(root.Variant)
			require.NoError(t, err)
			key, remove := mint(t, exchange, variant, root)
			answer, err := json.Marshal(map[string]any{"data": key})
			require.NoError(t, err)

			code, shown := use(t, string(answer))
			assert.Equal(t, exitWorks, code)
			assert.Contains(t, shown, "accepts key the-id: ")
			assertNoSecret(t, shown, key)

			remove()
			passed.Add(int64(variant.RevocationDelay))
			code, shown = use(t, string(answer))
			assert.Equal(t, exitRefused, code)
			assert.Contains(t, shown, "refuses key the-id: ")
			assertNoSecret(t, shown, key)
		})
	}
}

// mint makes a key and returns it as the data of an answer from creds/.
func mint(t *testing.T, exchange exchanges.Exchange, variant exchanges.Variant, root simulator.Access) (key map[string]string, remove func()) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	about := exchange.Describe()
	grant, err := variant.Grant(variant.Offered(), nil)
	require.NoError(t, err)
	request := exchanges.KeyRequest{
		SubAccount: root.SubAccounts[0], Label: "vxtest", Permissions: grant.Permissions,
		KeyType: variant.KeyTypes[0], Expires: time.Now().Add(time.Hour),
	}
	if !variant.Addresses.None {
		request.Addresses = []string{"127.0.0.1"}
	}
	if rule := variant.Passphrase; rule != nil {
		request.Passphrase, err = exchanges.NewPassphrase(*rule)
		require.NoError(t, err)
	}
	var private exchanges.Secret
	if request.KeyType.Asymmetric() {
		request.PublicKey, private, err = exchanges.MakeKeyPair(exchange, request.KeyType)
		require.NoError(t, err)
	}
	account, err := exchange.Open(exchanges.Credential{
		APIKey: root.APIKey, APISecret: exchanges.Secret(root.APISecret), Passphrase: exchanges.Secret(root.Passphrase),
		PrivateKey: exchanges.Secret(root.PrivateKey), TOTPSecret: exchanges.Secret(root.TOTPSecret), Broker: root.Broker,
	}, exchanges.Options{BaseURL: root.BaseURL, Variant: root.Variant, RateMultiplier: 1000})
	require.NoError(t, err)
	t.Cleanup(account.Close)
	created, err := account.CreateKey(ctx, request)
	require.NoError(t, err)
	key = map[string]string{
		"key_id": "the-id", "exchange": about.Name, "base_url": root.BaseURL, "api_key": created.APIKey,
		"api_secret": created.APISecret.Reveal(), "passphrase": created.Passphrase.Reveal(), "private_key": private.Reveal(),
		"token": created.Token.Reveal(), "sub_account": request.SubAccount,
	}
	return key, func() {
		require.NoError(t, account.DeleteKey(ctx, exchanges.KeyRef{
			SubAccount: request.SubAccount, ID: created.ID, Label: request.Label, Passphrase: request.Passphrase, Token: created.Token,
		}))
	}
}

// use runs the command and returns its exit code and everything that it
// printed.
func use(t *testing.T, answer string) (code int, shown string) {
	var out bytes.Buffer
	return run(t.Context(), catalog.All(), strings.NewReader(answer), &out, &out), out.String()
}

func assertNoSecret(t *testing.T, shown string, key map[string]string) {
	for _, part := range []string{"api_secret", "passphrase", "private_key", "token"} {
		if key[part] != "" {
			assert.NotContains(t, shown, key[part])
		}
	}
}

func TestWhatIsNoKey(t *testing.T) {
	for name, test := range map[string]struct{ answer, says string }{
		"nothing":                {"", "is not a JSON answer"},
		"a table":                {"Key  Value\napi_secret  hush", "is not a JSON answer"},
		"a secret of wrong type": {`{"data": {"api_secret": ["hush"]}}`, "is not a JSON answer"},
		"another answer":         {`{"data": {"keys": ["hush"]}}`, "contains no API key"},
		"an unknown exchange":    {`{"data": {"exchange": "mtgox", "api_key": "k", "api_secret": "hush"}}`, `does not know the exchange "mtgox"`},
		"no secret":              {`{"data": {"exchange": "bybit", "api_key": "k", "base_url": "http://127.0.0.1:1"}}`, "api_secret"},
		"nobody there":           {`{"data": {"exchange": "bybit", "api_key": "k", "api_secret": "hush", "base_url": "http://127.0.0.1:1"}}`, "exchange unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			code, shown := use(t, test.answer)
			assert.Equal(t, exitFailed, code)
			assert.Contains(t, shown, test.says)
			assert.NotContains(t, shown, "hush")
		})
	}
}

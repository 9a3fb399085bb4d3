package okx_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/okx"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/okx"
)

const (
	order    = `{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","px":"1","sz":"1"}`
	transfer = `{"ccy":"USDT","amt":"1","from":"18","to":"6"}`
)

func TestConformance(t *testing.T) {
	post := func(path, body string) exchanges.UserRequest {
		return exchanges.UserRequest{Method: http.MethodPost, Path: path, Body: []byte(body), ContentType: "application/json"}
	}
	probes := []exchangetest.Probe{
		{Name: "balance", Scope: exchanges.ScopeRead, Request: exchanges.UserRequest{
			Method: http.MethodGet, Path: "/api/v5/account/balance", Query: "ccy=USDT",
		}},
		{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: post("/api/v5/asset/transfer", transfer)},
	}
	for _, scope := range exchanges.AllScopes() {
		if scope.IsTrade() {
			probes = append(probes, exchangetest.Probe{
				Name: "order", Scope: scope, Request: post("/api/v5/trade/order", order),
			})
		}
	}
	exchangetest.Run(t, exchangetest.Subject{
		Exchange:       okx.New(),
		Venue:          standin.Venue(),
		Probes:         probes,
		Accepted:       accepted,
		GoneSubAccount: "nosuchsub",
	})
}

// accepted reports whether an answer is a success: OKX says so in the body.
func accepted(_ int, body []byte) bool {
	var answer struct {
		Code string `json:"code"`
	}
	return json.Unmarshal(body, &answer) == nil && answer.Code == "0"
}

// A role that asks for less than OKX's trade permission carries is told exactly
// what to ask for, and is then given it.
func TestTradeIsInseparable(t *testing.T) {
	variant := okx.New().Describe().Variants[0]
	const all = "read,trade:spot,trade:margin,trade:futures,trade:options,transfer"
	for _, words := range [][]string{
		{"trade:spot"}, {"transfer"}, {"trade"}, {"read", "trade:futures", "transfer"},
	} {
		wanted, err := exchanges.ParseScopes(words, variant.Offered())
		require.NoError(t, err)
		_, err = variant.Grant(wanted, nil)
		require.ErrorContains(t, err, `the exchange's permission "trade" also carries`)
		require.ErrorContains(t, err, "ask for exactly scopes="+all)
	}
	exact, err := exchanges.ParseScopes([]string{"trade", "transfer"}, variant.Offered())
	require.NoError(t, err)
	grant, err := variant.Grant(exact, nil)
	require.NoError(t, err)
	require.Equal(t, exchanges.Grant{
		Permissions: []string{"read_only", "trade"}, Scopes: exact, Risk: exchanges.RiskCritical,
	}, grant)
	require.Equal(t, all, grant.Scopes.String())

	reader, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"read_only"}, reader.Permissions)
	_, err = variant.Grant(exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeWithdraw), nil)
	require.ErrorContains(t, err, "withdraw is not offered")
}

// OKX accepts the engine's passphrases.
func TestPassphraseRule(t *testing.T) {
	rule := okx.New().Describe().Variants[0].Passphrase
	require.GreaterOrEqual(t, rule.Length, 8)
	require.LessOrEqual(t, rule.Length, 32)
	require.False(t, rule.NeededToDelete)
	passphrase, err := exchanges.NewPassphrase(*rule)
	require.NoError(t, err)
	v := newVenue(t)
	request := v.request("read_only")
	request.Passphrase = passphrase
	_, err = v.root("main", "").CreateKey(v.Context(), request)
	require.NoError(t, err)
}

// venue is OKX in a simulator.
type venue struct{ exchangetest.Simulated }

func newVenue(t *testing.T) venue {
	return venue{exchangetest.Simulate(t, okx.New(), standin.Venue(), simulator.Options{})}
}

// root opens an account with one of the simulator's roots.
func (v venue) root(kind, environment string) exchanges.Account {
	return v.OpenRoot(kind, exchanges.Options{Environment: environment})
}

// request asks for a key in the first sub-account.
func (v venue) request(permissions ...string) exchanges.KeyRequest {
	return exchanges.KeyRequest{
		SubAccount: v.Exchange("okx").SubAccounts[0], Label: "vlt7f3a9c", Permissions: permissions,
		Addresses: []string{"127.0.0.1"}, KeyType: exchanges.KeyHMAC, Passphrase: "Minted#Pass01",
	}
}

func TestInspect(t *testing.T) {
	v := newVenue(t)
	inspect := func(account exchanges.Account) exchanges.Identity {
		identity, err := account.Inspect(v.Context())
		require.NoError(t, err)
		return identity
	}
	main := inspect(v.root("main", ""))
	require.NotEmpty(t, main.Account)
	require.Equal(t, []string{"read_only", "trade"}, main.Permissions)
	require.Equal(t, []string{"127.0.0.1", "::1"}, main.Addresses)
	require.Empty(t, main.Warnings)
	require.True(t, main.CanMint)

	minted, err := v.root("main", "").CreateKey(v.Context(), v.request("read_only", "trade"))
	require.NoError(t, err)
	subAccount := v.Open(exchanges.Credential{
		APIKey: minted.APIKey, APISecret: minted.APISecret, Passphrase: minted.Passphrase,
	}, exchanges.Options{})
	for _, test := range []struct {
		name    string
		account exchanges.Account
		problem string
	}{
		{"read-only", v.root("read_only", ""), "lacks the Trade permission"},
		{"unbound", v.root("unbound", ""), "bound to no address"},
		{"a sub-account's", subAccount, "belongs to a sub-account"},
	} {
		identity := inspect(test.account)
		require.False(t, identity.CanMint, test.name)
		require.Contains(t, identity.Problem, test.problem, test.name)
		_, err = test.account.CreateKey(v.Context(), v.request("read_only"))
		require.ErrorIs(t, err, exchanges.ErrPermission, test.name)
	}

	withdrawing := inspect(v.root("withdraw", ""))
	require.True(t, withdrawing.CanMint)
	require.Len(t, withdrawing.Warnings, 1)
	require.Contains(t, withdrawing.Warnings[0], "can withdraw")
}

// Demo trading is chosen by a header; a key works only where it was made.
func TestDemo(t *testing.T) {
	v := newVenue(t)
	for _, test := range []struct{ root, environment string }{{"main", "demo"}, {"demo", "production"}} {
		_, err := v.root(test.root, test.environment).Inspect(v.Context())
		require.ErrorIs(t, err, exchanges.ErrAuth)
		require.ErrorContains(t, err, "check environment")
	}
	demo := v.root("demo", "demo")
	identity, err := demo.Inspect(v.Context())
	require.NoError(t, err)
	require.True(t, identity.CanMint)
	_, err = demo.CreateKey(v.Context(), v.request("read_only"))
	require.ErrorIs(t, err, exchanges.ErrUnsupported, "the simulator plays a demo trading without sub-accounts")

	request, err := demo.(exchanges.RequestSigner).SignRequest(v.Context(), exchanges.UserRequest{
		Method: http.MethodGet, Path: "/api/v5/account/balance",
	})
	require.NoError(t, err)
	require.Equal(t, "1", request.Header.Get("x-simulated-trading"))
}

// A label that is taken means that a key from an earlier attempt exists.
func TestLabelTaken(t *testing.T) {
	v := newVenue(t)
	account := v.root("main", "")
	_, err := account.CreateKey(v.Context(), v.request("read_only"))
	require.NoError(t, err)
	_, err = account.CreateKey(v.Context(), v.request("read_only"))
	require.ErrorIs(t, err, exchanges.ErrConflict)
	require.Len(t, v.Keys(), 1)
}

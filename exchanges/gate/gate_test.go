package gate_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/gate"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/gate"
)

var balance = exchanges.UserRequest{Method: http.MethodGet, Path: "/api/v4/spot/accounts", Query: "currency=USDT"}

func TestConformance(t *testing.T) {
	post := func(path, body string) exchanges.UserRequest {
		return exchanges.UserRequest{Method: http.MethodPost, Path: "/api/v4" + path, Body: []byte(body), ContentType: "application/json"}
	}
	exchangetest.Run(t, exchangetest.Subject{
		Exchange: gate.New(),
		Venue:    standin.Venue(),
		Probes: []exchangetest.Probe{
			{Name: "balance", Scope: exchanges.ScopeRead, Request: balance},
			{Name: "spot order", Scope: exchanges.ScopeSpot, Request: post("/spot/orders",
				`{"currency_pair":"BTC_USDT","side":"buy","amount":"1","price":"1"}`)},
			{Name: "margin order", Scope: exchanges.ScopeMargin, Request: post("/spot/orders",
				`{"currency_pair":"BTC_USDT","side":"buy","amount":"1","price":"1","account":"margin"}`)},
			{Name: "loan", Scope: exchanges.ScopeMargin, Request: post("/margin/uni/loans",
				`{"currency":"USDT","currency_pair":"BTC_USDT","type":"borrow","amount":"1"}`)},
			{Name: "futures order", Scope: exchanges.ScopeFutures, Request: post("/futures/usdt/orders",
				`{"contract":"BTC_USDT","size":1,"price":"1"}`)},
			{Name: "options order", Scope: exchanges.ScopeOptions, Request: post("/options/orders",
				`{"contract":"BTC_USDT-20301227-50000-C","size":1,"price":"1"}`)},
			{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: post("/wallet/transfers",
				`{"currency":"USDT","from":"spot","to":"futures","amount":"1","settle":"usdt"}`)},
			{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: post("/withdrawals",
				`{"currency":"USDT","address":"x","amount":"1","chain":"TRX"}`)},
		},
	})
}

// What roles are given, in Gate's words.
func TestGrants(t *testing.T) {
	variant := gate.New().Describe().Variants[0]
	for _, test := range []struct {
		scopes, native []string
		want           string
		risk           exchanges.Risk
	}{
		{[]string{"read"}, nil, "account:read spot:read wallet:read", exchanges.RiskMinimal},
		{[]string{"trade:spot", "trade:margin"}, nil, "account:read margin:write spot:write wallet:read", exchanges.RiskModerate},
		{[]string{"trade:futures"}, nil, "account:read futures:write spot:read wallet:read", exchanges.RiskModerate},
		{[]string{"transfer"}, nil, "account:read spot:read wallet:write", exchanges.RiskCritical},
		{[]string{"read"}, []string{"futures:read"}, "futures:read", exchanges.RiskMinimal},
		{[]string{"trade:futures"}, []string{"futures:read", "delivery:write"}, "delivery:write futures:read", exchanges.RiskModerate},
		{[]string{"trade:futures"}, []string{"futures:write", "delivery:write"}, "account:read delivery:write futures:write spot:read wallet:read", exchanges.RiskModerate},
		{[]string{"trade:options"}, []string{"unified:write"}, "options:write unified:write", exchanges.RiskCritical},
	} {
		scopes, err := exchanges.ParseScopes(test.scopes, variant.Offered())
		require.NoError(t, err)
		grant, err := variant.Grant(scopes, test.native)
		require.NoError(t, err)
		require.Equal(t, test.want, strings.Join(grant.Permissions, " "), "%v %v", test.scopes, test.native)
		require.Equal(t, test.risk, grant.Risk)
	}
	for _, scope := range []exchanges.Scope{exchanges.ScopeSpot, exchanges.ScopeMargin} {
		_, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead, scope), nil)
		require.ErrorContains(t, err, "ask for exactly scopes=read,trade:spot,trade:margin")
	}
}

// venue is Gate in a simulator.
type venue struct{ exchangetest.Simulated }

func newVenue(t *testing.T, options simulator.Options) venue {
	return venue{exchangetest.Simulate(t, gate.New(), standin.Venue(), options)}
}

func (v venue) open(credential exchanges.Credential) exchanges.Account {
	return v.Open(credential, exchanges.Options{})
}

func (v venue) root(kind string) exchanges.Account { return v.OpenRoot(kind, exchanges.Options{}) }

// request asks for a key in the first sub-account.
func (v venue) request(permissions ...string) exchanges.KeyRequest {
	return exchanges.KeyRequest{
		SubAccount: v.Exchange("gate").SubAccounts[0], Label: "vlt-7f3a9c", Permissions: permissions,
		Addresses: []string{"127.0.0.1"}, KeyType: exchanges.KeyHMAC,
	}
}

func TestInspect(t *testing.T) {
	v := newVenue(t, simulator.Options{})
	inspect := func(account exchanges.Account) exchanges.Identity {
		identity, err := account.Inspect(t.Context())
		require.NoError(t, err)
		return identity
	}
	main := inspect(v.root("main"))
	require.True(t, main.CanMint)
	require.Regexp(t, `^\d{8}$`, main.Account)
	require.Equal(t, []string{"account:write", "wallet:read"}, main.Permissions)
	require.Equal(t, []string{"127.0.0.1", "::1"}, main.Addresses)
	require.Empty(t, main.Warnings)

	unlisted := inspect(v.root("unlisted"))
	require.True(t, unlisted.CanMint, "being unable to read the permissions stops nothing")
	require.Nil(t, unlisted.Permissions)

	for kind, warning := range map[string]string{"unbound": "bound to no address", "trading": "has spot:write, wallet:write"} {
		identity := inspect(v.root(kind))
		require.True(t, identity.CanMint, kind)
		require.Len(t, identity.Warnings, 1)
		require.Contains(t, identity.Warnings[0], warning)
	}

	key, err := v.root("main").CreateKey(t.Context(), v.request("account:read"))
	require.NoError(t, err)
	minted := inspect(v.open(exchanges.Credential{APIKey: key.APIKey, APISecret: key.APISecret}))
	require.False(t, minted.CanMint)
	require.Contains(t, minted.Problem, "main account")
	require.Equal(t, v.Exchange("gate").SubAccounts[0], minted.Account)
}

// A deleted key may go on working for as long as the description says.
func TestRevocationDelay(t *testing.T) {
	start := time.Now()
	var passed time.Duration
	v := newVenue(t, simulator.Options{RateMultiplier: 1, Now: func() time.Time { return start.Add(passed) }})
	account := v.root("main")
	request := v.request("spot:read")
	key, err := account.CreateKey(t.Context(), request)
	require.NoError(t, err)
	works := func() bool {
		minted := v.open(exchanges.Credential{APIKey: key.APIKey, APISecret: key.APISecret})
		signed, err := minted.(exchanges.RequestSigner).SignRequest(t.Context(), balance)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(signed)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode == http.StatusOK
	}
	require.NoError(t, exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: request.SubAccount, ID: key.ID}))
	require.Empty(t, v.Keys())
	require.True(t, works())
	delay := gate.New().Describe().Variants[0].RevocationDelay
	require.Equal(t, 5*time.Minute, delay)
	passed = delay - time.Second
	require.True(t, works())
	passed = delay
	require.False(t, works())
}

// A sub-account is named by its number, and nothing else gets into a path.
func TestSubAccountNames(t *testing.T) {
	v := newVenue(t, simulator.Options{})
	account := v.root("main")
	for _, name := range []string{"", "desk", "-1", "1/keys", "99999999999999999999"} {
		request := v.request("spot:read")
		request.SubAccount = name
		_, err := account.CreateKey(t.Context(), request)
		require.ErrorIs(t, err, exchanges.ErrInvalid, name)
		_, err = account.ListKeys(t.Context(), name)
		require.ErrorIs(t, err, exchanges.ErrInvalid, name)
		err = exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: name, ID: "k"})
		require.ErrorIs(t, err, exchanges.ErrInvalid, name)
	}
	require.Zero(t, v.Calls("gate", exchanges.OpAny))

	err := exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: "12", ID: "k"})
	require.ErrorIs(t, err, exchanges.ErrInvalid, "another main account's sub-account proves nothing")
}

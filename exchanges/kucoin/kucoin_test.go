package kucoin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/kucoin"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/kucoin"
)

func TestConformance(t *testing.T) {
	post := func(path, body string) exchanges.UserRequest {
		return exchanges.UserRequest{Method: http.MethodPost, Path: path, Body: []byte(body), ContentType: "application/json"}
	}
	const order = `{"clientOid":"5c52e11203aa677f33e493fb","symbol":"BTC-USDT","side":"buy","type":"limit","price":"1","size":"1"}`
	exchangetest.Run(t, exchangetest.Subject{
		Exchange: kucoin.New(),
		Venue:    standin.Venue(),
		Accepted: accepted,
		Probes: []exchangetest.Probe{
			{Name: "balance", Scope: exchanges.ScopeRead, Request: exchanges.UserRequest{
				Method: http.MethodGet, Path: "/api/v1/accounts", Query: "currency=USDT&type=trade",
			}},
			{Name: "spot order", Scope: exchanges.ScopeSpot, Request: post("/api/v1/hf/orders", order)},
			{Name: "margin order", Scope: exchanges.ScopeMargin, Request: post("/api/v3/hf/margin/order", order)},
			{Name: "futures order", Scope: exchanges.ScopeFutures, Request: post("/api/v1/orders",
				`{"clientOid":"5c52e9e4f9f1c8a5d1d8d1a1","symbol":"XBTUSDTM","side":"buy","type":"limit","price":"1","size":"1","leverage":3}`)},
			{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: post("/api/v3/accounts/universal-transfer",
				`{"clientOid":"64ccc0f164781800010d8c09","currency":"USDT","amount":"1","type":"INTERNAL","fromAccountType":"MAIN","toAccountType":"TRADE"}`)},
			{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: post("/api/v3/withdrawals",
				`{"currency":"USDT","toAddress":"x","amount":"1","withdrawType":"ADDRESS"}`)},
		},
	})
}

// accepted reports whether an answer is a success: KuCoin says so in the body.
func accepted(_ int, body []byte) bool {
	var answer struct {
		Code string `json:"code"`
	}
	return json.Unmarshal(body, &answer) == nil && answer.Code == "200000"
}

// venue is KuCoin in a simulator.
type venue struct{ exchangetest.Simulated }

func newVenue(t *testing.T) venue {
	return venue{exchangetest.Simulate(t, kucoin.New(), standin.Venue(), simulator.Options{})}
}

func (v venue) open(credential exchanges.Credential) exchanges.Account {
	return v.Open(credential, exchanges.Options{})
}

func (v venue) root(kind string) exchanges.Account { return v.OpenRoot(kind, exchanges.Options{}) }

// request asks for a key in the first sub-account.
func (v venue) request(permissions ...string) exchanges.KeyRequest {
	return exchanges.KeyRequest{
		SubAccount: v.Exchange("kucoin").SubAccounts[0], Label: "vlt7f3a9c", Permissions: permissions,
		Addresses: []string{"127.0.0.1"}, KeyType: exchanges.KeyHMAC, Passphrase: "MintedPass01",
	}
}

// A read-only root can mint keys that trade, and its owner is told so.
func TestInspect(t *testing.T) {
	v := newVenue(t)
	main, err := v.root("main").Inspect(t.Context())
	require.NoError(t, err)
	require.True(t, main.CanMint)
	require.Regexp(t, `^\d{10}$`, main.Account)
	require.Equal(t, []string{"General"}, main.Permissions)
	require.Equal(t, []string{"127.0.0.1", "::1"}, main.Addresses)
	require.Zero(t, main.ExpiresAt)
	require.Len(t, main.Warnings, 1)
	require.Contains(t, main.Warnings[0], "yet it mints keys that trade")

	key, err := v.root("main").CreateKey(t.Context(), v.request("Futures", "General", "InnerTransfer"))
	require.NoError(t, err)
	minted, err := v.open(exchanges.Credential{APIKey: key.APIKey, APISecret: key.APISecret, Passphrase: key.Passphrase}).Inspect(t.Context())
	require.NoError(t, err)
	require.False(t, minted.CanMint)
	require.Contains(t, minted.Problem, "belongs to a sub-account")

	for kind, warning := range map[string]string{
		"unbound":  "bound to no address",
		"trading":  "the root key has Spot, Transfer",
		"expiring": "the root key expires at",
	} {
		identity, err := v.root(kind).Inspect(t.Context())
		require.NoError(t, err)
		require.True(t, identity.CanMint, kind)
		require.Contains(t, strings.Join(identity.Warnings, "\n"), warning)
	}
}

// Without the passphrase a key cannot be deleted, which is reported only while the
// key is there.
func TestDeletionNeedsThePassphrase(t *testing.T) {
	v := newVenue(t)
	account := v.root("main")
	request := v.request("General")
	key, err := account.CreateKey(t.Context(), request)
	require.NoError(t, err)
	ref := exchanges.KeyRef{SubAccount: request.SubAccount, ID: key.ID}

	err = exchangetest.Settle(t.Context(), account, ref)
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, "website")
	require.Zero(t, v.Calls("kucoin", exchanges.OpDeleteKey))

	wrong := ref
	wrong.Passphrase = "OtherPass01"
	require.ErrorIs(t, exchangetest.Settle(t.Context(), account, wrong), exchanges.ErrInvalid)
	require.Len(t, v.Keys(), 1)

	require.True(t, v.RemoveKey("kucoin", key.APIKey))
	require.NoError(t, exchangetest.Settle(t.Context(), account, ref), "a key that is gone needs none")

	rule := kucoin.New().Describe().Variants[0].Passphrase
	require.True(t, rule.NeededToDelete)
	passphrase, err := exchanges.NewPassphrase(*rule)
	require.NoError(t, err)
	require.Regexp(t, `^[A-Za-z0-9]{24}$`, passphrase.Reveal())
}

// KuCoin itself expires a key after the lease, should everything else fail.
func TestNativeExpiry(t *testing.T) {
	v := newVenue(t)
	account := v.root("main")
	for name, test := range map[string]struct {
		limit time.Duration
		ends  int
	}{"a month": {29 * 24 * time.Hour, 30}, "a quarter": {31 * 24 * time.Hour, 90}} {
		v.Reset()
		request := v.request("General")
		request.Expires = time.Now().Add(test.limit)
		key, err := account.CreateKey(t.Context(), request)
		require.NoError(t, err)
		minted := v.open(exchanges.Credential{APIKey: key.APIKey, APISecret: key.APISecret, Passphrase: key.Passphrase})
		identity, err := minted.Inspect(t.Context())
		require.NoError(t, err)
		require.WithinDuration(t, time.Now().AddDate(0, 0, test.ends), identity.ExpiresAt, time.Minute, name)
	}
}

// Unified is given only to a role that names it, and counts as critical.
func TestUnifiedByName(t *testing.T) {
	variant := kucoin.New().Describe().Variants[0]
	require.Equal(t, []string{"Unified"}, variant.OnlyByName([]string{"General", "Spot", "Unified"}))
	grant, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead), []string{"Unified"})
	require.NoError(t, err)
	require.Equal(t, exchanges.Grant{
		Permissions: []string{"General", "Unified"}, Risk: exchanges.RiskCritical,
		Scopes: exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeSpot, exchanges.ScopeMargin, exchanges.ScopeFutures),
	}, grant)
	v := newVenue(t)
	key, err := v.root("main").CreateKey(t.Context(), v.request(grant.Permissions...))
	require.NoError(t, err)
	require.NoError(t, variant.CheckGrant(grant, key.Permissions))
}

func TestTransferNeedsAddresses(t *testing.T) {
	v := newVenue(t)
	request := v.request("General", "InnerTransfer")
	request.Addresses = nil
	_, err := v.root("main").CreateKey(t.Context(), request)
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, "ip_allowlist")
	require.Zero(t, v.Calls("kucoin", exchanges.OpCreateKey))
}

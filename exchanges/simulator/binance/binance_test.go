package binance_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/binance"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAuthentication(t *testing.T) {
	s := venuetest.Start(t, binance.Venue(), simulator.Options{})
	c := newClient(t, s, "main")
	const path = "/sapi/v1/account/apiRestrictions"
	altered := func(change func(*http.Request)) answer {
		request := c.signed(http.MethodGet, path, "", "")
		change(request)
		return c.do(request)
	}

	var rights map[string]any
	c.call(http.MethodGet, path).into(&rights)
	require.Equal(t, true, rights["enableSpotAndMarginTrading"])
	require.Equal(t, true, rights["ipRestrict"])
	require.Equal(t, false, rights["enableWithdrawals"])

	altered(func(r *http.Request) { r.Header.Del("X-MBX-APIKEY") }).refused(401, -2014)
	altered(func(r *http.Request) { r.Header.Set("X-MBX-APIKEY", strings.Repeat("/", 64)) }).refused(401, -2014)
	altered(func(r *http.Request) { r.Header.Set("X-MBX-APIKEY", strings.Repeat("k", 64)) }).refused(401, -2015)
	altered(func(r *http.Request) { r.URL.RawQuery = "timestamp=1" }).refused(400, -1102)
	altered(func(r *http.Request) { r.URL.RawQuery = "signature=1" }).refused(400, -1102)
	altered(func(r *http.Request) { r.URL.RawQuery += "&timestamp=1" }).refused(400, -1101)
	altered(func(r *http.Request) { r.URL.RawQuery = "timestamp=soon&signature=1" }).refused(400, -1130)
	altered(func(r *http.Request) { r.URL.RawQuery += "0" }).refused(400, -1022)
	c.call(http.MethodGet, path, "colour", "red").refused(400, -1104)

	json := c.signed(http.MethodPost, keysPath, "", "{}")
	json.Header.Set("Content-Type", "application/json")
	c.do(json).refused(400, -1104)

	venuetest.Skewed(c, -time.Minute).call(http.MethodGet, path).refused(400, -1021)

	require.Equal(t, http.StatusNotFound, c.call(http.MethodGet, "/sapi/v1/no/such").StatusCode)
	var status struct{ Msg string }
	c.call(http.MethodGet, "/sapi/v1/system/status").into(&status)
	require.Equal(t, "normal", status.Msg)
}

func TestSurfaces(t *testing.T) {
	s := venuetest.Start(t, binance.Venue(), simulator.Options{})
	master, link := newClient(t, s, "main"), newClient(t, s, "link")
	require.Equal(t, "master", master.Variant)
	require.Equal(t, "link", link.Variant)
	require.Contains(t, master.SubAccounts[0], "@")
	require.NotContains(t, link.SubAccounts[0], "@")

	link.call(http.MethodGet, subPath+"list").refused(400, -10038)
	link.call(http.MethodPost, keysPath).refused(400, -10038)
	master.call(http.MethodGet, "/sapi/v1/broker/info").refused(401, -1002)
	master.call(http.MethodGet, brokerKeys).refused(401, -1002)
	newClient(t, s, "no_right").call(http.MethodPost, keysPath).refused(401, -2015)
	newClient(t, s, "link_no_right").call(http.MethodPost, brokerKeys).refused(401, -2015)

	k := master.mint("status", "1", "canTrade", "true")
	minted := venuetest.With(master, k.credential())
	minted.call(http.MethodGet, subPath+"list").refused(401, -2015)

	var info struct{ SubAccountQty, MaxSubAccountQty int }
	link.call(http.MethodGet, "/sapi/v1/broker/info").into(&info)
	require.Equal(t, len(link.SubAccounts), info.SubAccountQty)
	require.Equal(t, 1000, info.MaxSubAccountQty)
}

func TestMasterSubAccounts(t *testing.T) {
	s := venuetest.Start(t, binance.Venue(), simulator.Options{})
	c := newClient(t, s, "main")
	var list struct {
		SubAccounts []struct {
			Email, Remark string
			IsFreeze      bool
		}
	}
	c.call(http.MethodGet, subPath+"list").into(&list)
	require.Len(t, list.SubAccounts, 1, "one row unless the caller asks for more")
	c.call(http.MethodGet, subPath+"list", "limit", "2", "page", "2").into(&list)
	require.Len(t, list.SubAccounts, 1)
	require.Equal(t, c.SubAccounts[2], list.SubAccounts[0].Email)
	c.call(http.MethodGet, subPath+"list", "limit", "201").refused(400, -1130)
	c.call(http.MethodGet, subPath+"list", "page", "0").refused(400, -1130)
	c.call(http.MethodGet, subPath+"list", "isFreeze", "true").into(&list)
	require.Empty(t, list.SubAccounts)

	var made struct{ Email string }
	c.call(http.MethodPost, subPath+"virtualSubAccount", "subAccountString", "arb").into(&made)
	c.call(http.MethodGet, subPath+"list", "email", made.Email).into(&list)
	require.Len(t, list.SubAccounts, 1)
	require.Equal(t, "arb", list.SubAccounts[0].Remark)
	c.call(http.MethodPost, subPath+"virtualSubAccount").refused(400, -1102)
}

func TestMasterKeys(t *testing.T) {
	s := venuetest.Start(t, binance.Venue(), simulator.Options{})
	c := newClient(t, s, "main")
	email := c.SubAccounts[0]

	k := c.mint("status", "2", "ipAddress", "203.0.113.7,127.0.0.1", "canTrade", "true")
	require.Equal(t, "desk", k.APIName)
	require.Len(t, k.APIKey, 64)
	require.EqualValues(t, 2, k.Status)
	require.Equal(t, []string{"203.0.113.7", "127.0.0.1"}, k.IPList)
	require.True(t, k.CanTrade)
	require.False(t, k.CanFuturesTrade)

	for name, pairs := range map[string][]string{
		"no status":           {},
		"a company's":         {"status", "3", "thirdPartyName", "x"},
		"no addresses":        {"status", "2"},
		"addresses unasked":   {"status", "1", "ipAddress", "203.0.113.7"},
		"a block":             {"status", "2", "ipAddress", "203.0.113.0/24"},
		"IPv6":                {"status", "2", "ipAddress", "2001:db8::1"},
		"too many addresses":  {"status", "2", "ipAddress", strings.Repeat("203.0.113.7,", 42) + "203.0.113.7"},
		"no flag":             {"status", "1", "canTrade", "1"},
		"withdrawals":         {"status", "1", "canWithdraw", "true"},
		"FIX in version 1":    {"status", "1", "canFixApiTrading", "true"},
		"no public key":       {"status", "1", "publicKey", "???"},
		"another sub-account": {"status", "1", "email", "nobody@example.com"},
		"a long label":        {"status", "1", "apiName", strings.Repeat("x", 21)},
		"a label with spaces": {"status", "1", "apiName", "two words"},
	} {
		values := url.Values{"email": {email}, "apiName": {"desk"}}
		for i := 0; i < len(pairs); i += 2 {
			values.Set(pairs[i], pairs[i+1])
		}
		answer := c.do(c.signed(http.MethodPost, keysPath, "", values.Encode()))
		require.Equal(t, http.StatusBadRequest, answer.StatusCode, name)
		require.Contains(t, []int{-1102, -1104, -1130}, answer.Code, name)
	}

	var list struct {
		Total int
		Rows  []struct {
			APIName, APIKey string
			CanTrade        bool
		}
	}
	second := c.mint("status", "1")
	c.call(http.MethodGet, keysPath, "email", email, "size", "1", "page", "2").into(&list)
	require.Equal(t, 2, list.Total)
	require.Len(t, list.Rows, 1)
	require.Equal(t, second.APIKey, list.Rows[0].APIKey)
	c.call(http.MethodGet, keysPath, "email", email, "subAccountApiKey", k.APIKey).into(&list)
	require.Len(t, list.Rows, 1)
	require.True(t, list.Rows[0].CanTrade)
	c.call(http.MethodGet, keysPath, "email", email, "size", "101").refused(400, -1130)

	edit := []string{"email", email, "subAccountApiKey", k.APIKey}
	var edited apiKey
	c.call(http.MethodPost, keysPath+"Permission", append(edit, "canFuturesTrade", "true")...).into(&edited)
	require.True(t, edited.CanFuturesTrade)
	require.False(t, edited.CanTrade, "a flag that the request leaves out is off")

	var bound struct {
		IPRestrict, Status, APIKey string
		IPList                     []string
	}
	const restriction = "/sub-account/subAccountApi/ipRestriction"
	c.call(http.MethodPost, "/sapi/v2"+restriction, append(edit, "status", "2", "ipAddress", "203.0.113.9")...).into(&bound)
	require.Equal(t, "2", bound.Status)
	c.call(http.MethodGet, "/sapi/v1"+restriction, edit...).into(&bound)
	require.Equal(t, "true", bound.IPRestrict)
	require.Equal(t, []string{"203.0.113.9"}, bound.IPList)
	c.call(http.MethodPost, "/sapi/v2"+restriction, append(edit, "status", "1")...).into(&bound)
	require.Equal(t, "1", bound.Status)

	elsewhere := []string{"email", c.SubAccounts[1], "subAccountApiKey", k.APIKey}
	for _, refused := range []answer{
		c.call(http.MethodDelete, keysPath, elsewhere...),
		c.call(http.MethodPost, keysPath+"Permission", elsewhere...),
		c.call(http.MethodGet, "/sapi/v1"+restriction, elsewhere...),
		c.call(http.MethodPost, "/sapi/v2"+restriction, append(elsewhere, "status", "1")...),
	} {
		refused.refused(400, -1130)
	}
	c.call(http.MethodDelete, keysPath, edit...).into(&struct{}{})
	c.call(http.MethodDelete, keysPath, edit...).refused(400, -1130)
	require.Equal(t, []string{k.APIKey}, s.Deletions("binance"))
}

func TestPublicKeys(t *testing.T) {
	s := venuetest.Start(t, binance.Venue(), simulator.Options{})
	c := newClient(t, s, "main")
	const v2 = "/sapi/v2/sub-account/subAccountApi"
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	base := []string{"email", c.SubAccounts[0], "apiName", "desk", "status", "1"}
	create := func(path, public string, more ...string) answer {
		return c.call(http.MethodPost, path, append(append(more, base...), "publicKey", public)...)
	}

	var k apiKey
	answer := create(v2, venuetest.PublicPEM(t, public), "canFixApiReading", "true")
	answer.into(&k)
	require.NotContains(t, answer.Body, "secretKey")
	var rights struct{ EnableReading, EnableFixReadOnly, EnableFixAPITrade, EnableSpotAndMarginTrading bool }
	minted := venuetest.With(c, simulator.Credential{APIKey: k.APIKey, PrivateKey: venuetest.PrivatePEM(t, private)})
	minted.call(http.MethodGet, "/sapi/v1/account/apiRestrictions").into(&rights)
	require.True(t, rights.EnableReading)
	require.True(t, rights.EnableFixReadOnly)
	require.False(t, rights.EnableFixAPITrade)
	require.False(t, rights.EnableSpotAndMarginTrading)
	venuetest.With(c, simulator.Credential{APIKey: k.APIKey, APISecret: "secret"}).call(http.MethodGet, "/sapi/v1/account/apiRestrictions").refused(400, -1022)

	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	create(keysPath, base64.StdEncoding.EncodeToString(der)).into(&k)
	create(v2, venuetest.PublicPEM(t, &rsaKey.PublicKey)).into(&k)
	create(keysPath, venuetest.PublicPEM(t, &rsaKey.PublicKey)).refused(400, -1130)
	create(v2, venuetest.PublicPEM(t, &rsaKey.PublicKey), "canFixApiTrading", "true").refused(400, -9000)
	c.call(http.MethodPost, v2, append(base, "canFixApiTrading", "true")...).refused(400, -9000)

	values := url.Values{"email": {c.SubAccounts[0]}, "apiName": {"desk"}, "status": {"1"}, "publicKey": {venuetest.PublicPEM(t, public)}}
	c.do(c.signed(http.MethodPost, v2, values.Encode(), "")).refused(400, -1104)
	c.do(c.signed(http.MethodPost, keysPath, "apiName=query", "email="+url.QueryEscape(c.SubAccounts[0])+"&status=1&apiName=body")).into(&k)
	require.Equal(t, "query", k.APIName, "the query wins over the body")
}

func TestLink(t *testing.T) {
	s := venuetest.Start(t, binance.Venue(), simulator.Options{RateMultiplier: 100})
	c := newClient(t, s, "link")
	sub := c.SubAccounts[0]

	var k apiKey
	c.call(http.MethodPost, brokerKeys, "subAccountId", sub, "canTrade", "true").into(&k)
	require.NotEmpty(t, k.SecretKey)
	c.call(http.MethodPost, brokerKeys, "subAccountId", sub).refused(400, -1102)
	edit := []string{"subAccountId", sub, "subAccountApiKey", k.APIKey}

	var list []struct {
		APIKey                          string
		CanTrade, MarginTrade, Withdraw bool
	}
	c.call(http.MethodGet, brokerKeys, "subAccountId", sub).into(&list)
	require.Len(t, list, 1)
	require.Equal(t, k.APIKey[:3]+"*************", list[0].APIKey)
	c.call(http.MethodGet, brokerKeys, "subAccountId", sub, "subAccountApiKey", "other").into(&list)
	require.Empty(t, list)
	c.call(http.MethodGet, brokerKeys, "subAccountId", sub, "size", "501").refused(400, -1130)
	c.call(http.MethodGet, brokerKeys, "subAccountId", "1").refused(400, -1130)

	var edited map[string]any
	c.call(http.MethodPost, brokerKeys+"/permission", append(edit, "canTrade", "false", "marginTrade", "true", "futuresTrade", "false")...).into(&edited)
	require.Equal(t, true, edited["marginTrade"])
	require.Equal(t, false, edited["canTrade"])
	c.call(http.MethodPost, brokerKeys+"/permission", append(edit, "canTrade", "true")...).refused(400, -1102)
	c.call(http.MethodPost, brokerKeys+"/permission/universalTransfer", append(edit, "canUniversalTransfer", "true")...).into(&edited)
	require.Equal(t, true, edited["canUniversalTransfer"])
	c.call(http.MethodPost, brokerKeys+"/permission/vanillaOptions", append(edit, "canVanillaOptions", "true")...).into(&edited)
	require.Equal(t, []string{"marginTrade", "canUniversalTransfer", "canVanillaOptions"}, s.Keys()[0].Permissions)
	c.call(http.MethodPost, brokerKeys+"/permission/vanillaOptions", "canVanillaOptions", "true").refused(400, -1102)

	var bound struct {
		IPRestrict bool
		IPList     []string
	}
	c.call(http.MethodGet, brokerKeys+"/ipRestriction", edit...).into(&bound)
	require.False(t, bound.IPRestrict)
	c.call(http.MethodPost, "/sapi/v2/broker/subAccountApi/ipRestriction", append(edit, "status", "2", "ipAddress", "127.0.0.1")...).refused(200, 0)
	c.call(http.MethodGet, brokerKeys+"/ipRestriction", edit...).into(&bound)
	require.True(t, bound.IPRestrict)
	c.call(http.MethodGet, brokerKeys+"/ipRestriction", "subAccountId", sub, "subAccountApiKey", "other").refused(400, -1130)

	const subs = "/sapi/v1/broker/subAccount"
	c.call(http.MethodDelete, subs, "subAccountId", sub).refused(400, -9000)
	c.call(http.MethodDelete, brokerKeys, edit...).refused(200, 0)
	c.call(http.MethodDelete, subs, "subAccountId", sub).refused(200, 0)
	c.call(http.MethodDelete, subs, "subAccountId", sub).refused(400, -1130)

	var made struct{ SubAccountID, Email, Tag string }
	c.call(http.MethodPost, subs, "tag", "bob").into(&made)
	require.Equal(t, "bob", made.Tag)
	c.call(http.MethodPost, subs, "tag", strings.Repeat("x", 32)).refused(400, -1130)
	var found []struct{ SubAccountID, Tag string }
	c.call(http.MethodGet, subs, "subAccountId", made.SubAccountID).into(&found)
	require.Len(t, found, 1)
	c.call(http.MethodGet, subs, "size", "501").refused(400, -1130)
}

func TestUse(t *testing.T) {
	s := venuetest.Start(t, binance.Venue(), simulator.Options{})
	c := newClient(t, s, "main")
	k := c.mint("status", "2", "ipAddress", "127.0.0.1", "canTrade", "true", "canUniversalTransfer", "true")
	minted := venuetest.With(c, k.credential())
	order := []string{"symbol", "BTCUSDT", "side", "BUY", "type", "MARKET", "quantity", "1"}

	lender := c.mint("status", "1", "canMarginLoanRepay", "true")
	borrow := []string{"asset", "USDT", "symbol", "BTCUSDT", "isIsolated", "FALSE", "amount", "5"}
	venuetest.With(c, lender.credential()).call(http.MethodPost, "/sapi/v1/margin/borrow-repay", append(borrow, "type", "BORROW")...).refused(200, 0)
	venuetest.With(c, lender.credential()).call(http.MethodPost, "/sapi/v1/margin/borrow-repay", append(borrow, "type", "GIFT")...).refused(400, -1130)

	var account struct{ CanTrade, CanWithdraw bool }
	minted.call(http.MethodGet, "/api/v3/account").into(&account)
	require.True(t, account.CanTrade)
	require.False(t, account.CanWithdraw)
	minted.call(http.MethodGet, "/api/v3/account", "colour", "red").refused(400, -1104)

	minted.call(http.MethodPost, "/api/v3/order", order...).refused(200, 0)
	minted.call(http.MethodPost, "/api/v3/order", "symbol", "BTCUSDT").refused(400, -1102)
	minted.call(http.MethodPost, "/fapi/v1/order", order...).refused(401, -2015)
	minted.call(http.MethodPost, "/eapi/v1/order", order...).refused(401, -2015)
	minted.call(http.MethodPost, "/sapi/v1/margin/borrow-repay").refused(401, -2015)
	minted.call(http.MethodPost, "/sapi/v1/asset/transfer", "asset", "USDT", "type", "MAIN_FUNDING", "amount", "5").refused(200, 0)
	minted.call(http.MethodPost, "/sapi/v1/asset/transfer", "asset", "USDT", "type", "MAIN_FUNDING", "amount", "-5").refused(400, -1130)
	minted.call(http.MethodPost, "/sapi/v1/capital/withdraw/apply").refused(401, -2015)

	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.2")}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	abroad := *minted
	abroad.HTTP = &http.Client{Transport: transport}
	abroad.call(http.MethodGet, "/api/v3/account").refused(401, -2015)

	c.call(http.MethodDelete, keysPath, "email", c.SubAccounts[0], "subAccountApiKey", k.APIKey).refused(200, 0)
	minted.call(http.MethodGet, "/api/v3/account").refused(401, -2015)
}

func TestRateLimits(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, binance.Venue(), simulator.Options{Now: clock.Now})

	t.Run("60 a minute", func(t *testing.T) {
		c := newClient(t, s, "main")
		list := func() answer { return c.call(http.MethodGet, keysPath, "email", c.SubAccounts[0]) }
		require.Equal(t, "3000", list().Header.Get("X-SAPI-USED-UID-WEIGHT-1M"))
		for range 59 {
			list().refused(200, 0)
		}
		clock.Advance(45500 * time.Millisecond)
		over := list()
		over.refused(429, -1003)
		require.Equal(t, "15", over.Header.Get("Retry-After"))
		require.Equal(t, "180000", over.Header.Get("X-SAPI-USED-UID-WEIGHT-1M"))
		c.mint("status", "1") // Each endpoint has the limit for itself.
		clock.Advance(15 * time.Second)
		list().refused(200, 0)
	})
	t.Run("one a second on each sub-account", func(t *testing.T) {
		c := newClient(t, s, "link")
		create := func(sub string) answer {
			return c.call(http.MethodPost, brokerKeys, "subAccountId", sub, "canTrade", "true")
		}
		made := create(c.SubAccounts[0])
		made.refused(200, 0)
		require.Equal(t, "8", made.Header.Get("X-SAPI-USED-IP-WEIGHT-1M"))
		require.Equal(t, "3000", made.Header.Get("X-SAPI-USED-UID-WEIGHT-1M"))
		over := create(c.SubAccounts[0])
		over.refused(429, -1003)
		require.Equal(t, "1", over.Header.Get("Retry-After"))
		create(c.SubAccounts[1]).refused(200, 0)
		clock.Advance(time.Second)
		create(c.SubAccounts[0]).refused(200, 0)
	})
	t.Run("shared by /api", func(t *testing.T) {
		c := newClient(t, s, "main")
		require.Equal(t, "20", c.call(http.MethodGet, "/api/v3/account").Header.Get("X-MBX-USED-WEIGHT-1M"))
		require.Equal(t, "21", c.call(http.MethodGet, "/api/v3/time").Header.Get("X-MBX-USED-WEIGHT-1M"))
	})
}

func TestGrants(t *testing.T) {
	s := venuetest.Start(t, binance.Venue(), simulator.Options{})
	c := newClient(t, s, "main")
	require.NoError(t, s.Inject(simulator.Fault{Exchange: "binance", Operation: exchanges.OpCreateKey, Kind: simulator.GrantMore, Count: 1}))
	require.True(t, c.mint("status", "1").CanFuturesTrade)
	require.NoError(t, s.Inject(simulator.Fault{Exchange: "binance", Operation: exchanges.OpCreateKey, Kind: simulator.GrantLess, Count: 1}))
	require.False(t, c.mint("status", "1", "canTrade", "true").CanTrade)
}

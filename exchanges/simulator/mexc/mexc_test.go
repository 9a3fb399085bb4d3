package mexc_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/mexc"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPublic(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, mexc.Venue(), simulator.Options{Now: clock.Now})
	c := newClient(t, s, "main")
	var result struct{ ServerTime int64 }
	c.call(http.MethodGet, "/api/v3/time").into(&result)
	require.Equal(t, clock.Now().UnixMilli(), result.ServerTime)
	c.call(http.MethodGet, "/api/v3/ping").into(&struct{}{})
	require.Equal(t, http.StatusNotFound, c.call(http.MethodGet, "/api/v3/no/such").StatusCode)
}

func TestAuthentication(t *testing.T) {
	s := venuetest.Unhurried(t, mexc.Venue())
	c := newClient(t, s, "main")
	const path = "/api/v3/account"
	for name, test := range map[string]struct {
		spoil func(*http.Request)
		code  int
	}{
		"right":            {func(*http.Request) {}, 0},
		"no content type":  {func(r *http.Request) { r.Header.Del("Content-Type") }, 0}, // As many clients send a GET.
		"a form":           {func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 700013},
		"no key":           {func(r *http.Request) { r.Header.Del("X-MEXC-APIKEY") }, 400},
		"unknown key":      {func(r *http.Request) { r.Header.Set("X-MEXC-APIKEY", "mx0") }, 10072},
		"no signature":     {func(r *http.Request) { r.URL.RawQuery, _, _ = strings.Cut(r.URL.RawQuery, "&signature=") }, 700002},
		"a parameter more": {func(r *http.Request) { r.URL.RawQuery = "a=b&" + r.URL.RawQuery }, 700002},
		"after signature":  {func(r *http.Request) { r.URL.RawQuery += "&a=b" }, 700002},
		"twice":            {func(r *http.Request) { r.URL.RawQuery += "&timestamp=1" }, 730002},
	} {
		request := c.signed(http.MethodGet, path, "", "")
		test.spoil(request)
		require.Equal(t, test.code, c.do(request).Code, name)
	}
	require.NoError(t, s.SetWeather("mexc", "by_letter", "on"))
	bare := c.signed(http.MethodGet, path, "", "")
	bare.Header.Del("Content-Type")
	require.Equal(t, 700013, c.do(bare).Code)
	require.NoError(t, s.SetWeather("mexc", "by_letter", ""))
	untyped := c.signed(http.MethodPost, "/api/v3/sub-account/apiKey", "", "")
	untyped.Header.Del("Content-Type")
	require.Equal(t, 700013, c.do(untyped).Code)
	for query, code := range map[string]int{
		"recvWindow=5000": 0, "recvWindow=60000": 0, "recvWindow=60001": 700005, "recvWindow=0": 700005, "recvWindow=x": 730002, "other=x": 730002,
		"recvWindow=%35000": 0, "recvWindow=%3a": 700002,
	} {
		require.Equal(t, code, c.do(c.signed(http.MethodGet, path, query, "")).Code, query)
	}
	for _, timestamp := range []string{"", "&timestamp=now"} {
		request := c.signed(http.MethodGet, path, "", "")
		query := "recvWindow=5000" + timestamp
		request.URL.RawQuery = query + "&signature=" + hex.EncodeToString(venuetest.MAC(sha256.New, c.APISecret, query))
		require.Equal(t, 10073, c.do(request).Code, timestamp)
	}
	require.Equal(t, http.StatusOK, c.do(c.signed(http.MethodPost, "/api/v3/sub-account/virtualSubAccount", "note=n", "subAccount=desk0001x")).StatusCode,
		"the body is signed after the query")

	require.Equal(t, 700006, venuetest.From(c, "127.0.0.2").call(http.MethodGet, path).Code)
	require.Equal(t, http.StatusOK, venuetest.From(newClient(t, s, "unbound"), "127.0.0.2").call(http.MethodGet, path).StatusCode)
}

// A timestamp may be no older than the window, and must be less than a second
// ahead.
func TestTimestampWindow(t *testing.T) {
	clock := venuetest.NewClock()
	c := newClient(t, venuetest.Start(t, mexc.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000}), "main")
	for off, code := range map[time.Duration]int{
		0: 0, -5 * time.Second: 0, -5001 * time.Millisecond: 700003, 999 * time.Millisecond: 0, time.Second: 700003,
	} {
		require.Equal(t, code, venuetest.Skewed(c, off).call(http.MethodGet, "/api/v3/account").Code, off)
	}
}

func TestSubAccounts(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, mexc.Venue()), "main")
	const list, create = "/api/v3/sub-account/list", "/api/v3/sub-account/virtualSubAccount"
	var subs struct {
		SubAccounts []struct {
			SubAccount, UID string
			IsFreeze        bool
			CreateTime      int64
		}
	}
	c.call(http.MethodGet, list).into(&subs)
	require.Len(t, subs.SubAccounts, 3)
	require.Equal(t, c.SubAccounts[0], subs.SubAccounts[0].SubAccount)
	require.Positive(t, subs.SubAccounts[0].CreateTime)
	c.call(http.MethodGet, list, "limit", "2", "page", "2").into(&subs)
	require.Len(t, subs.SubAccounts, 1)
	c.call(http.MethodGet, list, "limit", "200", "page", "2").into(&subs)
	require.Empty(t, subs.SubAccounts)
	c.call(http.MethodGet, list, "isFreeze", "true").into(&subs)
	require.Empty(t, subs.SubAccounts)
	require.Equal(t, 730002, c.call(http.MethodGet, list, "limit", "201").Code)
	require.Equal(t, 730002, c.call(http.MethodGet, list, "page", "0").Code)

	c.call(http.MethodPost, create, "subAccount", "vaultsub0001", "note", "ours").into(&struct{}{})
	c.call(http.MethodGet, list, "subAccount", "vaultsub0001").into(&subs)
	require.Len(t, subs.SubAccounts, 1)
	for _, test := range []struct {
		name, note string
		code       int
	}{
		{"", "n", 730600}, {"short", "n", 730601}, {"with-hyphens", "n", 730601}, {strings.Repeat("x", 33), "n", 730601},
		{"vaultsub0002", "", 730602}, {"vaultsub0001", "n", 730101},
	} {
		require.Equal(t, test.code, c.call(http.MethodPost, create, "subAccount", test.name, "note", test.note).Code, test.name)
	}
	require.Equal(t, 730002, c.call(http.MethodPost, create, "other", "x").Code)
}

func TestKeys(t *testing.T) {
	s := venuetest.Unhurried(t, mexc.Venue())
	c := newClient(t, s, "main")
	k := c.mint("permissions", "SPOT_ACCOUNT_READ,SPOT_DEAL_WRITE", "ip", "203.0.113.7,127.0.0.1")
	require.Equal(t, c.SubAccounts[0], k.SubAccount)
	require.Equal(t, "desk", k.Note)
	require.Equal(t, "203.0.113.7,127.0.0.1", k.IP)
	require.NotEmpty(t, k.SecretKey)

	listed := c.keys()
	require.Len(t, listed, 1)
	require.Empty(t, listed[0].SecretKey)
	require.Equal(t, "SPOT_ACCOUNT_READ,SPOT_DEAL_WRITE", listed[0].Permissions)
	require.Positive(t, listed[0].CreatTime)

	good := map[string]string{"subAccount": c.SubAccounts[0], "note": "desk", "permissions": "SPOT_DEAL_READ", "ip": ""}
	for _, test := range []struct {
		name, value string
		code        int
	}{
		{"subAccount", "", 730600}, {"subAccount", "nosuchsub", 140001}, {"note", "", 730700},
		{"permissions", "", 730701}, {"permissions", "SPOT_WITHDRAW_WRITE", 730702}, {"permissions", "SPOT_DEAL_READ,", 730702},
		{"ip", strings.Repeat("203.0.113.7,", 10) + "203.0.113.7", 730703}, {"ip", "203.0.113.0/24", 730704}, {"ip", "2001:db8::1", 730704},
		{"publicKey", "x", 730002},
	} {
		pairs := []string{test.name, test.value}
		for name, value := range good {
			if name != test.name {
				pairs = append(pairs, name, value)
			}
		}
		require.Equal(t, test.code, c.call(http.MethodPost, keysPath, pairs...).Code, "%s=%s", test.name, test.value)
	}

	require.Equal(t, 140001, c.call(http.MethodGet, keysPath, "subAccount", "nosuchsub").Code)
	remove := func(sub, key string) answer {
		return c.call(http.MethodDelete, keysPath, "subAccount", sub, "apiKey", key)
	}
	require.Equal(t, 140001, remove("nosuchsub", k.APIKey).Code)
	require.Equal(t, 730706, remove(c.SubAccounts[1], k.APIKey).Code)
	require.Equal(t, 730707, remove(c.SubAccounts[0], "").Code)
	var deleted struct{ SubAccount string }
	remove(c.SubAccounts[0], k.APIKey).into(&deleted)
	require.Equal(t, c.SubAccounts[0], deleted.SubAccount)
	require.Equal(t, 730706, remove(c.SubAccounts[0], k.APIKey).Code)
	require.Equal(t, []string{k.APIKey}, s.Deletions("mexc"))
	require.Equal(t, 10072, venuetest.With(c, k.credential()).call(http.MethodGet, "/api/v3/account").Code)
}

func TestKeyCap(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, mexc.Venue()), "main")
	for range 30 {
		c.mint("permissions", "SPOT_DEAL_READ")
	}
	require.Equal(t, 730705, c.call(http.MethodPost, keysPath, "subAccount", c.SubAccounts[0], "note", "x", "permissions", "SPOT_DEAL_READ").Code)
	require.Len(t, c.keys(), 30)
}

// A key without addresses ends after 90 days; one with addresses does not.
func TestUnboundKeysEnd(t *testing.T) {
	clock := venuetest.NewClock()
	c := newClient(t, venuetest.Start(t, mexc.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000}), "main")
	unbound := c.mint("permissions", "SPOT_ACCOUNT_READ")
	bound := c.mint("permissions", "SPOT_ACCOUNT_READ", "ip", "127.0.0.1")
	clock.Advance(90*24*time.Hour - time.Second)
	require.Equal(t, http.StatusOK, venuetest.With(c, unbound.credential()).call(http.MethodGet, "/api/v3/account").StatusCode)
	clock.Advance(time.Second)
	require.Equal(t, 10072, venuetest.With(c, unbound.credential()).call(http.MethodGet, "/api/v3/account").Code)
	require.Equal(t, http.StatusOK, venuetest.With(c, bound.credential()).call(http.MethodGet, "/api/v3/account").StatusCode)
}

// Who may manage keys.
func TestPermissionsOfRoots(t *testing.T) {
	s := venuetest.Unhurried(t, mexc.Venue())
	c := newClient(t, s, "main")
	minted := c.mint("permissions", "SPOT_ACCOUNT_READ,SPOT_ACCOUNT_WRITE")
	for name, test := range map[string]struct {
		client     *client
		lists, may int
	}{
		"main":   {c, 0, 0},
		"reader": {newClient(t, s, "reader"), 0, 700007},
		"none":   {newClient(t, s, "no_right"), 700007, 700007},
		"sub":    {venuetest.With(c, minted.credential()), 700007, 700007},
	} {
		require.Equal(t, test.lists, test.client.call(http.MethodGet, "/api/v3/sub-account/list").Code, name)
		require.Equal(t, test.lists, test.client.call(http.MethodGet, keysPath, "subAccount", c.SubAccounts[1]).Code, name)
		create := test.client.call(http.MethodPost, keysPath, "subAccount", c.SubAccounts[1], "note", "x", "permissions", "SPOT_DEAL_READ")
		require.Equal(t, test.may, create.Code, name)
		remove := test.client.call(http.MethodDelete, keysPath, "subAccount", c.SubAccounts[0], "apiKey", "x")
		require.Equal(t, max(test.may, remove.Code), remove.Code, name)
		require.NotZero(t, remove.Code, name)
	}
}

func TestUse(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, mexc.Venue()), "main")
	const order, futures, transfer, withdraw = "/api/v3/order", "/api/v1/private/order/submit", "/api/v3/capital/transfer", "/api/v3/capital/withdraw"
	requests := map[string][]string{
		order:    {"symbol", "BTCUSDT", "side", "BUY", "type", "LIMIT", "quantity", "1", "price", "1"},
		futures:  {"symbol", "BTC_USDT", "vol", "1"},
		transfer: {"fromAccountType", "SPOT", "toAccountType", "FUTURES", "asset", "USDT", "amount", "1"},
		withdraw: {"coin", "USDT", "address", "x", "amount", "1"},
	}
	for permission, allowed := range map[string]string{
		"SPOT_DEAL_WRITE": order, "CONTRACT_DEAL_WRITE": futures, "SPOT_TRANSFER_WRITE": transfer, "SPOT_DEAL_READ": "",
	} {
		user := venuetest.With(c, c.mint("permissions", permission).credential())
		for path, pairs := range requests {
			answer := user.call(http.MethodPost, path, pairs...)
			if path != allowed {
				require.Equal(t, 700007, answer.Code, "%s with %s", path, permission)
				continue
			}
			require.Equal(t, http.StatusOK, answer.StatusCode, path)
			require.Equal(t, 730002, user.call(http.MethodPost, path, pairs[:len(pairs)-2]...).Code, "%s without its amount", path)
		}
	}
}

func TestRateLimit(t *testing.T) {
	c := newClient(t, venuetest.Start(t, mexc.Venue(), simulator.Options{}), "main")
	for range 30 {
		require.Equal(t, http.StatusOK, c.call(http.MethodGet, "/api/v3/account").StatusCode)
	}
	answer := c.call(http.MethodGet, "/api/v3/account")
	require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
	require.Equal(t, 429, answer.Code)
	require.Regexp(t, `^([1-9]|10)$`, answer.Header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, c.call(http.MethodGet, keysPath, "subAccount", c.SubAccounts[0]).StatusCode, "each endpoint has its own limit")
}

package coinex_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/coinex"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPublic(t *testing.T) {
	clock := venuetest.NewClock()
	c := newClient(t, venuetest.Start(t, coinex.Venue(), simulator.Options{Now: clock.Now}), "main")
	var now struct{ Timestamp int64 }
	c.get("/v2/time").into(&now)
	require.Equal(t, clock.Now().UnixMilli(), now.Timestamp)
	require.Zero(t, c.get("/v2/ping").Code)
	require.Equal(t, http.StatusNotFound, c.get("/v2/no/such").StatusCode)
	require.Equal(t, 4009, c.post("/v2/time", nil).Code)
}

func TestAuthentication(t *testing.T) {
	s := venuetest.Unhurried(t, coinex.Venue())
	c := newClient(t, s, "main")
	for name, test := range map[string]struct {
		spoil func(*http.Request)
		code  int
	}{
		"right":             {func(*http.Request) {}, 0},
		"no key":            {func(r *http.Request) { r.Header.Del("X-COINEX-KEY") }, 4005},
		"unknown key":       {func(r *http.Request) { r.Header.Set("X-COINEX-KEY", strings.Repeat("0", 32)) }, 4005},
		"no signature":      {func(r *http.Request) { r.Header.Del("X-COINEX-SIGN") }, 4008},
		"wrong signature":   {func(r *http.Request) { r.Header.Set("X-COINEX-SIGN", strings.Repeat("0", 64)) }, 11005},
		"another parameter": {func(r *http.Request) { r.URL.RawQuery = "page=2" }, 11005},
		"no timestamp":      {func(r *http.Request) { r.Header.Del("X-COINEX-TIMESTAMP") }, 3639},
		"no content type":   {func(r *http.Request) { r.Header.Del("Content-Type") }, 3639},
		"window of text":    {func(r *http.Request) { r.Header.Set("X-COINEX-WINDOWTIME", "x") }, 3639},
	} {
		request := c.signed(http.MethodGet, subs+"?page=1", "")
		test.spoil(request)
		require.Equal(t, test.code, c.do(request).Code, name)
	}
	older := func() *http.Request {
		request := c.signed(http.MethodGet, subs, "")
		hash := sha256.Sum256([]byte(http.MethodGet + subs + request.Header.Get("X-COINEX-TIMESTAMP") + c.APISecret))
		request.Header.Set("X-COINEX-SIGN", hex.EncodeToString(hash[:]))
		return request
	}
	require.Zero(t, c.do(older()).Code)
	require.NoError(t, s.SetWeather("coinex", "by_letter", "on"))
	require.Equal(t, 11005, c.do(older()).Code)
	require.Zero(t, c.get(subs).Code)
	require.Equal(t, 4007, venuetest.From(c, "127.0.0.2").get(subs).Code)
	require.Zero(t, venuetest.From(newClient(t, s, "unbound"), "127.0.0.2").get(subs).Code)
}

func TestTimestampWindow(t *testing.T) {
	clock := venuetest.NewClock()
	c := newClient(t, venuetest.Start(t, coinex.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000}), "main")
	for _, test := range []struct {
		off    time.Duration
		window string
		code   int
	}{
		{0, "", 0}, {-5 * time.Second, "", 0}, {-5001 * time.Millisecond, "", 4010}, {5 * time.Second, "", 0}, {5001 * time.Millisecond, "", 4010},
		{-5001 * time.Millisecond, "60000", 0}, {-2 * time.Second, "1000", 4010},
	} {
		c.Now = func() time.Time { return clock.Now().Add(test.off) }
		request := c.signed(http.MethodGet, subs, "")
		if test.window != "" {
			request.Header.Set("X-COINEX-WINDOWTIME", test.window)
		}
		require.Equal(t, test.code, c.do(request).Code, "%v", test)
	}
}

func TestSubAccounts(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, coinex.Venue()), "main")
	type row struct {
		Name        string   `json:"sub_user_name"`
		IsFrozen    bool     `json:"is_frozen"`
		Permissions []string `json:"permissions"`
	}
	var rows []row
	c.get(subs).into(&rows)
	require.Len(t, rows, 3)
	require.Equal(t, row{c.sub(), false, []string{"API", "FUTURES", "MARGIN"}}, rows[0])
	answer := c.get(subs + "?page=2&limit=2")
	answer.into(&rows)
	require.Len(t, rows, 1)
	require.Equal(t, 3, answer.Pagination.Total)
	require.False(t, answer.Pagination.HasNext)
	require.True(t, c.get(subs+"?limit=2").Pagination.HasNext)
	for _, query := range []string{"page=0", "limit=0", "limit=101", "is_frozen=1", "other=1"} {
		require.Equal(t, 3639, c.get(subs+"?"+query).Code, query)
	}

	require.Zero(t, c.post(subs, fields{"sub_user_name": "vault-new", "permissions": []string{"FUTURES"}, "remark": "ours"}).Code)
	c.get(subs + "?sub_user_name=vault-new").into(&rows)
	require.Equal(t, []row{{"vault-new", false, []string{"FUTURES"}}}, rows)
	require.Equal(t, 4512, c.post(subs+"/api", fields{"sub_user_name": "vault-new", "ip_whitelist": []string{}, "trade_enabled": false}).Code,
		"a sub-account without the API permission has no keys")
	for _, name := range []string{"", "ab", strings.Repeat("a", 27), "with_underscore", "vault-new"} {
		require.Equal(t, 3639, c.post(subs, fields{"sub_user_name": name}).Code, name)
	}
	require.Equal(t, 3639, c.post(subs, fields{"sub_user_name": "other", "permissions": []string{"ALL"}}).Code)
}

func TestFreeze(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, coinex.Venue()), "main")
	k := c.mint(true)
	one := fields{"sub_user_name": c.sub()}
	require.Zero(t, c.post(subs+"/frozen", one).Code)
	var rows []struct {
		Name string `json:"sub_user_name"`
	}
	c.get(subs).into(&rows)
	require.Len(t, rows, 2, "the list leaves frozen ones out")
	c.get(subs + "?is_frozen=true").into(&rows)
	require.Len(t, rows, 1)
	require.NotZero(t, c.with(k).get("/v2/assets/spot/balance").Code)
	require.NotZero(t, c.post(subs+"/api", fields{"sub_user_name": c.sub(), "ip_whitelist": []string{}, "trade_enabled": false}).Code)
	require.Len(t, c.keys(), 1)
	require.Zero(t, c.post(subs+"/unfrozen", one).Code)
	require.Zero(t, c.with(k).get("/v2/assets/spot/balance").Code)
	require.NotZero(t, c.post(subs+"/frozen", fields{"sub_user_name": "nobody"}).Code)
}

func TestKeys(t *testing.T) {
	s := venuetest.Unhurried(t, coinex.Venue())
	c := newClient(t, s, "main")
	k := c.mint(true, "203.0.113.7", "127.0.0.1")
	require.Positive(t, k.ID)
	require.Len(t, k.AccessID, 32)
	require.Len(t, k.SecretKey, 48)
	require.Zero(t, k.ExpiresAt)
	require.True(t, k.Trade)
	require.False(t, k.Withdraw)

	listed := c.keys()
	require.Len(t, listed, 1)
	require.Empty(t, listed[0].SecretKey)
	want := k
	want.SecretKey = ""
	require.Equal(t, want, listed[0])
	var shown apiKey
	c.get(fmt.Sprintf("%s/api-detail?api_id=%d", subs, k.ID)).into(&shown)
	require.Equal(t, k, shown, "as documented, with the secret")

	good := fields{"sub_user_name": c.sub(), "ip_whitelist": []string{"203.0.113.7"}, "trade_enabled": true, "remark": "r"}
	many := make([]string, 51)
	for i := range many {
		many[i] = "203.0.113." + strconv.Itoa(i)
	}
	for _, test := range []struct {
		field string
		value any
	}{
		{"sub_user_name", nil}, {"sub_user_name", 1}, {"ip_whitelist", nil}, {"ip_whitelist", "203.0.113.7"}, {"ip_whitelist", many},
		{"ip_whitelist", []string{"203.0.113.0/24"}}, {"ip_whitelist", []string{"2001:db8::1"}}, {"trade_enabled", nil}, {"trade_enabled", "true"},
		{"remark", strings.Repeat("x", 51)}, {"withdraw_enabled", true},
	} {
		fields := fields{test.field: test.value}
		for name, value := range good {
			if name != test.field {
				fields[name] = value
			}
		}
		if test.value == nil {
			delete(fields, test.field)
		}
		require.Equal(t, 3639, c.post(subs+"/api", fields).Code, "%s=%v", test.field, test.value)
	}
	require.NotZero(t, c.get(subs+"/api?sub_user_name=nobody").Code)
	require.NotZero(t, c.get(subs+"/api-detail?api_id=1").Code)
	require.Equal(t, 3639, c.get(subs+"/api-detail").Code)
	require.Equal(t, 3639, c.get(subs+"/api").Code)
}

func TestEditKey(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, coinex.Venue()), "main")
	k := c.mint(true)
	edit := fields{"sub_user_name": c.sub(), "api_id": k.ID, "ip_whitelist": []string{"127.0.0.1"}, "trade_enabled": false, "remark": "new"}
	var edited apiKey
	c.post(subs+"/edit-api", edit).into(&edited)
	require.Empty(t, edited.SecretKey)
	require.Equal(t, []any{false, "new", []string{"127.0.0.1"}, int64(0)}, []any{edited.Trade, edited.Remark, edited.IPs, edited.ExpiresAt})
	edit["api_id"] = 1
	require.NotZero(t, c.post(subs+"/edit-api", edit).Code)
	delete(edit, "remark")
	require.Equal(t, 3639, c.post(subs+"/edit-api", edit).Code)
	edit["remark"], edit["sub_user_name"] = "new", "nobody"
	require.NotZero(t, c.post(subs+"/edit-api", edit).Code)
}

// The key's number alone is enough. A sub-account, if named, must be the key's.
func TestDeleteKey(t *testing.T) {
	s := venuetest.Unhurried(t, coinex.Venue())
	c := newClient(t, s, "main")
	first, second := c.mint(false), c.mint(false)
	remove := func(fields fields) int { return c.post(subs+"/delete-api", fields).Code }
	require.NotZero(t, remove(fields{"api_id": first.ID, "sub_user_name": c.SubAccounts[1]}))
	require.NotZero(t, remove(fields{"api_id": first.ID, "sub_user_name": "nobody"}))
	require.Equal(t, 3639, remove(fields{"sub_user_name": c.sub()}))
	require.Equal(t, 3639, remove(fields{"api_id": first.ID, "other": 1}))
	require.Equal(t, 3639, remove(fields{"api_id": strconv.FormatInt(first.ID, 10)}))
	require.Len(t, c.keys(), 2)
	require.Zero(t, remove(fields{"api_id": first.ID, "sub_user_name": c.sub()}))
	require.Zero(t, remove(fields{"api_id": second.ID}))
	require.NotZero(t, remove(fields{"api_id": second.ID}))
	require.Equal(t, []string{first.AccessID, second.AccessID}, s.Deletions("coinex"))
	require.Equal(t, 4005, c.with(first).get("/v2/assets/spot/balance").Code)
}

func TestKeyCap(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, coinex.Venue()), "main")
	for range 50 {
		c.mint(false)
	}
	require.NotZero(t, c.post(subs+"/api", fields{"sub_user_name": c.sub(), "ip_whitelist": []string{}, "trade_enabled": false}).Code)
	require.Len(t, c.keys(), 50)
	require.True(t, c.get(subs+"/api?sub_user_name="+c.sub()).Pagination.HasNext, "ten rows a page")
}

// Only keys of the main account manage those of sub-accounts.
func TestPermissionsOfRoots(t *testing.T) {
	s := venuetest.Unhurried(t, coinex.Venue())
	c := newClient(t, s, "main")
	for name, client := range map[string]*client{"minted": c.with(c.mint(true)), "of a sub-account": newClient(t, s, "no_right")} {
		for _, path := range []string{"", "/api?sub_user_name=" + c.sub(), "/api-detail?api_id=1"} {
			require.Equal(t, 4512, client.get(subs+path).Code, "%s: %s", name, path)
		}
		for _, path := range []string{"", "/frozen", "/unfrozen", "/api", "/edit-api", "/delete-api"} {
			require.Equal(t, 4512, client.post(subs+path, nil).Code, "%s: %s", name, path)
		}
	}
}

func TestUse(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, coinex.Venue()), "main")
	order := func(market string) fields {
		return fields{"market": "BTCUSDT", "market_type": market, "side": "buy", "type": "limit", "amount": "1", "price": "1"}
	}
	uses := []struct {
		path   string
		fields fields
	}{
		{"/v2/spot/order", order("SPOT")}, {"/v2/spot/order", order("MARGIN")}, {"/v2/futures/order", order("FUTURES")},
		{"/v2/assets/transfer", fields{"from_account_type": "SPOT", "to_account_type": "FUTURES", "ccy": "USDT", "amount": "1"}},
	}
	trader, reader := c.with(c.mint(true)), c.with(c.mint(false))
	for _, use := range uses {
		require.Zero(t, trader.post(use.path, use.fields).Code, use.path)
		require.Equal(t, 4115, reader.post(use.path, use.fields).Code, use.path)
		delete(use.fields, "amount")
		require.Equal(t, 3639, trader.post(use.path, use.fields).Code, use.path)
	}
	for _, user := range []*client{trader, reader} {
		require.Equal(t, 4512, user.post("/v2/assets/withdraw", nil).Code)
		require.Zero(t, user.get("/v2/assets/spot/balance").Code)
		require.Equal(t, 3639, user.get("/v2/assets/spot/balance?other=1").Code)
		var info map[string]string
		user.get(subs + "/info").into(&info)
		require.Equal(t, map[string]string{"user_type": "SUB_ACCOUNT", "sub_user_name": c.sub()}, info)
	}
	var own map[string]any
	c.get(subs + "/info").into(&own)
	require.Equal(t, map[string]any{"user_type": "NORMAL", "sub_user_name": nil}, own)

	// A key can do no more than its sub-account may.
	require.Zero(t, c.post(subs, fields{"sub_user_name": "spot-only", "permissions": []string{"API"}}).Code)
	c.SubAccounts = []string{"spot-only"}
	spot := c.with(c.mint(true))
	require.Zero(t, spot.post("/v2/spot/order", order("SPOT")).Code)
	require.Equal(t, 4512, spot.post("/v2/spot/order", order("MARGIN")).Code)
	require.Equal(t, 4158, spot.post("/v2/futures/order", order("FUTURES")).Code)
}

// A key without addresses ends after three months; one with addresses does not.
func TestUnboundKeysEnd(t *testing.T) {
	clock := venuetest.NewClock()
	c := newClient(t, venuetest.Start(t, coinex.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000}), "main")
	unbound, bound := c.mint(false), c.mint(false, "127.0.0.1")
	require.Equal(t, clock.Now().Add(90*24*time.Hour).UnixMilli(), unbound.ExpiresAt)
	clock.Advance(90*24*time.Hour - time.Second)
	require.Zero(t, c.with(unbound).get("/v2/assets/spot/balance").Code)
	clock.Advance(time.Second)
	require.Equal(t, 4005, c.with(unbound).get("/v2/assets/spot/balance").Code)
	require.Zero(t, c.with(bound).get("/v2/assets/spot/balance").Code)
	require.True(t, c.keys()[0].IsExpired)
}

// Under the fault a new key is unknown for a while, measured by the exchange's
// clock.
func TestSlowStart(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, coinex.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000})
	c := newClient(t, s, "main")
	require.NoError(t, s.Inject(simulator.Fault{
		Exchange: "coinex", Operation: exchanges.OpCreateKey, Kind: simulator.SlowStart, Count: 1, Delay: 10 * time.Minute,
	}))
	slow, quick := c.with(c.mint(false)), c.with(c.mint(false))
	require.Zero(t, quick.get("/v2/assets/spot/balance").Code)
	require.Len(t, c.keys(), 2)
	clock.Advance(10*time.Minute - time.Second)
	require.Equal(t, 4005, slow.get("/v2/assets/spot/balance").Code)
	clock.Advance(time.Second)
	require.Zero(t, slow.get("/v2/assets/spot/balance").Code)

	require.Error(t, s.Inject(simulator.Fault{Exchange: "coinex", Operation: exchanges.OpCreateKey, Kind: simulator.SlowStart}))
}

// All calls about sub-accounts share ten a second. The refusal does not say how
// long to wait.
func TestRateLimit(t *testing.T) {
	clock := venuetest.NewClock()
	c := newClient(t, venuetest.Start(t, coinex.Venue(), simulator.Options{Now: clock.Now}), "main")
	for i := range 5 {
		c.keys()
		answer := c.get(subs)
		require.Equal(t, "10", answer.Header.Get("X-RateLimit-Limit"))
		require.Equal(t, strconv.Itoa(8-2*i), answer.Header.Get("X-RateLimit-Remaining"))
	}
	answer := c.get(subs)
	require.Equal(t, 4213, answer.Code)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Empty(t, answer.Header.Get("Retry-After"))
	clock.Advance(time.Second)
	require.Zero(t, c.get(subs).Code)
}

func TestGrantFaults(t *testing.T) {
	s := venuetest.Unhurried(t, coinex.Venue())
	c := newClient(t, s, "main")
	for fault, trade := range map[simulator.FaultKind]bool{simulator.GrantMore: true, simulator.GrantLess: false} {
		s.Reset()
		require.NoError(t, s.Inject(simulator.Fault{Exchange: "coinex", Operation: exchanges.OpCreateKey, Kind: fault}))
		k := c.mint(!trade)
		require.Equal(t, trade, k.Trade)
		require.Equal(t, trade, c.keys()[0].Trade)
	}
}

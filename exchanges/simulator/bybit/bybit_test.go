package bybit_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/bybit"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServerTime(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, bybit.Venue(), simulator.Options{Now: clock.Now})
	c := newClient(t, s, "main")

	var result struct{ TimeSecond, TimeNano string }
	answer := c.get("/v5/market/time", "")
	answer.into(&result)
	require.Equal(t, "1753364096", result.TimeSecond)
	require.Equal(t, "1753364096000000000", result.TimeNano)
	require.Equal(t, int64(1753364096000), answer.Time)

	require.NoError(t, s.Inject(simulator.Fault{
		Exchange: "bybit", Operation: exchanges.OpAny, Kind: simulator.ClockSkew, Delay: time.Minute,
	}))
	c.get("/v5/market/time", "").into(&result)
	require.Equal(t, "1753364156", result.TimeSecond)
	require.Equal(t, 10002, c.get("/v5/user/query-api", "").RetCode, "the skewed clock also judges timestamps")
}

func TestAuthentication(t *testing.T) {
	s := venuetest.Unhurried(t, bybit.Venue())
	c := newClient(t, s, "main")
	const path = "/v5/user/query-api"
	altered := func(change func(*http.Request)) answer {
		request := c.signed(http.MethodGet, path, "", "")
		change(request)
		return c.do(request)
	}

	t.Run("right", func(t *testing.T) { require.Equal(t, 0, c.get(path, "").RetCode) })
	t.Run("no key", func(t *testing.T) {
		answer := altered(func(r *http.Request) { r.Header.Del("X-BAPI-API-KEY") })
		require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
		require.Empty(t, answer.Body)
	})
	t.Run("unknown key", func(t *testing.T) {
		answer := altered(func(r *http.Request) { r.Header.Set("X-BAPI-API-KEY", "FAKEunknownKey0001") })
		require.Equal(t, 10003, answer.RetCode)
		require.Equal(t, http.StatusOK, answer.StatusCode, "business errors come with 200")
	})
	t.Run("wrong signature", func(t *testing.T) {
		answer := altered(func(r *http.Request) { r.Header.Set("X-BAPI-SIGN", strings.Repeat("0", 64)) })
		require.Equal(t, 10004, answer.RetCode)
		require.Contains(t, answer.RetMsg, c.APIKey, "the answer echoes what was to be signed")
	})
	t.Run("query changed after signing", func(t *testing.T) {
		require.Equal(t, 10004, altered(func(r *http.Request) { r.URL.RawQuery = "a=b" }).RetCode)
	})
	t.Run("no timestamp", func(t *testing.T) {
		require.Equal(t, 10001, altered(func(r *http.Request) { r.Header.Del("X-BAPI-TIMESTAMP") }).RetCode)
	})
	t.Run("late", func(t *testing.T) {
		require.Equal(t, 10002, venuetest.Skewed(c, -time.Minute).get(path, "").RetCode)
	})
	t.Run("body with GET", func(t *testing.T) {
		answer := c.do(c.signed(http.MethodGet, path, "", "{}"))
		require.Equal(t, http.StatusForbidden, answer.StatusCode)
		require.Empty(t, answer.Body)
	})
	t.Run("POST that is not JSON", func(t *testing.T) {
		request := c.signed(http.MethodPost, "/v5/user/delete-sub-api", "", `{"apikey":"x"}`)
		request.Header.Set("Content-Type", "text/plain")
		answer := c.do(request)
		require.Equal(t, 10001, answer.RetCode)
		require.Contains(t, answer.RetMsg, "Content-Type")
	})
	t.Run("other address", func(t *testing.T) {
		require.Equal(t, 10010, venuetest.From(c, "127.0.0.2").get(path, "").RetCode)
		unbound := newClient(t, s, "unbound")
		require.Equal(t, 0, venuetest.From(unbound, "127.0.0.2").get(path, "").RetCode)
	})
	t.Run("RSA", func(t *testing.T) {
		var key apiKey
		newClient(t, s, "rsa").get(path, "").into(&key)
		require.Contains(t, key.RSAKey, "PUBLIC KEY")
	})
	t.Run("no such path", func(t *testing.T) {
		answer := c.get("/v5/user/create-master-api", "")
		require.Equal(t, http.StatusNotFound, answer.StatusCode)
		require.Equal(t, 10017, answer.RetCode)
	})
}

func TestRateLimits(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, bybit.Venue(), simulator.Options{Now: clock.Now})
	c := newClient(t, s, "main")
	create := `{"subuid":` + c.SubAccounts[0] + `,"readOnly":0,"permissions":{"Spot":["SpotTrade"]}}`

	answer := c.post("/v5/user/create-sub-api", create)
	require.Equal(t, 0, answer.RetCode)
	require.Equal(t, "1", answer.Header.Get("X-Bapi-Limit"))
	require.Equal(t, "0", answer.Header.Get("X-Bapi-Limit-Status"))

	clock.Advance(300 * time.Millisecond)
	answer = c.post("/v5/user/create-sub-api", create)
	require.Equal(t, 10006, answer.RetCode)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	reset, err := strconv.ParseInt(answer.Header.Get("X-Bapi-Limit-Reset-Timestamp"), 10, 64)
	require.NoError(t, err)
	require.Equal(t, clock.Now().Add(700*time.Millisecond).UnixMilli(), reset)
	other := newClient(t, s, "rsa")
	require.Equal(t, 10006, other.post("/v5/user/create-sub-api", create).RetCode, "the limit is the account's, not the key's")
	require.Equal(t, 0, c.get("/v5/user/query-api", "").RetCode, "other endpoints have limits of their own")
	clock.Advance(700 * time.Millisecond)
	require.Equal(t, 0, c.post("/v5/user/create-sub-api", create).RetCode)
	require.Len(t, s.Keys(), 2)

	for i := range 10 {
		answer = c.get("/v5/user/sub-apikeys", "subMemberId="+c.SubAccounts[0])
		require.Equal(t, strconv.Itoa(9-i), answer.Header.Get("X-Bapi-Limit-Status"))
	}
	require.Equal(t, 10006, c.get("/v5/user/sub-apikeys", "subMemberId="+c.SubAccounts[0]).RetCode)
}

func TestRateMultiplier(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, bybit.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 3})
	c := newClient(t, s, "main")
	answer := c.post("/v5/user/delete-sub-api", `{"apikey":"none"}`)
	require.Equal(t, "15", answer.Header.Get("X-Bapi-Limit"))
	require.Equal(t, "14", answer.Header.Get("X-Bapi-Limit-Status"))
}

func TestAddressBan(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, bybit.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 0.01}) // 6 requests in 5 s
	c := newClient(t, s, "main")
	for range 6 {
		require.Equal(t, http.StatusOK, c.get("/v5/market/time", "").StatusCode)
	}
	answer := c.get("/v5/market/time", "")
	require.Equal(t, http.StatusForbidden, answer.StatusCode)
	require.Empty(t, answer.Body)
	clock.Advance(9 * time.Minute)
	require.Equal(t, http.StatusForbidden, c.get("/v5/user/query-api", "").StatusCode, "the ban covers every path")
	require.Equal(t, http.StatusOK, venuetest.From(c, "127.0.0.2").get("/v5/market/time", "").StatusCode, "but one address")
	clock.Advance(time.Minute)
	require.Equal(t, http.StatusOK, c.get("/v5/market/time", "").StatusCode)
}

func TestFaults(t *testing.T) {
	s := venuetest.Unhurried(t, bybit.Venue())
	c := newClient(t, s, "main")
	create := `{"subuid":` + c.SubAccounts[0] + `,"readOnly":1,"permissions":{"Spot":["SpotTrade"]}}`
	inject := func(operation exchanges.Operation, kind simulator.FaultKind) {
		require.NoError(t, s.Inject(simulator.Fault{Exchange: "bybit", Operation: operation, Kind: kind, Count: 1}))
	}

	inject(exchanges.OpCreateKey, simulator.GrantMore)
	var key apiKey
	c.post("/v5/user/create-sub-api", create).into(&key)
	require.Equal(t, map[string][]string{"Spot": {"SpotTrade"}, "Wallet": {"AccountTransfer"}}, key.granted())
	surplus := venuetest.With(c, simulator.Credential{APIKey: key.APIKey, APISecret: key.Secret})
	require.Equal(t, 0, surplus.post("/v5/asset/transfer/inter-transfer",
		`{"transferId":"42c0cfb0-6bca-c242-bc76-4e6df6cbcb16","coin":"USDT","amount":"1","fromAccountType":"UNIFIED","toAccountType":"FUND"}`).RetCode,
		"the surplus is real")

	inject(exchanges.OpCreateKey, simulator.GrantLess)
	c.post("/v5/user/create-sub-api", create).into(&key)
	require.Empty(t, key.granted())

	inject(exchanges.OpCreateKey, simulator.RateLimit)
	answer := c.post("/v5/user/create-sub-api", create)
	require.Equal(t, 10006, answer.RetCode)
	require.Equal(t, "0", answer.Header.Get("X-Bapi-Limit-Status"))
	require.NotEmpty(t, answer.Header.Get("X-Bapi-Limit-Reset-Timestamp"))

	inject(exchanges.OpDeleteKey, simulator.DeleteLies)
	require.Equal(t, 0, c.post("/v5/user/delete-sub-api", `{"apikey":"`+key.APIKey+`"}`).RetCode)
	require.Len(t, s.Keys(), 2)
	require.Empty(t, s.Deletions("bybit"))
}

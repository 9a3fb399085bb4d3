package gate_test

import (
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
	"vault-plugin-secrets-exchange/exchanges/simulator/gate"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServerTime(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, gate.Venue(), simulator.Options{Now: clock.Now})
	var result struct {
		ServerTime int64 `json:"server_time"`
	}
	answer := newClient(t, s, "main").call(http.MethodGet, "/spot/time", "")
	answer.into(&result)
	require.Equal(t, clock.Now().UnixMilli(), result.ServerTime)
	require.Equal(t, strconv.FormatInt(clock.Now().UnixMicro(), 10), answer.Header.Get("X-Out-Time"))
}

func TestAuthentication(t *testing.T) {
	s := venuetest.Unhurried(t, gate.Venue())
	c := newClient(t, s, "main")
	const path = "/account/detail"
	for _, test := range []struct {
		name, header, value string
		status              int
		label               string
	}{
		{"right", "X-Other", "", http.StatusOK, ""},
		{"no key", "KEY", "", http.StatusBadRequest, "MISSING_REQUIRED_HEADER"},
		{"no signature", "SIGN", "", http.StatusBadRequest, "MISSING_REQUIRED_HEADER"},
		{"no timestamp", "Timestamp", "", http.StatusBadRequest, "MISSING_REQUIRED_HEADER"},
		{"timestamp in milliseconds", "Timestamp", "1700000000000", http.StatusForbidden, "REQUEST_EXPIRED"},
		{"timestamp that is none", "Timestamp", "now", http.StatusForbidden, "REQUEST_EXPIRED"},
		{"unknown key", "KEY", strings.Repeat("0", 32), http.StatusUnauthorized, "INVALID_KEY"},
		{"wrong signature", "SIGN", strings.Repeat("0", 128), http.StatusUnauthorized, "INVALID_SIGNATURE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := c.signed(http.MethodGet, path, "")
			request.Header.Set(test.header, test.value)
			answer := c.do(request)
			require.Equal(t, test.status, answer.StatusCode)
			require.Equal(t, test.label, answer.Label)
		})
	}
	t.Run("the clock comes before the key", func(t *testing.T) {
		request := c.signed(http.MethodGet, path, "")
		request.Header.Set("KEY", "no such key")
		request.Header.Set("Timestamp", "1700000000")
		require.Equal(t, "REQUEST_EXPIRED", c.do(request).Label)
	})
	t.Run("encoded query signed as sent", func(t *testing.T) {
		require.Equal(t, http.StatusOK, c.call(http.MethodGet, path+"?a=%40", "").StatusCode)
		request := c.signed(http.MethodGet, path, "")
		for _, query := range []string{"a=%40", "a=%zz"} {
			request.URL.RawQuery = query
			require.Equal(t, "INVALID_SIGNATURE", c.do(request).Label)
		}
	})
	t.Run("another address", func(t *testing.T) {
		answer := venuetest.From(c, "127.0.0.2").call(http.MethodGet, path, "")
		require.Equal(t, "FORBIDDEN", answer.Label)
		require.Equal(t, "Request IP not in whitelist: 127.0.0.2", answer.Message)
		require.Equal(t, http.StatusOK, venuetest.From(newClient(t, s, "unbound"), "127.0.0.2").call(http.MethodGet, path, "").StatusCode)
	})
	t.Run("body of another type", func(t *testing.T) {
		request := c.signed(http.MethodPost, c.keysPath(), "{}")
		request.Header.Set("Content-Type", "text/plain")
		require.Equal(t, "INVALID_CONTENT_TYPE", c.do(request).Label)
	})
	t.Run("no such path", func(t *testing.T) {
		answer := c.call(http.MethodGet, "/no/such", "")
		require.Equal(t, "NOT_FOUND", answer.Label)
		require.Equal(t, http.StatusNotFound, answer.StatusCode)
	})
}

func TestAccount(t *testing.T) {
	s := venuetest.Unhurried(t, gate.Venue())
	c := newClient(t, s, "main")
	var detail struct {
		UserID      int64    `json:"user_id"`
		IPWhitelist []string `json:"ip_whitelist"`
	}
	c.call(http.MethodGet, "/account/detail", "").into(&detail)
	require.Positive(t, detail.UserID)
	require.Equal(t, []string{"127.0.0.1", "::1"}, detail.IPWhitelist)

	var keys []apiKey
	c.call(http.MethodGet, "/account/main_keys", "").into(&keys)
	require.Len(t, keys, 5)
	require.Equal(t, c.APIKey[:12]+"*****", keys[0].Key)
	require.Equal(t, []perm{{"account", false}, {"wallet", true}}, keys[0].Perms, "no name for the right to manage sub-accounts")
	require.Empty(t, keys[0].Secret)

	require.Equal(t, "FORBIDDEN", newClient(t, s, "unlisted").call(http.MethodGet, "/account/main_keys", "").Label)
	_, minted := c.mint(`{"name":"lease1","perms":[{"name":"account","read_only":false}]}`)
	require.Equal(t, "FORBIDDEN", venuetest.With(c, minted).call(http.MethodGet, "/account/main_keys", "").Label)
	require.Equal(t, http.StatusOK, venuetest.With(c, minted).call(http.MethodGet, "/account/detail", "").StatusCode)
}

func TestSubAccounts(t *testing.T) {
	s := venuetest.Unhurried(t, gate.Venue())
	c := newClient(t, s, "main")
	type sub struct {
		UserID    int64  `json:"user_id"`
		LoginName string `json:"login_name"`
		Remark    string
		State     int
	}
	list := func() []sub {
		var subs []sub
		c.call(http.MethodGet, "/sub_accounts?type=0", "").into(&subs)
		return subs
	}
	require.Len(t, list(), 3)
	require.Equal(t, c.SubAccounts[0], strconv.FormatInt(list()[0].UserID, 10))
	require.Equal(t, "INVALID_PARAM_VALUE", c.call(http.MethodGet, "/sub_accounts?type=2", "").Label)

	answer := c.call(http.MethodPost, "/sub_accounts", `{"login_name":"desk_1","remark":"ours"}`)
	require.Equal(t, http.StatusCreated, answer.StatusCode)
	require.Equal(t, "ours", list()[3].Remark)
	for body, label := range map[string]string{
		`{"login_name":"desk_1"}`: "INVALID_PARAM_VALUE", `{"login_name":"desk-2"}`: "INVALID_PARAM_VALUE",
		`{}`: "MISSING_REQUIRED_PARAM", `{`: "INVALID_REQUEST_BODY", `{"login_name":1}`: "INVALID_REQUEST_BODY",
	} {
		require.Equal(t, label, c.call(http.MethodPost, "/sub_accounts", body).Label, body)
	}

	_, minted := c.mint(`{"name":"lease1","perms":[{"name":"spot","read_only":false}]}`)
	const order = `{"currency_pair":"BTC_USDT","side":"buy","amount":"1","price":"1"}`
	path := "/sub_accounts/" + c.SubAccounts[0]
	require.Equal(t, http.StatusNoContent, c.call(http.MethodPost, path+"/lock", "").StatusCode)
	var one sub
	c.call(http.MethodGet, path, "").into(&one)
	require.Equal(t, 2, one.State)
	require.Equal(t, "SUB_ACCOUNT_LOCKED", c.call(http.MethodPost, c.keysPath(), `{}`).Label)
	require.Equal(t, "ACCOUNT_LOCKED", venuetest.With(c, minted).call(http.MethodPost, "/spot/orders", order).Label)
	require.Equal(t, http.StatusOK, venuetest.With(c, minted).call(http.MethodGet, "/spot/accounts", "").StatusCode)
	require.Equal(t, http.StatusNoContent, c.call(http.MethodPost, path+"/unlock", "").StatusCode)
	require.Equal(t, http.StatusCreated, venuetest.With(c, minted).call(http.MethodPost, "/spot/orders", order).StatusCode)
	for _, target := range []string{"/lock", "", "/keys"} {
		method := http.MethodGet
		if target == "/lock" {
			method = http.MethodPost
		}
		require.Equal(t, "SUB_ACCOUNT_NOT_FOUND", c.call(method, "/sub_accounts/1"+target, "").Label)
	}
}

func TestCreateKey(t *testing.T) {
	s := venuetest.Unhurried(t, gate.Venue())
	c := newClient(t, s, "main")
	key, _ := c.mint(`{"mode":1,"name":"lease-1","perms":[{"name":"spot","read_only":false},{"name":"account","read_only":true}],"ip_whitelist":["192.0.2.10"]}`)
	require.Equal(t, []perm{{"spot", false}, {"account", true}}, key.Perms)
	require.Equal(t, []string{"192.0.2.10"}, key.IPWhitelist)
	require.Regexp(t, `^[0-9a-f]{32}$`, key.Key)
	require.Regexp(t, `^[0-9a-f]{64}$`, key.Secret)

	shown := key
	shown.Secret = ""
	require.Equal(t, []apiKey{shown}, c.keys(), "the secret is shown once")
	var one apiKey
	c.call(http.MethodGet, c.keysPath()+"/"+key.Key, "").into(&one)
	require.Equal(t, shown, one)
	require.Equal(t, "NOT_FOUND", c.call(http.MethodGet, c.keysPath()+"/other", "").Label)

	for _, test := range []struct{ name, body, label string }{
		{"name taken", `{"name":"lease-1"}`, "INVALID_PARAM_VALUE"},
		{"long name", `{"name":"` + strings.Repeat("a", 21) + `"}`, "INVALID_PARAM_VALUE"},
		{"odd name", `{"name":"lease 2"}`, "INVALID_PARAM_VALUE"},
		{"other mode", `{"name":"lease2","mode":3}`, "INVALID_PARAM_VALUE"},
		{"unknown group", `{"name":"lease2","perms":[{"name":"withdraw","read_only":false}]}`, "INVALID_PARAM_VALUE"},
		{"no flag", `{"name":"lease2","perms":[{"name":"spot"}]}`, "INVALID_PARAM_VALUE"},
		{"group twice", `{"name":"lease2","perms":[{"name":"spot","read_only":true},{"name":"spot","read_only":false}]}`, "INVALID_PARAM_VALUE"},
		{"names for permissions", `{"name":"lease2","perms":["spot"]}`, "INVALID_REQUEST_BODY"},
		{"block", `{"name":"lease2","ip_whitelist":["192.0.2.0/24"]}`, "INVALID_PARAM_VALUE"},
		{"IPv6", `{"name":"lease2","ip_whitelist":["2001:db8::1"]}`, "INVALID_PARAM_VALUE"},
		{"text for addresses", `{"name":"lease2","ip_whitelist":"192.0.2.10"}`, "INVALID_REQUEST_BODY"},
		{"21 addresses", `{"name":"lease2","ip_whitelist":["192.0.2.1"` + strings.Repeat(`,"192.0.2.1"`, 20) + `]}`, "INVALID_PARAM_VALUE"},
		{"unknown field", `{"name":"lease2","expires":1}`, "INVALID_PARAM_VALUE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.label, c.call(http.MethodPost, c.keysPath(), test.body).Label)
		})
	}
	require.Equal(t, "SUB_ACCOUNT_NOT_FOUND", c.call(http.MethodPost, "/sub_accounts/1/keys", `{}`).Label)
	for i := range 19 {
		c.mint(fmt.Sprintf(`{"name":"more%d"}`, i))
	}
	require.Equal(t, "BAD_REQUEST", c.call(http.MethodPost, c.keysPath(), `{"name":"onetoomany"}`).Label)
}

func TestRootRights(t *testing.T) {
	s := venuetest.Unhurried(t, gate.Venue())
	c := newClient(t, s, "main")
	_, minted := c.mint(`{"name":"lease1","perms":[{"name":"account","read_only":false}]}`)
	for _, user := range []*client{newClient(t, s, "no_right"), venuetest.With(c, minted)} {
		require.Equal(t, "FORBIDDEN", user.call(http.MethodGet, "/sub_accounts", "").Label)
		require.Equal(t, "FORBIDDEN", user.call(http.MethodPost, c.keysPath(), `{}`).Label)
	}
}

// An edit replaces the whole key: whatever the request leaves out is cleared.
func TestEditKey(t *testing.T) {
	s := venuetest.Unhurried(t, gate.Venue())
	c := newClient(t, s, "main")
	key, _ := c.mint(`{"name":"lease1","perms":[{"name":"spot","read_only":true}],"ip_whitelist":["192.0.2.10"]}`)
	edit := func(body string) answer { return c.call(http.MethodPut, c.keysPath()+"/"+key.Key, body) }
	require.Equal(t, http.StatusNoContent, edit(`{"name":"lease1","perms":[{"name":"futures","read_only":false}],"ip_whitelist":["192.0.2.11"]}`).StatusCode)
	require.Equal(t, []perm{{"futures", false}}, c.keys()[0].Perms)
	require.Equal(t, []string{"192.0.2.11"}, c.keys()[0].IPWhitelist)
	require.Equal(t, "INVALID_PARAM_VALUE", edit(`{"ip_whitelist":["nowhere"]}`).Label)
	require.Equal(t, http.StatusNoContent, edit(`{"name":"lease1"}`).StatusCode)
	require.Empty(t, c.keys()[0].Perms)
	require.Empty(t, c.keys()[0].IPWhitelist)
	require.Equal(t, "NOT_FOUND", c.call(http.MethodPut, c.keysPath()+"/other", `{}`).Label)
}

// A deleted key leaves the list at once, and works for five more minutes.
func TestDeleteKey(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, gate.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1})
	c := newClient(t, s, "main")
	key, minted := c.mint(`{"name":"lease1","perms":[{"name":"spot","read_only":true}]}`)
	other := "/sub_accounts/" + c.SubAccounts[1] + "/keys/" + key.Key
	require.Equal(t, "NOT_FOUND", c.call(http.MethodDelete, other, "").Label)

	require.NoError(t, s.Inject(simulator.Fault{Exchange: "gate", Operation: exchanges.OpDeleteKey, Kind: simulator.DeleteLies, Count: 1}))
	require.Equal(t, http.StatusNoContent, c.call(http.MethodDelete, c.keysPath()+"/"+key.Key, "").StatusCode)
	require.Len(t, c.keys(), 1)

	require.Equal(t, http.StatusNoContent, c.call(http.MethodDelete, c.keysPath()+"/"+key.Key, "").StatusCode)
	require.Empty(t, c.keys())
	require.Empty(t, s.Keys())
	require.Equal(t, "NOT_FOUND", c.call(http.MethodDelete, c.keysPath()+"/"+key.Key, "").Label)
	for _, step := range []struct {
		after time.Duration
		label string
	}{{0, ""}, {5*time.Minute - time.Second, ""}, {time.Second, "INVALID_KEY"}} {
		clock.Advance(step.after)
		require.Equal(t, step.label, venuetest.With(c, minted).call(http.MethodGet, "/spot/accounts", "").Label)
	}

	key, minted = c.mint(`{"name":"lease1","perms":[{"name":"spot","read_only":true}]}`)
	c.call(http.MethodDelete, c.keysPath()+"/"+key.Key, "")
	s.Reset()
	require.Equal(t, "INVALID_KEY", venuetest.With(c, minted).call(http.MethodGet, "/spot/accounts", "").Label)
}

func TestUseKey(t *testing.T) {
	s := venuetest.Unhurried(t, gate.Venue())
	c := newClient(t, s, "main")
	perms := func(readOnly bool) string {
		var list []string
		for _, group := range []string{"spot", "margin", "futures", "options", "wallet"} {
			list = append(list, fmt.Sprintf(`{"name":%q,"read_only":%t}`, group, readOnly))
		}
		return `"perms":[` + strings.Join(list, ",") + `]`
	}
	_, all := c.mint(`{"name":"all","ip_whitelist":["127.0.0.1"],` + perms(false) + `}`)
	_, reader := c.mint(`{"name":"reader",` + perms(true) + `}`)
	_, nothing := c.mint(`{"name":"nothing"}`)
	calls := []struct{ target, body string }{
		{"/spot/orders", `{"currency_pair":"BTC_USDT","side":"buy","amount":"1","price":"1","account":"margin"}`},
		{"/margin/uni/loans", `{"currency":"USDT","type":"borrow","amount":"1"}`},
		{"/futures/usdt/orders", `{"contract":"BTC_USDT","size":-1,"price":"1"}`},
		{"/options/orders", `{"contract":"BTC_USDT-20301227-50000-C","size":1,"price":"1"}`},
		{"/wallet/transfers", `{"currency":"USDT","from":"spot","to":"futures","amount":"1"}`},
	}
	for _, call := range calls {
		require.Equal(t, 2, venuetest.With(c, all).call(http.MethodPost, call.target, call.body).StatusCode/100, call.target)
		require.Equal(t, "READ_ONLY", venuetest.With(c, reader).call(http.MethodPost, call.target, call.body).Label, call.target)
		require.Equal(t, "FORBIDDEN", venuetest.With(c, nothing).call(http.MethodPost, call.target, call.body).Label, call.target)
		require.NotEmpty(t, venuetest.With(c, all).call(http.MethodPost, call.target, `{}`).Label, call.target)
	}
	require.Equal(t, http.StatusOK, venuetest.With(c, reader).call(http.MethodGet, "/spot/accounts?currency=USDT", "").StatusCode)
	require.Equal(t, "FORBIDDEN", venuetest.With(c, nothing).call(http.MethodGet, "/spot/accounts", "").Label)
	require.Equal(t, "INVALID_PARAM_VALUE", venuetest.With(c, all).call(http.MethodGet, "/spot/accounts?page=1", "").Label)
	require.Equal(t, "FORBIDDEN", venuetest.With(c, all).call(http.MethodPost, "/withdrawals", `{}`).Label)
	require.Equal(t, "FORBIDDEN", venuetest.From(venuetest.With(c, all), "127.0.0.2").call(http.MethodGet, "/spot/accounts", "").Label)
}

// Each endpoint takes 80 requests in 10 seconds.
func TestRateLimit(t *testing.T) {
	clock := venuetest.NewClock()
	clock.Advance(300 * time.Millisecond)
	s := venuetest.Start(t, gate.Venue(), simulator.Options{Now: clock.Now})
	c := newClient(t, s, "main")
	var answer answer
	for range 80 {
		answer = c.call(http.MethodGet, c.keysPath(), "")
	}
	require.Equal(t, "80", answer.Header.Get("X-Gate-RateLimit-Limit"))
	require.Equal(t, "0", answer.Header.Get("X-Gate-RateLimit-Requests-Remain"))
	require.Equal(t, strconv.FormatInt(clock.Now().Unix(), 10), answer.Header.Get("X-Gate-RateLimit-Reset-Timestamp"))
	answer = c.call(http.MethodGet, c.keysPath(), "")
	require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
	require.Equal(t, "TOO_MANY_REQUESTS", answer.Label)
	reset, err := strconv.ParseInt(answer.Header.Get("X-Gate-RateLimit-Reset-Timestamp"), 10, 64)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, c.call(http.MethodGet, "/sub_accounts", "").StatusCode, "another endpoint")
	clock.Advance(time.Unix(reset, 0).Sub(clock.Now()))
	require.Equal(t, http.StatusOK, c.call(http.MethodGet, c.keysPath(), "").StatusCode)
}

func TestGrantFaults(t *testing.T) {
	s := venuetest.Unhurried(t, gate.Venue())
	c := newClient(t, s, "main")
	asked := []perm{{"account", true}, {"spot", false}}
	for fault, want := range map[simulator.FaultKind][]perm{
		simulator.GrantMore: append(asked, perm{"futures", false}),
		simulator.GrantLess: asked[:1],
	} {
		s.Reset()
		require.NoError(t, s.Inject(simulator.Fault{Exchange: "gate", Operation: exchanges.OpCreateKey, Kind: fault}))
		key, _ := c.mint(`{"name":"lease","perms":[{"name":"account","read_only":true},{"name":"spot","read_only":false}]}`)
		require.Equal(t, want, key.Perms)
		require.Equal(t, want, c.keys()[0].Perms)
	}
}

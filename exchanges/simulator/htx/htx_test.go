package htx_test

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/htx"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAuthentication(t *testing.T) {
	s := venuetest.Unhurried(t, htx.Venue())
	c := newClient(t, s, "main")
	for _, test := range []struct{ name, parameter, value, says string }{
		{"unknown key", "AccessKeyId", "fakefake-root-key0-0002", "Incorrect Access key"},
		{"another version", "SignatureVersion", "1", "Verification failure"},
		{"another method", "SignatureMethod", "Ed25519", "Verification failure"},
		{"old", "Timestamp", "2025-01-01T00:00:00", "Invalid submission time"},
		{"with a zone", "Timestamp", c.Now().UTC().Format(time.RFC3339), "Invalid submission time"},
		{"wrong signature", "Signature", "AAAA", "Verification failure"},
		{"parameter that was not signed", "uid", "1", "Verification failure"},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := c.signed(http.MethodGet, "/v2/user/uid", "")
			query := request.URL.Query()
			query.Set(test.parameter, test.value)
			request.URL.RawQuery = query.Encode()
			answer := c.do(request)
			require.Equal(t, "api-signature-not-valid", answer.outcome())
			require.Equal(t, http.StatusOK, answer.StatusCode)
			require.Contains(t, answer.ErrMsg, test.says)
		})
	}
	t.Run("the host is signed", func(t *testing.T) {
		request := c.signed(http.MethodGet, "/v2/user/uid", "")
		request.Host = "api.huobi.pro"
		require.Contains(t, c.do(request).ErrMsg, "Verification failure")
	})
	t.Run("the body is not", func(t *testing.T) {
		request := c.signed(http.MethodPost, keys+"deletion", "")
		request.Body = io.NopCloser(strings.NewReader(`{"subUid":1,"accessKey":"x"}`))
		request.ContentLength = -1
		require.Equal(t, "2002", c.do(request).outcome())
	})
	t.Run("a space is %20", func(t *testing.T) {
		require.Equal(t, "2002", c.get("/v2/user/uid", "note", "a b+c").outcome(), "well signed, but an unknown parameter")
	})
	t.Run("not logged in", func(t *testing.T) {
		request := c.signed(http.MethodGet, "/v2/user/uid", "")
		request.URL.RawQuery = ""
		require.Equal(t, "login-required", c.do(request).outcome())
		request.URL.RawQuery = "a=1&a=2"
		require.Equal(t, "invalid-parameter", c.do(request).outcome())
	})
	t.Run("another address", func(t *testing.T) {
		require.Contains(t, venuetest.From(c, "127.0.0.2").get("/v2/user/uid").ErrMsg, "Incorrect IP address")
	})
	t.Run("a GET with a body", func(t *testing.T) {
		require.Equal(t, http.StatusForbidden, c.do(c.signed(http.MethodGet, "/v2/user/uid", "{}")).StatusCode)
	})
	t.Run("paths", func(t *testing.T) {
		require.Equal(t, "method-not-allowed", c.post("/v2/user/uid", "{}").outcome())
		require.Equal(t, http.StatusNotFound, c.get("/v2/no/such").StatusCode)
	})
	t.Run("Ed25519", func(t *testing.T) {
		root := newClient(t, s, "ed25519")
		require.Equal(t, "ok", root.get("/v2/user/uid").outcome())
		request := root.signed(http.MethodGet, "/v2/user/uid", "")
		request.URL.RawQuery = strings.Replace(request.URL.RawQuery, "Signature=", "Signature=AA", 1)
		require.Equal(t, "api-signature-not-valid", root.do(request).outcome())
	})
}

func TestWhoAmI(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, htx.Venue(), simulator.Options{Now: clock.Now})
	c := newClient(t, s, "unbound")
	var at, uid int64
	c.get("/v1/common/timestamp").into(&at)
	require.Equal(t, clock.Now().UnixMilli(), at)
	c.get("/v2/user/uid").into(&uid)
	var keys []apiKey
	c.get("/v2/user/api-key", "uid", strconv.FormatInt(uid, 10), "accessKey", c.APIKey).into(&keys)
	require.Equal(t, []apiKey{{
		AccessKey: c.APIKey, Note: "root", Permission: "readOnly,trade", Status: "normal", ValidDays: 90, CreateTime: clock.Now().UnixMilli(),
	}}, keys)
	require.Equal(t, "2003", c.get("/v2/user/api-key").outcome())
	require.Equal(t, "2002", c.get("/v2/user/api-key", "uid", "1").outcome())
	require.Equal(t, "2002", c.get("/v2/user/api-key", "uid", "1", "page", "2").outcome())

	clock.Advance(90 * 24 * time.Hour)
	require.Contains(t, c.get("/v2/user/uid").ErrMsg, "APIkey has expired")
	bound := newClient(t, s, "main")
	require.Equal(t, "ok", bound.get("/v2/user/uid").outcome())
}

func TestSubUsers(t *testing.T) {
	s := venuetest.Start(t, htx.Venue(), simulator.Options{RateMultiplier: 1000, SubAccounts: 150})
	c := newClient(t, s, "main")
	type user struct {
		UID       int64
		UserState string
	}
	var found, rest []user
	first := c.get("/v2/sub-user/user-list")
	first.into(&found)
	require.Len(t, found, 100)
	last := c.get("/v2/sub-user/user-list", "fromId", strconv.FormatInt(first.NextID, 10))
	last.into(&rest)
	require.Zero(t, last.NextID)
	var uids []string
	for _, u := range append(found, rest...) {
		require.Equal(t, "normal", u.UserState)
		uids = append(uids, strconv.FormatInt(u.UID, 10))
	}
	require.Equal(t, c.SubAccounts, uids)
	require.Equal(t, "2002", c.get("/v2/sub-user/user-list", "fromId", "1").outcome())
	require.Equal(t, "2002", c.get("/v2/sub-user/user-list", "page", "1").outcome())

	lock := func(action string) string {
		return c.post("/v2/sub-user/management", `{"subUid":`+c.SubAccounts[0]+`,"action":"`+action+`"}`).outcome()
	}
	require.Equal(t, "ok", lock("lock"))
	c.get("/v2/sub-user/user-list").into(&found)
	require.Equal(t, "lock", found[0].UserState)
	require.Equal(t, "2016", lock("lock"))
	require.Equal(t, "ok", lock("unlock"))
	require.Equal(t, "2002", lock("freeze"))
	require.Equal(t, "2002", c.post("/v2/sub-user/management", `{"subUid":1,"action":"lock"}`).outcome())
}

func TestCreateKey(t *testing.T) {
	s := venuetest.Unhurried(t, htx.Venue())
	c := newClient(t, s, "main")
	key := c.mint(`"note":"lease1","permission":"readOnly,trade","ipAddresses":"203.0.113.7,2001:db8::1,203.0.113.0/24","channel_code":"ignored"`)
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{5}$`, key.AccessKey)
	require.Equal(t, "trade,readOnly", key.Permission, "in another order than asked")
	listed := c.keys()
	require.Len(t, listed, 1)
	listed[0].CreateTime = 0
	require.Equal(t, apiKey{
		AccessKey: key.AccessKey, Note: "lease1", Permission: "readOnly,trade", Status: "normal", ValidDays: -1,
		IPAddresses: "203.0.113.7,2001:db8::1,203.0.113.0/24",
	}, listed[0], "secrets are shown once")

	for name, test := range map[string]struct{ fields, code string }{
		"no note":            {`"permission":"readOnly"`, "2003"},
		"no permission":      {`"note":"x"`, "2003"},
		"empty note":         {`"note":"","permission":"readOnly"`, "2002"},
		"long note":          {`"note":"` + strings.Repeat("a", 256) + `","permission":"readOnly"`, "2002"},
		"without readOnly":   {`"note":"x","permission":"trade"`, "2002"},
		"withdraw":           {`"note":"x","permission":"readOnly,withdraw"`, "2002"},
		"host name":          {`"note":"x","permission":"readOnly","ipAddresses":"localhost"`, "2002"},
		"IPv6 network":       {`"note":"x","permission":"readOnly","ipAddresses":"2001:db8::/32"`, "2002"},
		"21 addresses":       {`"note":"x","permission":"readOnly","ipAddresses":"` + strings.Repeat("203.0.113.7,", 20) + `203.0.113.7"`, "2002"},
		"no JSON":            {`"note`, "2002"},
		"code of other type": {`"note":"x","permission":"readOnly","otpToken":123456`, "2002"},
	} {
		require.Equal(t, test.code, c.create(test.fields).outcome(), name)
	}
	require.Equal(t, "2002", c.post(keys+"generation", `{"subUid":1,"note":"x","permission":"readOnly"}`).outcome())
	require.Equal(t, "1002", newClient(t, s, "read_only").create(`"note":"x","permission":"readOnly"`).outcome())
	minted := venuetest.With(c, c.mint(`"note":"trader","permission":"readOnly,trade"`).credential())
	require.Equal(t, "403", minted.create(`"note":"x","permission":"readOnly"`).outcome(), "a sub-user cannot make keys")

	for len(c.keys()) < 20 {
		c.mint(`"note":"more","permission":"readOnly"`)
	}
	full := c.create(`"note":"one too many","permission":"readOnly"`)
	require.Equal(t, "2014", full.outcome())
	require.Contains(t, full.Message, "api key")
}

// A parent user with an authenticator app may use each code once.
func TestOneTimeCode(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, htx.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000})
	c := newClient(t, s, "totp")
	require.NotEmpty(t, c.TOTPSecret)
	with := func(code string) string {
		return c.create(`"note":"x","permission":"readOnly","otpToken":"` + code + `"`).outcome()
	}
	present := func() string {
		code, err := totp.GenerateCode(c.TOTPSecret, clock.Now())
		require.NoError(t, err)
		return code
	}
	require.Equal(t, "2003", c.create(`"note":"x","permission":"readOnly"`).outcome())
	require.Equal(t, "2002", with("000000"))
	require.Equal(t, "ok", with(present()))
	require.Equal(t, "2002", with(present()), "used")
	clock.Advance(30 * time.Second)
	require.Equal(t, "ok", with(present()))
	key := c.keys()[0]
	require.Equal(t, "ok", c.post(keys+"deletion", `{"subUid":`+c.SubAccounts[0]+`,"accessKey":"`+key.AccessKey+`"}`).outcome(), "deletions need no code")
	s.Reset()
	require.Equal(t, "ok", with(present()), "a reset forgets the codes that were used")
}

func TestEditAndDeleteKey(t *testing.T) {
	s := venuetest.Unhurried(t, htx.Venue())
	c := newClient(t, s, "main")
	key := c.mint(`"note":"lease1","permission":"readOnly,trade","ipAddresses":"127.0.0.1"`)
	named := func(subUID, accessKey, more string) string {
		return `{"subUid":` + subUID + `,"accessKey":"` + accessKey + `"` + more + `}`
	}
	edit := func(more string) string {
		return c.post(keys+"modification", named(c.SubAccounts[0], key.AccessKey, more)).outcome()
	}
	require.Equal(t, "ok", edit(`,"note":"lease2","permission":"readOnly"`))
	require.Equal(t, "lease2 readOnly 127.0.0.1", c.keys()[0].Note+" "+c.keys()[0].Permission+" "+c.keys()[0].IPAddresses)
	require.Equal(t, "ok", edit(`,"ipAddresses":"203.0.113.7"`))
	require.Equal(t, "203.0.113.7", c.keys()[0].IPAddresses)
	require.Equal(t, "2002", edit(`,"permission":"withdraw"`))
	require.Equal(t, "2002", edit(`,"note":1`))
	require.Equal(t, "lease2", c.keys()[0].Note)
	require.Equal(t, "2002", c.post(keys+"modification", named(c.SubAccounts[1], key.AccessKey, "")).outcome())

	remove := func(subUID string) string {
		return c.post(keys+"deletion", named(subUID, key.AccessKey, "")).outcome()
	}
	require.Equal(t, "2003", c.post(keys+"deletion", `{"accessKey":"x"}`).outcome())
	require.Equal(t, "2002", remove("1"))
	require.Equal(t, "2002", remove(c.SubAccounts[1]))
	require.Equal(t, "ok", remove(c.SubAccounts[0]))
	require.Equal(t, "2002", remove(c.SubAccounts[0]))
	require.Equal(t, []string{key.AccessKey}, s.Deletions("htx"))
	require.Contains(t, venuetest.With(c, key.credential()).get("/v1/account/accounts").ErrMsg, "Incorrect Access key")
}

func TestUseKey(t *testing.T) {
	s := venuetest.Unhurried(t, htx.Venue())
	c := newClient(t, s, "main")
	reader := venuetest.With(c, c.mint(`"note":"reader","permission":"readOnly"`).credential())
	trader := venuetest.With(c, c.mint(`"note":"trader","permission":"readOnly,trade","ipAddresses":"127.0.0.0/8"`).credential())
	const (
		order    = `{"account-id":"1","symbol":"btcusdt","type":"buy-limit","amount":"1","price":"1"}`
		swap     = `{"contract_code":"BTC-USDT","volume":1,"direction":"buy","lever_rate":1,"order_price_type":"limit"}`
		transfer = `{"from":"spot","to":"linear-swap","currency":"usdt","amount":"1"}`
		withdraw = `{"address":"x","currency":"usdt","amount":"1"}`
		denied   = "api-signature-not-valid"
	)
	for name, test := range map[string]struct {
		user *client
		want [5]string // accounts, order, swap order, transfer, withdrawal
	}{
		"reader":                 {reader, [5]string{"ok", denied, denied, denied, denied}},
		"trader":                 {trader, [5]string{"ok", "ok", "ok", "ok", denied}},
		"root that can withdraw": {newClient(t, s, "withdraw"), [5]string{"ok", "ok", "ok", "ok", "ok"}},
	} {
		user := test.user
		require.Equal(t, test.want, [5]string{
			user.get("/v1/account/accounts").outcome(), user.post("/v1/order/orders/place", order).outcome(),
			user.post("/linear-swap-api/v1/swap_order", swap).outcome(), user.post("/v2/account/transfer", transfer).outcome(),
			user.post("/v1/dw/withdraw/api/create", withdraw).outcome(),
		}, name)
	}
	require.Contains(t, reader.post("/v1/order/orders/place", order).ErrMsg, "no permission")
	require.Equal(t, "403", reader.get("/v2/user/api-key", "uid", c.SubAccounts[0]).outcome(), "a sub-user may not see keys")
	require.Equal(t, "2002", reader.get("/v1/account/accounts", "page", "1").outcome())
	require.Equal(t, "invalid-parameter", trader.post("/v1/order/orders/place", `{}`).outcome())
	require.Equal(t, "invalid-parameter", trader.post("/linear-swap-api/v1/swap_order", `{}`).outcome())
	require.Equal(t, "2003", trader.post("/v2/account/transfer", `{}`).outcome())
	require.Equal(t, "2002", trader.post("/v2/account/transfer", strings.Replace(transfer, `"amount":"1"`, `"amount":"-1"`, 1)).outcome())
	require.Equal(t, "invalid-parameter", newClient(t, s, "withdraw").post("/v1/dw/withdraw/api/create", `{}`).outcome())
}

func TestRateLimit(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, htx.Venue(), simulator.Options{Now: clock.Now})
	c := newClient(t, s, "main")
	var left []string
	for range 10 {
		left = append(left, c.get("/v2/user/uid").Header.Get("X-HB-RateLimit-Requests-Remain"))
	}
	slices.Reverse(left)
	require.Equal(t, strings.Split("0123456789", ""), left)
	answer := c.create(`"note":"x","permission":"readOnly"`)
	require.Equal(t, "rate-too-many-requests", answer.outcome(), "endpoints share the limit")
	require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
	require.Equal(t, strconv.FormatInt(clock.Now().Add(time.Second).UnixMilli(), 10), answer.Header.Get("X-HB-RateLimit-Requests-Expire"))
	clock.Advance(time.Second)
	c.mint(`"note":"x","permission":"readOnly"`)
}

func TestGrantFaults(t *testing.T) {
	s := venuetest.Unhurried(t, htx.Venue())
	c := newClient(t, s, "main")
	for _, test := range []struct {
		fault       simulator.FaultKind
		asked, want string
	}{
		{simulator.GrantMore, "readOnly", "trade,readOnly"},
		{simulator.GrantMore, "readOnly,trade", "withdraw,trade,readOnly"},
		{simulator.GrantLess, "readOnly,trade", "readOnly"},
	} {
		s.ClearFaults()
		require.NoError(t, s.Inject(simulator.Fault{Exchange: "htx", Operation: exchanges.OpCreateKey, Kind: test.fault}))
		require.Equal(t, test.want, c.mint(`"note":"x","permission":"`+test.asked+`"`).Permission)
	}
}

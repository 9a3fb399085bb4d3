package whitebit_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
	"vault-plugin-secrets-exchange/exchanges/simulator/whitebit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAuthentication(t *testing.T) {
	s := venuetest.Unhurried(t, whitebit.Venue())
	c := newClient(t, s, "main")
	const path = "sub-account/list"
	nonce := c.Now().UnixMilli() - 1000
	body := func(fields string) string { return `{"request":"/api/v4/sub-account/list"` + fields + `}` }
	good := fmt.Sprintf(`,"nonce":%d,"nonceWindow":true`, nonce)
	for _, test := range []struct {
		name, body    string
		header, value string
		message       string
	}{
		{"right", body(good), "X-Other", "", ""},
		{"sent again", body(good), "X-Other", "", "Too many requests."},
		{"no payload", body(good), "X-TXC-PAYLOAD", "", "Payload not provided."},
		{"unknown key", body(good), "X-TXC-APIKEY", strings.Repeat("0", 32), "Unauthorized request."},
		{"wrong signature", body(good), "X-TXC-SIGNATURE", strings.Repeat("0", 128), "Unauthorized request."},
		{"no request", `{"nonce":1}`, "X-Other", "", "Request not provided."},
		{"another path", `{"request":"/api/v4/orders","nonce":1}`, "X-Other", "", "Invalid payload"},
		{"no nonce", body(""), "X-Other", "", "Nonce not provided."},
		{"nonce that is none", body(`,"nonce":"now"`), "X-Other", "", "Nonce not provided."},
		{"window that is none", body(`,"nonce":1,"nonceWindow":1`), "X-Other", "", "Invalid nonceWindow."},
		{"nonce too old", body(`,"nonce":1,"nonceWindow":true`), "X-Other", "", "Your nonce is more than 5 seconds lesser than the current nonce"},
		{"nonce that does not grow", body(`,"nonce":1`), "X-Other", "", "Too many requests."},
		{"no JSON", `a`, "X-Other", "", "Invalid payload"},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := c.signed(path, test.body)
			request.Header.Set(test.header, test.value)
			answer := c.do(request)
			require.Equal(t, test.message, answer.Message)
			require.Equal(t, test.message == "", answer.StatusCode == http.StatusOK)
		})
	}
	require.Equal(t, "This action is unauthorized. Enable your key in API settings", venuetest.From(c, "127.0.0.2").call(path, "").Message)
	require.Equal(t, http.StatusNotFound, c.call("no/such", "").StatusCode)

	response, err := http.Get(c.BaseURL + "/api/v4/public/time")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
}

func TestSubAccounts(t *testing.T) {
	s := venuetest.Unhurried(t, whitebit.Venue())
	c := newClient(t, s, "main")
	var page struct {
		Limit, Offset int
		Data          []struct{ ID, Alias, Status string }
	}
	c.call("sub-account/list", "").into(&page)
	require.Equal(t, 30, page.Limit)
	require.Len(t, page.Data, 3)
	require.Equal(t, c.SubAccounts[0], page.Data[0].ID)
	c.call("sub-account/list", `"limit":2,"offset":2`).into(&page)
	require.Len(t, page.Data, 1)
	c.call("sub-account/list", `"offset":9`).into(&page)
	require.Empty(t, page.Data)
	for _, parameters := range []string{`"limit":101`, `"limit":0`, `"offset":10001`, `"offset":-1`, `"limit":"1"`, `"page":1`} {
		require.Equal(t, "Validation failed", c.call("sub-account/list", parameters).Message, parameters)
	}

	const desk = `"alias":"desk","shareKyc":true,"permissions":{"spotEnabled":true,"collateralEnabled":false}`
	require.Equal(t, http.StatusCreated, c.call("sub-account/create", desk).StatusCode)
	require.Equal(t, "Alias already exists.", c.call("sub-account/create", desk).Message)
	require.Contains(t, c.call("sub-account/create", strings.Replace(desk, "true", "false", 1)).Errors, "email")
	require.Contains(t, c.call("sub-account/create", `"alias":"other","shareKyc":true`).Errors, "permissions")

	_, minted := c.mint("lease1")
	id := `"id":"` + c.SubAccounts[0] + `"`
	require.Equal(t, http.StatusOK, c.call("sub-account/block", id).StatusCode)
	c.call("sub-account/list", "").into(&page)
	require.Equal(t, "blocked", page.Data[0].Status)
	require.Equal(t, http.StatusForbidden, venuetest.With(c, minted).call("trade-account/balance", "").StatusCode)
	require.Equal(t, http.StatusForbidden, c.call(keysPath+"create", `"type":1,"title":"a","subAccountId":"`+c.SubAccounts[0]+`"`).StatusCode)
	require.Equal(t, http.StatusOK, c.call("sub-account/unblock", id).StatusCode)
	require.Equal(t, http.StatusOK, venuetest.With(c, minted).call("trade-account/balance", "").StatusCode)
	require.Contains(t, c.call("sub-account/block", `"id":"x"`).Errors, "id")
}

// A new key may do everything, from anywhere.
func TestCreateKey(t *testing.T) {
	s := venuetest.Unhurried(t, whitebit.Venue())
	c := newClient(t, s, "main")
	key, minted := c.mint("lease-1")
	require.Equal(t, float64(1), key.Type)
	require.False(t, key.RestrictAccess)
	require.True(t, key.IsEnabled)
	require.Empty(t, key.AccessEndpoints, "a key that may use everything lists nothing")
	require.Equal(t, http.StatusForbidden, venuetest.With(c, minted).call("main-account/withdraw", "").StatusCode)
	require.Equal(t, http.StatusOK, venuetest.From(venuetest.With(c, minted), "127.0.0.2").call("trade-account/balance", "").StatusCode)

	sub := `"subAccountId":"` + c.SubAccounts[0] + `"`
	listed := c.keys(sub)
	require.Len(t, listed, 1)
	require.Equal(t, "1", listed[0].Type)
	require.Empty(t, listed[0].APISecret, "the secret is shown once")
	require.Equal(t, key.ID, listed[0].ID)
	require.Empty(t, c.keys(`"subAccountId":"`+c.SubAccounts[1]+`"`))

	for _, test := range []struct{ name, parameters, field string }{
		{"no title", `"type":1,` + sub, "title"},
		{"long title", `"type":1,"title":"` + strings.Repeat("a", 31) + `",` + sub, "title"},
		{"another type", `"type":3,"title":"a",` + sub, "type"},
		{"text for type", `"type":"1","title":"a",` + sub, "type"},
		{"no sub-account", `"type":1,"title":"a"`, "subAccountId"},
		{"another's sub-account", `"type":1,"title":"a","subAccountId":"x"`, "subAccountId"},
		{"unknown field", `"type":1,"title":"a","label":"a",` + sub, "label"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := c.call(keysPath+"create", test.parameters)
			require.Equal(t, http.StatusBadRequest, answer.StatusCode)
			require.Contains(t, answer.Errors, test.field)
		})
	}
	require.Equal(t, "Type isn't allowed", c.call(keysPath+"create", `"type":2,"title":"a",`+sub).Message)
	for i := range 49 {
		c.mint(fmt.Sprintf("more%d", i))
	}
	require.Equal(t, "Limit of API keys is reached. Maximum allowed: 50", c.call(keysPath+"create", `"type":1,"title":"a",`+sub).Message)
	require.Equal(t, "more48", c.keys(`"limit":1`)[0].Title, "the newest first")
	require.Equal(t, "lease-1", c.keys(`"limit":1,"offset":49`)[0].Title)
}

func TestRootRights(t *testing.T) {
	s := venuetest.Unhurried(t, whitebit.Venue())
	c := newClient(t, s, "main")
	_, minted := c.mint("lease1")
	for _, user := range []*client{newClient(t, s, "no_right"), venuetest.With(c, minted)} {
		for _, path := range []string{"sub-account/list", keysPath + "create", keysPath + "list", keysPath + "delete"} {
			require.Equal(t, "You don't have permission to use this endpoint.", user.call(path, "").Message)
		}
	}
}

// An edit switches the endpoints that it names, and leaves the others alone.
func TestEditKey(t *testing.T) {
	s := venuetest.Unhurried(t, whitebit.Venue())
	c := newClient(t, s, "main")
	key, minted := c.mint("lease1")
	edit := func(urls string) answer {
		return c.call(keysPath+"edit", `"apiKeyId":"`+key.ID+`","title":"lease2","urls":[`+urls+`]`)
	}
	const order = `"market":"BTC_USDT","side":"buy","amount":"1","price":"1"`
	require.Equal(t, http.StatusOK, venuetest.With(c, minted).call("order/new", order).StatusCode)
	require.Equal(t, http.StatusOK, edit(`{"url":"/api/v4/order/new","enable":false}`).StatusCode)
	listed := c.keys("")[0]
	require.Equal(t, "lease2", listed.Title)
	require.True(t, listed.RestrictAccess && !listed.may("order/new") && listed.may("order/market"))
	require.Equal(t, http.StatusForbidden, venuetest.With(c, minted).call("order/new", order).StatusCode)
	require.Equal(t, http.StatusOK, edit(`{"url":"/api/v4/order/new","enable":true}`).StatusCode)
	require.False(t, c.keys("")[0].RestrictAccess)

	for _, enable := range []string{"true", "false"} {
		refused := edit(`{"url":"/api/v4/main-account/address","enable":` + enable + `},{"url":"/api/v4/order/new","enable":false},` +
			`{"url":"/api/v4/main-account/withdraw","enable":false}`)
		require.Equal(t, http.StatusBadRequest, refused.StatusCode)
		require.Equal(t, 5, refused.Code)
		require.Equal(t, "The following URLs are restricted for sub-account API keys: /api/v4/main-account/address, /api/v4/main-account/withdraw", refused.Message)
		require.False(t, c.keys("")[0].RestrictAccess, "a refused edit changes nothing")
	}
	require.Contains(t, edit(`{"url":"/api/v4/order/new"}`).Errors, "urls")
	require.Contains(t, edit(`"/api/v4/order/new"`).Errors, "urls")
	require.Contains(t, c.call(keysPath+"edit", `"apiKeyId":"`+key.ID+`","title":"a"`).Errors, "urls")
	require.Equal(t, "API key not found", c.call(keysPath+"edit", `"apiKeyId":"x","title":"a","urls":[]`).Message)
}

func TestAddresses(t *testing.T) {
	s := venuetest.Unhurried(t, whitebit.Venue())
	c := newClient(t, s, "main")
	key, minted := c.mint("lease1")
	call := func(action, ip string) answer {
		return c.call(keysPath+"ip-address/"+action, `"apiKeyId":"`+key.ID+`","ip":"`+ip+`"`)
	}
	var bound struct{ Data []string }
	answer := call("create", "203.0.113.7")
	require.Equal(t, http.StatusCreated, answer.StatusCode)
	answer.into(&bound)
	require.Equal(t, []string{"203.0.113.7"}, bound.Data)
	require.Equal(t, "This action is unauthorized. Enable your key in API settings", venuetest.With(c, minted).call("trade-account/balance", "").Message)
	require.Contains(t, call("create", "203.0.113.7").Message, "already in allowlist")
	for _, ip := range []string{"203.0.113.0/24", "2001:db8::1", "nowhere", ""} {
		require.Equal(t, "Invalid IP address.", call("create", ip).Message, ip)
	}
	call("create", "127.0.0.1").into(&bound)
	require.Equal(t, http.StatusOK, venuetest.With(c, minted).call("trade-account/balance", "").StatusCode)
	call("delete", "127.0.0.1").into(&bound)
	require.Equal(t, []string{"203.0.113.7"}, bound.Data)
	require.Contains(t, call("delete", "127.0.0.1").Message, "is not in the allowlist")
	for i := range 49 {
		call("create", fmt.Sprintf("192.0.2.%d", i)).into(&bound)
	}
	require.Contains(t, call("create", "127.0.0.1").Message, "maximum number of allowed IPs: 50")
	c.call(keysPath+"ip-address/list", `"apiKeyId":"`+key.ID+`"`).into(&bound)
	require.Len(t, bound.Data, 50)
	require.Equal(t, "API key not found", c.call(keysPath+"ip-address/list", `"apiKeyId":"x"`).Message)
	require.Equal(t, "API key not found", c.call(keysPath+"ip-address/delete", `"apiKeyId":"x","ip":"127.0.0.1"`).Message)
}

func TestDeleteKey(t *testing.T) {
	s := venuetest.Unhurried(t, whitebit.Venue())
	c := newClient(t, s, "main")
	key, minted := c.mint("lease1")
	remove := func() answer { return c.call(keysPath+"delete", `"apiKeyId":"`+key.ID+`"`) }
	require.NoError(t, s.Inject(simulator.Fault{Exchange: "whitebit", Operation: exchanges.OpDeleteKey, Kind: simulator.DeleteLies, Count: 1}))
	require.Equal(t, http.StatusOK, remove().StatusCode)
	require.Len(t, c.keys(""), 1)
	require.Equal(t, http.StatusOK, remove().StatusCode)
	require.Empty(t, c.keys(""))
	require.Equal(t, []string{key.APIKey}, s.Deletions("whitebit"))
	answer := remove()
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	require.Equal(t, "API key not found", answer.Message)
	require.Equal(t, "Unauthorized request.", venuetest.With(c, minted).call("trade-account/balance", "").Message)
}

func TestUseKey(t *testing.T) {
	s := venuetest.Unhurried(t, whitebit.Venue())
	c := newClient(t, s, "main")
	_, minted := c.mint("lease1")
	user := venuetest.With(c, minted)
	const order = `"market":"BTC_USDT","side":"buy","amount":"1","price":"1"`
	for _, call := range []struct{ path, parameters string }{
		{"trade-account/balance", `"ticker":"BTC"`},
		{"order/new", order}, {"order/new", order + `,"clientOrderId":"ours"`}, {"order/collateral/limit", order},
		{"orders", `"market":"BTC_USDT"`}, {"order/cancel", `"market":"BTC_USDT","clientOrderId":"ours"`},
		{"main-account/transfer", `"ticker":"USDT","amount":"1","from":"main","to":"spot"`}, {"profile/websocket_token", ""},
	} {
		require.Equal(t, 2, user.call(call.path, call.parameters).StatusCode/100, call.path)
		require.Equal(t, http.StatusForbidden, c.call(call.path, call.parameters).StatusCode, "the root key may not trade")
	}
	for _, call := range []struct{ path, parameters string }{
		{"trade-account/balance", `"ticker":1`}, {"order/new", `"market":"BTC_USDT"`}, {"order/new", strings.Replace(order, "buy", "hold", 1)},
		{"main-account/transfer", ""},
	} {
		require.Equal(t, "Validation failed", user.call(call.path, call.parameters).Message, call.path)
	}
	require.Equal(t, http.StatusForbidden, user.call("main-account/withdraw", "").StatusCode)
}

// Each endpoint takes 1000 requests in 10 seconds.
func TestRateLimit(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, whitebit.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 0.01})
	c := newClient(t, s, "main")
	for range 10 {
		c.keys("")
	}
	answer := c.call(keysPath+"list", "")
	require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
	require.Equal(t, "Too many requests.", answer.Message)
	require.Equal(t, http.StatusOK, c.call("sub-account/list", "").StatusCode, "another endpoint")
	clock.Advance(10 * time.Second)
	c.keys("")
}

func TestGrantFaults(t *testing.T) {
	s := venuetest.Unhurried(t, whitebit.Venue())
	c := newClient(t, s, "main")
	for fault, more := range map[simulator.FaultKind]bool{simulator.GrantMore: true, simulator.GrantLess: false} {
		s.Reset()
		key, _ := c.mint("lease1")
		require.NoError(t, s.Inject(simulator.Fault{Exchange: "whitebit", Operation: exchanges.OpEditKey, Kind: fault}))
		c.call(keysPath+"edit", `"apiKeyId":"`+key.ID+`","title":"a","urls":[{"url":"/api/v4/order/new","enable":false}]`)
		listed := c.keys("")[0]
		require.Equal(t, more, !listed.RestrictAccess)
		require.False(t, listed.may("order/market"), "it is the last one, and not listed where all are on")
	}
}

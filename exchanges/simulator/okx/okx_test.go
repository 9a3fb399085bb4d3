package okx_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/okx"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServerTime(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, okx.Venue(), simulator.Options{Now: clock.Now})
	var result struct{ TS string }
	newClient(t, s, "main").get("/api/v5/public/time").one(&result)
	require.Equal(t, "1753364096000", result.TS)
}

func TestAuthentication(t *testing.T) {
	s := venuetest.Unhurried(t, okx.Venue())
	c := newClient(t, s, "main")
	const path = "/api/v5/account/config"
	for _, test := range []struct {
		name, header, value string
		status              int
		code                string
	}{
		{"right", "X-Other", "", http.StatusOK, "0"},
		{"no key", "OK-ACCESS-KEY", "", http.StatusUnauthorized, "50103"},
		{"no passphrase", "OK-ACCESS-PASSPHRASE", "", http.StatusUnauthorized, "50104"},
		{"no signature", "OK-ACCESS-SIGN", "", http.StatusUnauthorized, "50106"},
		{"no timestamp", "OK-ACCESS-TIMESTAMP", "", http.StatusUnauthorized, "50107"},
		{"unknown key", "OK-ACCESS-KEY", "fa4e0000-0000-4000-8000-000000000001", http.StatusUnauthorized, "50119"},
		{"wrong passphrase", "OK-ACCESS-PASSPHRASE", "Other#Pass01", http.StatusUnauthorized, "50105"},
		{"wrong signature", "OK-ACCESS-SIGN", "AAAA", http.StatusUnauthorized, "50113"},
		{"timestamp that is none", "OK-ACCESS-TIMESTAMP", "now", http.StatusUnauthorized, "50112"},
		{"live key in demo trading", "x-simulated-trading", "1", http.StatusUnauthorized, "50101"},
		{"content type of a GET", "Content-Type", "text/plain", http.StatusOK, "0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := c.signed(http.MethodGet, path, "")
			request.Header.Set(test.header, test.value)
			answer := c.do(request)
			require.Equal(t, test.status, answer.StatusCode)
			require.Equal(t, test.code, answer.Code)
			require.Equal(t, test.code == "0", strings.Contains(answer.Body, `"data"`), "only authenticated answers have data")
		})
	}
	t.Run("query is part of the path", func(t *testing.T) {
		request := c.signed(http.MethodGet, path, "")
		request.URL.RawQuery = "a=b"
		require.Equal(t, "50113", c.do(request).Code)
	})
	t.Run("clock too late", func(t *testing.T) {
		require.Equal(t, "50102", venuetest.Skewed(c, -time.Minute).get(path).Code)
	})
	t.Run("another address", func(t *testing.T) {
		answer := venuetest.From(c, "127.0.0.2").get(path)
		require.Equal(t, "50110", answer.Code)
		require.Contains(t, answer.Msg, "127.0.0.2")
	})
	t.Run("bodies", func(t *testing.T) {
		require.Equal(t, "50000", c.post(users+"apikey", "").Code)
		require.Equal(t, "50002", c.post(users+"apikey", "{").Code)
		request := c.signed(http.MethodPost, users+"apikey", "{}")
		request.Header.Set("Content-Type", "text/plain")
		require.Equal(t, "50006", c.do(request).Code)
	})
	t.Run("paths", func(t *testing.T) {
		require.Equal(t, "50115", c.post(path, "{}").Code)
		require.Equal(t, http.StatusNotFound, c.get("/api/v5/no/such").StatusCode)
	})
}

func TestConfig(t *testing.T) {
	s := venuetest.Unhurried(t, okx.Venue())
	type config struct{ UID, MainUID, Type, Perm, IP, Label string }
	var root, unbound, minted config
	c := newClient(t, s, "main")
	c.get("/api/v5/account/config").one(&root)
	require.Equal(t, config{root.UID, root.UID, "0", "read_only,trade", "127.0.0.1,::1", "root"}, root)
	newClient(t, s, "unbound").get("/api/v5/account/config").one(&unbound)
	require.Empty(t, unbound.IP)

	_, credential := c.mint(`"label":"lease1","perm":"read_only"`)
	venuetest.With(c, credential).get("/api/v5/account/config").one(&minted)
	require.Equal(t, config{minted.UID, root.UID, "1", "read_only", "", "lease1"}, minted)
	require.NotEqual(t, root.UID, minted.UID)
}

func TestSubAccounts(t *testing.T) {
	s := venuetest.Unhurried(t, okx.Venue())
	c := newClient(t, s, "main")
	type sub struct {
		SubAcct, TS, Label string
		Enable             bool
	}
	list := func(query string) []sub {
		answer := c.get(users + "list" + query)
		require.Equal(t, "0", answer.Code, answer.Msg)
		subs := make([]sub, len(answer.Data))
		for i, data := range answer.Data {
			require.NoError(t, json.Unmarshal(data, &subs[i]))
		}
		return subs
	}
	all := list("")
	require.Len(t, all, 3)
	require.Equal(t, c.SubAccounts, []string{all[2].SubAcct, all[1].SubAcct, all[0].SubAcct}, "the newest comes first")
	require.Equal(t, all[:2], list("?limit=2"))
	require.Equal(t, all[2:], list("?limit=2&after="+all[1].TS))
	require.Equal(t, all[:1], list("?before="+all[1].TS))
	require.Equal(t, all[1:2], list("?subAcct="+all[1].SubAcct))
	require.Equal(t, all, list("?enable=true"))
	require.Empty(t, list("?enable=false"))
	require.Equal(t, "51000", c.get(users+"list?limit=101").Code)
	require.Equal(t, "51000", c.get(users+"list?page=2").Code)

	require.Equal(t, "0", c.post(users+"create-subaccount", `{"subAcct":"vaultsub01","type":"1","label":"vault01"}`).Code)
	require.Equal(t, "vault01", list("?subAcct=vaultsub01")[0].Label)
	require.Equal(t, "59601", c.post(users+"create-subaccount", `{"subAcct":"vaultsub01","type":"1"}`).Code)
	require.Equal(t, "51000", c.post(users+"create-subaccount", `{"subAcct":"vault-sub","type":"1"}`).Code)
}

func TestCreateKey(t *testing.T) {
	s := venuetest.Unhurried(t, okx.Venue())
	c := newClient(t, s, "main")
	key, _ := c.mint(`"label":"lease1","perm":"read_only,trade","ip":"203.0.113.7,2001:db8::/32","tag":"ignored"`)
	require.Equal(t, apiKey{
		SubAcct: c.SubAccounts[0], Label: "lease1", APIKey: key.APIKey, SecretKey: key.SecretKey, Passphrase: "Minted#Pass01",
		Perm: "read_only,trade", IP: "203.0.113.7,2001:db8::/32", TS: key.TS,
	}, key)
	require.Regexp(t, `^[0-9a-f-]{36}$`, key.APIKey)
	require.Regexp(t, `^[0-9A-F]{32}$`, key.SecretKey)

	shown := key
	shown.SubAcct, shown.SecretKey, shown.Passphrase = "", "", ""
	require.Equal(t, []apiKey{shown}, c.keys(), "secrets are shown once")
	require.Len(t, c.get(users+"apikey?subAcct="+c.SubAccounts[0]+"&apiKey="+key.APIKey).Data, 1)

	body := func(subAccount, fields string) string {
		return `{"subAcct":"` + subAccount + `","passphrase":"Minted#Pass01",` + fields + `}`
	}
	sub := c.SubAccounts[0]
	for _, test := range []struct{ name, body, code string }{
		{"label taken", body(sub, `"label":"lease1"`), "59502"},
		{"label taken in another sub-account", body(c.SubAccounts[1], `"label":"lease1"`), "59502"},
		{"no label", body(sub, `"perm":"trade"`), "50014"},
		{"empty label", body(sub, `"label":""`), "51000"},
		{"hyphen in label", body(sub, `"label":"lease-2"`), "51000"},
		{"long label", body(sub, `"label":"`+strings.Repeat("a", 51)+`"`), "51000"},
		{"label of another type", body(sub, `"label":2`), "51000"},
		{"no such sub-account", body("nosuchsub", `"label":"lease2"`), "59510"},
		{"weak passphrase", `{"subAcct":"` + sub + `","label":"lease2","passphrase":"MintedPass01"}`, "59505"},
		{"short passphrase", `{"subAcct":"` + sub + `","label":"lease2","passphrase":"Mi#01"}`, "59505"},
		{"withdraw", body(sub, `"label":"lease2","perm":"withdraw"`), "59504"},
		{"unknown permission", body(sub, `"label":"lease2","perm":"spot"`), "51000"},
		{"no address", body(sub, `"label":"lease2","ip":"localhost"`), "51000"},
		{"21 addresses", body(sub, `"label":"lease2","ip":"`+strings.Repeat("203.0.113.7,", 20)+`203.0.113.7"`), "59503"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.code, c.post(users+"apikey", test.body).Code)
		})
	}
	require.Len(t, s.Keys(), 1)

	for i := range 49 {
		c.mint(fmt.Sprintf(`"label":"more%d"`, i))
	}
	require.Equal(t, "59501", c.post(users+"apikey", body(sub, `"label":"onetoomany"`)).Code)
}

func TestRootRights(t *testing.T) {
	s := venuetest.Unhurried(t, okx.Venue())
	create := func(c *client) answer {
		return c.post(users+"apikey", `{"subAcct":"`+c.SubAccounts[0]+`","label":"lease","passphrase":"Minted#Pass01"}`)
	}
	require.Equal(t, "50120", create(newClient(t, s, "read_only")).Code)
	unbound := create(newClient(t, s, "unbound"))
	require.Equal(t, "50035", unbound.Code)
	require.Equal(t, http.StatusForbidden, unbound.StatusCode)
	require.Equal(t, "0", newClient(t, s, "unbound").get(users+"list").Code, "reading needs no binding")

	c := newClient(t, s, "main")
	_, credential := c.mint(`"label":"lease1","perm":"trade","ip":"127.0.0.1"`)
	require.Equal(t, "59500", create(venuetest.With(c, credential)).Code)
	require.Equal(t, "59500", venuetest.With(c, credential).get(users+"list").Code)

	demo := newClient(t, s, "demo")
	require.Equal(t, "50101", demo.get("/api/v5/account/config").Code)
	demo.demo = true
	require.Equal(t, "0", demo.get("/api/v5/account/config").Code)
	require.Equal(t, "50038", create(demo).Code)
}

func TestEditKey(t *testing.T) {
	s := venuetest.Unhurried(t, okx.Venue())
	c := newClient(t, s, "main")
	key, _ := c.mint(`"label":"lease1","perm":"read_only,trade","ip":"203.0.113.7"`)
	c.mint(`"label":"lease2"`)
	edit := func(fields string) answer {
		return c.post(users+"modify-apikey", `{"subAcct":"`+c.SubAccounts[0]+`","apiKey":"`+key.APIKey+`"`+fields+`}`)
	}
	var edited apiKey
	edit(``).one(&edited)
	require.Equal(t, "read,trade", edited.Perm, "only an edit writes read")
	require.Equal(t, "read_only,trade 203.0.113.7 lease1", c.keys()[0].Perm+" "+c.keys()[0].IP+" "+c.keys()[0].Label)

	require.Equal(t, "0", edit(`,"perm":"read_only","ip":"","label":"lease3"`).Code)
	require.Equal(t, "read_only  lease3", c.keys()[0].Perm+" "+c.keys()[0].IP+" "+c.keys()[0].Label)
	require.Equal(t, "59502", edit(`,"label":"lease2"`).Code)
	require.Equal(t, "59504", edit(`,"perm":"withdraw"`).Code)
	require.Equal(t, "51000", edit(`,"ip":"nowhere"`).Code)
	require.Equal(t, "51000", edit(`,"label":""`).Code)
}

func TestDeleteKey(t *testing.T) {
	s := venuetest.Unhurried(t, okx.Venue())
	c := newClient(t, s, "main")
	key, credential := c.mint(`"label":"lease1"`)
	remove := func(subAccount, apiKey string) string {
		return c.post(users+"delete-apikey", `{"subAcct":"`+subAccount+`","apiKey":"`+apiKey+`"}`).Code
	}
	require.Equal(t, "59510", remove("nosuchsub", key.APIKey))
	require.Equal(t, "59506", remove(c.SubAccounts[1], key.APIKey))
	require.Equal(t, "50014", c.post(users+"delete-apikey", `{"apiKey":"x"}`).Code)
	require.Equal(t, "0", remove(c.SubAccounts[0], key.APIKey))
	require.Equal(t, "59506", remove(c.SubAccounts[0], key.APIKey))
	require.Equal(t, []string{key.APIKey}, s.Deletions("okx"))
	require.Equal(t, "50119", venuetest.With(c, credential).get("/api/v5/account/balance").Code)
}

func TestUseKey(t *testing.T) {
	s := venuetest.Unhurried(t, okx.Venue())
	c := newClient(t, s, "main")
	_, reader := c.mint(`"label":"reader","perm":"read_only"`)
	_, trader := c.mint(`"label":"trader","perm":"read_only,trade","ip":"127.0.0.1"`)
	const (
		order    = `{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","px":"1","sz":"1"}`
		transfer = `{"ccy":"USDT","amt":"1","from":"18","to":"6"}`
		withdraw = `{"ccy":"USDT","amt":"1","dest":"4","toAddr":"x"}`
	)
	for _, test := range []struct {
		name       string
		credential simulator.Credential
		want       [4]string // balance, order, transfer, withdrawal
	}{
		{"reader", reader, [4]string{"0", "50120", "50120", "50120"}},
		{"trader", trader, [4]string{"0", "0", "0", "50120"}},
		{"root that can withdraw", newClient(t, s, "withdraw").Credential, [4]string{"0", "0", "0", "0"}},
	} {
		user := venuetest.With(c, test.credential)
		require.Equal(t, test.want, [4]string{
			user.get("/api/v5/account/balance?ccy=USDT").Code, user.post("/api/v5/trade/order", order).Code,
			user.post("/api/v5/asset/transfer", transfer).Code, user.post("/api/v5/asset/withdrawal", withdraw).Code,
		}, test.name)
	}
	user := venuetest.With(c, trader)
	require.Equal(t, "50110", venuetest.From(user, "127.0.0.2").get("/api/v5/account/balance").Code)
	require.Equal(t, "51000", user.get("/api/v5/account/balance?page=1").Code)
	require.Equal(t, "50014", user.post("/api/v5/trade/order", `{"instId":"BTC-USDT"}`).Code)
	require.Equal(t, "51000", user.post("/api/v5/asset/transfer", `{"ccy":"USDT","amt":"-1","from":"18","to":"6"}`).Code)
	require.Equal(t, "51000", newClient(t, s, "withdraw").post("/api/v5/asset/withdrawal", `{"ccy":"USDT","amt":"x","dest":"4","toAddr":"x"}`).Code)
}

// A key that can trade and is bound to no address ends after 14 days without
// use.
func TestIdleKeys(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, okx.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000})
	c := newClient(t, s, "main")
	_, used := c.mint(`"label":"used","perm":"read_only,trade"`)
	_, idle := c.mint(`"label":"idle","perm":"read_only,trade"`)
	_, bound := c.mint(`"label":"bound","perm":"read_only,trade","ip":"127.0.0.1"`)
	_, reader := c.mint(`"label":"reader"`)

	clock.Advance(13 * 24 * time.Hour)
	require.Equal(t, "0", venuetest.With(c, used).get("/api/v5/account/balance").Code)
	clock.Advance(2 * 24 * time.Hour)
	for name, test := range map[string]struct {
		credential simulator.Credential
		code       string
	}{"used": {used, "0"}, "idle": {idle, "50119"}, "bound": {bound, "0"}, "reader": {reader, "0"}} {
		require.Equal(t, test.code, venuetest.With(c, test.credential).get("/api/v5/account/balance").Code, name)
	}
	require.Len(t, c.keys(), 3)
	c.mint(`"label":"idle"`)
}

func TestRateLimit(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, okx.Venue(), simulator.Options{Now: clock.Now})
	c := newClient(t, s, "main")
	c.mint(`"label":"first"`)
	body := `{"subAcct":"` + c.SubAccounts[0] + `","passphrase":"Minted#Pass01","label":"second"}`
	answer := c.post(users+"apikey", body)
	require.Equal(t, "50011", answer.Code)
	require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
	clock.Advance(time.Second)
	require.Equal(t, "0", c.post(users+"apikey", body).Code)
}

func TestGrantFaults(t *testing.T) {
	s := venuetest.Unhurried(t, okx.Venue())
	c := newClient(t, s, "main")
	for _, test := range []struct {
		fault      simulator.FaultKind
		perm, want string
	}{
		{simulator.GrantMore, "read_only", "read_only,trade"},
		{simulator.GrantMore, "read_only,trade", "read_only,trade,withdraw"},
		{simulator.GrantLess, "read_only,trade", "read_only"},
		{simulator.GrantLess, "read_only", ""},
	} {
		s.Reset()
		require.NoError(t, s.Inject(simulator.Fault{Exchange: "okx", Operation: exchanges.OpCreateKey, Kind: test.fault}))
		key, _ := c.mint(`"label":"lease","perm":"` + test.perm + `"`)
		require.Equal(t, test.want, key.Perm)
		require.Equal(t, test.want, c.keys()[0].Perm)
	}
}

package kucoin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/kucoin"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAuthentication(t *testing.T) {
	s := venuetest.Unhurried(t, kucoin.Venue())
	c := newClient(t, s, "main")
	const path = "/api/v1/user/api-key"
	for _, test := range []struct {
		name, header, value string
		status              int
		code                string
	}{
		{"right", "X-Other", "", http.StatusOK, "200000"},
		{"no key", "KC-API-KEY", "", http.StatusBadRequest, "400001"},
		{"no passphrase", "KC-API-PASSPHRASE", "", http.StatusBadRequest, "400001"},
		{"no signature", "KC-API-SIGN", "", http.StatusBadRequest, "400001"},
		{"no timestamp", "KC-API-TIMESTAMP", "", http.StatusBadRequest, "400001"},
		{"no version", "KC-API-KEY-VERSION", "", http.StatusBadRequest, "400009"},
		{"first version", "KC-API-KEY-VERSION", "1", http.StatusBadRequest, "400009"},
		{"second version, as most clients send", "KC-API-KEY-VERSION", "2", http.StatusOK, "200000"},
		{"unknown key", "KC-API-KEY", "000000000000000000000000", http.StatusUnauthorized, "400003"},
		{"plain passphrase", "KC-API-PASSPHRASE", c.Passphrase, http.StatusUnauthorized, "400004"},
		{"wrong signature", "KC-API-SIGN", "AAAA", http.StatusUnauthorized, "400005"},
		{"timestamp in seconds", "KC-API-TIMESTAMP", "1700000000", http.StatusBadRequest, "400002"},
		{"timestamp that is none", "KC-API-TIMESTAMP", "now", http.StatusBadRequest, "400002"},
		{"no content type, as most clients send", "Content-Type", "", http.StatusOK, "200000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := c.signed(http.MethodGet, path, "")
			request.Header.Set(test.header, test.value)
			answer := c.do(request)
			require.Equal(t, test.status, answer.StatusCode)
			require.Equal(t, test.code, answer.Code)
		})
	}
	for header, code := range map[string]string{"KC-API-KEY-VERSION": "400009", "Content-Type": "415000"} {
		t.Run("by the letter: "+header, func(t *testing.T) {
			strict := venuetest.Unhurried(t, kucoin.Venue())
			require.NoError(t, strict.SetWeather("kucoin", "by_letter", "on"))
			c := newClient(t, strict, "main")
			require.Equal(t, "200000", c.get(path).Code)
			request := c.signed(http.MethodGet, path, "")
			request.Header.Set(header, map[string]string{"KC-API-KEY-VERSION": "2"}[header])
			require.Equal(t, code, c.do(request).Code)
		})
	}
	t.Run("encoded query signed as sent", func(t *testing.T) {
		request := c.signed(http.MethodGet, path, "")
		request.URL.RawQuery = "a=%40"
		require.Equal(t, "400005", c.do(request).Code)
		require.Equal(t, "200000", c.get(path+"?a=%40").Code)
		// An invalid escape.
		request.URL.RawQuery = "a=%zz"
		require.Equal(t, "400005", c.do(request).Code)
	})
	for name, skew := range map[string]time.Duration{"late": -6 * time.Second, "early": 6 * time.Second} {
		t.Run("clock too "+name, func(t *testing.T) {
			require.Equal(t, "400002", venuetest.Skewed(c, skew).get(path).Code)
		})
	}
	t.Run("another address", func(t *testing.T) {
		answer := venuetest.From(c, "127.0.0.2").get(path)
		require.Equal(t, "400006", answer.Code)
		require.Equal(t, http.StatusForbidden, answer.StatusCode)
		require.Contains(t, answer.Msg, "127.0.0.2")
		require.Equal(t, "200000", venuetest.From(newClient(t, s, "unbound"), "127.0.0.2").get(path).Code)
	})
	t.Run("no such path", func(t *testing.T) {
		answer := c.get("/api/v1/no/such")
		require.Equal(t, "404000", answer.Code)
		require.Equal(t, http.StatusNotFound, answer.StatusCode)
	})
}

func TestPublic(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, kucoin.Venue(), simulator.Options{Now: clock.Now})
	c := newClient(t, s, "main")
	var now int64
	c.get("/api/v1/timestamp").into(&now)
	require.Equal(t, clock.Now().UnixMilli(), now)
	var status struct{ Status string }
	c.get("/api/v1/status").into(&status)
	require.Equal(t, "open", status.Status)
}

func TestOwnKey(t *testing.T) {
	s := venuetest.Unhurried(t, kucoin.Venue())
	c := newClient(t, s, "main")
	var root, unbound, minted apiKey
	c.get("/api/v1/user/api-key").into(&root)
	require.True(t, root.IsMaster)
	require.Greater(t, root.UID, int64(1)<<29)
	require.Equal(t, "General", root.Permission)
	require.Equal(t, "127.0.0.1,::1", *root.IPWhitelist)
	newClient(t, s, "unbound").get("/api/v1/user/api-key").into(&unbound)
	require.Nil(t, unbound.IPWhitelist)

	_, credential := c.mint(`"remark":"lease1","expire":"90"`)
	venuetest.With(c, credential).get("/api/v1/user/api-key").into(&minted)
	require.False(t, minted.IsMaster)
	require.Equal(t, c.SubAccounts[0], minted.SubName)
	require.Equal(t, s.Now().AddDate(0, 0, 90).UnixMilli(), minted.ExpiredAt)
}

func TestSubAccounts(t *testing.T) {
	s := venuetest.Start(t, kucoin.Venue(), simulator.Options{RateMultiplier: 1000, SubAccounts: 5})
	c := newClient(t, s, "main")
	type sub struct {
		SubName string
		UID     int64
		Status  int
		Remarks *string
	}
	type page struct {
		TotalNum, TotalPage int
		Items               []sub
	}
	list := func(query string) page {
		var p page
		c.get("/api/v2/sub/user" + query).into(&p)
		return p
	}
	all := list("?pageSize=100")
	require.Len(t, all.Items, 5)
	require.Equal(t, 2, all.Items[0].Status)
	require.Nil(t, all.Items[0].Remarks)
	second := list("?currentPage=2&pageSize=2")
	require.Equal(t, page{5, 3, all.Items[2:4]}, second)
	require.Empty(t, list("?currentPage=4&pageSize=2").Items)
	for _, query := range []string{"?currentPage=0", "?pageSize=0", "?pageSize=101", "?page=1", "?pageSize=x"} {
		require.Equal(t, "400100", c.get("/api/v2/sub/user"+query).Code, query)
	}

	create := func(fields string) string { return c.post("/api/v2/sub/user/created", "{"+fields+"}").Code }
	require.Equal(t, "200000", create(`"subName":"vaultsub01","password":"secret01","access":"Spot","remarks":"ours"`))
	require.Equal(t, "ours", *list("?pageSize=100").Items[5].Remarks)
	for _, fields := range []string{
		`"subName":"vaultsub01","password":"secret01","access":"Spot"`, // taken
		`"subName":"vaultsub","password":"secret01","access":"Spot"`,   // no digit
		`"subName":"vaultsub02","password":"secret01","access":"All"`,
		`"subName":"vaultsub02","password":"s1","access":"Spot"`,
		`"subName":"vaultsub02"`,
	} {
		require.Equal(t, "400100", create(fields), fields)
	}
	var summary struct{ SubQuantity int }
	c.get("/api/v2/user-info").into(&summary)
	require.Equal(t, 6, summary.SubQuantity)
}

func TestCreateKey(t *testing.T) {
	s := venuetest.Unhurried(t, kucoin.Venue())
	c := newClient(t, s, "main")
	key, _ := c.mint(`"remark":"lease1","permission":"Futures,General,Spot","ipWhitelist":"203.0.113.7,192.0.2.1","expire":"30"`)
	require.Regexp(t, `^[0-9a-f]{24}$`, key.APIKey)
	require.Regexp(t, `^[0-9a-f-]{36}$`, key.APISecret)
	require.Equal(t, "MintedPass01", key.Passphrase)
	require.Equal(t, "General,Spot,Futures", key.Permission, "the order is KuCoin's own")
	require.Equal(t, "203.0.113.7,192.0.2.1", *key.IPWhitelist)

	listed := c.keys()
	require.Len(t, listed, 1)
	require.Empty(t, listed[0].APISecret+listed[0].Passphrase, "secrets are shown once")
	require.Equal(t, "lease1", listed[0].Remark)
	require.Equal(t, "203.**.7,192.**.1", *listed[0].IPWhitelist)
	var one []apiKey
	c.get(keysPath + "?subName=" + c.SubAccounts[0] + "&apiKey=other").into(&one)
	require.Empty(t, one)

	plain, _ := c.mint(`"remark":"lease2"`)
	require.Equal(t, "General", plain.Permission)
	require.Nil(t, plain.IPWhitelist)

	for _, test := range []struct{ name, body string }{
		{"remark taken", c.order(`"remark":"lease1"`)},
		{"no remark", c.order(`"permission":"General"`)},
		{"empty remark", c.order(`"remark":""`)},
		{"long remark", c.order(`"remark":"` + strings.Repeat("a", 25) + `"`)},
		{"hyphen in remark", c.order(`"remark":"lease-3"`)},
		{"expire as a number", c.order(`"remark":"lease3","expire":30`)},
		{"expire that is not offered", c.order(`"remark":"lease3","expire":"31"`)},
		{"withdrawals", c.order(`"remark":"lease3","permission":"General,Transfer","ipWhitelist":"192.0.2.1"`)},
		{"historical permission", c.order(`"remark":"lease3","permission":"General,Trade"`)},
		{"permission twice", c.order(`"remark":"lease3","permission":"General,General"`)},
		{"space after a comma", c.order(`"remark":"lease3","permission":"General, Spot"`)},
		{"no General", c.order(`"remark":"lease3","permission":"Spot"`)},
		{"transfers from anywhere", c.order(`"remark":"lease3","permission":"General,InnerTransfer"`)},
		{"block", c.order(`"remark":"lease3","ipWhitelist":"192.0.2.0/24"`)},
		{"IPv6", c.order(`"remark":"lease3","ipWhitelist":"2001:db8::1"`)},
		{"21 addresses", c.order(`"remark":"lease3","ipWhitelist":"` + strings.Repeat("203.0.113.7,", 20) + `203.0.113.7"`)},
		{"unknown field", c.order(`"remark":"lease3","label":"x"`)},
		{"no such sub-account", `{"subName":"nosuchsub01","passphrase":"MintedPass01","remark":"lease3"}`},
		{"no passphrase", `{"subName":"` + c.SubAccounts[0] + `","remark":"lease3"}`},
		{"short passphrase", `{"subName":"` + c.SubAccounts[0] + `","remark":"lease3","passphrase":"Short1"}`},
		{"space in passphrase", `{"subName":"` + c.SubAccounts[0] + `","remark":"lease3","passphrase":"Minted Pass01"}`},
		{"no JSON", `{`},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := c.post(keysPath, test.body)
			require.Equal(t, "400100", answer.Code)
			require.Equal(t, http.StatusBadRequest, answer.StatusCode)
		})
	}
	require.Len(t, s.Keys(), 2)
}

// A master's key needs only General to mint.
func TestRootRights(t *testing.T) {
	s := venuetest.Unhurried(t, kucoin.Venue())
	c := newClient(t, s, "main")
	_, minted := c.mint(`"remark":"lease1","permission":"General,Spot"`)
	user := venuetest.With(c, minted)
	require.Equal(t, "400010", user.post(keysPath, c.order(`"remark":"lease2"`)).Code)
	require.Equal(t, "400010", user.get("/api/v2/sub/user").Code)
	require.Equal(t, "400010", user.get("/api/v2/user-info").Code)
	without := newClient(t, s, "no_right")
	require.Equal(t, "400007", without.post(keysPath, c.order(`"remark":"lease2"`)).Code)
	require.Equal(t, "400007", without.get("/api/v1/user/api-key").Code)
}

func TestEditKey(t *testing.T) {
	s := venuetest.Unhurried(t, kucoin.Venue())
	c := newClient(t, s, "main")
	key, credential := c.mint(`"remark":"lease1","permission":"General,Spot","ipWhitelist":"127.0.0.1","expire":"30"`)
	edit := func(passphrase, fields string) string {
		return c.post(keysPath+"/update", `{"subName":"`+c.SubAccounts[0]+`","apiKey":"`+key.APIKey+`","passphrase":"`+passphrase+`"`+fields+`}`).Code
	}
	require.Equal(t, "400100", edit("OtherPass01", ""))
	require.Equal(t, "400100", edit("MintedPass01", `,"remark":"lease2"`))
	require.Equal(t, "200000", edit("MintedPass01", `,"permission":"General,Futures","ipWhitelist":"127.0.0.1,192.0.2.1","expire":"90"`))
	require.Equal(t, "General,Futures", c.keys()[0].Permission)
	require.Equal(t, "127.**.1,192.**.1", *c.keys()[0].IPWhitelist)

	// What the edit left out is lost.
	require.Equal(t, "200000", edit("MintedPass01", ""))
	var own apiKey
	venuetest.With(c, credential).get("/api/v1/user/api-key").into(&own)
	require.Equal(t, "General", own.Permission)
	require.Zero(t, own.ExpiredAt)
}

// A deletion must carry the passphrase that the key was made with.
func TestDeleteKey(t *testing.T) {
	s := venuetest.Unhurried(t, kucoin.Venue())
	c := newClient(t, s, "main")
	key, credential := c.mint(`"remark":"lease1"`)
	require.Equal(t, "400100", c.remove(key.APIKey, "OtherPass01").Code)
	require.Equal(t, "400100", c.remove(key.APIKey, "").Code)
	require.Equal(t, "400100", c.remove("other", "MintedPass01").Code)
	request := c.signed(http.MethodDelete, keysPath+"?subName="+c.SubAccounts[1]+"&passphrase=MintedPass01&apiKey="+key.APIKey, "")
	require.Equal(t, "400100", c.do(request).Code)
	require.Len(t, c.keys(), 1)

	require.Equal(t, "200000", c.remove(key.APIKey, "MintedPass01").Code)
	require.Equal(t, "400100", c.remove(key.APIKey, "MintedPass01").Code)
	require.Equal(t, []string{key.APIKey}, s.Deletions("kucoin"))
	require.Equal(t, "400003", venuetest.With(c, credential).get("/api/v1/accounts").Code)

	odd := `{"subName":"` + c.SubAccounts[0] + `","passphrase":"abc!@#+&11","remark":"lease2"}`
	c.post(keysPath, odd).into(&key)
	require.Equal(t, "200000", c.remove(key.APIKey, "abc!@#+&11").Code)
}

func TestUseKey(t *testing.T) {
	s := venuetest.Unhurried(t, kucoin.Venue())
	c := newClient(t, s, "main")
	const (
		order    = `{"clientOid":"x1","symbol":"BTC-USDT","side":"buy","type":"limit","price":"1","size":"1"}`
		transfer = `{"clientOid":"x1","currency":"USDT","amount":"1","type":"INTERNAL","fromAccountType":"MAIN","toAccountType":"TRADE"}`
		withdraw = `{"currency":"USDT","toAddress":"x","amount":"1","withdrawType":"ADDRESS"}`
	)
	_, all := c.mint(`"remark":"all","permission":"General,Spot,Margin,Futures,InnerTransfer","ipWhitelist":"127.0.0.1"`)
	_, reader := c.mint(`"remark":"reader"`)
	futures := strings.Replace(order, "BTC-USDT", "XBTUSDTM", 1)
	use := func(user *client) []string {
		return []string{
			user.get("/api/v1/accounts?currency=USDT").Code, user.post("/api/v1/hf/orders", order).Code,
			user.post("/api/v3/hf/margin/order", order).Code, user.post("/api/v1/orders", futures).Code,
			user.post("/api/v3/accounts/universal-transfer", transfer).Code, user.post("/api/v3/withdrawals", withdraw).Code,
		}
	}
	const yes, no = "200000", "400007"
	require.Equal(t, []string{yes, yes, yes, yes, yes, no}, use(venuetest.With(c, all)))
	require.Equal(t, []string{yes, no, no, no, no, no}, use(venuetest.With(c, reader)))
	require.Equal(t, []string{yes, yes, no, no, no, yes}, use(newClient(t, s, "trading")))

	user := venuetest.With(c, all)
	require.Equal(t, "400006", venuetest.From(user, "127.0.0.2").get("/api/v1/accounts").Code)
	require.Equal(t, yes, newClient(t, s, "trading").post("/api/v1/orders", order).Code, "a spot order")
	require.Equal(t, no, venuetest.With(c, reader).post("/api/v1/orders", order).Code)
	request := user.signed(http.MethodPost, "/api/v1/hf/orders", order)
	request.Header.Set("Content-Type", "text/plain")
	require.Equal(t, "415000", user.do(request).Code)
	require.Equal(t, "400100", user.get("/api/v1/accounts?type=other").Code)
	require.Equal(t, "400100", user.post("/api/v1/hf/orders", `{"symbol":"BTC-USDT"}`).Code)
	require.Equal(t, "400100", user.post("/api/v3/accounts/universal-transfer", `{"amount":"-1"}`).Code)
	require.Equal(t, "400100", newClient(t, s, "trading").post("/api/v3/withdrawals", `{"amount":"x"}`).Code)
}

// A key ends by itself after the number of days that it was made for.
func TestExpiry(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, kucoin.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000})
	c := newClient(t, s, "main")
	_, brief := c.mint(`"remark":"brief","expire":"30"`)
	_, endless := c.mint(`"remark":"endless","expire":"-1"`)
	for _, test := range []struct {
		after time.Duration
		code  string
		left  int
	}{{29 * 24 * time.Hour, "200000", 2}, {24 * time.Hour, "400003", 1}} {
		clock.Advance(test.after)
		require.Equal(t, test.code, venuetest.With(c, brief).get("/api/v1/accounts").Code)
		require.Equal(t, "200000", venuetest.With(c, endless).get("/api/v1/accounts").Code)
		require.Len(t, c.keys(), test.left)
	}
	c.mint(`"remark":"brief"`)
}

// All calls about keys share one pool of 2000 in 30 seconds.
func TestRateLimit(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, kucoin.Venue(), simulator.Options{Now: clock.Now})
	c := newClient(t, s, "main")
	key, _ := c.mint(`"remark":"first"`)
	answer := c.remove(key.APIKey, "MintedPass01")
	require.Equal(t, "2000", answer.Header.Get("gw-ratelimit-limit"))
	require.Equal(t, "1950", answer.Header.Get("gw-ratelimit-remaining"))
	for range 97 {
		answer = c.get(keysPath + "?subName=" + c.SubAccounts[0])
	}
	require.Equal(t, "10", answer.Header.Get("gw-ratelimit-remaining"))
	clock.Advance(time.Second)
	answer = c.get(keysPath + "?subName=" + c.SubAccounts[0])
	require.Equal(t, "429000", answer.Code)
	require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
	require.Equal(t, "29000", answer.Header.Get("gw-ratelimit-reset"))
	clock.Advance(29 * time.Second)
	c.mint(`"remark":"second"`)
}

func TestGrantFaults(t *testing.T) {
	s := venuetest.Unhurried(t, kucoin.Venue())
	c := newClient(t, s, "main")
	for _, test := range []struct {
		fault       simulator.FaultKind
		asked, want string
	}{
		{simulator.GrantMore, "General", "General,Spot"},
		{simulator.GrantMore, "General,Spot,Margin,Futures,InnerTransfer", "General,Spot,Margin,Futures,InnerTransfer,Transfer"},
		{simulator.GrantLess, "General,Spot", "General"},
	} {
		s.Reset()
		require.NoError(t, s.Inject(simulator.Fault{Exchange: "kucoin", Operation: exchanges.OpCreateKey, Kind: test.fault}))
		key, _ := c.mint(`"remark":"lease","ipWhitelist":"127.0.0.1","permission":"` + test.asked + `"`)
		require.Equal(t, test.want, key.Permission)
		require.Equal(t, test.want, c.keys()[0].Permission)
	}
}

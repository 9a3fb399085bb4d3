package bitfinex_test

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
	"vault-plugin-secrets-exchange/exchanges/simulator/bitfinex"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAuthentication(t *testing.T) {
	s := venuetest.Unhurried(t, bitfinex.Venue())
	c := newClient(t, s, "main")
	const path = "auth/r/permissions"
	for name, test := range map[string]struct {
		spoil func(*http.Request)
		text  string
	}{
		"right":                 {func(*http.Request) {}, ""},
		"no content type":       {func(r *http.Request) { r.Header.Del("Content-Type") }, "content-type: invalid"},
		"no key":                {func(r *http.Request) { r.Header.Del("bfx-apikey") }, "apikey: invalid"},
		"unknown key":           {func(r *http.Request) { r.Header.Set("bfx-apikey", "x") }, "apikey: invalid"},
		"no signature":          {func(r *http.Request) { r.Header.Del("bfx-signature") }, "apikey: digest invalid"},
		"another nonce":         {func(r *http.Request) { r.Header.Set("bfx-nonce", "99") }, "apikey: digest invalid"},
		"upper case":            {func(r *http.Request) { r.Header.Set("bfx-signature", strings.ToUpper(r.Header.Get("bfx-signature"))) }, "apikey: digest invalid"},
		"another path":          {func(r *http.Request) { r.URL.Path = "/v2/auth/r/wallets" }, "apikey: digest invalid"},
		"a token that is none":  {func(r *http.Request) { r.Header.Set("bfx-token", "pub:api:x") }, "token: invalid"},
		"the secret as a token": {func(r *http.Request) { r.Header.Set("bfx-token", c.APISecret) }, "token: invalid"},
	} {
		request := c.signed(path, fmt.Sprint(c.nonce.Add(1)), "{}")
		test.spoil(request)
		require.Equal(t, test.text, c.do(request).text, name)
	}
	require.Equal(t, 10100, venuetest.From(c, "127.0.0.2").call(path, "{}").code)
	require.Equal(t, http.StatusOK, venuetest.From(newClient(t, s, "unbound"), "127.0.0.2").call(path, "{}").StatusCode)
	require.Equal(t, 10020, c.call(path, `{"x":1}`).code)
	require.Equal(t, http.StatusNotFound, c.call("auth/r/nothing", "{}").StatusCode)
}

// Each key and token may use a number once, and never a smaller one afterwards.
func TestNonces(t *testing.T) {
	s := venuetest.Unhurried(t, bitfinex.Venue())
	c := newClient(t, s, "main")
	c.nonce.Store(1000)
	token := c.mint(false, "o")
	for _, client := range []*client{c, c.with(token)} {
		try := func(nonce string) answer { return client.do(client.signed("auth/r/permissions", nonce, "{}")) }
		require.Equal(t, http.StatusOK, try("2000").StatusCode, "each token has numbers of its own")
		for _, nonce := range []string{"2000", "1999", "0", "-1"} {
			require.Equal(t, "nonce: small", try(nonce).text, nonce)
		}
		for _, nonce := range []string{"", "x", "2001.5", "9007199254740992"} {
			require.Equal(t, "nonce: invalid", try(nonce).text, nonce)
		}
		require.Equal(t, http.StatusOK, try("9007199254740991").StatusCode)
		require.Equal(t, 10114, try("9007199254740991").code)
	}
	s.Reset()
	require.Equal(t, http.StatusOK, c.do(c.signed("auth/r/permissions", "1", "{}")).StatusCode)
}

func TestTokens(t *testing.T) {
	s := venuetest.Unhurried(t, bitfinex.Venue())
	c := newClient(t, s, "main")
	require.Equal(t, []string{"self"}, c.SubAccounts)
	token := c.mint(true, "o", "w")
	require.Regexp(t, `^pub:api:[0-9a-f-]{36}-caps:o:w-write$`, token)
	require.Regexp(t, `^pub:api:[0-9a-f-]{36}-caps:a-read$`, c.mint(false, "a"))
	views := s.Keys()
	require.Len(t, views, 2)
	require.Equal(t, "self", views[0].SubAccount)
	require.Equal(t, []string{"o:w", "w:w"}, views[0].Permissions)
	require.Regexp(t, `^tok_[0-9a-f]{32}$`, views[0].APIKey)

	for body, text := range map[string]string{
		`{"caps":["o"]}`:                                      "scope: invalid",
		`{"scope":"ui","caps":["o"]}`:                         "scope: invalid",
		`{"scope":"api"}`:                                     "caps: invalid",
		`{"scope":"api","caps":[]}`:                           "caps: invalid",
		`{"scope":"api","caps":["h"]}`:                        "caps: invalid",
		`{"scope":"api","caps":["wd"]}`:                       "caps: invalid",
		`{"scope":"api","caps":["o"],"ttl":0}`:                "ttl: invalid",
		`{"scope":"api","caps":["o"],"ttl":604801}`:           "ttl: invalid",
		`{"scope":"api","caps":["o"],"ttl":"60"}`:             "ttl: invalid",
		`{"scope":"api","caps":["o"],"_cust_ip":"::1"}`:       "_cust_ip: invalid",
		`{"scope":"api","caps":["o"],"label":"mine"}`:         "label: invalid",
		`{"scope":"api","caps":["o"],"_cust_ip":"0"}`:         "",
		`{"scope":"api","caps":["bp"]}`:                       "ERR_AUTH_UNAUTHORIZED",
		`{"scope":"api","caps":["a","o"]}`:                    "",
		`{"scope":"api","caps":["a"],"writePermission":true}`: "ERR_AUTH_UNAUTHORIZED",
	} {
		require.Equal(t, text, c.call("auth/w/token", body).text, body)
	}

	remove := func(client *client, token string) answer {
		return client.call("auth/w/token/del", `{"token":"`+token+`"}`)
	}
	other := c.mint(false, "o")
	require.Equal(t, "token: invalid", remove(c.with(other), token).text, "a token deletes only itself")
	require.Equal(t, "[1]", remove(c, token).Body)
	require.Equal(t, []string{views[0].APIKey}, s.Deletions("bitfinex"))
	require.Equal(t, "token: invalid", remove(c, token).text)
	require.Equal(t, "token: invalid", c.with(token).call("auth/r/permissions", "{}").text)
	require.Equal(t, "[1]", remove(c.with(other), other).Body)
	require.Equal(t, 10020, c.call("auth/w/token/del", `{"tokens":[]}`).code)
}

// A token ends by the venue's clock.
func TestTokensEnd(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, bitfinex.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000})
	c := newClient(t, s, "main")
	var short []string
	c.call("auth/w/token", `{"scope":"api","caps":["o"]}`).into(&short)
	long := c.mint(false, "o")
	for _, test := range []struct {
		passes time.Duration
		live   int
	}{{119 * time.Second, 2}, {time.Second, 1}, {479 * time.Second, 1}, {time.Second, 0}} {
		clock.Advance(test.passes)
		require.Len(t, s.Keys(), test.live)
	}
	for _, token := range append(short, long) {
		require.Equal(t, "token: invalid", c.with(token).call("auth/r/permissions", "{}").text)
	}
}

// What roots and tokens may do is shown, and no token may do more than what
// made it.
func TestRights(t *testing.T) {
	s := venuetest.Unhurried(t, bitfinex.Venue())
	main, reader := newClient(t, s, "main"), newClient(t, s, "reader")
	for name, test := range map[string]struct {
		client *client
		want   map[string]int
	}{
		"main":     {main, map[string]int{"account": 1, "history": 2, "orders": 2, "positions": 2, "funding": 2, "settings": 1, "wallets": 2, "withdraw": 2}},
		"reader":   {reader, map[string]int{"history": 1, "orders": 1, "positions": 1, "wallets": 1}},
		"none":     {newClient(t, s, "no_right"), map[string]int{"account": 1, "history": 1}},
		"reads":    {main.with(main.mint(false, "w")), map[string]int{"history": 1, "wallets": 1}},
		"writes":   {main.with(main.mint(true, "o", "wd")), map[string]int{"history": 2, "orders": 2, "positions": 2, "withdraw": 2}},
		"reader's": {main.with(reader.mint(false, "o")), map[string]int{"history": 1, "orders": 1, "positions": 1}},
	} {
		rights := test.client.rights()
		for _, row := range []string{"account", "history", "orders", "positions", "funding", "settings", "wallets", "withdraw", "ui_withdraw", "bfxpay"} {
			require.Contains(t, rights, row)
			require.Equal(t, test.want[row], rights[row], "%s of %s", row, name)
		}
	}
	refused := func(client *client, body string) {
		t.Helper()
		require.Equal(t, 10001, client.call("auth/w/token", body).code)
	}
	refused(reader, `{"scope":"api","caps":["o"],"writePermission":true}`)
	refused(reader, `{"scope":"api","caps":["f"]}`)
	// A token makes a successor if it may read the account.
	refused(main.with(main.mint(false, "o")), `{"scope":"api","caps":["o"]}`)
	heir := main.with(main.mint(false, "a", "o"))
	require.NotEmpty(t, heir.mint(false, "o"))
	refused(heir, `{"scope":"api","caps":["w"]}`)
	for _, view := range s.Keys() {
		require.Equal(t, "self", view.SubAccount)
	}
}

func TestUse(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, bitfinex.Venue()), "main")
	bodies := map[string]string{
		"auth/r/wallets":      `{}`,
		"auth/r/orders":       `{}`,
		"auth/w/order/submit": `{"type":"EXCHANGE LIMIT","symbol":"tBTCUSD","price":"1","amount":"-0.1"}`,
		"auth/w/transfer":     `{"from":"exchange","to":"margin","currency":"UST","amount":"1"}`,
		"auth/w/withdraw":     `{"wallet":"exchange","method":"tetheruse","address":"x","amount":"1"}`,
	}
	for _, test := range []struct {
		caps    string
		write   bool
		allowed []string
	}{
		{"o", false, []string{"auth/r/orders"}},
		{"w", false, []string{"auth/r/wallets"}},
		{"o", true, []string{"auth/r/orders", "auth/w/order/submit"}},
		{"w", true, []string{"auth/r/wallets", "auth/w/transfer"}},
		{"wd", true, []string{"auth/w/withdraw"}},
		{"s", false, nil},
	} {
		user := c.with(c.mint(test.write, test.caps))
		for path, body := range bodies {
			answer := user.call(path, body)
			allowed := strings.Contains(strings.Join(test.allowed, " ")+" ", path+" ")
			require.Equal(t, allowed, answer.StatusCode == http.StatusOK, "%s with %s, write %t", path, test.caps, test.write)
			if !allowed {
				require.Equal(t, 10001, answer.code)
				continue
			}
			require.Equal(t, 10020, user.call(path, strings.NewReplacer(`"1"`, `"0"`, `"-0.1"`, `""`, `{}`, `{"x":1}`).Replace(body)).code, path)
		}
	}
}

// One request too many bars the address from that call for a minute.
func TestRateLimit(t *testing.T) {
	clock := venuetest.NewClock()
	c := newClient(t, venuetest.Start(t, bitfinex.Venue(), simulator.Options{Now: clock.Now}), "main")
	permissions := func() answer { return c.call("auth/r/permissions", "{}") }
	for range 90 {
		require.Equal(t, http.StatusOK, permissions().StatusCode)
	}
	clock.Advance(30 * time.Second)
	answer := permissions()
	require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
	require.Equal(t, 11010, answer.code)
	require.NotEmpty(t, c.mint(false, "o"), "each call has its own limit")
	clock.Advance(59 * time.Second)
	require.Equal(t, 11010, permissions().code)
	clock.Advance(time.Second)
	require.Equal(t, http.StatusOK, permissions().StatusCode)
}

// A token that shows a right granted by mistake can really use it.
func TestGrantFaults(t *testing.T) {
	for kind, want := range map[simulator.FaultKind]string{simulator.GrantMore: "-caps:o:a-read", simulator.GrantLess: "-read"} {
		s := venuetest.Unhurried(t, bitfinex.Venue())
		require.NoError(t, s.Inject(simulator.Fault{Exchange: "bitfinex", Operation: exchanges.OpCreateKey, Kind: kind}))
		c := newClient(t, s, "main")
		token := c.mint(false, "o")
		require.True(t, strings.HasSuffix(token, want), token)
		require.Equal(t, kind == simulator.GrantMore, c.with(token).rights()["account"] == 1)
	}
}

func TestAddSubAccounts(t *testing.T) {
	s := venuetest.Unhurried(t, bitfinex.Venue())
	require.Len(t, s.AddSubAccounts("bitfinex", 2), 2)
	require.Equal(t, []string{"self"}, s.Exchange("bitfinex").SubAccounts, "the API knows nothing of them")
}

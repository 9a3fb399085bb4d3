package deribit_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/deribit"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMessages(t *testing.T) {
	s := venuetest.Unhurried(t, deribit.Venue())
	c := newClient(t, s, "main")
	const path = "/api/v2/private/get_account_summary"
	var summary struct {
		ID   json.Number
		Type string
	}
	c.call("private/get_account_summary", `{"currency":"BTC","extended":true}`).into(&summary)
	require.Equal(t, "main", summary.Type)
	c.get("private/get_account_summary", "currency=BTC&extended=true").into(&summary)
	var now int64
	c.anonymous().get("public/get_time", "").into(&now)
	require.Equal(t, s.Now().UnixMilli(), now)
	c.anonymous().call("public/test", `{}`).ok()

	for body, code := range map[string]int{
		`{`: -32700,
		`{"jsonrpc":"1.0","id":1,"method":"private/get_account_summary","params":{"currency":"BTC"}}`:         11050,
		`{"jsonrpc":"2.0","method":"private/get_account_summary","params":{"currency":"BTC"}}`:                11050,
		`{"jsonrpc":"2.0","id":1,"method":"private/list_api_keys","params":{}}`:                               -32601,
		`{"jsonrpc":"2.0","id":1,"method":"private/get_account_summary","params":{}}`:                         -32602,
		`{"jsonrpc":"2.0","id":1,"method":"private/get_account_summary","params":{"currency":"BTC","x":1}}`:   -32602,
		`{"jsonrpc":"2.0","id":1,"method":"private/get_account_summary","params":{"currency":["BTC","ETH"]}}`: -32602,
	} {
		c.do(http.MethodPost, path, body).refused(code)
	}
	c.do(http.MethodPut, path, `{}`).refused(11050)
	c.call("private/create_master_key", `{}`).refused(-32601)
}

func TestSignatures(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, deribit.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000})
	c := newClient(t, s, "main")
	const method, params = "private/get_subaccounts", `{}`
	c.call(method, params).ok()
	c.anonymous().call(method, params).refused(10000)
	venuetest.From(c, "127.0.0.2").call(method, params).refused(13009)
	unbound := newClient(t, s, "unbound")
	venuetest.From(unbound, "127.0.0.2").call(method, params).ok()

	wrong := *c
	wrong.APISecret = "wrong"
	wrong.call(method, params).refused(13004)
	wrong.APIKey = "unknown"
	wrong.call(method, params).refused(13004)
	for _, off := range []time.Duration{time.Minute + time.Second, -time.Minute - time.Second} {
		venuetest.Skewed(c, off).call(method, params).refused(13009)
	}
}

func TestLogin(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, deribit.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000})
	c := newClient(t, s, "main")
	const method, params = "private/get_subaccounts", `{}`

	token := c.login("session:a")
	require.Equal(t, 900, token.Expires)
	require.Equal(t, "account:read_write block_rfq:read_write block_trade:read_write mainaccount session:a trade:read_write wallet:read_write", token.Scope)
	c.bearing(token.Access).call(method, params).ok()
	venuetest.From(c, "127.0.0.2").bearing(token.Access).call(method, params).refused(13009)
	require.Equal(t, "account:read mainaccount session:b", c.login("account:read session:b").Scope)
	short := c.login("expires:10 session:c")
	require.Equal(t, 10, short.Expires)
	clock.Advance(10 * time.Second)
	c.bearing(short.Access).call(method, params).refused(13009)
	c.bearing(token.Access).call(method, params).ok()

	t.Run("a name takes the session over", func(*testing.T) {
		fresh := c.login("session:a")
		c.bearing(token.Access).call(method, params).refused(13009)
		c.bearing(fresh.Access).call(method, params).ok()
	})
	t.Run("without a name it is bound to its connection", func(*testing.T) {
		near, far := venuetest.From(c, "127.0.0.1"), venuetest.From(c, "127.0.0.1")
		bound := near.login("").Access
		near.bearing(bound).call(method, params).ok()
		far.bearing(bound).call(method, params).refused(13009)
	})
	t.Run("the seventeenth ends the oldest", func(*testing.T) {
		first := c.login("session:0")
		for i := range 16 {
			c.bearing(first.Access).call(method, params).ok()
			c.login("session:" + strconv.Itoa(i+1))
		}
		c.bearing(first.Access).call(method, params).refused(13009)
	})
	t.Run("refusals", func(t *testing.T) {
		auth := func(c *client, params string) answer { return c.anonymous().call("public/auth", params) }
		credentials := `"grant_type":"client_credentials","client_id":"` + c.APIKey + `","client_secret":"` + c.APISecret + `"`
		auth(c, `{`+credentials+`,"scope":"session:"}`).refused(-32602)
		auth(c, `{`+credentials+`,"scope":"account:all"}`).refused(-32602)
		auth(c, `{`+credentials+`,"scope":"expires:x"}`).refused(-32602)
		auth(c, `{"grant_type":"password"}`).refused(-32602)
		auth(c, `{"grant_type":"client_credentials","client_id":"`+c.APIKey+`","client_secret":"no"}`).refused(13004)
		auth(venuetest.From(c, "127.0.0.2"), `{`+credentials+`}`).refused(13009)
		pair := newClient(t, s, "ed25519")
		auth(c, `{"grant_type":"client_credentials","client_id":"`+pair.APIKey+`","client_secret":""}`).refused(13004)
	})
}

// signedLogin are the parameters of a login with a key pair.
func (c *client) signedLogin(nonce string) string {
	ts := c.Timestamp()
	signature := base64.RawURLEncoding.EncodeToString(c.Signature(ts + "\n" + nonce + "\n"))
	return `{"grant_type":"client_signature","client_id":"` + c.APIKey + `","timestamp":` + ts + `,"nonce":"` + nonce +
		`","data":"","signature":"` + signature + `","scope":"session:x"}`
}

func TestKeyPairs(t *testing.T) {
	s := venuetest.Unhurried(t, deribit.Venue())
	root := newClient(t, s, "ed25519")
	auth := func(params string) answer { return root.anonymous().call("public/auth", params) }
	var token token
	auth(root.signedLogin("n1")).into(&token)
	root.bearing(token.Access).call("private/get_subaccounts", `{}`).ok()
	auth(root.signedLogin("n1")).refused(13004)
	auth(venuetest.Skewed(root, -2*time.Minute).signedLogin("n2")).refused(13004)
	auth(strings.Replace(root.signedLogin("n3"), "n3", "n4", 1)).refused(13004)

	public, own, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	minter := newClient(t, s, "main").minter()
	minted := minter.create(`{"name":"pair","max_scope":"trade:read","public_key":` + strconv.Quote(venuetest.PublicPEM(t, public)) + `}`)
	require.Regexp(t, `^[0-9a-f]{2}(:[0-9a-f]{2}){15}$`, minted.Secret, "a fingerprint")
	holder := venuetest.With(root, simulator.Credential{APIKey: minted.ClientID, PrivateKey: venuetest.PrivatePEM(t, own)})
	auth(holder.signedLogin("n5")).into(&token)
	user := minter.bearing(token.Access)
	user.call("private/get_positions", `{}`).ok()
	require.True(t, s.RemoveKey("deribit", minted.ClientID))
	user.call("private/get_positions", `{}`).refused(13009)
	minter.call("private/create_api_key", `{"max_scope":"trade:read","public_key":"no PEM"}`).refused(-32602)
	minter.holding(minted).call("private/get_positions", `{}`).refused(13004)
}

func TestExchangedTokens(t *testing.T) {
	s := venuetest.Unhurried(t, deribit.Venue())
	c := newClient(t, s, "main")
	sub := c.minter()
	var summary struct {
		ID   json.Number
		Type string
	}
	sub.call("private/get_account_summary", `{"currency":"BTC","extended":true}`).into(&summary)
	require.Equal(t, c.SubAccounts[0], summary.ID.String())
	require.Equal(t, "subaccount", summary.Type)
	var rows []struct{ Type string }
	sub.call("private/get_subaccounts", `{}`).into(&rows)
	require.Len(t, rows, 2, "itself and the main account")
	sub.call("private/create_subaccount", `{}`).refused(13021)

	exchange := func(refresh, subject, scope string) answer {
		return c.anonymous().call("public/exchange_token", `{"refresh_token":"`+refresh+`","subject_id":`+subject+`,"scope":"`+scope+`"}`)
	}
	refresh := c.login("session:main").Refresh
	var token token
	exchange(refresh, c.SubAccounts[1], "session:x").into(&token)
	require.Equal(t, "session:x", token.Scope, "the documentation does not say what is inherited")
	exchange(refresh, c.SubAccounts[1], "custody:read session:x").refused(-32602)
	exchange(refresh, "4000000000", "session:x").refused(-32602)
	exchange("1.wrong", c.SubAccounts[1], "session:x").refused(13009)
	foreign := newClient(t, s, "totp").SubAccounts[0]
	exchange(refresh, foreign, "session:x").refused(-32602)
}

func TestSubAccounts(t *testing.T) {
	s := venuetest.Unhurried(t, deribit.Venue())
	c := newClient(t, s, "main")
	for range 20 - len(c.SubAccounts) {
		c.call("private/create_subaccount", `{}`).ok()
	}
	c.call("private/create_subaccount", `{}`).refused(12001)
	var rows []struct{ Type string }
	c.call("private/get_subaccounts", `{"with_portfolio":false}`).into(&rows)
	require.Len(t, rows, 21)
}

func TestKeys(t *testing.T) {
	s := venuetest.Unhurried(t, deribit.Venue())
	c := newClient(t, s, "main")
	minter := c.minter()

	inert := minter.create(`{"name":"vlt1","max_scope":"account:none trade:none wallet:none"}`)
	require.NotContains(t, inert.MaxScope, "read")
	require.NotEmpty(t, inert.Secret)
	minter.holding(inert).call("private/get_positions", `{}`).refused(13021)
	var edited apiKey
	id := strconv.Itoa(inert.ID)
	minter.call("private/edit_api_key", `{"id":`+id+`,"max_scope":"trade:read wallet:read_write","ip_whitelist":["203.0.113.7"],"enabled_features":["block_trade_approval"]}`).into(&edited)
	require.Equal(t, []string{"203.0.113.7"}, edited.IPs)
	require.Equal(t, "vlt1", edited.Name, "what the request leaves out stays")
	minter.holding(inert).call("private/get_positions", `{}`).refused(13009)
	minter.call("private/edit_api_key", `{"id":`+id+`,"max_scope":"trade:read","name":"vlt2","ip_whitelist":["127.0.0.1"]}`).ok()
	minter.holding(inert).call("private/get_positions", `{}`).ok()
	minter.call("private/change_api_key_name", `{"id":`+id+`,"name":"vlt3"}`).into(&edited)
	require.Equal(t, "vlt3", edited.Name)
	require.Equal(t, "trade:read", edited.MaxScope)

	var listed []apiKey
	minter.call("private/list_api_keys", `{}`).into(&listed)
	require.Equal(t, []apiKey{{ID: inert.ID, ClientID: inert.ClientID, Secret: inert.Secret, Name: "vlt3", MaxScope: "trade:read", IPs: []string{"127.0.0.1"}}}, listed)
	c.call("private/remove_api_key", `{"id":`+id+`}`).refused(-32602)
	minter.call("private/remove_api_key", `{"id":`+id+`}`).ok()
	minter.call("private/remove_api_key", `{"id":`+id+`}`).refused(-32602)
	require.Equal(t, []string{inert.ClientID}, s.Deletions("deribit"))
	minter.holding(inert).call("private/get_positions", `{}`).refused(13004)

	t.Run("parameters", func(*testing.T) {
		for _, params := range []string{
			`{}`, `{"max_scope":""}`, `{"max_scope":"trade:all"}`, `{"max_scope":"trade:read trade:read_write"}`,
			`{"max_scope":["trade:read"]}`, `{"max_scope":"trade:read","name":"a-b"}`,
			`{"max_scope":"trade:read","name":"seventeen_letters"}`, `{"max_scope":"trade:read","ip_whitelist":["127.0.0.1"]}`,
			`{"max_scope":"trade:read","enabled_features":["all"]}`,
		} {
			minter.call("private/create_api_key", params).refused(-32602)
		}
		for _, address := range []string{"::1", "10.0.0.0/8", "*"} {
			minter.call("private/edit_api_key", `{"id":`+id+`,"max_scope":"trade:read","ip_whitelist":["`+address+`"]}`).refused(-32602)
		}
	})
	t.Run("no more than the caller", func(*testing.T) {
		minter.call("private/create_api_key", `{"max_scope":"block_trade:read"}`).refused(13403)
		wide := minter.create(`{"max_scope":"trade:read_write"}`)
		narrow := c.exchanged(c.SubAccounts[0], "account:read_write trade:read")
		narrow.call("private/remove_api_key", `{"id":`+strconv.Itoa(wide.ID)+`}`).refused(13403)
		reader := minter.create(`{"max_scope":"trade:read"}`)
		narrow.call("private/edit_api_key", `{"id":`+strconv.Itoa(reader.ID)+`,"max_scope":"trade:read_write"}`).refused(13403)
		narrow.call("private/remove_api_key", `{"id":`+strconv.Itoa(reader.ID)+`}`).ok()
	})
	t.Run("who may", func(t *testing.T) {
		for _, root := range []string{"read_only", "no_right"} {
			newClient(t, s, root).call("private/create_api_key", `{"max_scope":"trade:read"}`).refused(13021)
		}
		newClient(t, s, "no_right").call("private/list_api_keys", `{}`).refused(13021)
	})
	t.Run("eight keys, the root included", func(t *testing.T) {
		direct := newClient(t, s, "direct")
		for range 7 {
			direct.create(`{"max_scope":"trade:read"}`)
		}
		direct.call("private/create_api_key", `{"max_scope":"trade:read"}`).refused(11050)
	})
}

func TestUse(t *testing.T) {
	s := venuetest.Unhurried(t, deribit.Venue())
	minter := newClient(t, s, "main").minter()
	calls := map[string]struct{ method, params string }{
		"trade:read":         {"private/get_positions", `{"currency":"BTC"}`},
		"wallet:read":        {"private/get_deposits", `{"currency":"BTC"}`},
		"account:read":       {"private/get_account_summary", `{"currency":"BTC"}`},
		"trade:read_write":   {"private/buy", `{"instrument_name":"BTC-PERPETUAL","amount":10,"type":"limit","price":50000}`},
		"wallet:read_write":  {"private/submit_transfer_between_subaccounts", `{"currency":"BTC","amount":0.5,"destination":7}`},
		"wallet:read_write ": {"private/withdraw", `{"currency":"BTC","amount":0.5,"address":"x"}`},
	}
	for _, held := range []string{"trade:read", "wallet:read", "account:read", "trade:read_write", "wallet:read_write"} {
		k := minter.create(`{"max_scope":"` + held + `"}`)
		for needed, use := range calls {
			answer := minter.holding(k).call(use.method, use.params)
			if held == needed || strings.TrimSuffix(held, "_write") == needed {
				answer.ok()
			} else {
				answer.refused(13021)
			}
		}
		minter.call("private/remove_api_key", `{"id":`+strconv.Itoa(k.ID)+`}`).ok()
	}
	newClient(t, s, "main").call("private/withdraw", calls["wallet:read_write "].params).ok()

	k := minter.create(`{"max_scope":"trade:read_write wallet:read_write"}`)
	user := minter.holding(k)
	user.call("private/buy", `{"instrument_name":"BTC-PERPETUAL","amount":10,"type":"limit"}`).refused(-32602)
	user.call("private/buy", `{"instrument_name":"BTC-PERPETUAL","amount":0,"type":"market"}`).refused(-32602)
	user.call("private/get_deposits", `{"currency":"btc"}`).refused(-32602)
	user.call("private/submit_transfer_between_subaccounts", `{"currency":"BTC","amount":0.5,"destination":7,"source":8}`).refused(13021)
}

func TestRateLimit(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, deribit.Venue(), simulator.Options{Now: clock.Now})
	c := newClient(t, s, "main")
	sub := c.minter()
	for range 100 {
		sub.call("private/list_api_keys", `{}`).ok()
	}
	answer := sub.call("private/list_api_keys", `{}`)
	answer.refused(10028)
	require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
	c.call("private/get_subaccounts", `{}`).ok()
	clock.Advance(5 * time.Second)
	sub.call("private/list_api_keys", `{}`).refused(13009)
	c.minter().call("private/list_api_keys", `{}`).ok()
}

func TestFaults(t *testing.T) {
	s := venuetest.Unhurried(t, deribit.Venue())
	minter := newClient(t, s, "main").minter()
	inject := func(operation exchanges.Operation, kind simulator.FaultKind) {
		require.NoError(t, s.Inject(simulator.Fault{Exchange: "deribit", Operation: operation, Kind: kind, Count: 1}))
	}
	inject(exchanges.OpCreateKey, simulator.GrantMore)
	k := minter.create(`{"max_scope":"trade:read"}`)
	require.ElementsMatch(t, []string{"account:read", "trade:read"}, strings.Fields(k.MaxScope))
	minter.holding(k).call("private/get_account_summary", `{"currency":"BTC"}`).ok()
	inject(exchanges.OpEditKey, simulator.GrantLess)
	id := strconv.Itoa(k.ID)
	minter.call("private/edit_api_key", `{"id":`+id+`,"max_scope":"trade:read"}`).into(&k)
	require.NotContains(t, k.MaxScope, "read")
	inject(exchanges.OpDeleteKey, simulator.DeleteLies)
	minter.call("private/remove_api_key", `{"id":`+id+`}`).ok()
	require.Len(t, s.Keys(), 1)
	inject(exchanges.OpListKeys, simulator.RateLimit)
	minter.call("private/list_api_keys", `{}`).refused(10028)
	minter.call("private/list_api_keys", `{}`).ok()
}

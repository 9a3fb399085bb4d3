package bingx_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/bingx"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPublic(t *testing.T) {
	clock := venuetest.NewClock()
	c := newClient(t, venuetest.Start(t, bingx.Venue(), simulator.Options{Now: clock.Now}), "main")
	var result struct{ ServerTime int64 }
	c.get("swap/v2/server/time").into(&result)
	require.Equal(t, clock.Now().UnixMilli(), result.ServerTime)
	require.Equal(t, 100404, c.get("no/such").Code)
}

func TestAuthentication(t *testing.T) {
	s := venuetest.Unhurried(t, bingx.Venue())
	c := newClient(t, s, "main")
	at := func(rest string) string { return "timestamp=" + jsonOf(t, c.Now().UnixMilli()) + rest }
	signed := func(text string) string { return text + "&signature=" + c.sign(text) }
	for name, test := range map[string]struct {
		query string
		code  int
	}{
		"right":                   {signed(at("&uid=" + c.SubAccounts[0])), 0},
		"not in order":            {signed("uid=" + c.SubAccounts[0] + "&" + at("")), 100400},
		"no signature":            {at("&uid=" + c.SubAccounts[0]), 100412},
		"another's signature":     {at("&uid="+c.SubAccounts[0]) + "&signature=" + strings.Repeat("0", 64), 100001},
		"something after it":      {signed(at("&uid="+c.SubAccounts[0])) + "&x=1", 100001},
		"signed as encoded":       {signed(at("&uid=%3116")), 100001},
		"no timestamp":            {signed("uid=" + c.SubAccounts[0]), 100421},
		"unreadable timestamp":    {signed("timestamp=now&uid=" + c.SubAccounts[0]), 100400},
		"a window":                {signed("recvWindow=5000&" + at("&uid="+c.SubAccounts[0])), 0},
		"too wide a window":       {signed("recvWindow=5001&" + at("&uid="+c.SubAccounts[0])), 100400},
		"an unknown parameter":    {signed(at("&uid=" + c.SubAccounts[0] + "&zone=1")), 100400},
		"a parameter lacking":     {signed(at("")), 100400},
		"not percent-encoded":     {"a=%zz&signature=x", 100400},
		"somebody else's account": {signed(at("&uid=12345678")), 100450},
	} {
		require.Equal(t, test.code, c.do(http.MethodGet, queryPath, test.query, "").Code, name)
	}

	// The calls that change something take JSON only.
	fields := content{"subUid": c.sub(), "apiKey": "x"}
	require.Equal(t, 100400, c.post(deletePath, fields).Code, "there is no such key")
	require.Equal(t, 100001, c.do(http.MethodPost, deletePath, "", strings.Replace(c.signedBody(fields), `"x"`, `"y"`, 1)).Code)
	require.Equal(t, 100400, c.do(http.MethodPost, deletePath, "a=b", c.signedBody(fields)).Code)
	require.Equal(t, 100400, c.do(http.MethodPost, deletePath, signed(at("")), "").Code)
	require.Equal(t, 100412, c.do(http.MethodPost, deletePath, "", `{"subUid":1}`).Code)
	require.Equal(t, 100400, c.do(http.MethodPost, "spot/v1/trade/order", "", `{}`).Code, "and the others the query")

	require.Equal(t, 100413, venuetest.With(c, simulator.Credential{APIKey: "x", APISecret: "x"}).get(uidPath).Code)
	require.Equal(t, 100419, venuetest.From(c, "127.0.0.2").get(uidPath).Code)
	require.Zero(t, venuetest.From(newClient(t, s, "unbound"), "127.0.0.2").get(uidPath).Code)
}

func jsonOf(t *testing.T, value any) string {
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	return string(encoded)
}

func TestTimestampWindow(t *testing.T) {
	clock := venuetest.NewClock()
	c := newClient(t, venuetest.Start(t, bingx.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000}), "main")
	for off, code := range map[time.Duration]int{
		0: 0, -5 * time.Second: 0, 5 * time.Second: 0, -5001 * time.Millisecond: 100421, 5001 * time.Millisecond: 100421,
	} {
		c := venuetest.Skewed(c, off)
		require.Equal(t, code, c.get(uidPath).Code, off)
		require.Equal(t, code, c.post(createPath, content{"subUid": c.sub(), "note": "n", "permissions": []int{2}}).Code, off)
	}
}

// Both documented forms of a key's permissions.
func TestRights(t *testing.T) {
	s := venuetest.Unhurried(t, bingx.Venue())
	var bare struct {
		APIKey, Note string
		Permissions  []int
		IPAddresses  []string
	}
	main := newClient(t, s, "main")
	main.get(rightsPath).Decode(&bare)
	require.Equal(t, main.APIKey, bare.APIKey)
	require.Equal(t, []int{2, 6}, bare.Permissions)
	require.Equal(t, []string{"127.0.0.1", "::1"}, bare.IPAddresses)
	newClient(t, s, "unbound").get(rightsPath).Decode(&bare)
	require.Equal(t, []string{""}, bare.IPAddresses)

	flags := map[string]any{}
	newClient(t, s, "whole_unbound").get(rightsPath).into(&flags)
	require.Equal(t, false, flags["ipRestrict"])
	require.Equal(t, true, flags["enableReading"])
	require.Equal(t, true, flags["enableWithdrawals"])
	require.Equal(t, false, flags["enableFutures"])

	var whose struct{ UID int64 }
	main.get(uidPath).into(&whose)
	require.Positive(t, whose.UID)
	require.NotEqual(t, main.sub(), whose.UID)
	require.Equal(t, 100400, main.get(uidPath, "x", "y").Code)
	require.Equal(t, 100400, main.get(rightsPath, "x", "y").Code)
}

func TestSubAccounts(t *testing.T) {
	for _, root := range []string{"main", "whole"} {
		c := newClient(t, venuetest.Unhurried(t, bingx.Venue()), root)
		type row struct {
			SubUID           string
			UID              int64
			SubAccountString string
			Freeze, IsFreeze bool
		}
		list := func(pairs ...string) []row {
			var page struct{ Result, SubAccountList []row }
			c.get(listPath, pairs...).into(&page)
			return append(page.Result, page.SubAccountList...)
		}
		all := list("page", "1", "limit", "1000")
		require.Len(t, all, 3)
		require.Equal(t, root == "main", all[0].SubUID == c.SubAccounts[0])
		require.Equal(t, root == "whole", all[0].UID == c.sub())
		require.Len(t, list("page", "2", "limit", "2"), 1)
		require.Empty(t, list("page", "9", "limit", "2"))
		require.Len(t, list("page", "1", "limit", "2", "subUid", c.SubAccounts[1]), 1)
		require.Empty(t, list("page", "1", "limit", "2", "isFeeze", "true"))
		for _, pairs := range [][]string{{"page", "1"}, {"limit", "1"}, {"page", "0", "limit", "1"}, {"page", "1", "limit", "1001"}} {
			require.Equal(t, 100400, c.get(listPath, pairs...).Code, pairs)
		}

		const create, status = "subAccount/v1/create", "subAccount/v1/updateStatus"
		for name, code := range map[string]int{"vaultsub01": 0, "short1": 100400, "nodigits": 100400, "1vaultsub": 100400, "vault-sub1": 100400} {
			require.Equal(t, code, c.post(create, content{"subAccountString": name, "note": "n"}).Code, name)
		}
		require.Equal(t, 100400, c.post(create, content{"subAccountString": "vaultsub01"}).Code, "the name is taken")

		k := c.mint([]int{2})
		require.Zero(t, c.post(status, content{"subUid": c.sub(), "freeze": true}).Code)
		require.Len(t, list("page", "1", "limit", "9", "isFeeze", "true"), 1)
		require.Equal(t, 100441, venuetest.With(c, k.credential()).get(uidPath).Code)
		require.Equal(t, 100441, c.post(deletePath, content{"subUid": c.sub(), "apiKey": k.APIKey}).Code)
		require.Equal(t, 100441, c.post(createPath, content{"subUid": c.sub(), "note": "n", "permissions": []int{2}}).Code)
		require.Len(t, c.keys(), 1)
		require.Zero(t, c.post(status, content{"subUid": c.sub(), "freeze": false}).Code)
		require.Zero(t, venuetest.With(c, k.credential()).get(uidPath).Code)
		require.Equal(t, 100450, c.post(status, content{"subUid": 12345678, "freeze": true}).Code)
	}
}

func TestKeys(t *testing.T) {
	s := venuetest.Unhurried(t, bingx.Venue())
	c := newClient(t, s, "main")
	k := c.mint([]int{1, 2}, "203.0.113.7", "127.0.0.1")
	require.NotEmpty(t, k.APISecret)
	require.Empty(t, k.Permissions, "the documented answer leaves them out")
	require.Empty(t, k.IPAddresses)

	for _, listed := range [][]apiKey{c.keys(), c.keys(k.APIKey)} {
		require.Len(t, listed, 1)
		require.Equal(t, k.APIKey[:3]+"*******"+k.APIKey[62:], listed[0].APIKey)
		require.Equal(t, []int{1, 2}, listed[0].Permissions)
		require.Equal(t, []string{"203.0.113.7", "127.0.0.1"}, listed[0].IPAddresses)
		require.Equal(t, "desk", listed[0].Note)
		require.Empty(t, listed[0].APISecret)
		require.Positive(t, listed[0].CreateTime)
	}
	require.Empty(t, c.keys("nosuchkey"))
	require.Empty(t, c.keys(c.keys()[0].APIKey), "a masked key does not name a key")

	good := content{"subUid": c.sub(), "note": "desk", "permissions": []int{2}, "ipAddresses": []string{"203.0.113.7"}}
	for _, test := range []struct {
		name  string
		value any
		code  int
	}{
		{"subUid", nil, 100400}, {"subUid", c.SubAccounts[0], 100400}, {"subUid", 12345678, 100450},
		{"note", nil, 100400}, {"note", "", 100400}, {"note", 1, 100400},
		{"permissions", nil, 100400}, {"permissions", []int{}, 100400}, {"permissions", []int{2, 6}, 100400}, {"permissions", []int{1}, 100400},
		{"permissions", []int{2, 8}, 100400}, {"permissions", "2", 100400}, {"permissions", []string{"2"}, 100400},
		{"ipAddresses", slices.Repeat([]string{"203.0.113.7"}, 21), 100400}, {"ipAddresses", []string{"203.0.113.0/24"}, 100400},
		{"ipAddresses", []string{"2001:db8::1"}, 100400}, {"ipAddresses", "203.0.113.7", 100400}, {"label", "x", 100400},
	} {
		fields := content{}
		for name, value := range good {
			fields[name] = value
		}
		fields[test.name] = test.value
		if test.value == nil {
			delete(fields, test.name)
		}
		require.Equal(t, test.code, c.post(createPath, fields).Code, "%s=%v", test.name, test.value)
	}
	require.Equal(t, 100400, c.post(createPath, content{"subUid": c.sub(), "note": "n", "permissions": []int{2, 5}}).Code,
		"a key that withdraws needs addresses")

	remove := func(sub any, key string) int {
		return c.post(deletePath, content{"subUid": sub, "apiKey": key}).Code
	}
	require.Equal(t, 100450, remove(12345678, k.APIKey))
	require.Equal(t, 100400, remove(c.sub(), c.keys()[0].APIKey))
	require.Zero(t, remove(c.sub(), k.APIKey))
	require.Equal(t, 100400, remove(c.sub(), k.APIKey))
	require.Equal(t, []string{k.APIKey}, s.Deletions("bingx"))
	require.Equal(t, 100413, venuetest.With(c, k.credential()).get(uidPath).Code)
}

// The account that answers as BingX's other document says.
func TestKeysShownWhole(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, bingx.Venue()), "whole")
	k := c.mint([]int{2})
	require.Empty(t, k.APISecret)
	require.NotEmpty(t, k.SecretKey)
	require.Equal(t, []int{2}, k.Permissions)
	require.Equal(t, []string{""}, k.IPAddresses)
	require.Equal(t, k.APIKey, c.keys()[0].APIKey)
	require.Zero(t, venuetest.With(c, k.credential()).get(uidPath).Code)
}

func TestKeyCap(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, bingx.Venue()), "main")
	for range 20 {
		c.mint([]int{2})
	}
	require.Equal(t, 100400, c.post(createPath, content{"subUid": c.sub(), "note": "n", "permissions": []int{2}}).Code)
	require.Len(t, c.keys(), 20)
}

// A key without addresses that may do more than read ends 14 days after its
// last use.
func TestUnboundKeysEnd(t *testing.T) {
	clock := venuetest.NewClock()
	c := newClient(t, venuetest.Start(t, bingx.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000}), "main")
	const life = 14 * 24 * time.Hour
	unbound, used := c.mint([]int{1, 2}), c.mint([]int{1, 2})
	bound, reader := c.mint([]int{1, 2}, "127.0.0.1"), c.mint([]int{2})
	clock.Advance(life - time.Second)
	require.Zero(t, venuetest.With(c, used.credential()).get(uidPath).Code)
	clock.Advance(time.Second)
	require.Equal(t, 100413, venuetest.With(c, unbound.credential()).get(uidPath).Code)
	for _, k := range []apiKey{used, bound, reader} {
		require.Zero(t, venuetest.With(c, k.credential()).get(uidPath).Code)
	}
}

// Who may manage keys.
func TestPermissionsOfRoots(t *testing.T) {
	s := venuetest.Unhurried(t, bingx.Venue())
	c := newClient(t, s, "main")
	minted := c.mint([]int{2})
	for name, test := range map[string]struct {
		client            *client
		asks, lists, make int
	}{
		"main":     {c, 0, 0, 0},
		"reader":   {newClient(t, s, "reader"), 0, 0, 100004},
		"no right": {newClient(t, s, "no_right"), 100004, 100004, 100004},
		"sub":      {venuetest.With(c, minted.credential()), 0, 100403, 100403},
		"another":  {newClient(t, s, "whole"), 0, 0, 100450},
	} {
		require.Equal(t, test.asks, test.client.get(uidPath).Code, name)
		require.Equal(t, test.lists, test.client.get(listPath, "page", "1", "limit", "1").Code, name)
		created := test.client.post(createPath, content{"subUid": c.sub(), "note": "n", "permissions": []int{2}})
		require.Equal(t, test.make, created.Code, name)
		require.NotZero(t, test.client.post(deletePath, content{"subUid": c.sub(), "apiKey": "x"}).Code, name)
	}
	var whose struct{ UID json.Number }
	venuetest.With(c, minted.credential()).get(uidPath).into(&whose)
	require.Equal(t, c.SubAccounts[0], whose.UID.String())
	require.Zero(t, venuetest.With(c, minted.credential()).get(queryPath, "uid", c.SubAccounts[0]).Code, "a key sees the keys of its own account")
	require.Equal(t, 100450, venuetest.With(c, minted.credential()).get(queryPath, "uid", c.SubAccounts[1]).Code)
}

func TestUse(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, bingx.Venue()), "main")
	const spot, futures = "spot/v1/trade/order", "swap/v2/trade/order"
	const universal, internal, withdraw = "api/v3/post/asset/transfer", "account/transfer/v1/subAccount/transferAsset", "wallets/v1/capital/withdraw/apply"
	order := []string{"symbol", "BTC-USDT", "side", "BUY", "type", "MARKET", "quantity", "1"}
	requests := map[string][]string{
		spot: order, futures: order, universal: {"type", "FUND_PFUTURES", "asset", "USDT", "amount", "1"},
		internal: {"assetName", "USDT", "transferAmount", "1", "toUid", "1"}, withdraw: {"coin", "USDT", "address", "a b", "amount", "1"},
	}
	for code, allowed := range map[int]string{1: spot, 3: futures, 4: universal, 5: withdraw, 7: internal, 2: ""} {
		permissions := []int{code, 2}
		if code == 2 {
			permissions = []int{2}
		}
		user := venuetest.With(c, c.mint(permissions, "127.0.0.1").credential())
		require.Zero(t, user.get("spot/v1/account/balance").Code)
		for path, pairs := range requests {
			answer := user.query(http.MethodPost, path, pairs...)
			if path != allowed {
				require.Equal(t, 100004, answer.Code, "%s with %d", path, code)
				continue
			}
			require.Zero(t, answer.Code, path)
			require.Equal(t, 100400, user.query(http.MethodPost, path, pairs[2:]...).Code, "%s without its first parameter", path)
		}
	}
}

func TestRateLimit(t *testing.T) {
	clock := venuetest.NewClock()
	c := newClient(t, venuetest.Start(t, bingx.Venue(), simulator.Options{Now: clock.Now}), "main")
	for range 2 {
		require.Zero(t, c.get(rightsPath).Code)
	}
	answer := c.get(rightsPath)
	require.Equal(t, 100410, answer.Code)
	require.Contains(t, answer.Msg, "unblocked after "+jsonOf(t, clock.Now().Add(time.Second+time.Millisecond).UnixMilli()))
	require.Equal(t, clock.Now().UnixMilli(), answer.Timestamp)
	require.Zero(t, c.get(uidPath).Code, "each call has its own limit")
	clock.Advance(time.Second)
	require.Zero(t, c.get(rightsPath).Code)
}

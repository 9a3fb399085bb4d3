package bitget_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/bitget"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServerTime(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, bitget.Venue(), simulator.Options{Now: clock.Now})
	var data struct{ ServerTime string }
	newClient(t, s, "main").get("/api/v2/public/time").into(&data)
	require.Equal(t, "1753364096000", data.ServerTime)
	require.Equal(t, "40404", newClient(t, s, "main").get("/api/v3/public/time").Code, "it is not documented")
}

func TestAuthentication(t *testing.T) {
	s := venuetest.Unhurried(t, bitget.Venue())
	c := newClient(t, s, "main")
	const path = "/api/v3/account/info"
	for _, test := range []struct{ name, header, value, code string }{
		{"right", "X-Other", "", "00000"},
		{"no key", "ACCESS-KEY", "", "40001"},
		{"no signature", "ACCESS-SIGN", "", "40003"},
		{"no passphrase", "ACCESS-PASSPHRASE", "", "40011"},
		{"no timestamp", "ACCESS-TIMESTAMP", "", "40005"},
		{"timestamp that is none", "ACCESS-TIMESTAMP", "now", "40005"},
		{"malformed key", "ACCESS-KEY", "nokey", "40006"},
		{"unknown key", "ACCESS-KEY", "bg_fake_root_key_0001", "40037"},
		{"wrong passphrase", "ACCESS-PASSPHRASE", "Other0001", "40012"},
		{"wrong signature", "ACCESS-SIGN", "AAAA", "40009"},
		{"signature that is none", "ACCESS-SIGN", "!", "40009"},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := c.signed(http.MethodGet, path, "")
			request.Header.Set(test.header, test.value)
			answer := c.do(request)
			require.Equal(t, test.code, answer.Code)
			require.Equal(t, test.code == "00000", answer.StatusCode == http.StatusOK)
		})
	}
	t.Run("clock too late", func(t *testing.T) {
		require.Equal(t, "40008", venuetest.Skewed(c, -time.Minute).get(path).Code)
	})
	t.Run("another address", func(t *testing.T) { require.Equal(t, "40018", venuetest.From(c, "127.0.0.2").get(path).Code) })
	t.Run("content type", func(t *testing.T) {
		request := c.signed(http.MethodPost, unifiedCreate, "{}")
		request.Header.Set("Content-Type", "text/plain")
		require.Equal(t, "40007", c.do(request).Code)
	})
	t.Run("no such path", func(t *testing.T) {
		answer := c.get("/api/v9/no/such")
		require.Equal(t, "40404", answer.Code)
		require.Equal(t, http.StatusNotFound, answer.StatusCode)
	})
	t.Run("RSA", func(t *testing.T) {
		root := newClient(t, s, "rsa")
		require.Equal(t, "00000", root.get(path).Code)
		request := root.signed(http.MethodGet, path, "")
		request.URL.RawQuery = "a=b"
		require.Equal(t, "40009", root.do(request).Code)
	})
}

// The kind of the account decides which surface it may use, and the key's
// rights decide what it may do there.
func TestRights(t *testing.T) {
	s := venuetest.Unhurried(t, bitget.Venue())
	for _, test := range []struct{ root, path, code string }{
		{"main", unifiedCreate, "00000"},
		{"rsa", unifiedCreate, "00000"},
		{"unbound", unifiedCreate, "00000"},
		{"read_only", unifiedCreate, "25620"},
		{"no_right", unifiedCreate, "25620"},
		{"classic", unifiedCreate, "25245"},
		{"broker", unifiedCreate, "25245"},
		{"classic", classicCreate, "00000"},
		{"classic_no_right", classicCreate, "40014"},
		{"classic_unbound", classicCreate, "22010"},
		{"main", classicCreate, "40085"},
		{"broker", brokerCreate, "00000"},
		{"broker_unbound", brokerCreate, "00000"},
		{"broker_no_right", brokerCreate, "40029"},
		{"main", brokerCreate, "40029"},
	} {
		c := newClient(t, s, test.root)
		require.Equal(t, test.code, c.post(test.path, c.fields(test.path, nil)).Code, "%s %s", test.root, test.path)
	}
	for root, path := range map[string]string{"main": unifiedCreate, "classic": classicCreate} {
		c := newClient(t, s, root)
		_, minted := c.mint(path, nil)
		require.Equal(t, "40048", venuetest.With(c, minted).post(path, c.fields(path, nil)).Code, "a sub-account's key cannot make keys")
	}
}

func TestInfo(t *testing.T) {
	s := venuetest.Unhurried(t, bitget.Venue())
	type info struct {
		UserID, IPs, PermType    string
		ParentID                 any
		Permissions, Authorities []string
	}
	c := newClient(t, s, "main")
	var root, minted, classic info
	c.get("/api/v3/account/info").into(&root)
	require.Equal(t, info{
		UserID: root.UserID, IPs: "127.0.0.1,::1", PermType: "read-and-write", ParentID: "", Permissions: []string{"uta_mgt", "uta_trade"},
	}, root)
	_, credential := c.mint(unifiedCreate, nil)
	venuetest.With(c, credential).get("/api/v3/account/info").into(&minted)
	require.Equal(t, info{
		UserID: c.SubAccounts[0], IPs: "127.0.0.1", PermType: "read-only", ParentID: root.UserID, Permissions: []string{"uta_trade"},
	}, minted)

	newClient(t, s, "classic").get("/api/v2/spot/account/info").into(&classic)
	require.Contains(t, classic.Authorities, "chow")
	require.Equal(t, "40085", c.get("/api/v2/spot/account/info").Code)
	require.Equal(t, "40029", c.get("/api/v2/broker/account/info").Code)
	require.Equal(t, "00000", newClient(t, s, "broker").get("/api/v2/broker/account/info").Code)
}

func TestSubAccounts(t *testing.T) {
	s := venuetest.Unhurried(t, bitget.Venue())
	type page struct {
		HasNext, HasNextPage bool
		Cursor, IDLessThan   string
		EndID                int
		List                 []struct{ SubUID, AccountMode string }
		SubAccountList       []struct{ SubAccountUID string }
		SubList              []struct{ SubUID string }
	}
	newest := func(c *client) []string {
		subs := slices.Clone(c.SubAccounts)
		slices.Reverse(subs)
		return subs
	}

	c := newClient(t, s, "main")
	var first, second page
	c.get("/api/v3/user/sub-list?limit=2").into(&first)
	require.True(t, first.HasNext)
	c.get("/api/v3/user/sub-list?cursor=" + first.Cursor + "&limit=2").into(&second)
	require.False(t, second.HasNext)
	require.Equal(t, c.SubAccounts, []string{first.List[0].SubUID, first.List[1].SubUID, second.List[0].SubUID})
	require.Equal(t, "UNIFIED", first.List[0].AccountMode)
	require.Equal(t, "40020", c.get("/api/v3/user/sub-list?limit=101").Code)
	require.Equal(t, "40034", c.get("/api/v3/user/sub-list?page=1").Code)

	c = newClient(t, s, "classic")
	first, second = page{}, page{}
	c.get("/api/v2/user/virtual-subaccount-list?limit=2").into(&first)
	require.Equal(t, 2, first.EndID)
	c.get("/api/v2/user/virtual-subaccount-list?limit=2&idLessThan=2").into(&second)
	require.Equal(t, newest(c), []string{first.SubAccountList[0].SubAccountUID, first.SubAccountList[1].SubAccountUID, second.SubAccountList[0].SubAccountUID})
	var frozen page
	c.get("/api/v2/user/virtual-subaccount-list?status=freeze").into(&frozen)
	require.Empty(t, frozen.SubAccountList)
	require.Equal(t, "40020", c.get("/api/v2/user/virtual-subaccount-list?status=del").Code)

	c = newClient(t, s, "broker")
	first, second = page{}, page{}
	c.get("/api/v2/broker/account/subaccount-list?limit=2").into(&first)
	require.True(t, first.HasNextPage)
	c.get("/api/v2/broker/account/subaccount-list?limit=2&idLessThan=" + first.IDLessThan).into(&second)
	require.False(t, second.HasNextPage)
	require.Equal(t, newest(c), []string{first.SubList[0].SubUID, first.SubList[1].SubUID, second.SubList[0].SubUID})
	require.Equal(t, "40020", c.get("/api/v2/broker/account/subaccount-list?idLessThan=1").Code)
}

func TestCreateKey(t *testing.T) {
	s := venuetest.Unhurried(t, bitget.Venue())
	many := strings.Split(strings.Repeat("203.0.113.7 ", 31), " ")[:31]
	for _, test := range []struct {
		root, path, sub, label, list, ips, noSub string
	}{
		{"main", unifiedCreate, "subUid", "note", "permissions", "ips", "25005"},
		{"classic", classicCreate, "subAccountUid", "label", "permList", "ipList", "40066"},
		{"broker", brokerCreate, "subUid", "label", "permList", "ipList", "40028"},
	} {
		t.Run(test.root, func(t *testing.T) {
			c := newClient(t, s, test.root)
			key, credential := c.mint(test.path, nil)
			require.Regexp(t, `^bg_[0-9a-f]{32}$`, credential.APIKey)
			require.Regexp(t, `^[0-9a-f]{64}$`, credential.APISecret)
			require.Equal(t, "lease1", key.Note+key.Label)
			require.Equal(t, []string{"127.0.0.1"}, slices.Concat(key.IPs, key.IPList))

			for name, bad := range map[string]struct {
				field string
				value any
				code  string
			}{
				"no sub-account":       {test.sub, nil, "40019"},
				"unknown sub-account":  {test.sub, "1234567890", test.noSub},
				"number":               {test.sub, 1234567890, "40020"},
				"no label":             {test.label, nil, "40019"},
				"empty label":          {test.label, "", "40056"},
				"long label":           {test.label, strings.Repeat("a", 21), "40056"},
				"label with a dot":     {test.label, "lease.1", "40056"},
				"digit first":          {test.label, "1lease", "40056"},
				"short passphrase":     {"passphrase", "Mi001", "40070"},
				"passphrase of digits": {"passphrase", "1234567890", "40070"},
				"symbol in passphrase": {"passphrase", "Minted#0001", "40070"},
				"unknown permission":   {test.list, []string{"withdraw"}, "40020"},
				"text for a list":      {test.list, "read", "40020"},
				"host name":            {test.ips, []string{"localhost"}, "40020"},
				"IPv6":                 {test.ips, []string{"2001:db8::1"}, "40020"},
				"31 addresses":         {test.ips, many, "40058"},
				"unknown field":        {"colour", "red", "40034"},
			} {
				require.Equal(t, bad.code, c.post(test.path, c.fields(test.path, map[string]any{bad.field: bad.value})).Code, name)
			}
			for range 9 {
				c.mint(test.path, nil)
			}
			require.Equal(t, "40063", c.post(test.path, c.fields(test.path, nil)).Code)
		})
	}
	c := newClient(t, s, "main")
	other := map[string]any{"subUid": c.SubAccounts[1], "ips": nil}
	require.Equal(t, "40019", c.post(unifiedCreate, c.fields(unifiedCreate, other)).Code, "the list must be given")
	require.Equal(t, "40017", c.do(c.signed(http.MethodPost, unifiedCreate, "{")).Code)

	c = newClient(t, s, "broker")
	other = map[string]any{"subUid": c.SubAccounts[1], "permType": "read_and_write", "ipList": []string{}}
	require.Equal(t, "40019", c.post(brokerCreate, c.fields(brokerCreate, other)).Code, "a key that writes must be bound")
	other = map[string]any{"permType": "readonly", "permList": []string{"wallet_transfer"}}
	require.Equal(t, "40020", c.post(brokerCreate, c.fields(brokerCreate, other)).Code, "a read-only key cannot move funds")
}

func TestDeleteKey(t *testing.T) {
	s := venuetest.Unhurried(t, bitget.Venue())
	c := newClient(t, s, "main")
	_, minted := c.mint(unifiedCreate, nil)
	remove := func(apiKey string) string {
		return c.post("/api/v3/user/delete-sub-api", map[string]any{"apiKey": apiKey}).Code
	}
	require.Equal(t, "25002", remove(c.APIKey), "not the caller's own")
	require.Equal(t, "00000", remove(minted.APIKey))
	require.Equal(t, "40041", remove(minted.APIKey))
	require.Equal(t, "40037", venuetest.With(c, minted).get("/api/v3/account/info").Code)

	c = newClient(t, s, "broker")
	_, minted = c.mint(brokerCreate, nil)
	removeFrom := func(subUID string) string {
		return c.post("/api/v2/broker/manage/delete-subaccount-apikey", map[string]any{"subUid": subUID, "apiKey": minted.APIKey}).Code
	}
	require.Equal(t, "40065", removeFrom(c.SubAccounts[1]))
	require.Equal(t, "40028", removeFrom("1234567890"))
	require.Equal(t, "00000", removeFrom(c.SubAccounts[0]))
	require.Equal(t, "40065", removeFrom(c.SubAccounts[0]))
	require.Len(t, s.Deletions("bitget"), 2)
}

// A classic account's key cannot be deleted, only edited, and only by someone
// who knows its passphrase.
func TestEditKey(t *testing.T) {
	s := venuetest.Unhurried(t, bitget.Venue())
	c := newClient(t, s, "classic")
	key, minted := c.mint(classicCreate, map[string]any{"permList": []string{"read", "spot_trade"}})
	edit := func(more map[string]any) answer {
		fields := map[string]any{
			"subAccountUid": c.SubAccounts[0], "subAccountApiKey": key.SubAccountAPIKey, "passphrase": "Minted0001", "label": "lease1",
		}
		for name, value := range more {
			fields[name] = value
		}
		return c.post(classicEdit, fields)
	}
	listed := func() apiKey {
		var keys []apiKey
		c.get("/api/v2/user/virtual-subaccount-apikey-list?subAccountUid=" + c.SubAccounts[0]).into(&keys)
		require.Len(t, keys, 1)
		require.Empty(t, keys[0].SecretKey, "secrets are shown once")
		return keys[0]
	}
	require.Equal(t, "40036", edit(map[string]any{"passphrase": "Other0001"}).Code)
	require.Equal(t, "40065", edit(map[string]any{"subAccountApiKey": "bg_none"}).Code)
	require.Equal(t, "40066", edit(map[string]any{"subAccountUid": "1"}).Code)
	require.Equal(t, "40056", edit(map[string]any{"label": ""}).Code)
	require.Equal(t, "40020", edit(map[string]any{"permList": []string{"withdraw"}}).Code)

	require.Equal(t, "00000", edit(map[string]any{"label": "lease2"}).Code)
	require.Equal(t, "lease2", listed().Label)
	require.Empty(t, listed().IPList, "addresses that the request leaves out are removed")
	require.Equal(t, []string{"read", "spot_trade"}, listed().PermList, "permissions that the request leaves out stay")
	require.Equal(t, 6, s.Calls("bitget", exchanges.OpEditKey))

	require.NoError(t, s.Inject(simulator.Fault{Exchange: "bitget", Operation: exchanges.OpDeleteKey, Kind: simulator.DeleteLies, Count: 1}))
	empty := map[string]any{"permList": []string{}, "ipList": []string{"127.0.0.1"}}
	require.Equal(t, "00000", edit(empty).Code)
	require.NotEmpty(t, listed().PermList)
	require.Equal(t, "00000", edit(empty).Code)
	require.Empty(t, listed().PermList)
	require.Equal(t, []string{"127.0.0.1"}, listed().IPList)
	require.Equal(t, 2, s.Calls("bitget", exchanges.OpDeleteKey))
	require.Equal(t, "40014", venuetest.With(c, minted).get("/api/v2/spot/account/assets").Code)

	edited := edit(map[string]any{"permList": []string{"transfer"}})
	require.Equal(t, "00000", edited.Code, "permissions that were taken away can be given back")
	require.Equal(t, []string{"transfer"}, listed().PermList)
}

func TestUseKey(t *testing.T) {
	s := venuetest.Unhurried(t, bitget.Venue())
	funds := map[string]any{"coin": "USDT", "amount": "1"}
	order := map[string]any{"category": "SPOT", "symbol": "BTCUSDT", "side": "buy", "orderType": "market", "qty": "1", "size": "1"}

	c := newClient(t, s, "main")
	for _, test := range []struct {
		keyType     string
		permissions []string
		want        [4]string // open orders, assets, order, transfer
	}{
		{"read_only", []string{"uta_trade"}, [4]string{"00000", "25620", "25620", "25620"}},
		{"read_only", []string{"uta_mgt", "uta_trade"}, [4]string{"00000", "00000", "25620", "25620"}},
		{"read_write", []string{"uta_trade"}, [4]string{"00000", "25620", "00000", "25620"}},
		{"read_write", []string{"uta_mgt"}, [4]string{"25620", "00000", "25620", "00000"}},
	} {
		_, minted := c.mint(unifiedCreate, map[string]any{"type": test.keyType, "permissions": test.permissions})
		user := venuetest.With(c, minted)
		require.Equal(t, test.want, [4]string{
			user.get("/api/v3/trade/unfilled-orders").Code, user.get("/api/v3/account/assets").Code,
			user.post("/api/v3/trade/place-order", order).Code, user.post("/api/v3/account/transfer", funds).Code,
		}, "%s %v", test.keyType, test.permissions)
		require.Equal(t, "40018", venuetest.From(user, "127.0.0.2").get("/api/v3/account/info").Code)
		require.Equal(t, "25620", user.post("/api/v3/account/withdrawal", funds).Code)
		require.Equal(t, "40085", user.get("/api/v2/spot/account/assets").Code)
	}
	require.Equal(t, "00000", newClient(t, s, "withdraw").post("/api/v3/account/withdrawal", funds).Code)

	for _, test := range []struct {
		root, path string
		more       map[string]any
		want       [4]string // assets, spot order, futures order, transfer
	}{
		{"classic", classicCreate, map[string]any{"permList": []string{"read"}}, [4]string{"00000", "40014", "40014", "40014"}},
		{"classic", classicCreate, map[string]any{"permList": []string{"read", "contract_trade", "transfer"}}, [4]string{"00000", "40014", "00000", "00000"}},
		{"broker", brokerCreate, nil, [4]string{"00000", "40014", "40014", "40014"}},
		{"broker", brokerCreate, map[string]any{"permType": "read_and_write"}, [4]string{"00000", "00000", "40014", "40014"}},
	} {
		c := newClient(t, s, test.root)
		_, minted := c.mint(test.path, test.more)
		user := venuetest.With(c, minted)
		require.Equal(t, test.want, [4]string{
			user.get("/api/v2/spot/account/assets").Code, user.post("/api/v2/spot/trade/place-order", order).Code,
			user.post("/api/v2/mix/order/place-order", order).Code, user.post("/api/v2/spot/wallet/transfer", funds).Code,
		}, "%s %v", test.root, test.more)
		require.Equal(t, "40014", user.post("/api/v2/spot/wallet/withdrawal", funds).Code)
		require.Equal(t, "25245", user.get("/api/v3/account/assets").Code)
	}

	_, minted := c.mint(unifiedCreate, map[string]any{"type": "read_write", "permissions": []string{"uta_mgt", "uta_trade"}})
	require.Equal(t, "40019", venuetest.With(c, minted).post("/api/v3/trade/place-order", map[string]any{"symbol": "BTCUSDT"}).Code)
	require.Equal(t, "40020", venuetest.With(c, minted).post("/api/v3/account/transfer", map[string]any{"coin": "USDT", "amount": "-1"}).Code)
}

func TestRateLimit(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, bitget.Venue(), simulator.Options{Now: clock.Now})
	c := newClient(t, s, "classic")
	for left := 4; left >= 0; left-- {
		answer := c.post(classicCreate, c.fields(classicCreate, nil))
		require.Equal(t, "00000", answer.Code)
		require.Equal(t, string(rune('0'+left)), answer.Header.Get("x-mbx-used-remain-limit"))
	}
	answer := c.post(classicCreate, c.fields(classicCreate, nil))
	require.Equal(t, "429", answer.Code)
	require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
	clock.Advance(time.Second)
	c.mint(classicCreate, nil)
}

func TestGrantFaults(t *testing.T) {
	s := venuetest.Unhurried(t, bitget.Venue())
	for _, test := range []struct {
		root, path string
		fault      simulator.FaultKind
		want       []string
	}{
		{"main", unifiedCreate, simulator.GrantMore, []string{"uta_trade", "uta_mgt"}},
		{"main", unifiedCreate, simulator.GrantLess, []string{}},
		{"classic", classicCreate, simulator.GrantMore, []string{"read", "transfer"}},
		{"broker", brokerCreate, simulator.GrantMore, []string{"spot_trade", "wallet_transfer"}},
	} {
		s.ClearFaults()
		require.NoError(t, s.Inject(simulator.Fault{Exchange: "bitget", Operation: exchanges.OpCreateKey, Kind: test.fault}))
		key, _ := newClient(t, s, test.root).mint(test.path, nil)
		require.Equal(t, test.want, append(key.Permissions, key.PermList...))
	}
}

package bybit_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/bybit"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestCreateKey(t *testing.T) {
	s := venuetest.Unhurried(t, bybit.Venue())
	c := newClient(t, s, "main")
	sub := c.SubAccounts[0]

	var key apiKey
	answer := c.post("/v5/user/create-sub-api", `{"subuid":`+sub+
		`,"note":"vlt-7f3a9c","readOnly":0,"ips":"192.0.2.1,192.0.2.2","permissions":{"ContractTrade":["Order","Position"],"Spot":["SpotTrade"],"NFT":[]}}`)
	answer.into(&key)
	require.Equal(t, "vlt-7f3a9c", key.Note)
	require.Len(t, key.APIKey, 18)
	require.Len(t, key.Secret, 36)
	require.Equal(t, float64(0), key.ReadOnly)
	require.Equal(t, map[string][]string{
		"ContractTrade": {"Order", "Position"}, "Spot": {"SpotTrade"},
		"Derivatives": {"DerivativesTrade"}, // added by the exchange
	}, key.granted())
	require.NotContains(t, answer.Body, `"ips"`)

	var again apiKey
	c.post("/v5/user/create-sub-api", `{"subuid":`+sub+`,"note":"vlt-7f3a9c","readOnly":1,"permissions":{"Spot":["SpotTrade"]}}`).into(&again)
	require.NotEqual(t, key.APIKey, again.APIKey, "two keys may have the same note")
	require.Equal(t, float64(1), again.ReadOnly)
	require.Equal(t, map[string][]string{"Spot": {"SpotTrade"}}, again.granted())
	require.Len(t, s.Keys(), 2)

	var root apiKey
	c.get("/v5/user/query-api", "").into(&root)
	refused := []struct {
		name, body string
		want       int
	}{
		{"the master itself", `{"subuid":` + strconv.Itoa(root.UserID) + `,"readOnly":0,"permissions":{"Spot":["SpotTrade"]}}`, 500010},
		{"no sub-account", `{"readOnly":0,"permissions":{"Spot":["SpotTrade"]}}`, 10001},
		{"sub-account as text", `{"subuid":"` + sub + `","readOnly":0,"permissions":{"Spot":["SpotTrade"]}}`, 10001},
		{"foreign sub-account", `{"subuid":1,"readOnly":0,"permissions":{"Spot":["SpotTrade"]}}`, 500010},
		{"no readOnly", `{"subuid":` + sub + `,"permissions":{"Spot":["SpotTrade"]}}`, 10001},
		{"readOnly as boolean", `{"subuid":` + sub + `,"readOnly":true,"permissions":{"Spot":["SpotTrade"]}}`, 10001},
		{"readOnly out of range", `{"subuid":` + sub + `,"readOnly":2,"permissions":{"Spot":["SpotTrade"]}}`, 10001},
		{"no permissions", `{"subuid":` + sub + `,"readOnly":0}`, 10001},
		{"empty permissions", `{"subuid":` + sub + `,"readOnly":0,"permissions":{}}`, 10001},
		{"permissions as list", `{"subuid":` + sub + `,"readOnly":0,"permissions":["SpotTrade"]}`, 10001},
		{"unknown group", `{"subuid":` + sub + `,"readOnly":0,"permissions":{"Stocks":["Trade"]}}`, 10001},
		{"withdrawals", `{"subuid":` + sub + `,"readOnly":0,"permissions":{"Wallet":["Withdraw"]}}`, 10001},
		{"transfers between members", `{"subuid":` + sub + `,"readOnly":0,"permissions":{"Wallet":["SubMemberTransfer"]}}`, 10001},
		{"unknown parameter", `{"subuid":` + sub + `,"readOnly":0,"permissions":{"Spot":["SpotTrade"]},"expiry":1}`, 10001},
		{"addresses as list", `{"subuid":` + sub + `,"readOnly":0,"permissions":{"Spot":["SpotTrade"]},"ips":["192.0.2.1"]}`, 10001},
		{"address with blank", `{"subuid":` + sub + `,"readOnly":0,"permissions":{"Spot":["SpotTrade"]},"ips":"192.0.2.1, 192.0.2.2"}`, 10001},
		{"network", `{"subuid":` + sub + `,"readOnly":0,"permissions":{"Spot":["SpotTrade"]},"ips":"192.0.2.0/24"}`, 10001},
		{"IPv6", `{"subuid":` + sub + `,"readOnly":0,"permissions":{"Spot":["SpotTrade"]},"ips":"2001:db8::1"}`, 10001},
		{"not JSON", `subuid=` + sub, 10001},
	}
	for _, test := range refused {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, c.post("/v5/user/create-sub-api", test.body).RetCode)
			require.Len(t, s.Keys(), 2)
		})
	}
}

// On some accounts every key gets Derivatives, by others' pages only those that name
// ContractTrade.
func TestDerivativesForEveryKey(t *testing.T) {
	for _, test := range []struct {
		weather string
		want    map[string][]string
	}{
		{"", map[string][]string{"Spot": {"SpotTrade"}}},
		{"every_key", map[string][]string{"Spot": {"SpotTrade"}, "Derivatives": {"DerivativesTrade"}}},
	} {
		s := venuetest.Unhurried(t, bybit.Venue())
		require.NoError(t, s.SetWeather("bybit", "derivatives", test.weather))
		c := newClient(t, s, "main")
		var key apiKey
		c.post("/v5/user/create-sub-api", `{"subuid":`+c.SubAccounts[0]+`,"readOnly":0,"permissions":{"Spot":["SpotTrade"]}}`).into(&key)
		require.Equal(t, test.want, key.granted())
	}
}

func TestRootRights(t *testing.T) {
	s := venuetest.Unhurried(t, bybit.Venue())
	main := newClient(t, s, "main")
	sub := main.SubAccounts[0]
	create := `{"subuid":` + sub + `,"readOnly":0,"permissions":{"Spot":["SpotTrade"]}}`
	trader := venuetest.With(main, main.mint(sub, `"permissions":{"Spot":["SpotTrade"]}`))
	tests := []struct {
		name                    string
		client                  *client
		create, subs, list, del int
	}{
		{"main", main, 0, 0, 0, 10001}, // 10001: the key to delete does not exist
		{"rsa", newClient(t, s, "rsa"), 0, 0, 0, 10001},
		{"read_only", newClient(t, s, "read_only"), 10005, 0, 0, 10005},
		{"no_right", newClient(t, s, "no_right"), 10005, 10005, 0, 10005},
		{"minted", trader, 10005, 10005, 10005, 10005},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.create, test.client.post("/v5/user/create-sub-api", create).RetCode)
			require.Equal(t, test.subs, test.client.get("/v5/user/submembers", "").RetCode)
			require.Equal(t, test.list, test.client.get("/v5/user/sub-apikeys", "subMemberId="+sub).RetCode)
			require.Equal(t, test.del, test.client.post("/v5/user/delete-sub-api", `{"apikey":"none"}`).RetCode)
		})
	}
	require.Empty(t, s.Deletions("bybit"))
}

func TestListKeys(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, bybit.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000})
	c := newClient(t, s, "main")
	sub := c.SubAccounts[0]
	type page struct {
		Result         []apiKey
		NextPageCursor string
	}
	var minted []string
	for i := range 5 {
		minted = append(minted, c.mint(sub, `"note":"n`+strconv.Itoa(i)+`","permissions":{"Spot":["SpotTrade"]}`).APIKey)
	}
	c.mint(c.SubAccounts[1], `"permissions":{"Spot":["SpotTrade"]}`)

	list := func() (found []string) {
		cursor := ""
		for {
			var p page
			c.get("/v5/user/sub-apikeys", "subMemberId="+sub+"&limit=2&cursor="+cursor).into(&p)
			for _, key := range p.Result {
				found = append(found, key.APIKey)
			}
			if cursor = p.NextPageCursor; cursor == "" {
				return found
			}
		}
	}
	require.Equal(t, minted, list())

	var one page
	c.get("/v5/user/sub-apikeys", "subMemberId="+sub+"&limit=2").into(&one)
	require.Equal(t, 0, c.post("/v5/user/delete-sub-api", `{"apikey":"`+minted[0]+`"}`).RetCode)
	c.get("/v5/user/sub-apikeys", "subMemberId="+sub+"&limit=2&cursor="+one.NextPageCursor).into(&one)
	require.Equal(t, minted[2], one.Result[0].APIKey, "a deletion between pages makes the list skip none")

	key := one.Result[0]
	require.Equal(t, "n2", key.Note)
	require.Equal(t, "******", key.Secret)
	require.Equal(t, false, key.ReadOnly, "a boolean, but only in the list")
	require.Equal(t, []string{"*"}, key.IPs)
	require.Equal(t, 3, key.Status)
	require.Equal(t, 90, key.DeadlineDay)
	clock.Advance(83 * 24 * time.Hour)
	c.get("/v5/user/sub-apikeys", "subMemberId="+sub).into(&one)
	require.Equal(t, 4, one.Result[0].Status, "expires within a week")
	clock.Advance(7 * 24 * time.Hour)
	c.get("/v5/user/sub-apikeys", "subMemberId="+sub).into(&one)
	require.Equal(t, 2, one.Result[0].Status, "expired")
	require.Empty(t, s.Keys())

	for _, query := range []string{"", "subMemberId=" + sub + "&limit=0", "subMemberId=" + sub + "&limit=21", "subMemberId=" + sub + "&cursor=x"} {
		require.Equal(t, 10001, c.get("/v5/user/sub-apikeys", query).RetCode, query)
	}
	require.Equal(t, 500010, c.get("/v5/user/sub-apikeys", "subMemberId=1").RetCode)
}

func TestEditKey(t *testing.T) {
	s := venuetest.Unhurried(t, bybit.Venue())
	c := newClient(t, s, "main")
	minted := c.mint(c.SubAccounts[0], `"note":"n","ips":"192.0.2.1","permissions":{"ContractTrade":["Order"],"Spot":["SpotTrade"]}`)

	var key apiKey
	c.post("/v5/user/update-sub-api", `{"apikey":"`+minted.APIKey+`","readOnly":1,"ips":"192.0.2.9","permissions":{"Spot":["SpotTrade"]}}`).into(&key)
	require.Equal(t, map[string][]string{"Spot": {"SpotTrade"}}, key.granted())
	require.Equal(t, []string{"192.0.2.9"}, key.IPs)
	require.Equal(t, float64(1), key.ReadOnly)
	require.Equal(t, "n", key.Note)
	require.Empty(t, key.Secret)

	c.post("/v5/user/update-sub-api", `{"apikey":"`+minted.APIKey+`"}`).into(&key)
	require.Equal(t, map[string][]string{"Spot": {"SpotTrade"}}, key.granted(), "missing permissions stay")
	require.Equal(t, []string{"*"}, key.IPs, "missing addresses unbind")
	require.Equal(t, float64(0), key.ReadOnly, "a missing readOnly means read-write")

	for _, body := range []string{
		`{"readOnly":0}`,
		`{"apikey":"none"}`,
		`{"apikey":"` + c.APIKey + `"}`, // a root
		`{"apikey":"` + minted.APIKey + `","note":"other"}`,
		`{"apikey":"` + minted.APIKey + `","readOnly":3}`,
	} {
		require.Equal(t, 10001, c.post("/v5/user/update-sub-api", body).RetCode, body)
	}
}

func TestKeyWithTransferRightEditsItself(t *testing.T) {
	s := venuetest.Unhurried(t, bybit.Venue())
	c := newClient(t, s, "main")
	minted := c.mint(c.SubAccounts[0], `"ips":"127.0.0.1","permissions":{"Wallet":["AccountTransfer"]}`)
	neighbour := c.mint(c.SubAccounts[0], `"permissions":{"Spot":["SpotTrade"]}`)
	self := venuetest.With(c, minted)

	require.Equal(t, 10001, self.post("/v5/user/delete-sub-api", `{"apikey":"`+neighbour.APIKey+`"}`).RetCode)
	require.Equal(t, 10001, self.post("/v5/user/update-sub-api", `{"apikey":"`+minted.APIKey+`"}`).RetCode, "it must not even name itself")
	var key apiKey
	self.post("/v5/user/update-sub-api", `{"readOnly":0,"permissions":{"Wallet":["AccountTransfer"],"Spot":["SpotTrade"]}}`).into(&key)
	require.Equal(t, []string{"*"}, key.IPs)
	require.Equal(t, []string{"SpotTrade"}, key.Permissions["Spot"])

	require.Equal(t, 0, self.post("/v5/user/delete-sub-api", `{}`).RetCode)
	require.Equal(t, 10003, self.get("/v5/user/query-api", "").RetCode)
	require.Equal(t, []string{minted.APIKey}, s.Deletions("bybit"))
}

func TestDeleteKey(t *testing.T) {
	s := venuetest.Unhurried(t, bybit.Venue())
	c := newClient(t, s, "main")
	minted := c.mint(c.SubAccounts[0], `"permissions":{"Spot":["SpotTrade"]}`)
	require.Equal(t, 0, venuetest.With(c, minted).get("/v5/account/wallet-balance", "accountType=UNIFIED").RetCode)

	answer := c.post("/v5/user/delete-sub-api", `{"apikey":"`+minted.APIKey+`"}`)
	require.Equal(t, 0, answer.RetCode)
	require.JSONEq(t, `{}`, string(answer.Result))
	require.Equal(t, 10003, venuetest.With(c, minted).get("/v5/account/wallet-balance", "accountType=UNIFIED").RetCode, "at once")
	require.Equal(t, 10001, c.post("/v5/user/delete-sub-api", `{"apikey":"`+minted.APIKey+`"}`).RetCode, "gone already")
	require.Equal(t, 2, s.Calls("bybit", exchanges.OpDeleteKey))

	require.Equal(t, 10001, c.post("/v5/user/delete-api", `{"apikey":"`+c.APIKey+`"}`).RetCode)
	require.Equal(t, 0, c.post("/v5/user/delete-api", `{}`).RetCode)
	require.Equal(t, 10003, c.get("/v5/user/query-api", "").RetCode)
	s.Reset()
	require.Equal(t, 0, c.get("/v5/user/query-api", "").RetCode, "a reset brings the root back")
}

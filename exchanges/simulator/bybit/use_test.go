package bybit_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/bybit"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestQueryKey(t *testing.T) {
	s := venuetest.Unhurried(t, bybit.Venue())
	var root apiKey
	main := newClient(t, s, "main")
	main.get("/v5/user/query-api", "").into(&root)
	require.True(t, root.IsMaster)
	require.Equal(t, "0", root.ParentUID)
	require.Equal(t, float64(0), root.ReadOnly)
	require.Equal(t, []string{"127.0.0.1", "::1"}, root.IPs)
	require.Equal(t, "1970-01-01T00:00:00Z", root.ExpiredAt, "a bound key does not expire")
	require.Equal(t, -2, root.DeadlineDay)
	require.Equal(t, []string{"AccountTransfer", "SubMemberTransfer"}, root.Permissions["Wallet"])
	require.Empty(t, root.Secret)
	require.Equal(t, []string{}, root.Permissions["NFT"], "empty groups are listed as well")

	var unbound, readOnly, minted apiKey
	newClient(t, s, "unbound").get("/v5/user/query-api", "").into(&unbound)
	require.Equal(t, []string{"*"}, unbound.IPs)
	require.NotEqual(t, root.ExpiredAt, unbound.ExpiredAt)
	newClient(t, s, "read_only").get("/v5/user/query-api", "").into(&readOnly)
	require.Equal(t, float64(1), readOnly.ReadOnly)

	credential := main.mint(main.SubAccounts[0], `"note":"lease","permissions":{"Spot":["SpotTrade"]}`)
	venuetest.With(main, credential).get("/v5/user/query-api", "").into(&minted)
	require.False(t, minted.IsMaster)
	require.Equal(t, strconv.Itoa(root.UserID), minted.ParentUID)
	require.Equal(t, main.SubAccounts[0], strconv.Itoa(minted.UserID))
	require.Equal(t, 10001, main.get("/v5/user/query-api", "verbose=1").RetCode)
}

func TestUseKey(t *testing.T) {
	s := venuetest.Unhurried(t, bybit.Venue())
	c := newClient(t, s, "main")
	sub := c.SubAccounts[0]
	holding := func(fields string) *client { return venuetest.With(c, c.mint(sub, fields)) }
	var key apiKey
	c.post("/v5/user/create-sub-api", `{"subuid":`+sub+`,"readOnly":1,"permissions":{"Spot":["SpotTrade"],"Wallet":["AccountTransfer"]}}`).into(&key)
	reader := venuetest.With(c, simulator.Credential{APIKey: key.APIKey, APISecret: key.Secret})

	tests := []struct {
		name                                       string
		client                                     *client
		balance, spot, futures, options, transfers int
	}{
		{"reader", reader, 0, 10005, 10005, 10005, 10005},
		{"spot", holding(`"permissions":{"Spot":["SpotTrade"]}`), 0, 0, 10005, 10005, 10005},
		{"futures", holding(`"permissions":{"ContractTrade":["Order"]}`), 0, 10005, 0, 10005, 10005},
		{"options", holding(`"permissions":{"Options":["OptionsTrade"]}`), 0, 10005, 10005, 0, 10005},
		{"transfers", holding(`"permissions":{"Wallet":["AccountTransfer"]}`), 0, 10005, 10005, 10005, 0},
		{"elsewhere", holding(`"ips":"192.0.2.1","permissions":{"Spot":["SpotTrade"]}`), 10010, 10010, 10010, 10010, 10010},
	}
	order := func(category string) string {
		return `{"category":"` + category + `","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.01","price":"1","timeInForce":"GTC"}`
	}
	const transfer = `{"transferId":"42c0cfb0-6bca-c242-bc76-4e6df6cbcb16","coin":"USDT","amount":"1","fromAccountType":"UNIFIED","toAccountType":"FUND"}`
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.balance, test.client.get("/v5/account/wallet-balance", "accountType=UNIFIED").RetCode)
			require.Equal(t, test.spot, test.client.post("/v5/order/create", order("spot")).RetCode)
			require.Equal(t, test.futures, test.client.post("/v5/order/create", order("linear")).RetCode)
			require.Equal(t, test.options, test.client.post("/v5/order/create", order("option")).RetCode)
			require.Equal(t, test.transfers, test.client.post("/v5/asset/transfer/inter-transfer", transfer).RetCode)
			require.NotEqual(t, 0, test.client.post("/v5/asset/withdraw/create", `{}`).RetCode, "never")
		})
	}

	require.Equal(t, 10001, c.get("/v5/account/wallet-balance", "").RetCode)
	for _, body := range []string{
		`{}`, order("stocks"),
		strings.Replace(order("spot"), "Buy", "buy", 1),
		strings.Replace(order("spot"), "0.01", "-1", 1),
		strings.Replace(order("spot"), `"price":"1",`, "", 1),
	} {
		require.Equal(t, 10001, c.post("/v5/order/create", body).RetCode, body)
	}
	for _, body := range []string{`{}`, strings.Replace(transfer, "FUND", "UNIFIED", 1), strings.Replace(transfer, `"1"`, `"0"`, 1)} {
		require.Equal(t, 10001, c.post("/v5/asset/transfer/inter-transfer", body).RetCode, body)
	}
}

func TestExpiredKey(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, bybit.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000})
	c := newClient(t, s, "main")
	minted := venuetest.With(c, c.mint(c.SubAccounts[0], `"permissions":{"Spot":["SpotTrade"]}`))
	clock.Advance(90*24*time.Hour - time.Second)
	require.Equal(t, 0, minted.get("/v5/user/query-api", "").RetCode)
	clock.Advance(time.Second)
	require.Equal(t, 33004, minted.get("/v5/user/query-api", "").RetCode)
}

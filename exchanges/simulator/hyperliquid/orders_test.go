package hyperliquid

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

func TestTradingDay(t *testing.T) {
	c := newClient(t)
	agent := venue.NewWallet()
	require.Empty(t, c.approve(agent.Address(), "vlt-1 valid_until "+strconv.FormatInt(c.clock.Add(time.Hour).UnixMilli(), 10)))
	user := c.as(agent)
	user.nonce += 100
	require.JSONEq(t, `"default"`, c.info(`{"type":"userAbstraction","user":"`+c.owner+`"}`))
	require.Contains(t, c.info(`{"type":"clearinghouseState","user":"`+c.owner+`"}`), `"accountValue":"1000.0"`)

	require.Empty(t, user.act(`{"type":"order","orders":[{"a":0,"b":true,"p":"1","s":"1","r":false,"t":{"limit":{"tif":"Gtc"}},"c":"0x01"}],"grouping":"na"}`, ""))
	open := func(address string) (orders []struct {
		Coin, Side string
		OID        int64
	}) {
		require.NoError(t, json.Unmarshal([]byte(c.info(`{"type":"frontendOpenOrders","user":"`+address+`"}`)), &orders))
		return orders
	}
	orders := open(c.owner)
	require.Len(t, orders, 1)
	require.Equal(t, "BTC", orders[0].Coin)
	require.Equal(t, "B", orders[0].Side)
	require.Empty(t, open(venue.RandomAddress()))

	cancel := func(c *client, action string) string {
		c.nonce++
		status, answer := c.post("/exchange", signed(c.T, c.wallet, action, c.nonce, ""))
		require.Equal(t, http.StatusOK, status, answer)
		return answer
	}
	one := `{"type":"cancel","cancels":[{"a":0,"o":` + strconv.FormatInt(orders[0].OID, 10) + `}]}`
	require.Contains(t, cancel(c.as(venue.NewWallet()), one), "does not exist", "a stranger's")
	require.Contains(t, cancel(user, `{"type":"cancelByCloid","cancels":[{"asset":0,"cloid":"0x01"}]}`), "success")
	require.Contains(t, cancel(user, one), notOpen)
	require.Empty(t, open(c.owner))
}

// The exchange's own client writes r and s as numbers, without zeros at the beginning.
func TestShortSignatures(t *testing.T) {
	number, bad := scalar("0x" + strings.Repeat("1", 63))
	require.False(t, bad)
	require.Equal(t, "01"+strings.Repeat("11", 31), hex.EncodeToString(number))
	for _, text := range []string{"", "0x", "11", "0x" + strings.Repeat("1", 65), "0xx"} {
		_, bad := scalar(text)
		require.True(t, bad, text)
	}

	c := newClient(t)
	for short := 0; short < 2; {
		c.nonce++
		body := signed(t, c.wallet, noop, c.nonce, "")
		trimmed := strings.NewReplacer(`"0x0`, `"0x`).Replace(body)
		status, answer := c.post("/exchange", trimmed)
		require.Equal(t, http.StatusOK, status, answer)
		require.Contains(t, answer, `"ok"`, trimmed)
		if trimmed != body {
			short++
		}
		require.Less(t, c.nonce, int64(vectorNonce+1000))
	}
}

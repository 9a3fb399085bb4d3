package hyperliquid

import (
	"net/http"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// section is the only one: the asset says what an order is for.
const section = "orders"

// coin is the name of an asset by its number. Only the first two have their real
// names.
func coin(asset int64) string {
	if names := []string{"BTC", "ETH"}; asset >= 0 && asset < int64(len(names)) {
		return names[asset]
	}
	return "@" + strconv.FormatInt(asset, 10)
}

// clearinghouse answers clearinghouseState: the account's margin and positions.
func (e *exchange) clearinghouse(c *venue.Call) *venue.Answer {
	if _, refusal := e.user(c); refusal != nil {
		return refusal
	}
	margin := map[string]string{"accountValue": "1000.0", "totalNtlPos": "0.0", "totalRawUsd": "1000.0", "totalMarginUsed": "0.0"}
	return venue.JSONAnswer(http.StatusOK, map[string]any{
		"marginSummary": margin, "crossMarginSummary": margin, "crossMaintenanceMarginUsed": "0.0", "withdrawable": "1000.0",
		"assetPositions": []any{}, "time": c.Now.UnixMilli(),
	})
}

// abstraction answers userAbstraction: how the account's margin is kept.
func (e *exchange) abstraction(c *venue.Call) *venue.Answer {
	if _, refusal := e.user(c); refusal != nil {
		return refusal
	}
	return venue.JSONAnswer(http.StatusOK, "default")
}

// openOrders answers openOrders and frontendOpenOrders. Like all questions they may
// be asked by anybody, about any account.
func (e *exchange) openOrders(c *venue.Call) *venue.Answer {
	address, refusal := e.user(c)
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	for _, o := range c.Books.OpenOrders(c.Books.Account(address), section, "") {
		row := map[string]any{
			"coin": o.Market, "side": o.Side, "limitPx": o.Price, "sz": o.Amount, "origSz": o.Amount, "oid": orderNumber(o.ID),
			"timestamp": o.Placed.UnixMilli(), "orderType": "Limit", "tif": "Gtc", "reduceOnly": false, "isTrigger": false,
			"triggerPx": "0.0", "triggerCondition": "N/A", "isPositionTpsl": false, "children": []any{}, "cloid": nil,
		}
		if o.ClientID != "" {
			row["cloid"] = o.ClientID
		}
		rows = append(rows, row)
	}
	return venue.JSONAnswer(http.StatusOK, rows)
}

// notOpen is the answer to the cancellation of an order that is not open.
const notOpen = "Order was never placed, already canceled, or filled."

// cancel cancels orders by their numbers, or by the names that their clients gave
// them. Each has a status of its own.
func (e *exchange) cancel(c *venue.Call) *venue.Answer {
	var byID struct {
		Type    string `json:"type"`
		Cancels []struct {
			Asset *int64 `json:"a"`
			Order *int64 `json:"o"`
		} `json:"cancels"`
	}
	var byName struct {
		Type    string `json:"type"`
		Cancels []struct {
			Asset *int64 `json:"asset"`
			Name  string `json:"cloid"`
		} `json:"cancels"`
	}
	type wish struct {
		asset    int64
		id, name string
	}
	var wishes []wish
	switch {
	case e.readAction(c, &byID) && byID.Type == "cancel":
		for _, w := range byID.Cancels {
			if w.Asset == nil || w.Order == nil {
				return e.notUnderstood(c)
			}
			wishes = append(wishes, wish{*w.Asset, strconv.FormatInt(*w.Order, 10), ""})
		}
	case e.readAction(c, &byName) && byName.Type == "cancelByCloid":
		for _, w := range byName.Cancels {
			if w.Asset == nil || w.Name == "" {
				return e.notUnderstood(c)
			}
			wishes = append(wishes, wish{*w.Asset, "", w.Name})
		}
	}
	if len(wishes) == 0 {
		return e.notUnderstood(c)
	}
	statuses := []any{}
	for _, w := range wishes {
		if _, found := c.Books.CancelOrder(e.accountOf(c, c.Key), section, w.id, w.name); found {
			statuses = append(statuses, "success")
		} else {
			statuses = append(statuses, map[string]string{"error": notOpen})
		}
	}
	return e.statuses("cancel", statuses)
}

// statuses answers an action with one status for each of its parts.
func (e *exchange) statuses(action string, statuses []any) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, map[string]any{"status": "ok", "response": map[string]any{
		"type": action, "data": map[string]any{"statuses": statuses},
	}})
}

func orderNumber(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err) // It was drawn as a number.
	}
	return n
}

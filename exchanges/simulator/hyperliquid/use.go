package hyperliquid

import (
	"encoding/json"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// readAction reads the action of a request into a target that has a field for
// each of its members.
func (e *exchange) readAction(c *venue.Call, target any) bool {
	var request request
	return json.Unmarshal(c.Body, &request) == nil && venue.DecodeStrictly(request.Action, target) == nil
}

// order accepts orders, and nothing ever fills them.
func (e *exchange) order(c *venue.Call) *venue.Answer {
	var action struct {
		Type   string `json:"type"`
		Orders []struct {
			Asset      *int64          `json:"a"`
			IsBuy      *bool           `json:"b"`
			Price      string          `json:"p"`
			Size       string          `json:"s"`
			ReduceOnly *bool           `json:"r"`
			Type       json.RawMessage `json:"t"`
			Name       string          `json:"c"`
		} `json:"orders"`
		Grouping string          `json:"grouping"`
		Builder  json.RawMessage `json:"builder"`
	}
	if !e.readAction(c, &action) || len(action.Orders) == 0 || action.Grouping != "na" {
		return e.notUnderstood(c)
	}
	statuses := []any{}
	for _, o := range action.Orders {
		size, err := strconv.ParseFloat(o.Size, 64)
		if o.Asset == nil || o.IsBuy == nil || o.ReduceOnly == nil || len(o.Type) == 0 || o.Price == "" || err != nil || size <= 0 {
			return e.notUnderstood(c)
		}
		placed := venue.Order{
			ID: venue.RandomNumber(9), ClientID: o.Name, Section: section, Market: coin(*o.Asset), Side: "A", Price: o.Price, Amount: o.Size,
			Placed: c.Now,
		}
		if *o.IsBuy {
			placed.Side = "B"
		}
		c.Books.PlaceOrder(e.accountOf(c, c.Key), placed)
		resting := map[string]any{"oid": orderNumber(placed.ID)}
		if o.Name != "" {
			resting["cloid"] = o.Name
		}
		statuses = append(statuses, map[string]any{"resting": resting})
	}
	return e.statuses("order", statuses)
}

// setAbstraction sets the account's margin mode, which agents may do too.
func (e *exchange) setAbstraction(c *venue.Call) *venue.Answer {
	var action struct {
		Type        string `json:"type"`
		Abstraction string `json:"abstraction"`
	}
	if !e.readAction(c, &action) || action.Abstraction != "i" && action.Abstraction != "u" && action.Abstraction != "p" {
		return e.notUnderstood(c)
	}
	return e.ok(c)
}

// subAccountTransfer moves funds between the account and one of its
// sub-accounts.
func (e *exchange) subAccountTransfer(c *venue.Call) *venue.Answer {
	var action struct {
		Type           string `json:"type"`
		SubAccountUser string `json:"subAccountUser"`
		IsDeposit      *bool  `json:"isDeposit"`
		USD            int64  `json:"usd"`
	}
	if !e.readAction(c, &action) || action.IsDeposit == nil || action.USD <= 0 {
		return e.notUnderstood(c)
	}
	if sub := c.Books.Account(action.SubAccountUser); sub == nil || sub.Parent != e.accountOf(c, c.Key) {
		return e.refuse("Invalid sub-account transfer from wallet")
	}
	return e.ok(c)
}

// vaultTransfer moves funds into a vault or out of it.
func (e *exchange) vaultTransfer(c *venue.Call) *venue.Answer {
	var action struct {
		Type         string `json:"type"`
		VaultAddress string `json:"vaultAddress"`
		IsDeposit    *bool  `json:"isDeposit"`
		USD          int64  `json:"usd"`
	}
	if !e.readAction(c, &action) || !venue.IsAddress(action.VaultAddress) || action.IsDeposit == nil || action.USD <= 0 {
		return e.notUnderstood(c)
	}
	return e.ok(c)
}

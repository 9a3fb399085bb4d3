package deribit

import (
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// section is the only one: the instrument says what an order is for.
const section = "orders"

// accountSummaries answers private/get_account_summaries.
func (e *exchange) accountSummaries(c *venue.Call) *venue.Answer {
	extended := false
	return e.with(c, func(p *venue.Params) {
		extended = p.Flag("extended", false)
		p.Integer("subaccount_id", 0)
	}, func() *venue.Answer {
		result := map[string]any{}
		if extended {
			result = e.accountView(c.Key.Account)
		}
		var summaries []any
		for currency, balance := range map[string]float64{"BTC": 1.5, "USD": 1000} {
			summaries = append(summaries, map[string]any{
				"currency": currency, "balance": balance, "equity": balance, "available_funds": balance, "maintenance_margin": 0.0,
			})
		}
		result["summaries"] = summaries
		return e.ok(c, result)
	})
}

// place answers private/buy and private/sell. It accepts the order, and nothing ever
// fills it.
func (e *exchange) place(direction string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		o := venue.Order{ID: strconv.FormatInt(e.nextOrder(), 10), Section: section, Side: direction, Placed: c.Now}
		return e.with(c, func(p *venue.Params) {
			p.Require("instrument_name", "amount", "type")
			o.Market, o.Kind, o.ClientID = p.Text("instrument_name"), p.Text("type"), p.Text("label")
			p.Check("type", o.Kind == "market" || o.Kind == "limit")
			o.Price, o.Amount = amountOf(p, "price"), amountOf(p, "amount")
			p.Check("price", o.Kind == "market" || o.Price != "")
			p.Check("amount", o.Amount != "")
			p.Flag("post_only", false)
			p.Flag("reduce_only", false)
			p.Text("time_in_force")
		}, func() *venue.Answer {
			c.PlaceOrder(o)
			return e.ok(c, map[string]any{"trades": []any{}, "order": orderView(o, "open")})
		})
	}
}

// ordersByInstrument answers private/get_open_orders_by_instrument.
func (e *exchange) ordersByInstrument(c *venue.Call) *venue.Answer {
	var instrument string
	return e.with(c, func(p *venue.Params) {
		p.Require("instrument_name")
		instrument = p.Text("instrument_name")
		p.Text("type")
	}, func() *venue.Answer { return e.ok(c, e.orderViews(c, instrument, "")) })
}

// ordersByCurrency answers private/get_open_orders_by_currency.
func (e *exchange) ordersByCurrency(c *venue.Call) *venue.Answer {
	var currency string
	return e.with(c, func(p *venue.Params) {
		p.Require("currency")
		currency = p.Text("currency")
		p.Check("currency", isCurrency(currency))
		p.Text("kind")
		p.Text("type")
	}, func() *venue.Answer { return e.ok(c, e.orderViews(c, "", currency)) })
}

// orderViews are the open orders on an instrument, or on all whose names begin with
// the currency.
func (e *exchange) orderViews(c *venue.Call, instrument, currency string) []any {
	rows := []any{}
	for _, o := range c.OpenOrders(section, instrument) {
		if strings.HasPrefix(o.Market, currency) {
			rows = append(rows, orderView(o, "open"))
		}
	}
	return rows
}

// cancel answers private/cancel.
func (e *exchange) cancel(c *venue.Call) *venue.Answer {
	var id string
	return e.with(c, func(p *venue.Params) {
		p.Require("order_id")
		id = p.Text("order_id")
		p.Check("order_id", id != "")
	}, func() *venue.Answer {
		o, found := c.CancelOrder(section, id, "")
		if !found {
			return e.refuse(c, noOrder)
		}
		return e.ok(c, orderView(o, "cancelled"))
	})
}

func orderView(o venue.Order, state string) map[string]any {
	amount, _ := strconv.ParseFloat(o.Amount, 64) // It was read as a number.
	view := map[string]any{
		"order_id": o.ID, "label": o.ClientID, "instrument_name": o.Market, "direction": o.Side, "order_type": o.Kind, "order_state": state,
		"amount": amount, "filled_amount": 0.0, "average_price": 0.0, "price": "market_price", "time_in_force": "good_til_cancelled",
		"post_only": false, "reduce_only": false, "api": true, "creation_timestamp": o.Placed.UnixMilli(),
		"last_update_timestamp": o.Placed.UnixMilli(),
	}
	if o.Kind == "limit" {
		view["price"], _ = strconv.ParseFloat(o.Price, 64)
	}
	return view
}

// amountOf reads a parameter that is a number above zero; empty if it is not.
func amountOf(p *venue.Params, name string) string {
	var amount float64
	if !p.Value(name, &amount) || amount <= 0 {
		return ""
	}
	return strconv.FormatFloat(amount, 'f', -1, 64)
}

package deribit

import (
	"encoding/json"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// accountSummary answers private/get_account_summary.
func (d *deribit) accountSummary(c *venue.Call) *venue.Answer {
	extended := false
	return d.with(c, func(p *venue.Params) {
		p.Require("currency")
		p.Check("currency", deribitIsCurrency(p.Text("currency")))
		extended = p.Flag("extended", false)
	}, func() *venue.Answer {
		summary := map[string]any{"currency": "BTC", "balance": 1.5, "equity": 1.5, "available_funds": 1.5}
		if extended {
			for name, value := range d.accountView(c.Key.Account) {
				summary[name] = value
			}
			summary["security_keys_enabled"] = d.totpSecrets[c.Key.Account.ID] != ""
		}
		return d.ok(c, summary)
	})
}

func deribitIsCurrency(currency string) bool {
	return currency != "" && strings.Trim(currency, venue.UpperCase) == ""
}

func (d *deribit) accountView(a *venue.Account) map[string]any {
	kind := "subaccount"
	if a.Parent == nil {
		kind = "main"
	}
	return map[string]any{"id": json.Number(a.ID), "type": kind, "username": a.Name, "email": a.Name + "@example.com", "system_name": "user_" + a.ID}
}

// getSubAccounts answers private/get_subaccounts. The main account is one of the
// rows, and a sub-account sees itself and little of the main account.
func (d *deribit) getSubAccounts(c *venue.Call) *venue.Answer {
	return d.with(c, func(p *venue.Params) { p.Flag("with_portfolio", false) }, func() *venue.Answer {
		own := c.Key.Account
		rows := []any{d.accountView(d.user(own))}
		if own.Parent != nil {
			return d.ok(c, append(rows, d.accountView(own)))
		}
		for _, sub := range c.Books.SubAccounts(own) {
			row := d.accountView(sub)
			row["login_enabled"], row["margin_model"], row["security_keys_enabled"] = false, "cross_pm", false
			rows = append(rows, row)
		}
		return d.ok(c, rows)
	})
}

// createSubAccount answers private/create_subaccount.
func (d *deribit) createSubAccount(c *venue.Call) *venue.Answer {
	return d.with(c, func(*venue.Params) {}, func() *venue.Answer {
		if len(c.Books.SubAccounts(c.Key.Account)) >= deribitMaxSubAccounts {
			return d.refuse(c, deribitTooManySubAccounts)
		}
		return d.ok(c, d.accountView(d.AddSubAccount(c.Books, c.Now, c.Key.Account)))
	})
}

// positions answers private/get_positions.
func (d *deribit) positions(c *venue.Call) *venue.Answer {
	return d.with(c, func(p *venue.Params) {
		p.Text("currency")
		p.Text("kind")
	}, func() *venue.Answer { return d.ok(c, []any{}) })
}

// deposits answers private/get_deposits.
func (d *deribit) deposits(c *venue.Call) *venue.Answer {
	return d.with(c, func(p *venue.Params) {
		p.Require("currency")
		p.Check("currency", deribitIsCurrency(p.Text("currency")))
	}, func() *venue.Answer { return d.ok(c, map[string]any{"count": 0, "data": []any{}}) })
}

// buy answers private/buy. It accepts the order, and nothing ever fills it.
func (d *deribit) buy(c *venue.Call) *venue.Answer {
	var instrument, kind string
	return d.with(c, func(p *venue.Params) {
		p.Require("instrument_name", "amount", "type")
		instrument, kind = p.Text("instrument_name"), p.Text("type")
		p.Check("type", kind == "market" || kind == "limit")
		p.Check("price", kind == "market" || deribitAmount(p, "price"))
		p.Check("amount", deribitAmount(p, "amount"))
	}, func() *venue.Answer {
		return d.ok(c, map[string]any{
			"trades": []any{},
			"order":  map[string]any{"order_id": d.nextOrder(), "instrument_name": instrument, "order_type": kind, "order_state": "open"},
		})
	})
}

// transfer answers private/submit_transfer_between_subaccounts. A sub-account
// moves its own funds only.
func (d *deribit) transfer(c *venue.Call) *venue.Answer {
	var foreign bool
	return d.with(c, func(p *venue.Params) {
		p.Require("currency", "amount", "destination")
		p.Check("currency", deribitIsCurrency(p.Text("currency")))
		p.Check("amount", deribitAmount(p, "amount"))
		p.Integer("destination", 0)
		foreign = p.Given("source")
		p.Integer("source", 0)
	}, func() *venue.Answer {
		if foreign && c.Key.Account.Parent != nil {
			return d.refuse(c, deribitForbidden)
		}
		return d.ok(c, map[string]any{"id": d.nextOrder(), "state": "confirmed", "type": "subaccount"})
	})
}

// withdraw answers private/withdraw, which no key of a sub-account may call.
func (d *deribit) withdraw(c *venue.Call) *venue.Answer {
	return d.with(c, func(p *venue.Params) {
		p.Require("currency", "address", "amount")
		p.Check("currency", deribitIsCurrency(p.Text("currency")))
		p.Text("address")
		p.Check("amount", deribitAmount(p, "amount"))
	}, func() *venue.Answer { return d.ok(c, map[string]any{"id": d.nextOrder(), "state": "unconfirmed"}) })
}

// deribitAmount tells whether a parameter is a number above zero.
func deribitAmount(p *venue.Params, name string) bool {
	var amount float64
	return p.Value(name, &amount) && amount > 0
}

func (d *deribit) nextOrder() int64 {
	d.orderID++
	return d.orderID
}

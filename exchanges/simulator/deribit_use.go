package simulator

import (
	"encoding/json"
	"strings"
)

// accountSummary answers private/get_account_summary.
func (d *deribit) accountSummary(c *call) *answer {
	extended := false
	return d.with(c, func(p *params) {
		p.require("currency")
		p.check("currency", deribitIsCurrency(p.text("currency")))
		extended = p.flag("extended", false)
	}, func() *answer {
		summary := map[string]any{"currency": "BTC", "balance": 1.5, "equity": 1.5, "available_funds": 1.5}
		if extended {
			for name, value := range d.accountView(c.key.account) {
				summary[name] = value
			}
			summary["security_keys_enabled"] = d.totpSecrets[c.key.account.id] != ""
		}
		return d.ok(c, summary)
	})
}

func deribitIsCurrency(currency string) bool {
	return currency != "" && strings.Trim(currency, upperCase) == ""
}

func (d *deribit) accountView(a *account) map[string]any {
	kind := "subaccount"
	if a.parent == nil {
		kind = "main"
	}
	return map[string]any{"id": json.Number(a.id), "type": kind, "username": a.name, "email": a.name + "@example.com", "system_name": "user_" + a.id}
}

// getSubAccounts answers private/get_subaccounts. The main account is one of the
// rows, and a sub-account sees itself and little of the main account.
func (d *deribit) getSubAccounts(c *call) *answer {
	return d.with(c, func(p *params) { p.flag("with_portfolio", false) }, func() *answer {
		own := c.key.account
		rows := []any{d.accountView(d.user(own))}
		if own.parent != nil {
			return d.ok(c, append(rows, d.accountView(own)))
		}
		for _, sub := range c.books.subAccounts(own) {
			row := d.accountView(sub)
			row["login_enabled"], row["margin_model"], row["security_keys_enabled"] = false, "cross_pm", false
			rows = append(rows, row)
		}
		return d.ok(c, rows)
	})
}

// createSubAccount answers private/create_subaccount.
func (d *deribit) createSubAccount(c *call) *answer {
	return d.with(c, func(*params) {}, func() *answer {
		if len(c.books.subAccounts(c.key.account)) >= deribitMaxSubAccounts {
			return d.refuse(c, deribitTooManySubAccounts)
		}
		return d.ok(c, d.accountView(d.addSubAccount(c.books, c.now, c.key.account)))
	})
}

// positions answers private/get_positions.
func (d *deribit) positions(c *call) *answer {
	return d.with(c, func(p *params) {
		p.text("currency")
		p.text("kind")
	}, func() *answer { return d.ok(c, []any{}) })
}

// deposits answers private/get_deposits.
func (d *deribit) deposits(c *call) *answer {
	return d.with(c, func(p *params) {
		p.require("currency")
		p.check("currency", deribitIsCurrency(p.text("currency")))
	}, func() *answer { return d.ok(c, map[string]any{"count": 0, "data": []any{}}) })
}

// buy answers private/buy. It accepts the order, and nothing ever fills it.
func (d *deribit) buy(c *call) *answer {
	var instrument, kind string
	return d.with(c, func(p *params) {
		p.require("instrument_name", "amount", "type")
		instrument, kind = p.text("instrument_name"), p.text("type")
		p.check("type", kind == "market" || kind == "limit")
		p.check("price", kind == "market" || deribitAmount(p, "price"))
		p.check("amount", deribitAmount(p, "amount"))
	}, func() *answer {
		return d.ok(c, map[string]any{
			"trades": []any{},
			"order":  map[string]any{"order_id": d.nextOrder(), "instrument_name": instrument, "order_type": kind, "order_state": "open"},
		})
	})
}

// transfer answers private/submit_transfer_between_subaccounts. A sub-account
// moves its own funds only.
func (d *deribit) transfer(c *call) *answer {
	var foreign bool
	return d.with(c, func(p *params) {
		p.require("currency", "amount", "destination")
		p.check("currency", deribitIsCurrency(p.text("currency")))
		p.check("amount", deribitAmount(p, "amount"))
		p.integer("destination", 0)
		foreign = p.given("source")
		p.integer("source", 0)
	}, func() *answer {
		if foreign && c.key.account.parent != nil {
			return d.refuse(c, deribitForbidden)
		}
		return d.ok(c, map[string]any{"id": d.nextOrder(), "state": "confirmed", "type": "subaccount"})
	})
}

// withdraw answers private/withdraw, which no key of a sub-account may call.
func (d *deribit) withdraw(c *call) *answer {
	return d.with(c, func(p *params) {
		p.require("currency", "address", "amount")
		p.check("currency", deribitIsCurrency(p.text("currency")))
		p.text("address")
		p.check("amount", deribitAmount(p, "amount"))
	}, func() *answer { return d.ok(c, map[string]any{"id": d.nextOrder(), "state": "unconfirmed"}) })
}

// deribitAmount tells whether a parameter is a number above zero.
func deribitAmount(p *params, name string) bool {
	var amount float64
	return p.value(name, &amount) && amount > 0
}

func (d *deribit) nextOrder() int64 {
	d.orderID++
	return d.orderID
}

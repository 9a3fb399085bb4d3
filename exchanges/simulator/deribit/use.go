package deribit

import (
	"encoding/json"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// accountSummary answers private/get_account_summary.
func (e *exchange) accountSummary(c *venue.Call) *venue.Answer {
	extended := false
	return e.with(c, func(p *venue.Params) {
		p.Require("currency")
		p.Check("currency", isCurrency(p.Text("currency")))
		extended = p.Flag("extended", false)
	}, func() *venue.Answer {
		summary := map[string]any{"currency": "BTC", "balance": 1.5, "equity": 1.5, "available_funds": 1.5}
		if extended {
			for name, value := range e.accountView(c.Key.Account) {
				summary[name] = value
			}
			summary["security_keys_enabled"] = e.totpSecrets[c.Key.Account.ID] != ""
		}
		return e.ok(c, summary)
	})
}

func isCurrency(currency string) bool {
	return currency != "" && strings.Trim(currency, venue.UpperCase) == ""
}

func (e *exchange) accountView(a *venue.Account) map[string]any {
	kind := "subaccount"
	if a.Parent == nil {
		kind = "main"
	}
	return map[string]any{"id": json.Number(a.ID), "type": kind, "username": a.Name, "email": a.Name + "@example.com", "system_name": "user_" + a.ID}
}

// getSubAccounts answers private/get_subaccounts. The main account is one of
// the rows. A sub-account sees itself and little of the main account.
func (e *exchange) getSubAccounts(c *venue.Call) *venue.Answer {
	return e.with(c, func(p *venue.Params) { p.Flag("with_portfolio", false) }, func() *venue.Answer {
		own := c.Key.Account
		rows := []any{e.accountView(e.user(own))}
		if own.Parent != nil {
			return e.ok(c, append(rows, e.accountView(own)))
		}
		for _, sub := range c.Books.SubAccounts(own) {
			row := e.accountView(sub)
			row["login_enabled"], row["margin_model"], row["security_keys_enabled"] = false, "cross_pm", false
			rows = append(rows, row)
		}
		return e.ok(c, rows)
	})
}

// createSubAccount answers private/create_subaccount.
func (e *exchange) createSubAccount(c *venue.Call) *venue.Answer {
	return e.with(c, func(*venue.Params) {}, func() *venue.Answer {
		if len(c.Books.SubAccounts(c.Key.Account)) >= maxSubAccounts {
			return e.refuse(c, tooManySubAccounts)
		}
		return e.ok(c, e.accountView(e.AddSubAccount(c.Books, c.Now, c.Key.Account)))
	})
}

// positions answers private/get_positions.
func (e *exchange) positions(c *venue.Call) *venue.Answer {
	return e.with(c, func(p *venue.Params) {
		p.Text("currency")
		p.Text("kind")
	}, func() *venue.Answer { return e.ok(c, []any{}) })
}

// deposits answers private/get_deposits.
func (e *exchange) deposits(c *venue.Call) *venue.Answer {
	return e.with(c, func(p *venue.Params) {
		p.Require("currency")
		p.Check("currency", isCurrency(p.Text("currency")))
	}, func() *venue.Answer { return e.ok(c, map[string]any{"count": 0, "data": []any{}}) })
}

// transfer answers private/submit_transfer_between_subaccounts. A sub-account
// may move only its own funds.
func (e *exchange) transfer(c *venue.Call) *venue.Answer {
	var foreign bool
	return e.with(c, func(p *venue.Params) {
		p.Require("currency", "amount", "destination")
		p.Check("currency", isCurrency(p.Text("currency")))
		p.Check("amount", isAmount(p, "amount"))
		p.Integer("destination", 0)
		foreign = p.Given("source")
		p.Integer("source", 0)
	}, func() *venue.Answer {
		if foreign && c.Key.Account.Parent != nil {
			return e.refuse(c, forbidden)
		}
		return e.ok(c, map[string]any{"id": e.nextOrder(), "state": "confirmed", "type": "subaccount"})
	})
}

// withdraw answers private/withdraw, which no sub-account's key may call.
func (e *exchange) withdraw(c *venue.Call) *venue.Answer {
	return e.with(c, func(p *venue.Params) {
		p.Require("currency", "address", "amount")
		p.Check("currency", isCurrency(p.Text("currency")))
		p.Text("address")
		p.Check("amount", isAmount(p, "amount"))
	}, func() *venue.Answer { return e.ok(c, map[string]any{"id": e.nextOrder(), "state": "unconfirmed"}) })
}

// isAmount reports whether a parameter is a number above zero.
func isAmount(p *venue.Params, name string) bool {
	var amount float64
	return p.Value(name, &amount) && amount > 0
}

func (e *exchange) nextOrder() int64 {
	e.orderID++
	return e.orderID
}

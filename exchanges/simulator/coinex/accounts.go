package coinex

import (
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// maxRows is the largest number of rows in an answer. CoinEx does not document
// it.
const maxRows = 100

// rows cuts the requested part out of a list.
func (e *exchange) rows(c *venue.Call, rows []map[string]any, page, limit int64) *venue.Answer {
	total := int64(len(rows))
	start := min((page-1)*limit, total)
	end := min(start+limit, total)
	return e.envelope(c, 0, append([]map[string]any{}, rows[start:end]...), "OK", map[string]any{
		"pagination": map[string]any{"total": total, "has_next": end < total},
	})
}

// window reads which part of a list the caller asks for.
func (e *exchange) window(p *venue.Params) (page, limit int64) {
	page, limit = p.Integer("page", 1), p.Integer("limit", 10)
	p.Check("page", page >= 1)
	p.Check("limit", limit >= 1 && limit <= maxRows)
	return page, limit
}

// listSubAccounts answers GET /v2/account/subs.
func (e *exchange) listSubAccounts(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	name, frozen := p.Text("sub_user_name"), p.Flag("is_frozen", false)
	page, limit := e.window(p)
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(c, why)
	}
	var rows []map[string]any
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		if name != "" && sub.ID != name || sub.Frozen != frozen && c.Weather(frozenFilter) != ignored {
			continue
		}
		rows = append(rows, map[string]any{
			"sub_user_name": sub.ID, "is_frozen": sub.Frozen, "is_authorized": false,
			"permissions": e.permissionsOf(sub), "balance_usd": "120.50",
		})
	}
	return e.rows(c, rows, page, limit)
}

// permissionsOf lists what a sub-account may do.
func (e *exchange) permissionsOf(sub *venue.Account) []string {
	return slices.DeleteFunc([]string{api, futures, margin}, func(permission string) bool {
		return slices.Contains(e.lacking[sub.ID], permission)
	})
}

// has reports whether a sub-account was given a permission. A main account has
// all of them.
func (e *exchange) has(a *venue.Account, permission string) bool {
	return a.Parent == nil || slices.Contains(e.permissionsOf(a), permission)
}

// createSubAccount answers POST /v2/account/subs. No call deletes a sub-account.
func (e *exchange) createSubAccount(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("sub_user_name")
	name := p.Text("sub_user_name")
	var permissions []string
	p.Value("permissions", &permissions)
	p.Check("permissions", !slices.ContainsFunc(permissions, func(word string) bool {
		return !slices.Contains([]string{api, futures, margin, "AMM"}, word)
	}))
	p.Check("remark", len(p.Text("remark")) <= remark)
	p.Check("sub_user_name", len(name) >= 3 && len(name) <= 26 && strings.Trim(name, venue.Alphanumeric+"-") == "")
	p.Check("sub_user_name", !slices.ContainsFunc(c.Books.Accounts, func(a *venue.Account) bool { return a.ID == name }))
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(c, why)
	}
	sub := e.AddSubAccount(c.Books, c.Now, c.Key.Account)
	sub.ID = name
	e.lacking[name] = slices.DeleteFunc([]string{api, futures, margin}, func(permission string) bool {
		return slices.Contains(permissions, permission)
	})
	return e.ok(c, struct{}{})
}

// freeze answers POST /v2/account/subs/frozen and /unfrozen.
func (e *exchange) freeze(frozen bool) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		sub, refusal := e.subAccount(c, venue.JSONParams(c.Body))
		if refusal != nil {
			return refusal
		}
		sub.Frozen = frozen
		return e.ok(c, struct{}{})
	}
}

// subAccount finds the sub-account that a request names. Read every other
// parameter first: it refuses those that nobody has read.
func (e *exchange) subAccount(c *venue.Call, p *venue.Params) (*venue.Account, *venue.Answer) {
	p.Require("sub_user_name")
	name := p.Text("sub_user_name")
	if why := p.StrictComplaint(); why != nil {
		return nil, e.malformed(c, why)
	}
	sub := c.Books.Account(name)
	if sub == nil || sub.Parent != c.Key.Account {
		return nil, e.refuse(c, noSubAccount, "The sub-account does not exist.")
	}
	return sub, nil
}

// info answers GET /v2/account/subs/info, which any key may ask in calm weather.
func (e *exchange) info(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil {
		switch c.Weather(ownName) {
		case noUser:
			return e.refuse(c, forbiddenUser, "The user is prohibited from accessing this interface.")
		case noRight:
			return e.refuse(c, noPermission, "Insufficient sub-account permissions, please check.")
		case undocumented:
			return e.refuse(c, noOwnName, "The interface is not available.")
		}
	}
	shown := map[string]any{"user_type": "NORMAL", "sub_user_name": nil}
	if c.Key.Account.Parent != nil {
		shown = map[string]any{"user_type": "SUB_ACCOUNT", "sub_user_name": c.Key.Account.ID}
	}
	return e.ok(c, shown)
}

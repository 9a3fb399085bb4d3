package coinex

import (
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// coinexPage is the most rows that an answer has. CoinEx does not document it.
const coinexPage = 100

// rows cuts out the part of a list that is asked for.
func (x *coinex) rows(c *venue.Call, rows []map[string]any, page, limit int64) *venue.Answer {
	total := int64(len(rows))
	start := min((page-1)*limit, total)
	end := min(start+limit, total)
	return x.envelope(c, 0, append([]map[string]any{}, rows[start:end]...), "OK", map[string]any{
		"pagination": map[string]any{"total": total, "has_next": end < total},
	})
}

// window reads which part of a list is asked for.
func (x *coinex) window(p *venue.Params) (page, limit int64) {
	page, limit = p.Integer("page", 1), p.Integer("limit", 10)
	p.Check("page", page >= 1)
	p.Check("limit", limit >= 1 && limit <= coinexPage)
	return page, limit
}

// listSubAccounts answers GET /v2/account/subs.
func (x *coinex) listSubAccounts(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	name, frozen := p.Text("sub_user_name"), p.Flag("is_frozen", false)
	page, limit := x.window(p)
	if why := p.StrictComplaint(); why != nil {
		return x.malformed(c, why)
	}
	var rows []map[string]any
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		if name != "" && sub.ID != name || sub.Frozen != frozen {
			continue
		}
		rows = append(rows, map[string]any{
			"sub_user_name": sub.ID, "is_frozen": sub.Frozen, "is_authorized": false,
			"permissions": x.permissionsOf(sub), "balance_usd": "120.50",
		})
	}
	return x.rows(c, rows, page, limit)
}

// permissionsOf lists what a sub-account may do.
func (x *coinex) permissionsOf(sub *venue.Account) []string {
	return slices.DeleteFunc([]string{coinexAPI, coinexFutures, coinexMargin}, func(permission string) bool {
		return slices.Contains(x.lacking[sub.ID], permission)
	})
}

// has tells whether a sub-account was given a permission; main accounts have all.
func (x *coinex) has(a *venue.Account, permission string) bool {
	return a.Parent == nil || slices.Contains(x.permissionsOf(a), permission)
}

// createSubAccount answers POST /v2/account/subs. No call deletes a sub-account.
func (x *coinex) createSubAccount(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("sub_user_name")
	name := p.Text("sub_user_name")
	var permissions []string
	p.Value("permissions", &permissions)
	p.Check("permissions", !slices.ContainsFunc(permissions, func(word string) bool {
		return !slices.Contains([]string{coinexAPI, coinexFutures, coinexMargin, "AMM"}, word)
	}))
	p.Check("remark", len(p.Text("remark")) <= coinexRemark)
	p.Check("sub_user_name", len(name) >= 3 && len(name) <= 26 && strings.Trim(name, venue.Alphanumeric+"-") == "")
	p.Check("sub_user_name", !slices.ContainsFunc(c.Books.Accounts, func(a *venue.Account) bool { return a.ID == name }))
	if why := p.StrictComplaint(); why != nil {
		return x.malformed(c, why)
	}
	sub := x.AddSubAccount(c.Books, c.Now, c.Key.Account)
	sub.ID = name
	x.lacking[name] = slices.DeleteFunc([]string{coinexAPI, coinexFutures, coinexMargin}, func(permission string) bool {
		return slices.Contains(permissions, permission)
	})
	return x.ok(c, struct{}{})
}

// freeze answers POST /v2/account/subs/frozen and /unfrozen.
func (x *coinex) freeze(frozen bool) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		sub, refusal := x.subAccount(c, venue.JSONParams(c.Body))
		if refusal != nil {
			return refusal
		}
		sub.Frozen = frozen
		return x.ok(c, struct{}{})
	}
}

// subAccount finds the sub-account that a request names, once all of its
// parameters have been read.
func (x *coinex) subAccount(c *venue.Call, p *venue.Params) (*venue.Account, *venue.Answer) {
	p.Require("sub_user_name")
	name := p.Text("sub_user_name")
	if why := p.StrictComplaint(); why != nil {
		return nil, x.malformed(c, why)
	}
	sub := c.Books.Account(name)
	if sub == nil || sub.Parent != c.Key.Account {
		return nil, x.refuse(c, coinexNoSubAccount, "The sub-account does not exist.")
	}
	return sub, nil
}

// info answers GET /v2/account/subs/info, which any key may ask.
func (x *coinex) info(c *venue.Call) *venue.Answer {
	kind, name := "MAIN", ""
	if c.Key.Account.Parent != nil {
		kind, name = "SUB", c.Key.Account.ID
	}
	return x.ok(c, map[string]string{"account_type": kind, "sub_user_name": name})
}

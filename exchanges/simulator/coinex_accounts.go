package simulator

import (
	"slices"
	"strings"
)

// coinexPage is the most rows that an answer has. CoinEx does not document it.
const coinexPage = 100

// rows cuts out the part of a list that is asked for.
func (x *coinex) rows(c *call, rows []map[string]any, page, limit int64) *answer {
	total := int64(len(rows))
	start := min((page-1)*limit, total)
	end := min(start+limit, total)
	return x.envelope(c, 0, append([]map[string]any{}, rows[start:end]...), "OK", map[string]any{
		"pagination": map[string]any{"total": total, "has_next": end < total},
	})
}

// window reads which part of a list is asked for.
func (x *coinex) window(p *params) (page, limit int64) {
	page, limit = p.integer("page", 1), p.integer("limit", 10)
	p.check("page", page >= 1)
	p.check("limit", limit >= 1 && limit <= coinexPage)
	return page, limit
}

// listSubAccounts answers GET /v2/account/subs.
func (x *coinex) listSubAccounts(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	name, frozen := p.text("sub_user_name"), p.flag("is_frozen", false)
	page, limit := x.window(p)
	if why := p.strictComplaint(); why != nil {
		return x.malformed(c, why)
	}
	var rows []map[string]any
	for _, sub := range c.books.subAccounts(c.key.account) {
		if name != "" && sub.id != name || sub.frozen != frozen {
			continue
		}
		rows = append(rows, map[string]any{
			"sub_user_name": sub.id, "is_frozen": sub.frozen, "is_authorized": false,
			"permissions": x.permissionsOf(sub), "balance_usd": "120.50",
		})
	}
	return x.rows(c, rows, page, limit)
}

// permissionsOf lists what a sub-account may do.
func (x *coinex) permissionsOf(sub *account) []string {
	return slices.DeleteFunc([]string{coinexAPI, coinexFutures, coinexMargin}, func(permission string) bool {
		return slices.Contains(x.lacking[sub.id], permission)
	})
}

// has tells whether a sub-account was given a permission; main accounts have all.
func (x *coinex) has(a *account, permission string) bool {
	return a.parent == nil || slices.Contains(x.permissionsOf(a), permission)
}

// createSubAccount answers POST /v2/account/subs. No call deletes a sub-account.
func (x *coinex) createSubAccount(c *call) *answer {
	p := jsonParams(c.body)
	p.require("sub_user_name")
	name := p.text("sub_user_name")
	var permissions []string
	p.value("permissions", &permissions)
	p.check("permissions", !slices.ContainsFunc(permissions, func(word string) bool {
		return !slices.Contains([]string{coinexAPI, coinexFutures, coinexMargin, "AMM"}, word)
	}))
	p.check("remark", len(p.text("remark")) <= coinexRemark)
	p.check("sub_user_name", len(name) >= 3 && len(name) <= 26 && strings.Trim(name, alphanumeric+"-") == "")
	p.check("sub_user_name", !slices.ContainsFunc(c.books.accounts, func(a *account) bool { return a.id == name }))
	if why := p.strictComplaint(); why != nil {
		return x.malformed(c, why)
	}
	sub := x.addSubAccount(c.books, c.now, c.key.account)
	sub.id = name
	x.lacking[name] = slices.DeleteFunc([]string{coinexAPI, coinexFutures, coinexMargin}, func(permission string) bool {
		return slices.Contains(permissions, permission)
	})
	return x.ok(c, struct{}{})
}

// freeze answers POST /v2/account/subs/frozen and /unfrozen.
func (x *coinex) freeze(frozen bool) func(*call) *answer {
	return func(c *call) *answer {
		sub, refusal := x.subAccount(c, jsonParams(c.body))
		if refusal != nil {
			return refusal
		}
		sub.frozen = frozen
		return x.ok(c, struct{}{})
	}
}

// subAccount finds the sub-account that a request names, once all of its
// parameters have been read.
func (x *coinex) subAccount(c *call, p *params) (*account, *answer) {
	p.require("sub_user_name")
	name := p.text("sub_user_name")
	if why := p.strictComplaint(); why != nil {
		return nil, x.malformed(c, why)
	}
	sub := c.books.account(name)
	if sub == nil || sub.parent != c.key.account {
		return nil, x.refuse(c, coinexNoSubAccount, "The sub-account does not exist.")
	}
	return sub, nil
}

// info answers GET /v2/account/subs/info, which any key may ask.
func (x *coinex) info(c *call) *answer {
	kind, name := "MAIN", ""
	if c.key.account.parent != nil {
		kind, name = "SUB", c.key.account.id
	}
	return x.ok(c, map[string]string{"account_type": kind, "sub_user_name": name})
}

package simulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// mayManage permits a key of the main account that may manage sub-accounts.
func (g *gate) mayManage(c *call) *answer {
	if c.key.account.parent != nil || !c.key.has(gateManage) {
		return g.forbidden(c, "Operation is forbidden")
	}
	return nil
}

// mayUse permits keys that hold one of the groups: with its read-only flag for
// GET requests, without it for all.
func (g *gate) mayUse(groups ...string) func(*call) *answer {
	return func(c *call) *answer {
		readOnly := slices.ContainsFunc(groups, func(group string) bool { return c.key.has(group + gateReadOnly) })
		switch {
		case c.key.has(groups...), readOnly && c.Method == http.MethodGet:
		case readOnly:
			return g.refuse(c, http.StatusForbidden, "READ_ONLY", "API key is read only")
		default:
			return g.forbidden(c, "Operation is forbidden")
		}
		if c.key.account.frozen && c.Method != http.MethodGet {
			return g.refuse(c, http.StatusForbidden, "ACCOUNT_LOCKED", "Account is locked")
		}
		return nil
	}
}

// detail answers GET /account/detail for the calling key, whichever it is.
func (g *gate) detail(c *call) *answer {
	return g.ok(c, http.StatusOK, map[string]any{
		"user_id": json.Number(c.key.account.id), "ip_whitelist": append([]string{}, c.key.ips...), "currency_pairs": []string{},
		"key": map[string]int{"mode": 1}, "tier": 2, "copy_trading_role": 0,
	})
}

// mainKeys answers GET /account/main_keys, which shows the beginning of each
// key. It is for those that hold the whole of the group account: what Gate asks
// for is not documented.
func (g *gate) mainKeys(c *call) *answer {
	if c.key.account.parent != nil || !c.key.has("account") {
		return g.forbidden(c, "Operation is forbidden")
	}
	rows := []any{}
	for _, root := range c.books.keysOf(c.key.account) {
		shown := g.describeKey(root)
		shown["key"] = root.apiKey[:12] + "*****"
		shown["currency_pairs"] = []string{}
		rows = append(rows, shown)
	}
	return g.ok(c, http.StatusOK, rows)
}

// subAccount finds the sub-account that the path names.
func (g *gate) subAccount(c *call) (*account, *answer) {
	sub := c.books.account(c.PathValue("user_id"))
	if sub == nil || sub.parent != c.key.account {
		return nil, g.refuse(c, http.StatusBadRequest, "SUB_ACCOUNT_NOT_FOUND", "Sub account not found")
	}
	return sub, nil
}

// gateLocked is the state of a locked sub-account; 1 is normal.
const gateLocked = 2

func (g *gate) describeSubAccount(sub *account) map[string]any {
	state := 1
	if sub.frozen {
		state = gateLocked
	}
	return map[string]any{
		"remark": sub.remark, "login_name": sub.name, "user_id": json.Number(sub.id), "state": state, "type": 1,
		"create_time": sub.created.Unix(),
	}
}

// listSubAccounts answers GET /sub_accounts, which knows no pages.
func (g *gate) listSubAccounts(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	kind := p.text("type")
	p.check("type", kind == "" || kind == "0" || kind == "1")
	if why := p.strictComplaint(); why != nil {
		return g.badParameter(c, why)
	}
	rows := []any{}
	for _, sub := range c.books.subAccounts(c.key.account) {
		rows = append(rows, g.describeSubAccount(sub))
	}
	return g.ok(c, http.StatusOK, rows)
}

// createSubAccount answers POST /sub_accounts.
func (g *gate) createSubAccount(c *call) *answer {
	p := jsonParams(c.body)
	p.require("login_name")
	name, remark := p.text("login_name"), p.text("remark")
	p.text("password")
	p.text("email")
	p.check("login_name", name != "" && strings.Trim(name, alphanumeric+"_") == "")
	p.check("login_name", !slices.ContainsFunc(c.books.accounts, func(a *account) bool { return a.name == name }))
	if why := p.strictComplaint(); why != nil {
		return g.badParameter(c, why)
	}
	sub := g.addSubAccount(c.books, c.now, c.key.account)
	sub.name, sub.remark = name, remark
	return g.ok(c, http.StatusCreated, g.describeSubAccount(sub))
}

// getSubAccount answers GET /sub_accounts/{user_id}.
func (g *gate) getSubAccount(c *call) *answer {
	sub, refusal := g.subAccount(c)
	if refusal != nil {
		return refusal
	}
	return g.ok(c, http.StatusOK, g.describeSubAccount(sub))
}

// lock answers POST /sub_accounts/{user_id}/lock.
func (g *gate) lock(c *call) *answer { return g.setLock(c, true) }

// unlock answers POST /sub_accounts/{user_id}/unlock.
func (g *gate) unlock(c *call) *answer { return g.setLock(c, false) }

func (g *gate) setLock(c *call, locked bool) *answer {
	sub, refusal := g.subAccount(c)
	if refusal != nil {
		return refusal
	}
	sub.frozen = locked
	return g.done(c)
}

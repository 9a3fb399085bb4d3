package gate

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// mayManage permits a key of the main account that may manage sub-accounts.
func (g *gate) mayManage(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil || !c.Key.Has(gateManage) {
		return g.forbidden(c, "Operation is forbidden")
	}
	return nil
}

// mayUse permits keys that hold one of the groups: with its read-only flag for
// GET requests, without it for all.
func (g *gate) mayUse(groups ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		readOnly := slices.ContainsFunc(groups, func(group string) bool { return c.Key.Has(group + gateReadOnly) })
		switch {
		case c.Key.Has(groups...), readOnly && c.Method == http.MethodGet:
		case readOnly:
			return g.refuse(c, http.StatusForbidden, "READ_ONLY", "API key is read only")
		default:
			return g.forbidden(c, "Operation is forbidden")
		}
		if c.Key.Account.Frozen && c.Method != http.MethodGet {
			return g.refuse(c, http.StatusForbidden, "ACCOUNT_LOCKED", "Account is locked")
		}
		return nil
	}
}

// detail answers GET /account/detail for the calling key, whichever it is.
func (g *gate) detail(c *venue.Call) *venue.Answer {
	return g.ok(c, http.StatusOK, map[string]any{
		"user_id": json.Number(c.Key.Account.ID), "ip_whitelist": append([]string{}, c.Key.IPs...), "currency_pairs": []string{},
		"key": map[string]int{"mode": 1}, "tier": 2, "copy_trading_role": 0,
	})
}

// mainKeys answers GET /account/main_keys, which shows the beginning of each
// key. It is for those that hold the whole of the group account: what Gate asks
// for is not documented.
func (g *gate) mainKeys(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil || !c.Key.Has("account") {
		return g.forbidden(c, "Operation is forbidden")
	}
	rows := []any{}
	for _, root := range c.Books.KeysOf(c.Key.Account) {
		shown := g.describeKey(root)
		shown["key"] = root.APIKey[:12] + "*****"
		shown["currency_pairs"] = []string{}
		rows = append(rows, shown)
	}
	return g.ok(c, http.StatusOK, rows)
}

// subAccount finds the sub-account that the path names.
func (g *gate) subAccount(c *venue.Call) (*venue.Account, *venue.Answer) {
	sub := c.Books.Account(c.PathValue("user_id"))
	if sub == nil || sub.Parent != c.Key.Account {
		return nil, g.refuse(c, http.StatusBadRequest, "SUB_ACCOUNT_NOT_FOUND", "Sub account not found")
	}
	return sub, nil
}

// gateLocked is the state of a locked sub-account; 1 is normal.
const gateLocked = 2

func (g *gate) describeSubAccount(sub *venue.Account) map[string]any {
	state := 1
	if sub.Frozen {
		state = gateLocked
	}
	return map[string]any{
		"remark": sub.Remark, "login_name": sub.Name, "user_id": json.Number(sub.ID), "state": state, "type": 1,
		"create_time": sub.Created.Unix(),
	}
}

// listSubAccounts answers GET /sub_accounts, which knows no pages.
func (g *gate) listSubAccounts(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	kind := p.Text("type")
	p.Check("type", kind == "" || kind == "0" || kind == "1")
	if why := p.StrictComplaint(); why != nil {
		return g.badParameter(c, why)
	}
	rows := []any{}
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		rows = append(rows, g.describeSubAccount(sub))
	}
	return g.ok(c, http.StatusOK, rows)
}

// createSubAccount answers POST /sub_accounts.
func (g *gate) createSubAccount(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("login_name")
	name, remark := p.Text("login_name"), p.Text("remark")
	p.Text("password")
	p.Text("email")
	p.Check("login_name", name != "" && strings.Trim(name, venue.Alphanumeric+"_") == "")
	p.Check("login_name", !slices.ContainsFunc(c.Books.Accounts, func(a *venue.Account) bool { return a.Name == name }))
	if why := p.StrictComplaint(); why != nil {
		return g.badParameter(c, why)
	}
	sub := g.AddSubAccount(c.Books, c.Now, c.Key.Account)
	sub.Name, sub.Remark = name, remark
	return g.ok(c, http.StatusCreated, g.describeSubAccount(sub))
}

// getSubAccount answers GET /sub_accounts/{user_id}.
func (g *gate) getSubAccount(c *venue.Call) *venue.Answer {
	sub, refusal := g.subAccount(c)
	if refusal != nil {
		return refusal
	}
	return g.ok(c, http.StatusOK, g.describeSubAccount(sub))
}

// lock answers POST /sub_accounts/{user_id}/lock.
func (g *gate) lock(c *venue.Call) *venue.Answer { return g.setLock(c, true) }

// unlock answers POST /sub_accounts/{user_id}/unlock.
func (g *gate) unlock(c *venue.Call) *venue.Answer { return g.setLock(c, false) }

func (g *gate) setLock(c *venue.Call, locked bool) *venue.Answer {
	sub, refusal := g.subAccount(c)
	if refusal != nil {
		return refusal
	}
	sub.Frozen = locked
	return g.done(c)
}

package gate

import (
	"net/http"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// mayManage permits a key of the main account that may manage sub-accounts.
func (e *exchange) mayManage(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil || !c.Key.Has(manage) {
		return e.forbidden(c, "Operation is forbidden")
	}
	return e.lacksRight(c)
}

// mayUse permits keys that hold one of the groups. For a GET request the group
// may be read-only; for any other it may not.
func (e *exchange) mayUse(allowed ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		readOnly := slices.ContainsFunc(allowed, func(group string) bool { return c.Key.Has(group + readOnly) })
		switch {
		case c.Key.Has(allowed...), readOnly && c.Method == http.MethodGet:
		case readOnly:
			return e.refuse(c, http.StatusForbidden, "READ_ONLY", "API key is read only")
		default:
			return e.forbidden(c, "Operation is forbidden")
		}
		if c.Key.Account.Frozen && c.Method != http.MethodGet {
			return e.refuse(c, http.StatusForbidden, "ACCOUNT_LOCKED", "Account is locked")
		}
		return nil
	}
}

// detail answers GET /account/detail for the calling key, whichever it is.
func (e *exchange) detail(c *venue.Call) *venue.Answer {
	return e.ok(c, http.StatusOK, map[string]any{
		"user_id": number(c, c.Key.Account.ID), "ip_whitelist": append([]string{}, c.Key.IPs...), "currency_pairs": []string{},
		"key": map[string]int{"mode": 1}, "tier": 2, "copy_trading_role": 0,
	})
}

// mainKeys answers GET /account/main_keys, which shows the beginning of each
// key. It requires the whole of the group account; what Gate requires is not
// documented.
func (e *exchange) mainKeys(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil || !c.Key.Has("account") || c.Weather(rootKeysForm) == isForbidden {
		return e.forbidden(c, "Operation is forbidden")
	}
	rows := []any{}
	for _, root := range c.Books.KeysOf(c.Key.Account) {
		shown := e.describeKey(c, root)
		shown["key"] = root.APIKey[:12] + "*****"
		shown["currency_pairs"] = []string{}
		if c.Weather(rootKeysForm) == asObject && root == c.Key {
			return e.ok(c, http.StatusOK, shown)
		}
		rows = append(rows, shown)
	}
	return e.ok(c, http.StatusOK, rows)
}

// subAccount finds the sub-account that the path names.
func (e *exchange) subAccount(c *venue.Call) (*venue.Account, *venue.Answer) {
	sub := c.Books.Account(c.PathValue("user_id"))
	if sub == nil || sub.Parent != c.Key.Account {
		return nil, e.refuse(c, http.StatusBadRequest, "SUB_ACCOUNT_NOT_FOUND", "Sub account not found")
	}
	return sub, nil
}

// locked is the state of a locked sub-account; 1 is normal.
const locked = 2

func (e *exchange) describeSubAccount(c *venue.Call, sub *venue.Account) map[string]any {
	state := 1
	if sub.Frozen {
		state = locked
	}
	return map[string]any{
		"remark": sub.Remark, "login_name": sub.Name, "user_id": number(c, sub.ID), "state": state, "type": 1,
		"create_time": unixTime(c, sub.Created),
	}
}

// listSubAccounts answers GET /sub_accounts, which has no pages.
func (e *exchange) listSubAccounts(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	kind := p.Text("type")
	p.Check("type", kind == "" || kind == "0" || kind == "1")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	rows := []any{}
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		rows = append(rows, e.describeSubAccount(c, sub))
	}
	return e.ok(c, http.StatusOK, rows)
}

// createSubAccount answers POST /sub_accounts.
func (e *exchange) createSubAccount(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("login_name")
	name, remark := p.Text("login_name"), p.Text("remark")
	p.Text("password")
	p.Text("email")
	p.Check("login_name", name != "" && strings.Trim(name, venue.Alphanumeric+"_") == "")
	p.Check("login_name", !slices.ContainsFunc(c.Books.Accounts, func(a *venue.Account) bool { return a.Name == name }))
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub := e.AddSubAccount(c.Books, c.Now, c.Key.Account)
	sub.Name, sub.Remark = name, remark
	return e.ok(c, http.StatusCreated, e.describeSubAccount(c, sub))
}

// getSubAccount answers GET /sub_accounts/{user_id}.
func (e *exchange) getSubAccount(c *venue.Call) *venue.Answer {
	sub, refusal := e.subAccount(c)
	if refusal != nil {
		return refusal
	}
	return e.ok(c, http.StatusOK, e.describeSubAccount(c, sub))
}

// lock answers POST /sub_accounts/{user_id}/lock.
func (e *exchange) lock(c *venue.Call) *venue.Answer { return e.setLock(c, true) }

// unlock answers POST /sub_accounts/{user_id}/unlock.
func (e *exchange) unlock(c *venue.Call) *venue.Answer { return e.setLock(c, false) }

func (e *exchange) setLock(c *venue.Call, locked bool) *venue.Answer {
	sub, refusal := e.subAccount(c)
	if refusal != nil {
		return refusal
	}
	sub.Frozen = locked
	return e.done(c)
}

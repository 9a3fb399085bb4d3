package mexc

import (
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// listSubAccounts answers GET /api/v3/sub-account/list.
func (e *exchange) listSubAccounts(c *venue.Call) *venue.Answer {
	p := e.params(c)
	name, page, most := p.Text("subAccount"), p.Integer("page", 1), p.Integer("limit", 10)
	frozen := p.Flag("isFreeze", false)
	p.Check("page", page >= 1)
	p.Check("limit", most >= 1 && most <= 200)
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(why)
	}
	rows := []map[string]any{}
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		if name != "" && sub.ID != name || p.Given("isFreeze") && e.isFrozen(c, sub) != frozen {
			continue
		}
		rows = append(rows, map[string]any{
			"subAccount": sub.ID, "isFreeze": e.isFrozen(c, sub), "createTime": sub.Created.UnixMilli(), "uid": sub.Name,
		})
	}
	start := min((page-1)*most, int64(len(rows)))
	return e.ok(map[string]any{"subAccounts": rows[start:min(start+most, int64(len(rows)))]})
}

// isFrozen reports whether a sub-account is frozen, as all are in some weather.
func (e *exchange) isFrozen(c *venue.Call, sub *venue.Account) bool {
	return sub.Frozen || c.Weather(frozenSubAccount) != ""
}

// createSubAccount answers POST /api/v3/sub-account/virtualSubAccount. No call
// deletes a sub-account.
func (e *exchange) createSubAccount(c *venue.Call) *venue.Answer {
	p := e.params(c)
	name, note := p.Text("subAccount"), p.Text("note")
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(why)
	}
	switch {
	case name == "":
		return e.refuse(noSubName, "Sub-account Name cannot be null")
	case len(name) < 8 || len(name) > 32 || strings.Trim(name, venue.Alphanumeric) != "":
		return e.refuse(badSubName, "Sub-account Name must be a combination of 8-32 letters and numbers")
	case note == "":
		return e.refuse(noSubNote, "Sub-account remarks cannot be null")
	case slices.ContainsFunc(c.Books.Accounts, func(a *venue.Account) bool { return a.ID == name }):
		return e.refuse(subNameExists, "The user Name already exists")
	}
	sub := e.AddSubAccount(c.Books, c.Now, c.Key.Account)
	sub.ID, sub.Remark = name, note
	return e.ok(map[string]string{"subAccount": name, "note": note})
}

// subAccount finds the sub-account that a request names.
func (e *exchange) subAccount(c *venue.Call, p *venue.Params) (*venue.Account, *venue.Answer) {
	name := p.Text("subAccount")
	if why := p.StrictComplaint(); why != nil {
		return nil, e.malformed(why)
	}
	sub := c.Books.Account(name)
	switch {
	case name == "":
		return nil, e.refuse(noSubName, "Sub-account Name cannot be null")
	case sub == nil || sub.Parent != c.Key.Account:
		return nil, e.refuse(noSubAccount, "sub account does not exist")
	}
	return sub, nil
}

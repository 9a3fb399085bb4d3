package simulator

import (
	"slices"
	"strings"
)

// listSubAccounts answers GET /api/v3/sub-account/list.
func (m *mexc) listSubAccounts(c *call) *answer {
	p := m.params(c)
	name, page, limit := p.text("subAccount"), p.integer("page", 1), p.integer("limit", 10)
	frozen := p.flag("isFreeze", false)
	p.check("page", page >= 1)
	p.check("limit", limit >= 1 && limit <= 200)
	if why := p.strictComplaint(); why != nil {
		return m.malformed(why)
	}
	rows := []map[string]any{}
	for _, sub := range c.books.subAccounts(c.key.account) {
		if name != "" && sub.id != name || p.given("isFreeze") && sub.frozen != frozen {
			continue
		}
		rows = append(rows, map[string]any{
			"subAccount": sub.id, "isFreeze": sub.frozen, "createTime": sub.created.UnixMilli(), "uid": sub.name,
		})
	}
	start := min((page-1)*limit, int64(len(rows)))
	return m.ok(map[string]any{"subAccounts": rows[start:min(start+limit, int64(len(rows)))]})
}

// createSubAccount answers POST /api/v3/sub-account/virtualSubAccount. No call
// deletes a sub-account.
func (m *mexc) createSubAccount(c *call) *answer {
	p := m.params(c)
	name, note := p.text("subAccount"), p.text("note")
	if why := p.strictComplaint(); why != nil {
		return m.malformed(why)
	}
	switch {
	case name == "":
		return m.refuse(mexcNoSubName, "sub-account Name cannot be null")
	case len(name) < 8 || len(name) > 32 || strings.Trim(name, alphanumeric) != "":
		return m.refuse(mexcBadSubName, "sub-account Name must be a combination of 8-32 letters and numbers")
	case note == "":
		return m.refuse(mexcNoSubNote, "sub-account remarks cannot be null")
	case slices.ContainsFunc(c.books.accounts, func(a *account) bool { return a.id == name }):
		return m.refuse(mexcSubNameExists, "sub-account Name already exists")
	}
	sub := m.addSubAccount(c.books, c.now, c.key.account)
	sub.id, sub.remark = name, note
	return m.ok(map[string]string{"subAccount": name, "note": note})
}

// subAccount finds the sub-account that a request names.
func (m *mexc) subAccount(c *call, p *params) (*account, *answer) {
	name := p.text("subAccount")
	if why := p.strictComplaint(); why != nil {
		return nil, m.malformed(why)
	}
	sub := c.books.account(name)
	switch {
	case name == "":
		return nil, m.refuse(mexcNoSubName, "sub-account Name cannot be null")
	case sub == nil || sub.parent != c.key.account:
		return nil, m.refuse(mexcNoSubAccount, "sub account does not exist")
	}
	return sub, nil
}

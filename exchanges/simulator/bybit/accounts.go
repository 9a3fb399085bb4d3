package bybit

import (
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// mayManage permits a master key that is read-write and has a Wallet right.
func (e *exchange) mayManage(c *venue.Call) *venue.Answer {
	if c.Key.Has(readOnlyMark) {
		return e.noPermission(c)
	}
	return e.mayList(c)
}

// mayList permits a master key that has a Wallet right.
func (e *exchange) mayList(c *venue.Call) *venue.Answer {
	if !c.Key.Has("Wallet:AccountTransfer", "Wallet:SubMemberTransfer", "Wallet:Withdraw") {
		return e.noPermission(c)
	}
	return e.masterOnly(c)
}

func (e *exchange) masterOnly(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil {
		return e.noPermission(c)
	}
	return nil
}

// subAccount finds the sub-account that a request names, or says why it cannot
// be used.
func (e *exchange) subAccount(c *venue.Call, uid string) (*venue.Account, *venue.Answer) {
	sub := c.Books.Account(uid)
	if sub == nil || sub.Parent != c.Key.Account {
		return nil, e.refuse(c, notYourSub, "The subAccount does not belong to the parent account.")
	}
	return sub, nil
}

func (e *exchange) describeSubAccount(sub *venue.Account) map[string]any {
	status := 1
	if sub.Frozen {
		status = 4
	}
	return map[string]any{
		"uid": sub.ID, "username": sub.Name, "memberType": 1, "status": status, "remark": sub.Remark, "accountMode": 5,
	}
}

// listSubAccounts answers GET /v5/user/query-sub-members: at most 1,000, in one go.
func (e *exchange) listSubAccounts(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	subs := c.Books.SubAccounts(c.Key.Account)
	members := []any{}
	for _, sub := range subs[:min(len(subs), 1000)] {
		members = append(members, e.describeSubAccount(sub))
	}
	return e.ok(c, map[string]any{"subMembers": members})
}

// pageSubAccounts answers GET /v5/user/submembers. The cursor is the number of
// sub-accounts before the page, and "0" after the last page.
func (e *exchange) pageSubAccounts(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	size := p.Integer("pageSize", 100)
	start := p.Integer("nextCursor", 0)
	p.Check("pageSize", size >= 1 && size <= 100)
	p.Check("nextCursor", start >= 0)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	subs := c.Books.SubAccounts(c.Key.Account)
	start = min(start, int64(len(subs)))
	end := min(start+size, int64(len(subs)))
	members := []any{}
	for _, sub := range subs[start:end] {
		members = append(members, e.describeSubAccount(sub))
	}
	next := "0"
	if end < int64(len(subs)) {
		next = strconv.FormatInt(end, 10)
	}
	return e.ok(c, map[string]any{"subMembers": members, "nextCursor": next})
}

// createSubAccount answers POST /v5/user/create-sub-member.
func (e *exchange) createSubAccount(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("username", "memberType")
	name, remark, password := p.Text("username"), p.Text("note"), p.Text("password")
	memberType, quickLogin := p.Integer("memberType", 0), p.Integer("switch", 0)
	p.Flag("isUta", true)
	p.Check("username", len(name) >= 6 && len(name) <= 16 && hasEach(name, venue.Letters, venue.Digits) && !e.nameUsed(c.Books, name))
	p.Check("memberType", memberType == 1 || memberType == 6)
	p.Check("switch", quickLogin == 0 || quickLogin == 1)
	p.Check("password", password == "" ||
		len(password) >= 8 && len(password) <= 30 && hasEach(password, venue.UpperCase, venue.LowerCase, venue.Digits))
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub := c.Books.AddAccount(&venue.Account{
		ID: venue.RandomNumber(8), Name: name, Remark: remark, Parent: c.Key.Account, Created: c.Now,
	})
	return e.ok(c, map[string]any{
		"uid": sub.ID, "username": sub.Name, "memberType": memberType, "status": 1, "remark": sub.Remark,
	})
}

// nameUsed reports whether a sub-account has the name, or had it before it was
// deleted.
func (e *exchange) nameUsed(books *venue.Books, name string) bool {
	for _, a := range books.Accounts {
		if a.Name == name {
			return true
		}
	}
	return false
}

// hasEach reports whether the text has at least one character of each alphabet.
func hasEach(text string, alphabets ...string) bool {
	for _, alphabet := range alphabets {
		if !strings.ContainsAny(text, alphabet) {
			return false
		}
	}
	return true
}

// freezeSubAccount answers POST /v5/user/frozen-sub-member.
func (e *exchange) freezeSubAccount(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("subuid", "frozen")
	uid, frozen := p.Integer("subuid", 0), p.Integer("frozen", 0)
	p.Check("frozen", frozen == 0 || frozen == 1)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c, strconv.FormatInt(uid, 10))
	if refusal != nil {
		return refusal
	}
	sub.Frozen = frozen == 1
	return e.ok(c, nil)
}

// deleteSubAccount answers POST /v5/user/del-submember. The sub-account's keys
// are deleted with it.
func (e *exchange) deleteSubAccount(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("subMemberId")
	uid := p.Text("subMemberId")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c, uid)
	if refusal != nil {
		return refusal
	}
	for _, k := range c.Books.KeysOf(sub) {
		c.Books.RemoveKey(k, c.Now)
	}
	sub.Deleted = true
	return e.ok(c, nil)
}

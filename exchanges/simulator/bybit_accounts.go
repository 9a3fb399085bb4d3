package simulator

import (
	"strconv"
	"strings"
)

// mayManage permits a master key that is read-write and has a Wallet right.
func (b *bybit) mayManage(c *call) *answer {
	if c.key.has(bybitReadOnly) {
		return b.noPermission(c)
	}
	return b.mayList(c)
}

// mayList permits a master key that has a Wallet right.
func (b *bybit) mayList(c *call) *answer {
	if !c.key.has("Wallet:AccountTransfer", "Wallet:SubMemberTransfer", "Wallet:Withdraw") {
		return b.noPermission(c)
	}
	return b.masterOnly(c)
}

func (b *bybit) masterOnly(c *call) *answer {
	if c.key.account.parent != nil {
		return b.noPermission(c)
	}
	return nil
}

// subAccount finds the sub-account that a request names, or says why it cannot
// be used.
func (b *bybit) subAccount(c *call, uid string) (*account, *answer) {
	sub := c.books.account(uid)
	if sub == nil || sub.parent != c.key.account {
		return nil, b.refuse(c, bybitNotYourSub, "The subAccount does not belong to the parent account.")
	}
	return sub, nil
}

func (b *bybit) describeSubAccount(sub *account) map[string]any {
	status := 1
	if sub.frozen {
		status = 4
	}
	return map[string]any{
		"uid": sub.id, "username": sub.name, "memberType": 1, "status": status, "remark": sub.remark, "accountMode": 5,
	}
}

// listSubAccounts answers GET /v5/user/query-sub-members: at most 1,000, in one go.
func (b *bybit) listSubAccounts(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	subs := c.books.subAccounts(c.key.account)
	members := []any{}
	for _, sub := range subs[:min(len(subs), 1000)] {
		members = append(members, b.describeSubAccount(sub))
	}
	return b.ok(c, map[string]any{"subMembers": members})
}

// pageSubAccounts answers GET /v5/user/submembers. The cursor is the number of
// sub-accounts before the page, and "0" after the last page.
func (b *bybit) pageSubAccounts(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	size := p.integer("pageSize", 100)
	start := p.integer("nextCursor", 0)
	p.check("pageSize", size >= 1 && size <= 100)
	p.check("nextCursor", start >= 0)
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	subs := c.books.subAccounts(c.key.account)
	start = min(start, int64(len(subs)))
	end := min(start+size, int64(len(subs)))
	members := []any{}
	for _, sub := range subs[start:end] {
		members = append(members, b.describeSubAccount(sub))
	}
	next := "0"
	if end < int64(len(subs)) {
		next = strconv.FormatInt(end, 10)
	}
	return b.ok(c, map[string]any{"subMembers": members, "nextCursor": next})
}

// createSubAccount answers POST /v5/user/create-sub-member.
func (b *bybit) createSubAccount(c *call) *answer {
	p := jsonParams(c.body)
	p.require("username", "memberType")
	name, remark, password := p.text("username"), p.text("note"), p.text("password")
	memberType, quickLogin := p.integer("memberType", 0), p.integer("switch", 0)
	p.flag("isUta", true)
	p.check("username", len(name) >= 6 && len(name) <= 16 && hasEach(name, letters, digits) && !b.nameUsed(c.books, name))
	p.check("memberType", memberType == 1 || memberType == 6)
	p.check("switch", quickLogin == 0 || quickLogin == 1)
	p.check("password", password == "" ||
		len(password) >= 8 && len(password) <= 30 && hasEach(password, upperCase, lowerCase, digits))
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	sub := c.books.addAccount(&account{
		id: randomNumber(8), name: name, remark: remark, parent: c.key.account, created: c.now,
	})
	return b.ok(c, map[string]any{
		"uid": sub.id, "username": sub.name, "memberType": memberType, "status": 1, "remark": sub.remark,
	})
}

// nameUsed tells whether a sub-account has, or before its deletion had, the name.
func (b *bybit) nameUsed(books *books, name string) bool {
	for _, a := range books.accounts {
		if a.name == name {
			return true
		}
	}
	return false
}

// hasEach tells whether the text has at least one character of each alphabet.
func hasEach(text string, alphabets ...string) bool {
	for _, alphabet := range alphabets {
		if !strings.ContainsAny(text, alphabet) {
			return false
		}
	}
	return true
}

// freezeSubAccount answers POST /v5/user/frozen-sub-member.
func (b *bybit) freezeSubAccount(c *call) *answer {
	p := jsonParams(c.body)
	p.require("subuid", "frozen")
	uid, frozen := p.integer("subuid", 0), p.integer("frozen", 0)
	p.check("frozen", frozen == 0 || frozen == 1)
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	sub, refusal := b.subAccount(c, strconv.FormatInt(uid, 10))
	if refusal != nil {
		return refusal
	}
	sub.frozen = frozen == 1
	return b.ok(c, nil)
}

// deleteSubAccount answers POST /v5/user/del-submember. The keys of the
// sub-account go with it.
func (b *bybit) deleteSubAccount(c *call) *answer {
	p := jsonParams(c.body)
	p.require("subMemberId")
	uid := p.text("subMemberId")
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	sub, refusal := b.subAccount(c, uid)
	if refusal != nil {
		return refusal
	}
	for _, k := range c.books.keysOf(sub) {
		c.books.removeKey(k)
	}
	sub.deleted = true
	return b.ok(c, nil)
}

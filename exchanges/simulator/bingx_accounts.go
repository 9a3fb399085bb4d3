package simulator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// bingxCodes writes permissions as the numbers that they are.
func bingxCodes(permissions []string) []int {
	codes := []int{}
	for _, permission := range permissions {
		code, err := strconv.Atoi(permission)
		if err != nil {
			panic(err) // the books hold nothing else
		}
		codes = append(codes, code)
	}
	return codes
}

// bingxNumber writes an account's number as a JSON number.
func bingxNumber(a *account) int64 {
	number, err := strconv.ParseInt(a.id, 10, 64)
	if err != nil {
		panic(err) // accounts are named by numbers
	}
	return number
}

// bingxAddresses writes an address list; one text that is empty stands for none.
func bingxAddresses(k *key) []string {
	if len(k.ips) == 0 {
		return []string{""}
	}
	return k.ips
}

// apiPermissions answers GET /openApi/v1/account/apiPermissions, in one of the
// two documented forms.
func (b *bingx) apiPermissions(c *call) *answer {
	if why := b.params(c).strictComplaint(); why != nil {
		return b.malformed(c, why)
	}
	if !b.showsWhole(c) {
		return jsonAnswer(http.StatusOK, map[string]any{
			"apiKey": c.key.apiKey, "permissions": bingxCodes(c.key.permissions), "ipAddresses": bingxAddresses(c.key), "note": c.key.label,
		})
	}
	return b.ok(c, map[string]any{
		"ipRestrict": len(c.key.ips) > 0, "createTime": c.key.created.UnixMilli(),
		"enableReading": c.key.has(bingxRead), "enableSpotAndMarginTrading": c.key.has(bingxSpot),
		"enableWithdrawals": c.key.has(bingxWithdraw), "enableInternalTransfer": c.key.has(bingxInternal),
		"enableFutures": c.key.has(bingxPerpetual), "permitsUniversalTransfer": c.key.has(bingxUniversal), "enableVanillaOptions": false,
	})
}

// uid answers GET /openApi/account/v1/uid.
func (b *bingx) uid(c *call) *answer {
	if why := b.params(c).strictComplaint(); why != nil {
		return b.malformed(c, why)
	}
	return b.ok(c, map[string]int64{"uid": bingxNumber(c.key.account)})
}

// listSubAccounts answers GET /openApi/subAccount/v1/list.
func (b *bingx) listSubAccounts(c *call) *answer {
	p := b.params(c)
	p.require("page", "limit")
	page, limit := p.integer("page", 1), p.integer("limit", 1)
	number, name := p.text("subUid"), p.text("subAccountString")
	frozen := p.flag("isFeeze", false) // spelt so in the documentation
	p.check("page", page >= 1)
	p.check("limit", limit >= 1 && limit <= 1000)
	if why := p.strictComplaint(); why != nil {
		return b.malformed(c, why)
	}
	rows := []map[string]any{}
	for _, sub := range c.books.subAccounts(c.key.account) {
		if number != "" && sub.id != number || name != "" && sub.name != name || p.given("isFeeze") && sub.frozen != frozen {
			continue
		}
		row := map[string]any{"subAccountString": sub.name, "note": sub.remark, "createTime": sub.created.UnixMilli()}
		if b.showsWhole(c) {
			row["uid"], row["isFreeze"] = bingxNumber(sub), sub.frozen
		} else {
			row["subUid"], row["freeze"] = sub.id, sub.frozen
		}
		rows = append(rows, row)
	}
	total := int64(len(rows))
	start := min((page-1)*limit, total)
	array := "result"
	if b.showsWhole(c) {
		array = "subAccountList"
	}
	return b.ok(c, map[string]any{array: rows[start:min(start+limit, total)], "pageId": page, "total": total})
}

// createSubAccount answers POST /openApi/subAccount/v1/create. No call deletes
// a sub-account.
func (b *bingx) createSubAccount(c *call) *answer {
	p := b.params(c)
	name, note := p.text("subAccountString"), p.text("note")
	p.check("subAccountString", len(name) > 6 && strings.ContainsAny(name[:1], letters) &&
		strings.ContainsAny(name, digits) && strings.Trim(name, alphanumeric) == "")
	if why := p.strictComplaint(); why != nil {
		return b.malformed(c, why)
	}
	if slices.ContainsFunc(c.books.accounts, func(a *account) bool { return a.name == name }) {
		return b.refuse(c, bingxBadParameter, "the sub-account name is taken")
	}
	sub := b.addSubAccount(c.books, c.now, c.key.account)
	sub.name, sub.remark = name, note
	return b.ok(c, map[string]any{"subUid": bingxNumber(sub), "subAccountString": name, "note": note})
}

// updateStatus answers POST /openApi/subAccount/v1/updateStatus.
func (b *bingx) updateStatus(c *call) *answer {
	p := b.params(c)
	p.require("freeze")
	freeze := p.flag("freeze", false)
	sub, refusal := b.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	sub.frozen = freeze
	return b.ok(c, map[string]any{"subUid": bingxNumber(sub), "isFreeze": freeze})
}

// subAccount finds the sub-account that a JSON body names.
func (b *bingx) subAccount(c *call, p *params) (*account, *answer) {
	p.require("subUid")
	number := p.integer("subUid", 0)
	if why := p.strictComplaint(); why != nil {
		return nil, b.malformed(c, why)
	}
	sub := c.books.account(strconv.FormatInt(number, 10))
	if sub == nil || sub.parent != c.key.account {
		return nil, b.refuse(c, bingxBadSubAccount, "sub uid is invalid")
	}
	return sub, nil
}

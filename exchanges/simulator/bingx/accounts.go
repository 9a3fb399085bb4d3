package bingx

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
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
func bingxNumber(a *venue.Account) int64 {
	number, err := strconv.ParseInt(a.ID, 10, 64)
	if err != nil {
		panic(err) // accounts are named by numbers
	}
	return number
}

// bingxAddresses writes an address list; one text that is empty stands for none.
func bingxAddresses(k *venue.Key) []string {
	if len(k.IPs) == 0 {
		return []string{""}
	}
	return k.IPs
}

// apiPermissions answers GET /openApi/v1/account/apiPermissions, in one of the
// two documented forms.
func (b *bingx) apiPermissions(c *venue.Call) *venue.Answer {
	if why := b.params(c).StrictComplaint(); why != nil {
		return b.malformed(c, why)
	}
	if !b.showsWhole(c) {
		return venue.JSONAnswer(http.StatusOK, map[string]any{
			"apiKey": c.Key.APIKey, "permissions": bingxCodes(c.Key.Permissions), "ipAddresses": bingxAddresses(c.Key), "note": c.Key.Label,
		})
	}
	return b.ok(c, map[string]any{
		"ipRestrict": len(c.Key.IPs) > 0, "createTime": c.Key.Created.UnixMilli(),
		"enableReading": c.Key.Has(bingxRead), "enableSpotAndMarginTrading": c.Key.Has(bingxSpot),
		"enableWithdrawals": c.Key.Has(bingxWithdraw), "enableInternalTransfer": c.Key.Has(bingxInternal),
		"enableFutures": c.Key.Has(bingxPerpetual), "permitsUniversalTransfer": c.Key.Has(bingxUniversal), "enableVanillaOptions": false,
	})
}

// uid answers GET /openApi/account/v1/uid.
func (b *bingx) uid(c *venue.Call) *venue.Answer {
	if why := b.params(c).StrictComplaint(); why != nil {
		return b.malformed(c, why)
	}
	return b.ok(c, map[string]int64{"uid": bingxNumber(c.Key.Account)})
}

// listSubAccounts answers GET /openApi/subAccount/v1/list.
func (b *bingx) listSubAccounts(c *venue.Call) *venue.Answer {
	p := b.params(c)
	p.Require("page", "limit")
	page, limit := p.Integer("page", 1), p.Integer("limit", 1)
	number, name := p.Text("subUid"), p.Text("subAccountString")
	frozen := p.Flag("isFeeze", false) // spelt so in the documentation
	p.Check("page", page >= 1)
	p.Check("limit", limit >= 1 && limit <= 1000)
	if why := p.StrictComplaint(); why != nil {
		return b.malformed(c, why)
	}
	rows := []map[string]any{}
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		if number != "" && sub.ID != number || name != "" && sub.Name != name || p.Given("isFeeze") && sub.Frozen != frozen {
			continue
		}
		row := map[string]any{"subAccountString": sub.Name, "note": sub.Remark, "createTime": sub.Created.UnixMilli()}
		if b.showsWhole(c) {
			row["uid"], row["isFreeze"] = bingxNumber(sub), sub.Frozen
		} else {
			row["subUid"], row["freeze"] = sub.ID, sub.Frozen
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
func (b *bingx) createSubAccount(c *venue.Call) *venue.Answer {
	p := b.params(c)
	name, note := p.Text("subAccountString"), p.Text("note")
	p.Check("subAccountString", len(name) > 6 && strings.ContainsAny(name[:1], venue.Letters) &&
		strings.ContainsAny(name, venue.Digits) && strings.Trim(name, venue.Alphanumeric) == "")
	if why := p.StrictComplaint(); why != nil {
		return b.malformed(c, why)
	}
	if slices.ContainsFunc(c.Books.Accounts, func(a *venue.Account) bool { return a.Name == name }) {
		return b.refuse(c, bingxBadParameter, "the sub-account name is taken")
	}
	sub := b.AddSubAccount(c.Books, c.Now, c.Key.Account)
	sub.Name, sub.Remark = name, note
	return b.ok(c, map[string]any{"subUid": bingxNumber(sub), "subAccountString": name, "note": note})
}

// updateStatus answers POST /openApi/subAccount/v1/updateStatus.
func (b *bingx) updateStatus(c *venue.Call) *venue.Answer {
	p := b.params(c)
	p.Require("freeze")
	freeze := p.Flag("freeze", false)
	sub, refusal := b.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	sub.Frozen = freeze
	return b.ok(c, map[string]any{"subUid": bingxNumber(sub), "isFreeze": freeze})
}

// subAccount finds the sub-account that a JSON body names.
func (b *bingx) subAccount(c *venue.Call, p *venue.Params) (*venue.Account, *venue.Answer) {
	p.Require("subUid")
	number := p.Integer("subUid", 0)
	if why := p.StrictComplaint(); why != nil {
		return nil, b.malformed(c, why)
	}
	sub := c.Books.Account(strconv.FormatInt(number, 10))
	if sub == nil || sub.Parent != c.Key.Account {
		return nil, b.refuse(c, bingxBadSubAccount, "sub uid is invalid")
	}
	return sub, nil
}

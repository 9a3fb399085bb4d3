package bingx

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// codesOf writes permissions as the numbers that they are.
func codesOf(permissions []string) []int {
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

// numberOf writes an account's number as a JSON number.
func numberOf(a *venue.Account) int64 {
	number, err := strconv.ParseInt(a.ID, 10, 64)
	if err != nil {
		panic(err) // accounts are named by numbers
	}
	return number
}

// addressesOf writes an address list. A single empty string stands for no
// addresses.
func addressesOf(k *venue.Key) []string {
	if len(k.IPs) == 0 {
		return []string{""}
	}
	return k.IPs
}

// apiPermissions answers GET /openApi/v1/account/apiPermissions in one of the
// two documented forms.
func (e *exchange) apiPermissions(c *venue.Call) *venue.Answer {
	if why := e.params(c).StrictComplaint(); why != nil {
		return e.malformed(c, why)
	}
	if !e.forAssistants(c) {
		return venue.JSONAnswer(http.StatusOK, map[string]any{
			"apiKey": c.Key.APIKey, "permissions": codesOf(c.Key.Permissions), "ipAddresses": addressesOf(c.Key), "note": c.Key.Label,
		})
	}
	return e.ok(c, map[string]any{
		"ipRestrict": len(c.Key.IPs) > 0, "createTime": c.Key.Created.UnixMilli(),
		"enableReading": c.Key.Has(read), "enableSpotAndMarginTrading": c.Key.Has(spot),
		"enableWithdrawals": c.Key.Has(withdraw), "enableInternalTransfer": c.Key.Has(internal),
		"enableFutures": c.Key.Has(perpetual), "permitsUniversalTransfer": c.Key.Has(universal), "enableVanillaOptions": false,
	})
}

// uid answers GET /openApi/account/v1/uid.
func (e *exchange) uid(c *venue.Call) *venue.Answer {
	if why := e.params(c).StrictComplaint(); why != nil {
		return e.malformed(c, why)
	}
	return e.ok(c, map[string]int64{"uid": numberOf(c.Key.Account)})
}

// listSubAccounts answers GET /openApi/subAccount/v1/list.
func (e *exchange) listSubAccounts(c *venue.Call) *venue.Answer {
	p := e.params(c)
	p.Require("page", "limit")
	page, limit := p.Integer("page", 1), p.Integer("limit", 1)
	number, name := p.Text("subUid"), p.Text("subAccountString")
	frozen := p.Flag("isFeeze", false) // spelt so in the documentation
	p.Check("page", page >= 1)
	p.Check("limit", limit >= 1 && limit <= 1000)
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(c, why)
	}
	rows := []map[string]any{}
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		if number != "" && sub.ID != number || name != "" && sub.Name != name || p.Given("isFeeze") && sub.Frozen != frozen {
			continue
		}
		row := map[string]any{"subAccountString": sub.Name, "note": sub.Remark, "createTime": sub.Created.UnixMilli()}
		if e.forAssistants(c) {
			row["uid"], row["isFreeze"] = numberOf(sub), sub.Frozen
		} else {
			row["subUid"], row["freeze"] = sub.ID, sub.Frozen
		}
		rows = append(rows, row)
	}
	total := int64(len(rows))
	start := min((page-1)*limit, total)
	array := "result"
	if e.forAssistants(c) {
		array = "subAccountList"
	}
	return e.ok(c, map[string]any{array: rows[start:min(start+limit, total)], "pageId": page, "total": total})
}

// createSubAccount answers POST /openApi/subAccount/v1/create. No call deletes
// a sub-account.
func (e *exchange) createSubAccount(c *venue.Call) *venue.Answer {
	p := e.params(c)
	name, note := p.Text("subAccountString"), p.Text("note")
	p.Check("subAccountString", len(name) > 6 && strings.ContainsAny(name[:1], venue.Letters) &&
		strings.ContainsAny(name, venue.Digits) && strings.Trim(name, venue.Alphanumeric) == "")
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(c, why)
	}
	if slices.ContainsFunc(c.Books.Accounts, func(a *venue.Account) bool { return a.Name == name }) {
		return e.refuse(c, badParameter, "the sub-account name is taken")
	}
	sub := e.AddSubAccount(c.Books, c.Now, c.Key.Account)
	sub.Name, sub.Remark = name, note
	return e.ok(c, map[string]any{"subUid": numberOf(sub), "subAccountString": name, "note": note})
}

// updateStatus answers POST /openApi/subAccount/v1/updateStatus.
func (e *exchange) updateStatus(c *venue.Call) *venue.Answer {
	p := e.params(c)
	p.Require("freeze")
	freeze := p.Flag("freeze", false)
	sub, refusal := e.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	sub.Frozen = freeze
	return e.ok(c, map[string]any{"subUid": numberOf(sub), "isFreeze": freeze})
}

// subAccount finds the sub-account that a JSON body names.
func (e *exchange) subAccount(c *venue.Call, p *venue.Params) (*venue.Account, *venue.Answer) {
	p.Require("subUid")
	number := p.Integer("subUid", 0)
	if why := p.StrictComplaint(); why != nil {
		return nil, e.malformed(c, why)
	}
	sub := c.Books.Account(strconv.FormatInt(number, 10))
	if sub == nil || sub.Parent != c.Key.Account {
		return nil, e.refuse(c, badSubAccount, "sub uid is invalid")
	}
	return sub, nil
}

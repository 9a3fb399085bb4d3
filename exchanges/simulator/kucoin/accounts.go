package kucoin

import (
	"encoding/json"
	"net/http"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// needs permits keys that hold the permission.
func (k *kucoin) needs(permission string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if !c.Key.Has(permission) {
			return k.refuse(c, http.StatusForbidden, kucoinNoPermission, "Access denied, require more permission")
		}
		return nil
	}
}

func (k *kucoin) mayRead(c *venue.Call) *venue.Answer { return k.needs(kucoinGeneral)(c) }

// mayManage permits a master's key, of which General is all that is asked.
func (k *kucoin) mayManage(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil {
		return k.refuse(c, http.StatusForbidden, kucoinNotMaster, "Access denied, require more permission")
	}
	return k.mayRead(c)
}

// subAccount finds the sub-account that a request names.
func (k *kucoin) subAccount(c *venue.Call, name string) (*venue.Account, *venue.Answer) {
	sub := c.Books.Account(name)
	if sub == nil || sub.Parent != c.Key.Account {
		return nil, k.badParameter(c, &venue.Complaint{Param: "subName", Reason: venue.Unknown})
	}
	return sub, nil
}

// summary answers GET /api/v2/user-info.
func (k *kucoin) summary(c *venue.Call) *venue.Answer {
	count := len(c.Books.SubAccounts(c.Key.Account))
	return k.ok(c, map[string]int{
		"level": 0, "subQuantity": count, "maxSubQuantity": max(5, count), "maxDefaultSubQuantity": 5,
		"spotSubQuantity": count, "marginSubQuantity": count, "futuresSubQuantity": count, "optionSubQuantity": 0,
		"maxSpotSubQuantity": 0, "maxMarginSubQuantity": 0, "maxFuturesSubQuantity": 0, "maxOptionSubQuantity": 0,
	})
}

// kucoinStatus is how a sub-account is doing.
func kucoinStatus(sub *venue.Account) int {
	if sub.Frozen {
		return 3
	}
	return 2
}

// listSubAccounts answers GET /api/v2/sub/user.
func (k *kucoin) listSubAccounts(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	page, size := p.Integer("currentPage", 1), p.Integer("pageSize", 10)
	p.Check("currentPage", page >= 1)
	p.Check("pageSize", size >= 1 && size <= 100)
	if why := p.StrictComplaint(); why != nil {
		return k.badParameter(c, why)
	}
	subs := c.Books.SubAccounts(c.Key.Account)
	total := int64(len(subs))
	items := []any{}
	for i := (page - 1) * size; i < min(page*size, total); i++ {
		var remarks any
		if subs[i].Remark != "" {
			remarks = subs[i].Remark
		}
		products := []string{"Spot", "Futures", "Margin"}
		items = append(items, map[string]any{
			"userId": subs[i].ID, "uid": json.Number(subs[i].Name), "subName": subs[i].ID, "status": kucoinStatus(subs[i]),
			"type": 0, "access": "All", "createdAt": subs[i].Created.UnixMilli(), "remarks": remarks,
			"tradeTypes": products, "openedTradeTypes": products, "hostedStatus": nil,
		})
	}
	return k.ok(c, map[string]any{
		"currentPage": page, "pageSize": size, "totalNum": total, "totalPage": (total + size - 1) / size, "items": items,
	})
}

// createSubAccount answers POST /api/v2/sub/user/created.
func (k *kucoin) createSubAccount(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("subName", "password", "access")
	name, password, access, remarks := p.Text("subName"), p.Text("password"), p.Text("access"), p.Text("remarks")
	p.Check("subName", len(name) >= 7 && len(name) <= 32 && kucoinMixed(name))
	p.Check("password", len(password) >= 7 && len(password) <= 24 && kucoinMixed(password))
	p.Check("access", access == "Spot" || access == "Futures" || access == "Margin")
	p.Check("remarks", len(remarks) <= 24)
	if why := p.StrictComplaint(); why != nil {
		return k.badParameter(c, why)
	}
	if c.Books.Account(name) != nil {
		return k.badParameter(c, &venue.Complaint{Param: "subName", Reason: venue.Duplicate})
	}
	sub := c.Books.AddAccount(&venue.Account{ID: name, Name: venue.RandomNumber(10), Remark: remarks, Parent: c.Key.Account, Created: c.Now})
	return k.ok(c, map[string]any{"uid": json.Number(sub.Name), "subName": name, "remarks": remarks, "access": access})
}

// kucoinMixed tells whether a text has letters and digits, and nothing else.
func kucoinMixed(text string) bool {
	return kucoinAlphanumeric(text) && strings.ContainsAny(text, venue.Letters) && strings.ContainsAny(text, venue.Digits)
}

func kucoinAlphanumeric(text string) bool { return strings.Trim(text, venue.Alphanumeric) == "" }

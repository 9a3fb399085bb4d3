package kucoin

import (
	"encoding/json"
	"net/http"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// needs permits keys that hold the permission.
func (e *exchange) needs(permission string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if !c.Key.Has(permission) {
			return e.refuse(c, http.StatusForbidden, noPermission, "Access denied, require more permission")
		}
		return nil
	}
}

func (e *exchange) mayRead(c *venue.Call) *venue.Answer { return e.needs(general)(c) }

// mayManage permits a master's key. General is the only permission that it
// needs.
func (e *exchange) mayManage(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil {
		return e.refuse(c, http.StatusForbidden, notMaster, "Access denied, require more permission")
	}
	return e.mayRead(c)
}

// subAccount finds the sub-account that a request names.
func (e *exchange) subAccount(c *venue.Call, name string) (*venue.Account, *venue.Answer) {
	sub := c.Books.Account(name)
	if sub == nil || sub.Parent != c.Key.Account {
		return nil, e.badParameter(c, &venue.Complaint{Param: "subName", Reason: venue.Unknown})
	}
	return sub, nil
}

// summary answers GET /api/v2/user-info.
func (e *exchange) summary(c *venue.Call) *venue.Answer {
	count := len(c.Books.SubAccounts(c.Key.Account))
	return e.ok(c, map[string]int{
		"level": 0, "subQuantity": count, "maxSubQuantity": max(5, count), "maxDefaultSubQuantity": 5,
		"spotSubQuantity": count, "marginSubQuantity": count, "futuresSubQuantity": count, "optionSubQuantity": 0,
		"maxSpotSubQuantity": 0, "maxMarginSubQuantity": 0, "maxFuturesSubQuantity": 0, "maxOptionSubQuantity": 0,
	})
}

// status is the state of a sub-account.
func status(sub *venue.Account) int {
	if sub.Frozen {
		return 3
	}
	return 2
}

// listSubAccounts answers GET /api/v2/sub/user.
func (e *exchange) listSubAccounts(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	page, size := p.Integer("currentPage", 1), p.Integer("pageSize", 10)
	p.Check("currentPage", page >= 1)
	p.Check("pageSize", size >= 1 && size <= 100)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
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
			"userId": subs[i].ID, "uid": json.Number(subs[i].Name), "subName": subs[i].ID, "status": status(subs[i]),
			"type": 0, "access": "All", "createdAt": subs[i].Created.UnixMilli(), "remarks": remarks,
			"tradeTypes": products, "openedTradeTypes": products, "hostedStatus": nil,
		})
	}
	return e.ok(c, map[string]any{
		"currentPage": page, "pageSize": size, "totalNum": total, "totalPage": (total + size - 1) / size, "items": items,
	})
}

// createSubAccount answers POST /api/v2/sub/user/created.
func (e *exchange) createSubAccount(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("subName", "password", "access")
	name, password, access, remarks := p.Text("subName"), p.Text("password"), p.Text("access"), p.Text("remarks")
	p.Check("subName", len(name) >= 7 && len(name) <= 32 && mixed(name))
	p.Check("password", len(password) >= 7 && len(password) <= 24 && mixed(password))
	p.Check("access", access == "Spot" || access == "Futures" || access == "Margin")
	p.Check("remarks", len(remarks) <= 24)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	if c.Books.Account(name) != nil {
		return e.badParameter(c, &venue.Complaint{Param: "subName", Reason: venue.Duplicate})
	}
	sub := c.Books.AddAccount(&venue.Account{ID: name, Name: venue.RandomNumber(10), Remark: remarks, Parent: c.Key.Account, Created: c.Now})
	return e.ok(c, map[string]any{"uid": json.Number(sub.Name), "subName": name, "remarks": remarks, "access": access})
}

// mixed reports whether a text has both letters and digits, and nothing else.
func mixed(text string) bool {
	return alphanumeric(text) && strings.ContainsAny(text, venue.Letters) && strings.ContainsAny(text, venue.Digits)
}

func alphanumeric(text string) bool { return strings.Trim(text, venue.Alphanumeric) == "" }

package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
)

// needs permits keys that hold the permission.
func (k *kucoin) needs(permission string) func(*call) *answer {
	return func(c *call) *answer {
		if !c.key.has(permission) {
			return k.refuse(c, http.StatusForbidden, kucoinNoPermission, "Access denied, require more permission")
		}
		return nil
	}
}

func (k *kucoin) mayRead(c *call) *answer { return k.needs(kucoinGeneral)(c) }

// mayManage permits a master's key, of which General is all that is asked.
func (k *kucoin) mayManage(c *call) *answer {
	if c.key.account.parent != nil {
		return k.refuse(c, http.StatusForbidden, kucoinNotMaster, "Access denied, require more permission")
	}
	return k.mayRead(c)
}

// subAccount finds the sub-account that a request names.
func (k *kucoin) subAccount(c *call, name string) (*account, *answer) {
	sub := c.books.account(name)
	if sub == nil || sub.parent != c.key.account {
		return nil, k.badParameter(c, &complaint{"subName", unknown})
	}
	return sub, nil
}

// summary answers GET /api/v2/user-info.
func (k *kucoin) summary(c *call) *answer {
	count := len(c.books.subAccounts(c.key.account))
	return k.ok(c, map[string]int{
		"level": 0, "subQuantity": count, "maxSubQuantity": max(5, count), "maxDefaultSubQuantity": 5,
		"spotSubQuantity": count, "marginSubQuantity": count, "futuresSubQuantity": count, "optionSubQuantity": 0,
		"maxSpotSubQuantity": 0, "maxMarginSubQuantity": 0, "maxFuturesSubQuantity": 0, "maxOptionSubQuantity": 0,
	})
}

// kucoinStatus is how a sub-account is doing.
func kucoinStatus(sub *account) int {
	if sub.frozen {
		return 3
	}
	return 2
}

// listSubAccounts answers GET /api/v2/sub/user.
func (k *kucoin) listSubAccounts(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	page, size := p.integer("currentPage", 1), p.integer("pageSize", 10)
	p.check("currentPage", page >= 1)
	p.check("pageSize", size >= 1 && size <= 100)
	if why := p.strictComplaint(); why != nil {
		return k.badParameter(c, why)
	}
	subs := c.books.subAccounts(c.key.account)
	total := int64(len(subs))
	items := []any{}
	for i := (page - 1) * size; i < min(page*size, total); i++ {
		var remarks any
		if subs[i].remark != "" {
			remarks = subs[i].remark
		}
		products := []string{"Spot", "Futures", "Margin"}
		items = append(items, map[string]any{
			"userId": subs[i].id, "uid": json.Number(subs[i].name), "subName": subs[i].id, "status": kucoinStatus(subs[i]),
			"type": 0, "access": "All", "createdAt": subs[i].created.UnixMilli(), "remarks": remarks,
			"tradeTypes": products, "openedTradeTypes": products, "hostedStatus": nil,
		})
	}
	return k.ok(c, map[string]any{
		"currentPage": page, "pageSize": size, "totalNum": total, "totalPage": (total + size - 1) / size, "items": items,
	})
}

// createSubAccount answers POST /api/v2/sub/user/created.
func (k *kucoin) createSubAccount(c *call) *answer {
	p := jsonParams(c.body)
	p.require("subName", "password", "access")
	name, password, access, remarks := p.text("subName"), p.text("password"), p.text("access"), p.text("remarks")
	p.check("subName", len(name) >= 7 && len(name) <= 32 && kucoinMixed(name))
	p.check("password", len(password) >= 7 && len(password) <= 24 && kucoinMixed(password))
	p.check("access", access == "Spot" || access == "Futures" || access == "Margin")
	p.check("remarks", len(remarks) <= 24)
	if why := p.strictComplaint(); why != nil {
		return k.badParameter(c, why)
	}
	if c.books.account(name) != nil {
		return k.badParameter(c, &complaint{"subName", duplicate})
	}
	sub := c.books.addAccount(&account{id: name, name: randomNumber(10), remark: remarks, parent: c.key.account, created: c.now})
	return k.ok(c, map[string]any{"uid": json.Number(sub.name), "subName": name, "remarks": remarks, "access": access})
}

// kucoinMixed tells whether a text has letters and digits, and nothing else.
func kucoinMixed(text string) bool {
	return kucoinAlphanumeric(text) && strings.ContainsAny(text, letters) && strings.ContainsAny(text, digits)
}

func kucoinAlphanumeric(text string) bool { return strings.Trim(text, alphanumeric) == "" }

package simulator

import (
	"strings"
	"time"
)

// masterOnly permits keys of a master account outside demo trading. Whether
// demo trading has sub-accounts is not documented.
func (o *okx) masterOnly(c *call) *answer {
	switch {
	case c.key.account.parent != nil:
		return o.refuse(c, okxNotMaster)
	case o.inDemo(c.key):
		return o.refuse(c, okxNotInDemo)
	}
	return nil
}

// mayList permits a master's key that can read.
func (o *okx) mayList(c *call) *answer {
	if refusal := o.masterOnly(c); refusal != nil {
		return refusal
	}
	return o.mayRead(c)
}

// mayManage permits a master's key that can trade and is bound to addresses.
func (o *okx) mayManage(c *call) *answer {
	if refusal := o.masterOnly(c); refusal != nil {
		return refusal
	}
	if refusal := o.mayTrade(c); refusal != nil {
		return refusal
	}
	if len(c.key.ips) == 0 {
		return o.refuse(c, okxNotBound)
	}
	return nil
}

// subAccount finds the sub-account that a request names.
func (o *okx) subAccount(c *call, name string) (*account, *answer) {
	sub := c.books.account(name)
	if sub == nil || sub.parent != c.key.account {
		return nil, o.refuse(c, okxNoSuchSubAccount)
	}
	return sub, nil
}

// listSubAccounts answers GET /api/v5/users/subaccount/list, the newest first.
func (o *okx) listSubAccounts(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	enabled, name := p.flag("enable", true), p.text("subAcct")
	after, before := p.integer("after", 0), p.integer("before", 0)
	size := p.integer("limit", 100)
	p.check("limit", size >= 1 && size <= 100)
	if why := p.strictComplaint(); why != nil {
		return o.badParameter(c, why)
	}
	subs := c.books.subAccounts(c.key.account)
	rows := []any{}
	for i := len(subs) - 1; i >= 0 && int64(len(rows)) < size; i-- {
		sub, created := subs[i], subs[i].created.UnixMilli()
		if p.given("enable") && enabled == sub.frozen || name != "" && name != sub.id ||
			p.given("after") && created >= after || p.given("before") && created <= before {
			continue
		}
		rows = append(rows, map[string]any{
			"type": "1", "enable": !sub.frozen, "subAcct": sub.id, "uid": sub.name, "label": sub.remark, "mobile": "",
			"gAuth": false, "frozenFunc": []string{}, "canTransOut": true, "ts": okxTime(sub.created),
			"subAcctLv": "1", "firstLvSubAcct": sub.id, "ifDma": false,
		})
	}
	return o.ok(rows...)
}

// createSubAccount answers POST /api/v5/users/subaccount/create-subaccount.
func (o *okx) createSubAccount(c *call) *answer {
	p := jsonParams(c.body)
	p.require("subAcct", "type")
	name, kind, label := p.text("subAcct"), p.text("type"), p.text("label")
	p.text("pwd")
	p.check("subAcct", len(name) >= 6 && len(name) <= 20 && okxAlphanumeric(name))
	p.check("type", kind == "1")
	p.check("label", label == "" || len(label) >= 6 && len(label) <= 32)
	if why := p.complaint(); why != nil {
		return o.badParameter(c, why)
	}
	if c.books.account(name) != nil {
		return o.refuse(c, okxNameTaken)
	}
	sub := c.books.addAccount(&account{
		id: name, name: randomNumber(18), remark: label, parent: c.key.account, created: c.now.Truncate(time.Millisecond),
	})
	return o.ok(map[string]string{"subAcct": sub.id, "label": label, "uid": sub.name, "ts": okxTime(sub.created)})
}

func okxAlphanumeric(text string) bool { return strings.Trim(text, alphanumeric) == "" }

package okx

import (
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// masterOnly permits keys of a master account outside demo trading. The
// documentation does not say whether demo trading has sub-accounts.
func (e *exchange) masterOnly(c *venue.Call) *venue.Answer {
	switch {
	case c.Key.Account.Parent != nil:
		return e.refuse(c, notMaster)
	case e.inDemo(c.Key) && c.Weather(minting) != inDemoToo:
		return e.refuse(c, notInDemo)
	}
	return nil
}

// mayList permits a master's key that can read.
func (e *exchange) mayList(c *venue.Call) *venue.Answer {
	if refusal := e.masterOnly(c); refusal != nil {
		return refusal
	}
	return e.mayRead(c)
}

// mayManage permits a master's key that can trade and is bound to addresses.
func (e *exchange) mayManage(c *venue.Call) *venue.Answer {
	if refusal := e.masterOnly(c); refusal != nil {
		return refusal
	}
	if refusal := e.mayTrade(c); refusal != nil {
		return refusal
	}
	if len(c.Key.IPs) == 0 {
		return e.refuse(c, notBound)
	}
	return nil
}

// subAccount finds the sub-account that a request names.
func (e *exchange) subAccount(c *venue.Call, name string) (*venue.Account, *venue.Answer) {
	sub := c.Books.Account(name)
	if sub == nil || sub.Parent != c.Key.Account {
		return nil, e.refuse(c, noSuchSubAccount)
	}
	return sub, nil
}

// listSubAccounts answers GET /api/v5/users/subaccount/list, the newest first.
func (e *exchange) listSubAccounts(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	enabled, name := p.Flag("enable", true), p.Text("subAcct")
	after, before := p.Integer("after", 0), p.Integer("before", 0)
	size := p.Integer("limit", 100)
	p.Check("limit", size >= 1 && size <= 100)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	subs := c.Books.SubAccounts(c.Key.Account)
	rows := []any{}
	for i := len(subs) - 1; i >= 0 && int64(len(rows)) < size; i-- {
		sub, created := subs[i], subs[i].Created.UnixMilli()
		if p.Given("enable") && enabled == sub.Frozen || name != "" && name != sub.ID ||
			p.Given("after") && created >= after || p.Given("before") && created <= before {
			continue
		}
		rows = append(rows, map[string]any{
			"type": "1", "enable": !sub.Frozen, "subAcct": sub.ID, "uid": sub.Name, "label": sub.Remark, "mobile": "",
			"gAuth": false, "frozenFunc": []string{}, "canTransOut": true, "ts": millis(sub.Created),
			"subAcctLv": "1", "firstLvSubAcct": sub.ID, "ifDma": false,
		})
	}
	return e.ok(rows...)
}

// createSubAccount answers POST /api/v5/users/subaccount/create-subaccount.
func (e *exchange) createSubAccount(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("subAcct", "type")
	name, kind, label := p.Text("subAcct"), p.Text("type"), p.Text("label")
	p.Text("pwd")
	p.Check("subAcct", len(name) >= 6 && len(name) <= 20 && alphanumeric(name))
	p.Check("type", kind == "1")
	p.Check("label", label == "" || len(label) >= 6 && len(label) <= 32)
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	if c.Books.Account(name) != nil {
		return e.refuse(c, nameTaken)
	}
	sub := c.Books.AddAccount(&venue.Account{
		ID: name, Name: venue.RandomNumber(18), Remark: label, Parent: c.Key.Account, Created: c.Now.Truncate(time.Millisecond),
	})
	return e.ok(map[string]string{"subAcct": sub.ID, "label": label, "uid": sub.Name, "ts": millis(sub.Created)})
}

func alphanumeric(text string) bool { return strings.Trim(text, venue.Alphanumeric) == "" }

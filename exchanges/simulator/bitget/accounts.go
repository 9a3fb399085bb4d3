package bitget

import (
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// master is the main account that the calling key's account belongs to.
func (e *exchange) master(c *venue.Call) *venue.Account {
	if parent := c.Key.Account.Parent; parent != nil {
		return parent
	}
	return c.Key.Account
}

func (e *exchange) isUnified(c *venue.Call) bool {
	id := e.master(c).ID
	return id != e.classicMaster && id != e.brokerMaster
}

// unifiedOnly permits keys of accounts in unified mode.
func (e *exchange) unifiedOnly(c *venue.Call) *venue.Answer {
	if !e.isUnified(c) {
		return e.refuse(c, notUnified)
	}
	return nil
}

// notUnified permits keys of accounts in classic mode.
func (e *exchange) notUnified(c *venue.Call) *venue.Answer {
	if e.isUnified(c) {
		return e.refuse(c, isUnified)
	}
	return nil
}

// mayListUnified permits a main account's key that can read account management.
func (e *exchange) mayListUnified(c *venue.Call) *venue.Answer {
	if refusal := e.unifiedOnly(c); refusal != nil {
		return refusal
	}
	switch {
	case c.Key.Account.Parent != nil:
		return e.refuse(c, notMain)
	case !c.Key.Has("uta_mgt"):
		return e.refuse(c, denied)
	}
	return nil
}

// mayManageUnified permits what mayListUnified permits, if the key can also
// write.
func (e *exchange) mayManageUnified(c *venue.Call) *venue.Answer {
	if refusal := e.mayListUnified(c); refusal != nil {
		return refusal
	}
	if !c.Key.Has("read_write") {
		return e.refuse(c, denied)
	}
	return nil
}

// mayManageClassic permits a main account's key that can manage sub-accounts
// and is bound to addresses.
func (e *exchange) mayManageClassic(c *venue.Call) *venue.Answer {
	if refusal := e.notUnified(c); refusal != nil {
		return refusal
	}
	switch {
	case c.Key.Account.Parent != nil:
		return e.refuse(c, notMain)
	case !c.Key.Has(manageSubs):
		return e.refuse(c, noPermission, manageSubs)
	case len(c.Key.IPs) == 0:
		return e.refuse(c, noAddressBound)
	}
	return nil
}

// brokerOnly permits keys of a broker's main account.
func (e *exchange) brokerOnly(c *venue.Call) *venue.Answer {
	if c.Key.Account.ID != e.brokerMaster {
		return e.refuse(c, notBroker)
	}
	return nil
}

// infoV3 answers GET /api/v3/account/info for the calling key, whichever it is.
func (e *exchange) infoV3(c *venue.Call) *venue.Answer {
	permType := "read-only"
	if c.Key.Has("read_write") {
		permType = "read-and-write"
	}
	parent := ""
	if c.Key.Account.Parent != nil {
		parent = c.Key.Account.Parent.ID
	}
	return e.ok(c, map[string]any{
		"userId": c.Key.Account.ID, "inviterId": "", "parentId": parent, "ips": strings.Join(c.Key.IPs, ","),
		"permType": permType, "permissions": unifiedSurface().listOf(c.Key), "regisTime": millis(c.Key.Account.Created),
	})
}

// infoV2 answers GET /api/v2/spot/account/info.
func (e *exchange) infoV2(c *venue.Call) *venue.Answer {
	parent, err := strconv.ParseInt(e.master(c).ID, 10, 64)
	if err != nil {
		panic(err) // ids are drawn as numbers
	}
	return e.ok(c, map[string]any{
		"userId": c.Key.Account.ID, "inviterId": "", "parentId": parent, "ips": strings.Join(c.Key.IPs, ","),
		"authorities": append([]string{}, c.Key.Permissions...), "traderType": "not_trader",
		"channel": "", "channelCode": "", "regisTime": millis(c.Key.Account.Created),
	})
}

// brokerInfo answers GET /api/v2/broker/account/info.
func (e *exchange) brokerInfo(c *venue.Call) *venue.Answer {
	return e.ok(c, map[string]string{
		"subAccountSize": strconv.Itoa(len(c.Books.SubAccounts(c.Key.Account))), "maxSubAccountSize": "10000",
		"uTime": millis(c.Now),
	})
}

func status(sub *venue.Account) string {
	if sub.Frozen {
		return "freeze"
	}
	return "normal"
}

// listUnifiedSubs answers GET /api/v3/user/sub-list. The cursor is the number
// of the last row.
func (e *exchange) listUnifiedSubs(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	size, after := p.Integer("limit", 100), p.Integer("cursor", 0)
	p.Check("limit", size >= 1 && size <= 100)
	p.Check("cursor", after >= 0)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	subs := c.Books.SubAccounts(c.Key.Account)
	rows := []any{}
	end := min(after+size, int64(len(subs)))
	for _, sub := range subs[min(after, end):end] {
		rows = append(rows, map[string]string{
			"subUid": sub.ID, "username": sub.Name, "status": status(sub), "accountMode": "UNIFIED",
			"type": "VIRTUAL_CHILD", "note": sub.Remark,
			"createdTime": millis(sub.Created), "updatedTime": millis(sub.Created),
		})
	}
	return e.ok(c, map[string]any{
		"list": rows, "hasNext": end < int64(len(subs)), "cursor": strconv.FormatInt(end, 10),
	})
}

// listClassicSubs answers GET /api/v2/user/virtual-subaccount-list, the newest
// first. Pages go by an id that is not the account's.
func (e *exchange) listClassicSubs(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	subs := c.Books.SubAccounts(c.Key.Account)
	size, before := p.Integer("limit", 100), p.Integer("idLessThan", int64(len(subs))+1)
	p.Check("limit", size >= 1 && size <= 500)
	p.Check("status", !p.Given("status") || slices.Contains([]string{"normal", "freeze"}, p.Text("status")))
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	rows := []any{}
	var last int64
	for id := min(before, int64(len(subs))+1) - 1; id >= 1 && int64(len(rows)) < size; id-- {
		sub := subs[id-1]
		last = id
		if wanted := p.Text("status"); wanted != "" && wanted != status(sub) {
			continue
		}
		rows = append(rows, map[string]any{
			"subAccountUid": sub.ID, "subAccountName": sub.Name, "status": status(sub), "permList": []string{"read"},
			"label": sub.Remark, "cTime": millis(sub.Created), "uTime": millis(sub.Created),
		})
	}
	return e.ok(c, map[string]any{"endId": last, "subAccountList": rows})
}

// listBrokerSubs answers GET /api/v2/broker/account/subaccount-list, the newest
// first.
func (e *exchange) listBrokerSubs(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	size, before := p.Integer("limit", 10), p.Text("idLessThan")
	p.Check("limit", size >= 1 && size <= 100)
	subs := c.Books.SubAccounts(c.Key.Account)
	slices.Reverse(subs)
	start := 0
	if before != "" {
		start = slices.IndexFunc(subs, func(sub *venue.Account) bool { return sub.ID == before }) + 1
		p.Check("idLessThan", start > 0)
	}
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	end := min(start+int(size), len(subs))
	rows, last := []any{}, ""
	for _, sub := range subs[start:end] {
		last = sub.ID
		rows = append(rows, map[string]any{
			"subUid": sub.ID, "subaccountName": sub.Name, "status": status(sub), "permList": []string{"read", "spot_trade"},
			"label": sub.Remark, "language": "en_US", "cTime": millis(sub.Created), "uTime": millis(sub.Created),
		})
	}
	return e.ok(c, map[string]any{"hasNextPage": end < len(subs), "idLessThan": last, "subList": rows})
}

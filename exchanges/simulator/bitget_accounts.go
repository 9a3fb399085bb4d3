package simulator

import (
	"slices"
	"strconv"
	"strings"
)

// master is the main account that the calling key's account belongs to.
func (b *bitget) master(c *call) *account {
	if parent := c.key.account.parent; parent != nil {
		return parent
	}
	return c.key.account
}

func (b *bitget) isUnified(c *call) bool {
	id := b.master(c).id
	return id != b.classicMaster && id != b.brokerMaster
}

// unifiedOnly permits keys of accounts in unified mode.
func (b *bitget) unifiedOnly(c *call) *answer {
	if !b.isUnified(c) {
		return b.refuse(c, bitgetNotUnified)
	}
	return nil
}

// notUnified permits keys of accounts in classic mode.
func (b *bitget) notUnified(c *call) *answer {
	if b.isUnified(c) {
		return b.refuse(c, bitgetIsUnified)
	}
	return nil
}

// mayListUnified permits a main account's key that can read account management.
func (b *bitget) mayListUnified(c *call) *answer {
	if refusal := b.unifiedOnly(c); refusal != nil {
		return refusal
	}
	switch {
	case c.key.account.parent != nil:
		return b.refuse(c, bitgetNotMain)
	case !c.key.has("uta_mgt"):
		return b.refuse(c, bitgetDenied)
	}
	return nil
}

// mayManageUnified permits what mayListUnified permits, if the key can write.
func (b *bitget) mayManageUnified(c *call) *answer {
	if refusal := b.mayListUnified(c); refusal != nil {
		return refusal
	}
	if !c.key.has("read_write") {
		return b.refuse(c, bitgetDenied)
	}
	return nil
}

// mayManageClassic permits a main account's key that can manage sub-accounts
// and is bound to addresses. What is answered to one that is not bound is not
// documented.
func (b *bitget) mayManageClassic(c *call) *answer {
	if refusal := b.notUnified(c); refusal != nil {
		return refusal
	}
	switch {
	case c.key.account.parent != nil:
		return b.refuse(c, bitgetNotMain)
	case !c.key.has(bitgetManageSubs):
		return b.refuse(c, bitgetNoPermission, bitgetManageSubs)
	case len(c.key.ips) == 0:
		return b.refuse(c, bitgetNoAddressBound)
	}
	return nil
}

// brokerOnly permits keys of a broker's main account.
func (b *bitget) brokerOnly(c *call) *answer {
	if c.key.account.id != b.brokerMaster {
		return b.refuse(c, bitgetNotBroker)
	}
	return nil
}

// infoV3 answers GET /api/v3/account/info for the calling key, whichever it is.
func (b *bitget) infoV3(c *call) *answer {
	permType := "read-only"
	if c.key.has("read_write") {
		permType = "read-and-write"
	}
	parent := ""
	if c.key.account.parent != nil {
		parent = c.key.account.parent.id
	}
	return b.ok(c, map[string]any{
		"userId": c.key.account.id, "inviterId": "", "parentId": parent, "ips": strings.Join(c.key.ips, ","),
		"permType": permType, "permissions": bitgetUnified().listOf(c.key), "regisTime": bitgetTime(c.key.account.created),
	})
}

// infoV2 answers GET /api/v2/spot/account/info.
func (b *bitget) infoV2(c *call) *answer {
	parent, err := strconv.ParseInt(b.master(c).id, 10, 64)
	if err != nil {
		panic(err) // ids are drawn as numbers
	}
	return b.ok(c, map[string]any{
		"userId": c.key.account.id, "inviterId": "", "parentId": parent, "ips": strings.Join(c.key.ips, ","),
		"authorities": append([]string{}, c.key.permissions...), "traderType": "not_trader",
		"channel": "", "channelCode": "", "regisTime": bitgetTime(c.key.account.created),
	})
}

// brokerInfo answers GET /api/v2/broker/account/info.
func (b *bitget) brokerInfo(c *call) *answer {
	return b.ok(c, map[string]string{
		"subAccountSize": strconv.Itoa(len(c.books.subAccounts(c.key.account))), "maxSubAccountSize": "10000",
		"uTime": bitgetTime(c.now),
	})
}

func bitgetStatus(sub *account) string {
	if sub.frozen {
		return "freeze"
	}
	return "normal"
}

// listUnifiedSubs answers GET /api/v3/user/sub-list. The cursor is the number of
// the last row.
func (b *bitget) listUnifiedSubs(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	size, after := p.integer("limit", 100), p.integer("cursor", 0)
	p.check("limit", size >= 1 && size <= 100)
	p.check("cursor", after >= 0)
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	subs := c.books.subAccounts(c.key.account)
	rows := []any{}
	end := min(after+size, int64(len(subs)))
	for _, sub := range subs[min(after, end):end] {
		rows = append(rows, map[string]string{
			"subUid": sub.id, "username": sub.name, "status": bitgetStatus(sub), "accountMode": "UNIFIED",
			"type": "VIRTUAL_CHILD", "note": sub.remark,
			"createdTime": bitgetTime(sub.created), "updatedTime": bitgetTime(sub.created),
		})
	}
	return b.ok(c, map[string]any{
		"list": rows, "hasNext": end < int64(len(subs)), "cursor": strconv.FormatInt(end, 10),
	})
}

// listClassicSubs answers GET /api/v2/user/virtual-subaccount-list, the newest
// first. The id that pages go by is not that of the account.
func (b *bitget) listClassicSubs(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	subs := c.books.subAccounts(c.key.account)
	size, before := p.integer("limit", 100), p.integer("idLessThan", int64(len(subs))+1)
	p.check("limit", size >= 1 && size <= 500)
	p.check("status", !p.given("status") || slices.Contains([]string{"normal", "freeze"}, p.text("status")))
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	rows := []any{}
	var last int64
	for id := min(before, int64(len(subs))+1) - 1; id >= 1 && int64(len(rows)) < size; id-- {
		sub := subs[id-1]
		last = id
		if wanted := p.text("status"); wanted != "" && wanted != bitgetStatus(sub) {
			continue
		}
		rows = append(rows, map[string]any{
			"subAccountUid": sub.id, "subAccountName": sub.name, "status": bitgetStatus(sub), "permList": []string{"read"},
			"label": sub.remark, "cTime": bitgetTime(sub.created), "uTime": bitgetTime(sub.created),
		})
	}
	return b.ok(c, map[string]any{"endId": last, "subAccountList": rows})
}

// listBrokerSubs answers GET /api/v2/broker/account/subaccount-list, the newest
// first.
func (b *bitget) listBrokerSubs(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	size, before := p.integer("limit", 10), p.text("idLessThan")
	p.check("limit", size >= 1 && size <= 100)
	subs := c.books.subAccounts(c.key.account)
	slices.Reverse(subs)
	start := 0
	if before != "" {
		start = slices.IndexFunc(subs, func(sub *account) bool { return sub.id == before }) + 1
		p.check("idLessThan", start > 0)
	}
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	end := min(start+int(size), len(subs))
	rows, last := []any{}, ""
	for _, sub := range subs[start:end] {
		last = sub.id
		rows = append(rows, map[string]any{
			"subUid": sub.id, "subaccountName": sub.name, "status": bitgetStatus(sub), "permList": []string{"read", "spot_trade"},
			"label": sub.remark, "language": "en_US", "cTime": bitgetTime(sub.created), "uTime": bitgetTime(sub.created),
		})
	}
	return b.ok(c, map[string]any{"hasNextPage": end < len(subs), "idLessThan": last, "subList": rows})
}

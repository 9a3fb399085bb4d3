package binance

import (
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// restrictions answers GET /sapi/v1/account/apiRestrictions for the calling
// key, whichever it is. The answer does not say whose key that is.
func (e *exchange) restrictions(c *venue.Call) *venue.Answer {
	if why := e.params(c).StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	k := c.Key
	return e.ok(c, map[string]any{
		"ipRestrict": len(k.IPs) > 0, "createTime": k.Created.UnixMilli(), "enableReading": true,
		"enableWithdrawals": false, "enableInternalTransfer": false,
		"enableMargin":               k.Has(masterMargin, linkMargin),
		"enableFutures":              k.Has(masterFutures, linkFutures),
		"permitsUniversalTransfer":   k.Has(transfer),
		"enableVanillaOptions":       k.Has(options),
		"enableFixApiTrade":          k.Has(fixTrade),
		"enableFixReadOnly":          k.Has(fixRead),
		"enableSpotAndMarginTrading": k.Has(trade), "enablePortfolioMarginTrading": false,
	})
}

// listMasterSubs answers GET /sapi/v1/sub-account/list, which shows one
// sub-account unless the caller asks for more.
func (e *exchange) listMasterSubs(c *venue.Call) *venue.Answer {
	p := e.params(c)
	email, page, limit := p.Text("email"), p.Integer("page", 1), p.Integer("limit", 1)
	frozen := p.Flag("isFreeze", false)
	p.Check("page", page >= 1)
	p.Check("limit", limit >= 1 && limit <= 200)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	rows := []map[string]any{}
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		if email != "" && sub.ID != email || p.Given("isFreeze") && sub.Frozen != frozen {
			continue
		}
		number, err := strconv.ParseInt(sub.Name, 10, 64)
		if err != nil {
			panic(err) // names are drawn as numbers
		}
		rows = append(rows, map[string]any{
			"subUserId": number, "email": sub.ID, "remark": sub.Remark, "isFreeze": sub.Frozen,
			"createTime": sub.Created.UnixMilli(), "isManagedSubAccount": false, "isAssetManagementSubAccount": false,
		})
	}
	return e.ok(c, map[string]any{"subAccounts": pageOf(rows, page, limit)})
}

// createMasterSub answers POST /sapi/v1/sub-account/virtualSubAccount.
func (e *exchange) createMasterSub(c *venue.Call) *venue.Answer {
	p := e.params(c)
	seed := e.required(p, "subAccountString")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub := e.AddSubAccount(c.Books, c.Now, c.Key.Account)
	sub.ID, sub.Remark = seed+"_virtual@"+venue.RandomText(8, venue.LowerHex)+"email.com", seed
	return e.ok(c, map[string]string{"email": sub.ID})
}

// linkInfo answers GET /sapi/v1/broker/info.
func (e *exchange) linkInfo(c *venue.Call) *venue.Answer {
	if why := e.params(c).StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(c, map[string]any{
		"maxMakerCommission": 0.002, "minMakerCommission": 0, "maxTakerCommission": 0.002, "minTakerCommission": 0,
		"subAccountQty": len(c.Books.SubAccounts(c.Key.Account)), "maxSubAccountQty": 1000,
	})
}

// listLinkSubs answers GET /sapi/v1/broker/subAccount.
func (e *exchange) listLinkSubs(c *venue.Call) *venue.Answer {
	p := e.params(c)
	id, page, size := p.Text("subAccountId"), p.Integer("page", 1), p.Integer("size", 500)
	p.Check("page", page >= 1)
	p.Check("size", size >= 1 && size <= 500)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	rows := []map[string]any{}
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		if id != "" && sub.ID != id {
			continue
		}
		rows = append(rows, map[string]any{
			"subaccountId": sub.ID, "email": sub.Name, "tag": sub.Remark, "makerCommission": 0.001, "takerCommission": 0.001,
			"marginMakerCommission": 0.001, "marginTakerCommission": 0.001, "createTime": sub.Created.UnixMilli(),
		})
	}
	return e.ok(c, pageOf(rows, page, size))
}

// createLinkSub answers POST /sapi/v1/broker/subAccount.
func (e *exchange) createLinkSub(c *venue.Call) *venue.Answer {
	p := e.params(c)
	tag := p.Text("tag")
	p.Check("tag", len(tag) < 32)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub := e.AddSubAccount(c.Books, c.Now, c.Key.Account)
	sub.Remark = tag
	return e.ok(c, map[string]string{"subaccountId": sub.ID, "email": sub.Name, "tag": tag})
}

// deleteLinkSub answers DELETE /sapi/v1/broker/subAccount. It refuses to delete
// a sub-account that still has keys.
func (e *exchange) deleteLinkSub(c *venue.Call) *venue.Answer {
	p := e.params(c)
	sub, refusal := e.subAccount(c, p, "subAccountId")
	if refusal != nil {
		return refusal
	}
	if len(c.Books.KeysOf(sub)) > 0 {
		return e.refuse(c, unsupported, "The sub-account still has API keys.")
	}
	sub.Deleted = true
	return e.ok(c, struct{}{})
}

// subAccount finds the sub-account that a request names. Read every other
// parameter first: it refuses those that nobody has read.
func (e *exchange) subAccount(c *venue.Call, p *venue.Params, name string) (*venue.Account, *venue.Answer) {
	sub := c.Books.Account(e.required(p, name))
	p.Check(name, sub != nil && sub.Parent == c.Key.Account)
	if why := p.StrictComplaint(); why != nil {
		return nil, e.badParameter(c, why)
	}
	return sub, nil
}

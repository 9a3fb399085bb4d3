package simulator

import "strconv"

// restrictions answers GET /sapi/v1/account/apiRestrictions for the calling key,
// whichever it is. It does not say whose key that is.
func (b *binance) restrictions(c *call) *answer {
	if why := b.params(c).strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	k := c.key
	return b.ok(c, map[string]any{
		"ipRestrict": len(k.ips) > 0, "createTime": k.created.UnixMilli(), "enableReading": true,
		"enableWithdrawals": false, "enableInternalTransfer": false,
		"enableMargin":               k.has(binanceMasterMargin, binanceLinkMargin),
		"enableFutures":              k.has(binanceMasterFutures, binanceLinkFutures),
		"permitsUniversalTransfer":   k.has(binanceTransfer),
		"enableVanillaOptions":       k.has(binanceOptions),
		"enableFixApiTrade":          k.has(binanceFIXTrade),
		"enableFixReadOnly":          k.has(binanceFIXRead),
		"enableSpotAndMarginTrading": k.has(binanceTrade), "enablePortfolioMarginTrading": false,
	})
}

// listMasterSubs answers GET /sapi/v1/sub-account/list, which shows a single
// sub-account unless asked for more.
func (b *binance) listMasterSubs(c *call) *answer {
	p := b.params(c)
	email, page, limit := p.text("email"), p.integer("page", 1), p.integer("limit", 1)
	frozen := p.flag("isFreeze", false)
	p.check("page", page >= 1)
	p.check("limit", limit >= 1 && limit <= 200)
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	rows := []map[string]any{}
	for _, sub := range c.books.subAccounts(c.key.account) {
		if email != "" && sub.id != email || p.given("isFreeze") && sub.frozen != frozen {
			continue
		}
		number, err := strconv.ParseInt(sub.name, 10, 64)
		if err != nil {
			panic(err) // names are drawn as numbers
		}
		rows = append(rows, map[string]any{
			"subUserId": number, "email": sub.id, "remark": sub.remark, "isFreeze": sub.frozen,
			"createTime": sub.created.UnixMilli(), "isManagedSubAccount": false, "isAssetManagementSubAccount": false,
		})
	}
	return b.ok(c, map[string]any{"subAccounts": binancePage(rows, page, limit)})
}

// createMasterSub answers POST /sapi/v1/sub-account/virtualSubAccount.
func (b *binance) createMasterSub(c *call) *answer {
	p := b.params(c)
	seed := b.required(p, "subAccountString")
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	sub := b.addSubAccount(c.books, c.now, c.key.account)
	sub.id, sub.remark = seed+"_virtual@"+randomText(8, lowerHex)+"email.com", seed
	return b.ok(c, map[string]string{"email": sub.id})
}

// linkInfo answers GET /sapi/v1/broker/info.
func (b *binance) linkInfo(c *call) *answer {
	if why := b.params(c).strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	return b.ok(c, map[string]any{
		"maxMakerCommission": 0.002, "minMakerCommission": 0, "maxTakerCommission": 0.002, "minTakerCommission": 0,
		"subAccountQty": len(c.books.subAccounts(c.key.account)), "maxSubAccountQty": 1000,
	})
}

// listLinkSubs answers GET /sapi/v1/broker/subAccount.
func (b *binance) listLinkSubs(c *call) *answer {
	p := b.params(c)
	id, page, size := p.text("subAccountId"), p.integer("page", 1), p.integer("size", 500)
	p.check("page", page >= 1)
	p.check("size", size >= 1 && size <= 500)
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	rows := []map[string]any{}
	for _, sub := range c.books.subAccounts(c.key.account) {
		if id != "" && sub.id != id {
			continue
		}
		rows = append(rows, map[string]any{
			"subaccountId": sub.id, "email": sub.name, "tag": sub.remark, "makerCommission": 0.001, "takerCommission": 0.001,
			"marginMakerCommission": 0.001, "marginTakerCommission": 0.001, "createTime": sub.created.UnixMilli(),
		})
	}
	return b.ok(c, binancePage(rows, page, size))
}

// createLinkSub answers POST /sapi/v1/broker/subAccount.
func (b *binance) createLinkSub(c *call) *answer {
	p := b.params(c)
	tag := p.text("tag")
	p.check("tag", len(tag) < 32)
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	sub := b.addSubAccount(c.books, c.now, c.key.account)
	sub.remark = tag
	return b.ok(c, map[string]string{"subaccountId": sub.id, "email": sub.name, "tag": tag})
}

// deleteLinkSub answers DELETE /sapi/v1/broker/subAccount. A sub-account that
// has keys is not deleted.
func (b *binance) deleteLinkSub(c *call) *answer {
	p := b.params(c)
	sub, refusal := b.subAccount(c, p, "subAccountId")
	if refusal != nil {
		return refusal
	}
	if len(c.books.keysOf(sub)) > 0 {
		return b.refuse(c, binanceUnsupported, "The sub-account still has API keys.")
	}
	sub.deleted = true
	return b.ok(c, struct{}{})
}

// subAccount finds the sub-account that a request names, once all of its
// parameters have been read.
func (b *binance) subAccount(c *call, p *params, name string) (*account, *answer) {
	sub := c.books.account(b.required(p, name))
	p.check(name, sub != nil && sub.parent == c.key.account)
	if why := p.strictComplaint(); why != nil {
		return nil, b.badParameter(c, why)
	}
	return sub, nil
}

package simulator

import (
	"crypto/rsa"
	"strconv"
	"time"
)

// queryKey answers GET /v5/user/query-api for the calling key, whichever it is.
func (b *bybit) queryKey(c *call) *answer {
	if why := formParams(c.URL.RawQuery).strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	k, parent := c.key, "0"
	if k.account.parent != nil {
		parent = k.account.parent.id
	}
	userID, err := strconv.ParseInt(k.account.id, 10, 64)
	if err != nil {
		panic(err) // ids are drawn as numbers
	}
	publicKey := ""
	if public, ok := k.publicKey().(*rsa.PublicKey); ok {
		publicKey = publicPEM(public)
	}
	days, expiry := b.expiry(k, c.now)
	return b.ok(c, map[string]any{
		"id": k.id, "note": k.label, "apiKey": k.apiKey, "readOnly": b.readOnlyNumber(k), "secret": "",
		"permissions": b.group(k.permissions), "ips": b.addresses(k), "type": 1, "deadlineDay": days,
		"expiredAt": expiry, "createdAt": k.created.UTC().Format(time.RFC3339), "unified": 0, "uta": 1,
		"userID": userID, "inviterID": 0, "vipLevel": "No VIP", "mktMakerLevel": "0", "affiliateID": 0,
		"rsaPublicKey": publicKey, "isMaster": k.account.parent == nil, "parentUid": parent,
		"kycLevel": "LEVEL_1", "kycRegion": "MYS",
	})
}

// walletBalance answers GET /v5/account/wallet-balance, which any key may read.
func (b *bybit) walletBalance(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	p.require("accountType")
	p.check("accountType", p.text("accountType") == "UNIFIED")
	p.text("coin")
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	return b.ok(c, map[string]any{"list": []any{map[string]any{
		"accountType": "UNIFIED", "totalEquity": "1000", "totalWalletBalance": "1000", "totalAvailableBalance": "1000",
		"coin": []any{map[string]any{"coin": "USDT", "equity": "1000", "walletBalance": "1000", "usdValue": "1000"}},
	}}})
}

// createOrder answers POST /v5/order/create. It accepts the order, and nothing
// ever fills it. Parameters beyond those checked are tolerated: there are many,
// and none has to do with keys.
func (b *bybit) createOrder(c *call) *answer {
	p := jsonParams(c.body)
	p.require("category", "symbol", "side", "orderType", "qty")
	category, side, orderType := p.text("category"), p.text("side"), p.text("orderType")
	quantity, err := strconv.ParseFloat(p.text("qty"), 64)
	p.text("symbol")
	link := p.text("orderLinkId")
	needed := map[string]string{
		"spot": "Spot:SpotTrade", "linear": "ContractTrade:Order", "inverse": "ContractTrade:Order", "option": "Options:OptionsTrade",
	}[category]
	p.check("category", needed != "")
	p.check("side", side == "Buy" || side == "Sell")
	p.check("orderType", orderType == "Market" || orderType == "Limit")
	p.check("qty", err == nil && quantity > 0)
	p.check("price", orderType != "Limit" || p.text("price") != "")
	if why := p.complaint(); why != nil {
		return b.badParameter(c, why)
	}
	if c.key.has(bybitReadOnly) || !c.key.has(needed) {
		return b.noPermission(c)
	}
	return b.reply(c, bybitOK, "OK", map[string]string{"orderId": randomUUID(), "orderLinkId": link})
}

// transfer answers POST /v5/asset/transfer/inter-transfer, between the wallets of
// one account.
func (b *bybit) transfer(c *call) *answer {
	p := jsonParams(c.body)
	p.require("transferId", "coin", "amount", "fromAccountType", "toAccountType")
	id, from, to := p.text("transferId"), p.text("fromAccountType"), p.text("toAccountType")
	p.text("coin")
	amount, err := strconv.ParseFloat(p.text("amount"), 64)
	p.check("amount", err == nil && amount > 0)
	p.check("toAccountType", from != to)
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	if c.key.has(bybitReadOnly) || !c.key.has("Wallet:AccountTransfer") {
		return b.noPermission(c)
	}
	return b.reply(c, bybitOK, "success", map[string]string{"transferId": id, "status": "SUCCESS"})
}

// withdraw answers POST /v5/asset/withdraw/create. No key of a sub-account can
// hold that right, and no root here does.
func (b *bybit) withdraw(c *call) *answer { return b.noPermission(c) }

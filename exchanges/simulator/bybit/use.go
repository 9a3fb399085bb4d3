package bybit

import (
	"crypto/rsa"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// queryKey answers GET /v5/user/query-api for the calling key, whichever it is.
func (e *exchange) queryKey(c *venue.Call) *venue.Answer {
	if why := venue.FormParams(c.URL.RawQuery).StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	k, parent := c.Key, "0"
	if k.Account.Parent != nil {
		parent = k.Account.Parent.ID
	}
	userID, err := strconv.ParseInt(k.Account.ID, 10, 64)
	if err != nil {
		panic(err) // ids are drawn as numbers
	}
	publicKey := ""
	if public, ok := k.PublicKey().(*rsa.PublicKey); ok {
		publicKey = venue.PublicPEM(public)
	}
	days, expiry := e.expiry(k, c.Now)
	return e.ok(c, map[string]any{
		"id": k.ID, "note": k.Label, "apiKey": k.APIKey, "readOnly": e.readOnlyNumber(k), "secret": "",
		"permissions": e.group(k.Permissions), "ips": e.addresses(k), "type": 1, "deadlineDay": days,
		"expiredAt": expiry, "createdAt": k.Created.UTC().Format(time.RFC3339), "unified": 0, "uta": 1,
		"userID": userID, "inviterID": 0, "vipLevel": "No VIP", "mktMakerLevel": "0", "affiliateID": 0,
		"rsaPublicKey": publicKey, "isMaster": k.Account.Parent == nil, "parentUid": parent,
		"kycLevel": "LEVEL_1", "kycRegion": "MYS",
	})
}

// walletBalance answers GET /v5/account/wallet-balance, which any key may read.
func (e *exchange) walletBalance(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require("accountType")
	p.Check("accountType", p.Text("accountType") == "UNIFIED")
	p.Text("coin")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(c, map[string]any{"list": []any{map[string]any{
		"accountType": "UNIFIED", "totalEquity": "1000", "totalWalletBalance": "1000", "totalAvailableBalance": "1000",
		"coin": []any{map[string]any{"coin": "USDT", "equity": "1000", "walletBalance": "1000", "usdValue": "1000"}},
	}}})
}

// createOrder answers POST /v5/order/create. It accepts the order, and nothing
// ever fills it. It tolerates parameters that it does not check: there are
// many, and none concerns keys.
func (e *exchange) createOrder(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("category", "symbol", "side", "orderType", "qty")
	category, side, orderType := p.Text("category"), p.Text("side"), p.Text("orderType")
	quantity, err := strconv.ParseFloat(p.Text("qty"), 64)
	symbol, link, needed := p.Text("symbol"), p.Text("orderLinkId"), categoryRight(category)
	p.Check("category", needed != "")
	p.Check("side", side == "Buy" || side == "Sell")
	p.Check("orderType", orderType == "Market" || orderType == "Limit")
	p.Check("qty", err == nil && quantity > 0)
	p.Check("price", orderType != "Limit" || p.Text("price") != "")
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	if c.Key.Has(readOnlyMark) || !c.Key.Has(needed) {
		return e.noPermission(c)
	}
	id := venue.RandomUUID()
	c.PlaceOrder(venue.Order{
		ID: id, ClientID: link, Section: category, Market: symbol, Side: side, Kind: orderType, Price: p.Text("price"), Amount: p.Text("qty"),
	})
	return e.reply(c, codeOK, "OK", map[string]string{"orderId": id, "orderLinkId": link})
}

// transfer answers POST /v5/asset/transfer/inter-transfer, which moves funds
// between the wallets of one account.
func (e *exchange) transfer(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("transferId", "coin", "amount", "fromAccountType", "toAccountType")
	id, from, to := p.Text("transferId"), p.Text("fromAccountType"), p.Text("toAccountType")
	p.Text("coin")
	amount, err := strconv.ParseFloat(p.Text("amount"), 64)
	p.Check("amount", err == nil && amount > 0)
	p.Check("toAccountType", from != to)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	if c.Key.Has(readOnlyMark) || !c.Key.Has("Wallet:AccountTransfer") {
		return e.noPermission(c)
	}
	return e.reply(c, codeOK, "success", map[string]string{"transferId": id, "status": "SUCCESS"})
}

// withdraw answers POST /v5/asset/withdraw/create. No key of a sub-account can
// hold that right, and no root here does.
func (e *exchange) withdraw(c *venue.Call) *venue.Answer { return e.noPermission(c) }

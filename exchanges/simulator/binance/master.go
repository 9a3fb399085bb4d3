package binance

import (
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// binanceMasterFlags are the permissions that the sub-account API gives.
func binanceMasterFlags() []string {
	return []string{binanceTrade, binanceMasterMargin, binanceMasterFutures, binanceTransfer, binanceOptions}
}

// createMasterKey answers POST /sapi/v1/sub-account/subAccountApi.
func (b *binance) createMasterKey(c *venue.Call) *venue.Answer {
	return b.mintMasterKey(c, b.params(c))
}

// createMasterKeyV2 answers POST /sapi/v2/sub-account/subAccountApi, which knows
// FIX permissions and reads the public key from the body only.
func (b *binance) createMasterKeyV2(c *venue.Call) *venue.Answer {
	p := b.params(c)
	if c.URL.Query().Has("publicKey") {
		return b.badParameter(c, &venue.Complaint{Param: "publicKey", Reason: venue.Unknown})
	}
	return b.mintMasterKey(c, p, binanceFIXTrade, binanceFIXRead)
}

// mintMasterKey makes a key that may have the further permissions fix, which
// are for Ed25519 keys. Labels need not be unique, and there may be any number
// of keys: neither is documented to be otherwise.
func (b *binance) mintMasterKey(c *venue.Call, p *venue.Params, fix ...string) *venue.Answer {
	k := &venue.Key{APIKey: binanceKeyText(), Label: b.required(p, "apiName"), Created: c.Now}
	p.Check("apiName", len(k.Label) <= 20 && strings.Trim(k.Label, venue.Alphanumeric+"_-") == "")
	k.IPs = b.readRestriction(p)
	asked, fixAsked := b.flags(p, binanceMasterFlags()...), b.flags(p, fix...)
	isEd25519 := b.readPublicKey(p, k)
	p.Check("publicKey", k.Public == nil || isEd25519 || len(fix) > 0)

	sub, refusal := b.subAccount(c, p, "email")
	if refusal != nil {
		return refusal
	}
	if len(fixAsked) > 0 && !isEd25519 {
		return b.refuse(c, binanceUnsupported, "FIX API permissions are only for Ed25519 keys.")
	}
	k.Account = sub
	k.Permissions = append(c.Grant(asked, binanceMasterFutures, binanceTransfer), fixAsked...)
	c.Books.AddKey(k)

	body := map[string]any{"apiName": k.Label, "apiKey": k.APIKey, "status": b.status(k), "ipList": b.ipList(k)}
	if k.Public == nil {
		body["secretKey"] = k.Secret
	}
	return b.ok(c, b.setFlags(body, k, binanceMasterFlags()...))
}

// listMasterKeys answers GET /sapi/v1/sub-account/subAccountApi. It tells neither
// addresses nor FIX permissions.
func (b *binance) listMasterKeys(c *venue.Call) *venue.Answer {
	p := b.params(c)
	apiKey, page, size := p.Text("subAccountApiKey"), p.Integer("page", 1), p.Integer("size", 30)
	p.Check("page", page >= 1)
	p.Check("size", size >= 1 && size <= 100)
	sub, refusal := b.subAccount(c, p, "email")
	if refusal != nil {
		return refusal
	}
	rows := []map[string]any{}
	for _, k := range c.Books.KeysOf(sub) {
		if apiKey == "" || k.APIKey == apiKey {
			rows = append(rows, b.describeMasterKey(k))
		}
	}
	return b.ok(c, map[string]any{"total": len(rows), "rows": binancePage(rows, page, size)})
}

func (b *binance) describeMasterKey(k *venue.Key) map[string]any {
	return b.setFlags(map[string]any{
		"email": k.Account.ID, "apiName": k.Label, "apikey": k.APIKey, "timestamp": k.Created.UnixMilli(),
	}, k, binanceMasterFlags()...)
}

// deleteMasterKey answers DELETE /sapi/v1/sub-account/subAccountApi.
func (b *binance) deleteMasterKey(c *venue.Call) *venue.Answer { return b.deleteKey(c, "email") }

// permitMasterKey answers POST /sapi/v1/sub-account/subAccountApiPermission.
func (b *binance) permitMasterKey(c *venue.Call) *venue.Answer {
	k, refusal := b.permit(c, b.params(c), "email", binanceMasterFlags()...)
	if refusal != nil {
		return refusal
	}
	return b.ok(c, b.describeMasterKey(k))
}

// restrictMasterKey answers POST /sapi/v2/sub-account/subAccountApi/ipRestriction.
func (b *binance) restrictMasterKey(c *venue.Call) *venue.Answer { return b.restrict(c, "email") }

// masterAddresses answers GET /sapi/v1/sub-account/subAccountApi/ipRestriction,
// which writes a boolean as text.
func (b *binance) masterAddresses(c *venue.Call) *venue.Answer {
	k, refusal := b.target(c, b.params(c), "email")
	if refusal != nil {
		return refusal
	}
	return b.ok(c, map[string]any{
		"ipRestrict": strconv.FormatBool(len(k.IPs) > 0), "ipList": b.ipList(k), "updateTime": c.Now.UnixMilli(), "apiKey": k.APIKey,
	})
}

package simulator

import (
	"strconv"
	"strings"
)

// binanceMasterFlags are the permissions that the sub-account API gives.
func binanceMasterFlags() []string {
	return []string{binanceTrade, binanceMasterMargin, binanceMasterFutures, binanceTransfer, binanceOptions}
}

// createMasterKey answers POST /sapi/v1/sub-account/subAccountApi.
func (b *binance) createMasterKey(c *call) *answer {
	return b.mintMasterKey(c, b.params(c))
}

// createMasterKeyV2 answers POST /sapi/v2/sub-account/subAccountApi, which knows
// FIX permissions and reads the public key from the body only.
func (b *binance) createMasterKeyV2(c *call) *answer {
	p := b.params(c)
	if c.URL.Query().Has("publicKey") {
		return b.badParameter(c, &complaint{"publicKey", unknown})
	}
	return b.mintMasterKey(c, p, binanceFIXTrade, binanceFIXRead)
}

// mintMasterKey makes a key that may have the further permissions fix, which
// are for Ed25519 keys. Labels need not be unique, and there may be any number
// of keys: neither is documented to be otherwise.
func (b *binance) mintMasterKey(c *call, p *params, fix ...string) *answer {
	k := &key{apiKey: binanceKeyText(), label: b.required(p, "apiName"), created: c.now}
	p.check("apiName", len(k.label) <= 20 && strings.Trim(k.label, alphanumeric+"_-") == "")
	k.ips = b.readRestriction(p)
	asked, fixAsked := b.flags(p, binanceMasterFlags()...), b.flags(p, fix...)
	isEd25519 := b.readPublicKey(p, k)
	p.check("publicKey", k.public == nil || isEd25519 || len(fix) > 0)

	sub, refusal := b.subAccount(c, p, "email")
	if refusal != nil {
		return refusal
	}
	if len(fixAsked) > 0 && !isEd25519 {
		return b.refuse(c, binanceUnsupported, "FIX API permissions are only for Ed25519 keys.")
	}
	k.account = sub
	k.permissions = append(c.grant(asked, binanceMasterFutures, binanceTransfer), fixAsked...)
	c.books.addKey(k)

	body := map[string]any{"apiName": k.label, "apiKey": k.apiKey, "status": b.status(k), "ipList": b.ipList(k)}
	if k.public == nil {
		body["secretKey"] = k.secret
	}
	return b.ok(c, b.setFlags(body, k, binanceMasterFlags()...))
}

// listMasterKeys answers GET /sapi/v1/sub-account/subAccountApi. It tells neither
// addresses nor FIX permissions.
func (b *binance) listMasterKeys(c *call) *answer {
	p := b.params(c)
	apiKey, page, size := p.text("subAccountApiKey"), p.integer("page", 1), p.integer("size", 30)
	p.check("page", page >= 1)
	p.check("size", size >= 1 && size <= 100)
	sub, refusal := b.subAccount(c, p, "email")
	if refusal != nil {
		return refusal
	}
	rows := []map[string]any{}
	for _, k := range c.books.keysOf(sub) {
		if apiKey == "" || k.apiKey == apiKey {
			rows = append(rows, b.describeMasterKey(k))
		}
	}
	return b.ok(c, map[string]any{"total": len(rows), "rows": binancePage(rows, page, size)})
}

func (b *binance) describeMasterKey(k *key) map[string]any {
	return b.setFlags(map[string]any{
		"email": k.account.id, "apiName": k.label, "apikey": k.apiKey, "timestamp": k.created.UnixMilli(),
	}, k, binanceMasterFlags()...)
}

// deleteMasterKey answers DELETE /sapi/v1/sub-account/subAccountApi.
func (b *binance) deleteMasterKey(c *call) *answer { return b.deleteKey(c, "email") }

// permitMasterKey answers POST /sapi/v1/sub-account/subAccountApiPermission.
func (b *binance) permitMasterKey(c *call) *answer {
	k, refusal := b.permit(c, b.params(c), "email", binanceMasterFlags()...)
	if refusal != nil {
		return refusal
	}
	return b.ok(c, b.describeMasterKey(k))
}

// restrictMasterKey answers POST /sapi/v2/sub-account/subAccountApi/ipRestriction.
func (b *binance) restrictMasterKey(c *call) *answer { return b.restrict(c, "email") }

// masterAddresses answers GET /sapi/v1/sub-account/subAccountApi/ipRestriction,
// which writes a boolean as text.
func (b *binance) masterAddresses(c *call) *answer {
	k, refusal := b.target(c, b.params(c), "email")
	if refusal != nil {
		return refusal
	}
	return b.ok(c, map[string]any{
		"ipRestrict": strconv.FormatBool(len(k.ips) > 0), "ipList": b.ipList(k), "updateTime": c.now.UnixMilli(), "apiKey": k.apiKey,
	})
}

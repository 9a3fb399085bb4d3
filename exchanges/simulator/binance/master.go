package binance

import (
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// maxKeys is how many keys a sub-account can create
// (https://www.binance.com/en/support/faq/binance-sub-account-functions-and-frequently-asked-questions-360020632811).
const maxKeys = 30

// masterFlags are the permissions that the sub-account API gives.
func masterFlags() []string {
	return []string{trade, masterMargin, masterFutures, transfer, options}
}

// createMasterKey answers POST /sapi/v1/sub-account/subAccountApi.
func (e *exchange) createMasterKey(c *venue.Call) *venue.Answer {
	return e.mintMasterKey(c, e.params(c))
}

// createMasterKeyV2 answers POST /sapi/v2/sub-account/subAccountApi, which also
// takes FIX permissions and reads the public key from the body only.
func (e *exchange) createMasterKeyV2(c *venue.Call) *venue.Answer {
	p := e.params(c)
	if c.URL.Query().Has("publicKey") {
		return e.badParameter(c, &venue.Complaint{Param: "publicKey", Reason: venue.Unknown})
	}
	return e.mintMasterKey(c, p, fixTrade, fixRead)
}

// mintMasterKey makes a key that may have the further permissions fix, which
// need an Ed25519 key. Labels may repeat: the documentation says nothing else. The
// code for one key too many is not documented.
func (e *exchange) mintMasterKey(c *venue.Call, p *venue.Params, fix ...string) *venue.Answer {
	k := &venue.Key{APIKey: keyText(), Label: e.required(p, "apiName"), Created: c.Now}
	p.Check("apiName", len(k.Label) <= 20 && strings.Trim(k.Label, venue.Alphanumeric+"_-") == "")
	k.IPs = e.readRestriction(p)
	asked, fixAsked := e.flags(p, masterFlags()...), e.flags(p, fix...)
	isEd25519 := e.readPublicKey(c, p, k)
	p.Check("publicKey", k.Public == nil || isEd25519 || len(fix) > 0)

	sub, refusal := e.subAccount(c, p, "email")
	if refusal != nil {
		return refusal
	}
	if len(fixAsked) > 0 && !isEd25519 {
		return e.refuse(c, unsupported, "FIX API permissions are only for Ed25519 keys.")
	}
	if len(c.Books.KeysOf(sub)) >= maxKeys {
		return e.isFull(c)
	}
	k.Account = sub
	k.Permissions = append(c.Grant(asked, masterFutures, transfer), fixAsked...)
	c.Books.AddKey(k)

	body := map[string]any{"apiName": k.Label, "apiKey": k.APIKey, "status": e.status(k), "ipList": e.ipList(k)}
	e.setSecret(c, body, k, isAbsent)
	return e.ok(c, e.setFlags(body, k, masterFlags()...))
}

// listMasterKeys answers GET /sapi/v1/sub-account/subAccountApi. The list shows
// neither addresses nor FIX permissions.
func (e *exchange) listMasterKeys(c *venue.Call) *venue.Answer {
	p := e.params(c)
	apiKey, page, size := p.Text("subAccountApiKey"), p.Integer("page", 1), p.Integer("size", 30)
	p.Check("page", page >= 1)
	p.Check("size", size >= 1 && size <= 100)
	sub, refusal := e.subAccount(c, p, "email")
	if refusal != nil {
		return refusal
	}
	rows := []map[string]any{}
	for _, k := range c.Listed(sub) {
		if apiKey == "" || k.APIKey == apiKey {
			rows = append(rows, e.describeMasterKey(k))
		}
	}
	name := "rows"
	if c.Weather(olderList) != "" {
		name = "list"
	}
	return e.ok(c, map[string]any{"total": len(rows), name: pageOf(rows, page, size)})
}

func (e *exchange) describeMasterKey(k *venue.Key) map[string]any {
	return e.setFlags(map[string]any{
		"email": k.Account.ID, "apiName": k.Label, "apikey": k.APIKey, "timestamp": k.Created.UnixMilli(),
	}, k, masterFlags()...)
}

// deleteMasterKey answers DELETE /sapi/v1/sub-account/subAccountApi.
func (e *exchange) deleteMasterKey(c *venue.Call) *venue.Answer { return e.deleteKey(c, "email") }

// permitMasterKey answers POST /sapi/v1/sub-account/subAccountApiPermission.
func (e *exchange) permitMasterKey(c *venue.Call) *venue.Answer {
	k, refusal := e.permit(c, e.params(c), "email", masterFlags()...)
	if refusal != nil {
		return refusal
	}
	return e.ok(c, e.describeMasterKey(k))
}

// restrictMasterKey answers POST /sapi/v2/sub-account/subAccountApi/ipRestriction.
func (e *exchange) restrictMasterKey(c *venue.Call) *venue.Answer { return e.restrict(c, "email") }

// masterAddresses answers GET /sapi/v1/sub-account/subAccountApi/ipRestriction,
// which writes a boolean as a string.
func (e *exchange) masterAddresses(c *venue.Call) *venue.Answer {
	k, refusal := e.target(c, e.params(c), "email")
	if refusal != nil {
		return refusal
	}
	return e.ok(c, map[string]any{
		"ipRestrict": strconv.FormatBool(len(k.IPs) > 0), "ipList": e.ipList(k), "updateTime": c.Now.UnixMilli(), "apiKey": k.APIKey,
	})
}

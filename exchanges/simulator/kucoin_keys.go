package simulator

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// KuCoin's permissions. Keys of sub-accounts cannot hold the last one.
const (
	kucoinGeneral       = "General"
	kucoinSpot          = "Spot"
	kucoinMargin        = "Margin"
	kucoinFutures       = "Futures"
	kucoinInnerTransfer = "InnerTransfer"
	kucoinTransfer      = "Transfer"
)

// kucoinVocabulary lists the permissions in the order in which answers have
// them.
func kucoinVocabulary() []string {
	return []string{kucoinGeneral, kucoinSpot, kucoinMargin, kucoinFutures, kucoinInnerTransfer, kucoinTransfer}
}

const kucoinMaxAddresses = 20

// kucoinDeal is what a create or edit call asks for.
type kucoinDeal struct {
	permissions []string
	addresses   []string
	days        int // of life; zero: without end
}

// readDeal reads the parameters that create and edit share, with the defaults
// that the documentation states.
func (k *kucoin) readDeal(p *params) kucoinDeal {
	deal := kucoinDeal{permissions: []string{kucoinGeneral}}
	if p.given("permission") {
		deal.permissions = strings.Split(p.text("permission"), ",")
	}
	settable := slices.DeleteFunc(kucoinVocabulary(), func(name string) bool { return name == kucoinTransfer })
	for i, name := range deal.permissions {
		p.check("permission", slices.Contains(settable, name) && !slices.Contains(deal.permissions[:i], name))
	}
	p.check("permission", slices.Contains(deal.permissions, kucoinGeneral))
	if list := p.text("ipWhitelist"); list != "" {
		deal.addresses = strings.Split(list, ",")
	}
	p.check("ipWhitelist", len(deal.addresses) <= kucoinMaxAddresses)
	for _, entry := range deal.addresses {
		address, err := netip.ParseAddr(entry)
		p.check("ipWhitelist", err == nil && address.Is4())
	}
	if slices.Contains(deal.permissions, kucoinInnerTransfer) {
		p.check("ipWhitelist", len(deal.addresses) > 0)
	}
	if expire := p.text("expire"); expire != "" && expire != "-1" {
		p.check("expire", slices.Contains([]string{"30", "90", "180", "360"}, expire))
		deal.days, _ = strconv.Atoi(expire)
	}
	return deal
}

// end is when a key ends whose days begin now.
func (d kucoinDeal) end(now time.Time) time.Time {
	if d.days == 0 {
		return time.Time{}
	}
	return now.AddDate(0, 0, d.days)
}

// createKey answers POST /api/v1/sub/api-key.
func (k *kucoin) createKey(c *call) *answer {
	p := jsonParams(c.body)
	p.require("subName", "passphrase", "remark")
	name, passphrase, remark := p.text("subName"), p.text("passphrase"), p.text("remark")
	p.check("passphrase", len(passphrase) >= 7 && len(passphrase) <= 32 && !strings.Contains(passphrase, " "))
	p.check("remark", len(remark) >= 1 && len(remark) <= 24 && kucoinAlphanumeric(remark))
	deal := k.readDeal(p)
	if why := p.strictComplaint(); why != nil {
		return k.badParameter(c, why)
	}
	sub, refusal := k.subAccount(c, name)
	if refusal != nil {
		return refusal
	}
	if slices.ContainsFunc(k.keysOf(c, sub), func(other *key) bool { return other.label == remark }) {
		return k.badParameter(c, &complaint{"remark", duplicate})
	}
	created := c.books.addKey(&key{
		apiKey: randomText(24, lowerHex), secret: randomUUID(), passphrase: passphrase, account: sub, label: remark,
		permissions: c.grant(deal.permissions, kucoinVocabulary()...), ips: deal.addresses, created: c.now,
		expires: deal.end(c.now),
	})
	shown := k.describeKey(created)
	maps.Copy(shown, map[string]any{"subName": sub.id, "apiSecret": created.secret, "passphrase": passphrase})
	if len(created.ips) > 0 {
		shown["ipWhitelist"] = strings.Join(created.ips, ",")
	}
	return k.ok(c, shown)
}

// describeKey shows what all answers about a key have.
func (k *kucoin) describeKey(shown *key) map[string]any {
	granted := slices.DeleteFunc(kucoinVocabulary(), func(name string) bool { return !shown.has(name) })
	return map[string]any{
		"remark": shown.label, "apiKey": shown.apiKey, "apiVersion": 3,
		"permission": strings.Join(granted, ","), "createdAt": shown.created.UnixMilli(),
	}
}

// keysOf lists the keys of a sub-account that have not ended.
func (k *kucoin) keysOf(c *call, sub *account) []*key {
	return slices.DeleteFunc(c.books.keysOf(sub), func(other *key) bool { return other.expired(c.now) })
}

// listKeys answers GET /api/v1/sub/api-key, which knows no pages and hides the
// middle of each address.
func (k *kucoin) listKeys(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	p.require("subName")
	name, wanted := p.text("subName"), p.text("apiKey")
	if why := p.strictComplaint(); why != nil {
		return k.badParameter(c, why)
	}
	sub, refusal := k.subAccount(c, name)
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	for _, listed := range k.keysOf(c, sub) {
		if wanted != "" && wanted != listed.apiKey {
			continue
		}
		row := k.describeKey(listed)
		maps.Copy(row, map[string]any{
			"subName": sub.id, "uid": json.Number(sub.name), "isMaster": false, "ipWhitelist": kucoinMask(listed.ips),
		})
		rows = append(rows, row)
	}
	return k.ok(c, rows)
}

// kucoinMask writes addresses with their middle hidden: 10.**.1.
func kucoinMask(addresses []string) string {
	masked := make([]string, len(addresses))
	for i, address := range addresses {
		masked[i] = address[:strings.Index(address, ".")+1] + "**" + address[strings.LastIndex(address, "."):]
	}
	return strings.Join(masked, ",")
}

// target finds the key that an edit or deletion names, and for which it must
// know the passphrase.
func (k *kucoin) target(c *call, p *params) (*key, *answer) {
	p.require("subName", "apiKey", "passphrase")
	name, apiKey, passphrase := p.text("subName"), p.text("apiKey"), p.text("passphrase")
	if why := p.strictComplaint(); why != nil {
		return nil, k.badParameter(c, why)
	}
	sub, refusal := k.subAccount(c, name)
	if refusal != nil {
		return nil, refusal
	}
	for _, found := range k.keysOf(c, sub) {
		if found.apiKey != apiKey {
			continue
		}
		if found.passphrase != passphrase {
			return nil, k.badParameter(c, &complaint{"passphrase", badValue})
		}
		return found, nil
	}
	return nil, k.badParameter(c, &complaint{"apiKey", unknown})
}

// editKey answers POST /api/v1/sub/api-key/update. What is left out takes the
// default of the create call, so that the permissions and the end can be lost.
func (k *kucoin) editKey(c *call) *answer {
	p := jsonParams(c.body)
	deal := k.readDeal(p)
	edited, refusal := k.target(c, p)
	if refusal != nil {
		return refusal
	}
	edited.permissions, edited.expires = c.grant(deal.permissions, kucoinVocabulary()...), deal.end(c.now)
	if p.given("ipWhitelist") {
		edited.ips = deal.addresses
	}
	return k.ok(c, map[string]string{
		"subName": edited.account.id, "apiKey": edited.apiKey,
		"permission": strings.Join(edited.permissions, ","), "ipWhitelist": strings.Join(edited.ips, ","),
	})
}

// deleteKey answers DELETE /api/v1/sub/api-key.
func (k *kucoin) deleteKey(c *call) *answer {
	condemned, refusal := k.target(c, formParams(c.URL.RawQuery))
	if refusal != nil {
		return refusal
	}
	c.removeKey(condemned)
	return k.ok(c, map[string]string{"subName": condemned.account.id, "apiKey": condemned.apiKey})
}

package kucoin

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// KuCoin's permissions. Keys of sub-accounts cannot hold Transfer.
const (
	general       = "General"
	spot          = "Spot"
	margin        = "Margin"
	futures       = "Futures"
	innerTransfer = "InnerTransfer"
	transfer      = "Transfer"
	unified       = "Unified"
)

// vocabulary lists the permissions in the order in which answers show them.
func vocabulary() []string {
	return []string{general, spot, margin, futures, innerTransfer, transfer, unified}
}

const maxAddresses = 20

// deal is what a call to create or edit a key asks for.
type deal struct {
	permissions []string
	addresses   []string
	days        int // lifetime in days; zero: no end
}

// readDeal reads the parameters that create and edit have in common, with the
// defaults that the documentation states.
func (e *exchange) readDeal(p *venue.Params) deal {
	deal := deal{permissions: []string{general}}
	if p.Given("permission") {
		deal.permissions = strings.Split(p.Text("permission"), ",")
	}
	settable := slices.DeleteFunc(vocabulary(), func(name string) bool { return name == transfer })
	for i, name := range deal.permissions {
		p.Check("permission", slices.Contains(settable, name) && !slices.Contains(deal.permissions[:i], name))
	}
	p.Check("permission", slices.Contains(deal.permissions, general))
	if list := p.Text("ipWhitelist"); list != "" {
		deal.addresses = strings.Split(list, ",")
	}
	p.Check("ipWhitelist", len(deal.addresses) <= maxAddresses)
	for _, entry := range deal.addresses {
		address, err := netip.ParseAddr(entry)
		p.Check("ipWhitelist", err == nil && address.Is4())
	}
	if slices.Contains(deal.permissions, innerTransfer) {
		p.Check("ipWhitelist", len(deal.addresses) > 0)
	}
	if expire := p.Text("expire"); expire != "" && expire != "-1" {
		p.Check("expire", slices.Contains([]string{"30", "90", "180", "360"}, expire))
		deal.days, _ = strconv.Atoi(expire)
	}
	return deal
}

// end is when a key ends whose days begin now.
func (d deal) end(now time.Time) time.Time {
	if d.days == 0 {
		return time.Time{}
	}
	return now.AddDate(0, 0, d.days)
}

// createKey answers POST /api/v1/sub/api-key.
func (e *exchange) createKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("subName", "passphrase", "remark")
	name, passphrase, remark := p.Text("subName"), p.Text("passphrase"), p.Text("remark")
	p.Check("passphrase", len(passphrase) >= 7 && len(passphrase) <= 32 && !strings.Contains(passphrase, " "))
	p.Check("remark", len(remark) >= 1 && len(remark) <= 24 && alphanumeric(remark))
	deal := e.readDeal(p)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c, name)
	if refusal != nil {
		return refusal
	}
	if slices.ContainsFunc(e.keysOf(c, sub), func(other *venue.Key) bool { return other.Label == remark }) {
		return e.badParameter(c, &venue.Complaint{Param: "remark", Reason: venue.Duplicate})
	}
	if c.Weather(fullSubAccount) != "" && len(e.keysOf(c, sub)) >= fewestKeys {
		return e.refuse(c, http.StatusOK, noSuchCode, "The number of sub-account API keys has reached the limit")
	}
	created := c.Books.AddKey(&venue.Key{
		APIKey: venue.RandomText(24, venue.LowerHex), Secret: venue.RandomUUID(), Passphrase: passphrase, Account: sub, Label: remark,
		Permissions: e.granted(c, deal.permissions), IPs: deal.addresses, Created: c.Now,
		Expires: deal.end(c.Now),
	})
	shown := e.describeKey(created)
	maps.Copy(shown, map[string]any{"subName": sub.ID, "apiSecret": created.Secret, "passphrase": passphrase})
	if len(created.IPs) > 0 {
		shown["ipWhitelist"] = strings.Join(created.IPs, ",")
	}
	return e.ok(c, shown)
}

// describeKey shows what all answers about a key have in common.
func (e *exchange) describeKey(shown *venue.Key) map[string]any {
	granted := slices.DeleteFunc(vocabulary(), func(name string) bool { return !shown.Has(name) })
	return map[string]any{
		"remark": shown.Label, "apiKey": shown.APIKey, "apiVersion": 3,
		"permission": strings.Join(granted, ","), "createdAt": shown.Created.UnixMilli(),
	}
}

// keysOf are the keys of a sub-account that have not ended.
func (e *exchange) keysOf(c *venue.Call, sub *venue.Account) []*venue.Key {
	return e.alive(c, c.Books.KeysOf(sub))
}

// alive leaves out keys that have ended.
func (e *exchange) alive(c *venue.Call, keys []*venue.Key) []*venue.Key {
	return slices.DeleteFunc(keys, func(k *venue.Key) bool { return k.Expired(c.Now) })
}

// listKeys answers GET /api/v1/sub/api-key, which has no pages and hides the
// middle of each address.
func (e *exchange) listKeys(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require("subName")
	name, wanted := p.Text("subName"), p.Text("apiKey")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c, name)
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	for _, listed := range e.alive(c, c.Listed(sub)) {
		if wanted != "" && wanted != listed.APIKey {
			continue
		}
		row := e.describeKey(listed)
		maps.Copy(row, map[string]any{
			"subName": sub.ID, "uid": json.Number(sub.Name), "isMaster": false, "ipWhitelist": e.listedAddresses(c, listed),
		})
		rows = append(rows, row)
	}
	return e.ok(c, rows)
}

// mask writes addresses with their middle hidden: 10.**.1.
func mask(addresses []string) string {
	masked := make([]string, len(addresses))
	for i, address := range addresses {
		masked[i] = address[:strings.Index(address, ".")+1] + "**" + address[strings.LastIndex(address, "."):]
	}
	return strings.Join(masked, ",")
}

// target finds the key that an edit or a deletion names, if the request has its
// passphrase.
func (e *exchange) target(c *venue.Call, p *venue.Params) (*venue.Key, *venue.Answer) {
	p.Require("subName", "apiKey", "passphrase")
	name, apiKey, passphrase := p.Text("subName"), p.Text("apiKey"), p.Text("passphrase")
	if why := p.StrictComplaint(); why != nil {
		return nil, e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c, name)
	if refusal != nil {
		return nil, refusal
	}
	for _, found := range e.keysOf(c, sub) {
		if found.APIKey != apiKey {
			continue
		}
		if found.Passphrase != passphrase {
			return nil, e.badParameter(c, &venue.Complaint{Param: "passphrase", Reason: venue.BadValue})
		}
		return found, nil
	}
	return nil, e.badParameter(c, &venue.Complaint{Param: "apiKey", Reason: venue.Unknown})
}

// editKey answers POST /api/v1/sub/api-key/update. A field that the request
// leaves out takes the default of the create call, so an edit can lose the
// permissions and the end.
func (e *exchange) editKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	deal := e.readDeal(p)
	edited, refusal := e.target(c, p)
	if refusal != nil {
		return refusal
	}
	edited.Permissions, edited.Expires = c.Grant(deal.permissions, vocabulary()...), deal.end(c.Now)
	if p.Given("ipWhitelist") {
		edited.IPs = deal.addresses
	}
	return e.ok(c, map[string]string{
		"subName": edited.Account.ID, "apiKey": edited.APIKey,
		"permission": strings.Join(edited.Permissions, ","), "ipWhitelist": strings.Join(edited.IPs, ","),
	})
}

// deleteKey answers DELETE /api/v1/sub/api-key.
func (e *exchange) deleteKey(c *venue.Call) *venue.Answer {
	condemned, refusal := e.target(c, venue.FormParams(c.URL.RawQuery))
	if refusal != nil {
		return refusal
	}
	if c.Weather(frozenSubAccount) != "" {
		return e.refuse(c, http.StatusOK, accountFrozen, "The sub-account is frozen")
	}
	c.RemoveKey(condemned)
	return e.confirm(c, condemned)
}

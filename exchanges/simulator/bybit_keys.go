package simulator

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bybitReadOnly is how the books note the readOnly switch of a key, beside the
// permissions, which they write as "Group:Value".
const bybitReadOnly = "ReadOnly"

// bybitVocabulary are the permissions that a sub-account's key can hold
// (https://bybit-exchange.github.io/docs/v5/user/create-subuid-apikey).
func bybitVocabulary() []string {
	return []string{
		"ContractTrade:Order", "ContractTrade:Position", "Spot:SpotTrade", "Options:OptionsTrade",
		"Derivatives:DerivativesTrade", "Wallet:AccountTransfer", "Wallet:SubMemberTransferList",
		"Exchange:ExchangeHistory", "Earn:Earn",
	}
}

// bybitGroups are the permission groups that answers list, empty or not.
func bybitGroups() []string {
	return []string{
		"ContractTrade", "Spot", "Wallet", "Options", "Derivatives", "CopyTrading", "BlockTrade", "Exchange",
		"NFT", "Affiliate", "Earn",
	}
}

// flatten turns the permissions of a request into those of the books, and tells
// whether all of them may be given to a sub-account's key.
func (b *bybit) flatten(groups map[string][]string) ([]string, bool) {
	var permissions []string
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		if !slices.Contains(bybitGroups(), group) {
			return nil, false
		}
		for _, value := range groups[group] {
			permission := group + ":" + value
			if !slices.Contains(bybitVocabulary(), permission) {
				return nil, false
			}
			permissions = append(permissions, permission)
		}
	}
	return permissions, true
}

// group turns the permissions of the books into those of an answer.
func (b *bybit) group(permissions []string) map[string][]string {
	groups := make(map[string][]string)
	for _, name := range bybitGroups() {
		groups[name] = []string{}
	}
	for _, permission := range permissions {
		if name, value, ok := strings.Cut(permission, ":"); ok {
			groups[name] = append(groups[name], value)
		}
	}
	return groups
}

// granted are the permissions that a key gets for those asked: on unified
// accounts, which all are, Derivatives comes with ContractTrade. Under GrantMore
// a read-only key becomes read-write, or its surplus would be of no use.
func (b *bybit) granted(c *call, asked []string, readOnly bool) []string {
	permissions := c.grant(asked, "Wallet:AccountTransfer", "Spot:SpotTrade", "Options:OptionsTrade")
	contracts := slices.ContainsFunc(permissions, func(p string) bool { return strings.HasPrefix(p, "ContractTrade:") })
	if contracts && !slices.Contains(permissions, "Derivatives:DerivativesTrade") {
		permissions = append(permissions, "Derivatives:DerivativesTrade")
	}
	if readOnly && c.fault.Kind != GrantMore {
		permissions = append(permissions, bybitReadOnly)
	}
	return permissions
}

// readPermissions reads the parameter permissions, which must name at least one.
func (b *bybit) readPermissions(p *params) []string {
	var groups map[string][]string
	if !p.value("permissions", &groups) {
		return nil
	}
	permissions, allowed := b.flatten(groups)
	p.check("permissions", allowed && len(permissions) > 0)
	return permissions
}

// readAddresses reads the parameter ips: IPv4 addresses joined by commas, or "*"
// or nothing for any address.
func (b *bybit) readAddresses(p *params) []string {
	list := p.text("ips")
	if list == "" || list == "*" {
		return nil
	}
	addresses := strings.Split(list, ",")
	for _, entry := range addresses {
		address, err := netip.ParseAddr(entry)
		p.check("ips", err == nil && address.Is4())
	}
	return addresses
}

// setAddresses binds a key, or unbinds it and thereby ends its life in 90 days.
func (b *bybit) setAddresses(k *key, addresses []string, now time.Time) {
	k.ips, k.expires = addresses, time.Time{}
	if len(addresses) == 0 {
		k.expires = now.Add(bybitUnboundLife)
	}
}

// createKey answers POST /v5/user/create-sub-api.
func (b *bybit) createKey(c *call) *answer {
	p := jsonParams(c.body)
	p.require("subuid", "readOnly", "permissions")
	uid, readOnly := p.integer("subuid", 0), p.integer("readOnly", 0)
	note, permissions, addresses := p.text("note"), b.readPermissions(p), b.readAddresses(p)
	p.check("readOnly", readOnly == 0 || readOnly == 1)
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	sub, refusal := b.subAccount(c, strconv.FormatInt(uid, 10))
	if refusal != nil {
		return refusal
	}
	if sub.frozen {
		return b.refuse(c, bybitSubNotNormal, "sub member is not normal")
	}
	k := c.books.addKey(&key{
		id: b.nextKeyID(), apiKey: randomText(18, alphanumeric), secret: randomText(36, alphanumeric),
		account: sub, label: note, permissions: b.granted(c, permissions, readOnly == 1), created: c.now,
	})
	b.setAddresses(k, addresses, c.now)
	return b.ok(c, map[string]any{
		"id": k.id, "note": k.label, "apiKey": k.apiKey, "readOnly": b.readOnlyNumber(k), "secret": k.secret,
		"permissions": b.group(k.permissions),
	})
}

// listKeys answers GET /v5/user/sub-apikeys. The cursor is the id of the last key
// of the page before, so that deletions between pages skip nothing.
func (b *bybit) listKeys(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	p.require("subMemberId")
	uid, limit, cursor := p.text("subMemberId"), p.integer("limit", 20), p.text("cursor")
	after, err := strconv.ParseInt(cmp.Or(cursor, "0"), 10, 64)
	p.check("limit", limit >= 1 && limit <= 20)
	p.check("cursor", err == nil)
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	sub, refusal := b.subAccount(c, uid)
	if refusal != nil {
		return refusal
	}
	rows, next := []any{}, ""
	for _, k := range c.books.keysOf(sub) {
		if number, _ := strconv.ParseInt(k.id, 10, 64); number <= after {
			continue
		}
		if int64(len(rows)) == limit {
			next = rows[limit-1].(map[string]any)["id"].(string)
			break
		}
		rows = append(rows, b.describeKey(k, c.now))
	}
	return b.ok(c, map[string]any{"result": rows, "nextPageCursor": next})
}

// describeKey is a key in the list: unlike elsewhere, readOnly is a boolean.
func (b *bybit) describeKey(k *key, now time.Time) map[string]any {
	days, expiry := b.expiry(k, now)
	return map[string]any{
		"id": k.id, "ips": b.addresses(k), "apiKey": k.apiKey, "note": k.label, "status": b.status(k, now),
		"expiredAt": expiry, "createdAt": k.created.UTC().Format(time.RFC3339), "type": 1,
		"permissions": b.group(k.permissions), "secret": "******", "readOnly": k.has(bybitReadOnly),
		"deadlineDay": days, "flag": "hmac",
	}
}

// status is 1 for a key that never expires, 2 for an expired one, 4 for one that
// expires within a week, 3 for any other.
func (b *bybit) status(k *key, now time.Time) int {
	switch {
	case k.expires.IsZero():
		return 1
	case k.expired(now):
		return 2
	case k.expires.Sub(now) <= 7*24*time.Hour:
		return 4
	default:
		return 3
	}
}

// expiry is how many whole days a key has left and when it ends; a key without
// an end shows -2 and the epoch.
func (b *bybit) expiry(k *key, now time.Time) (int, string) {
	if k.expires.IsZero() {
		return -2, "1970-01-01T00:00:00Z"
	}
	return int(k.expires.Sub(now).Hours() / 24), k.expires.UTC().Format(time.RFC3339)
}

func (b *bybit) addresses(k *key) []string {
	if len(k.ips) == 0 {
		return []string{"*"}
	}
	return k.ips
}

func (b *bybit) readOnlyNumber(k *key) int {
	if k.has(bybitReadOnly) {
		return 1
	}
	return 0
}

// mayEdit permits what mayManage permits, and a sub-account's read-write key with
// a transfer right: that one may edit and delete itself.
func (b *bybit) mayEdit(c *call) *answer {
	if c.key.account.parent == nil {
		return b.mayManage(c)
	}
	if c.key.has(bybitReadOnly) || !c.key.has("Wallet:AccountTransfer", "Wallet:SubMemberTransferList") {
		return b.noPermission(c)
	}
	return nil
}

// target finds the key that an edit or deletion is about. A master names it; a
// sub-account's key means itself and must not name any.
func (b *bybit) target(c *call, p *params) (*key, *answer) {
	apiKey := p.text("apikey")
	if c.key.account.parent != nil {
		p.check("apikey", !p.given("apikey"))
		apiKey = c.key.apiKey
	} else {
		p.require("apikey")
	}
	if why := p.strictComplaint(); why != nil {
		return nil, b.badParameter(c, why)
	}
	k := c.books.key(apiKey)
	if k == nil || k.account != c.key.account && k.account.parent != c.key.account || k.kind != "" {
		// The documentation has no code for a key that is gone.
		return nil, b.refuse(c, bybitBadParameter, "params error: apikey does not exist")
	}
	return k, nil
}

// editKey answers POST /v5/user/update-sub-api. A missing readOnly means
// read-write and missing ips mean any address; only missing permissions stay.
func (b *bybit) editKey(c *call) *answer {
	p := jsonParams(c.body)
	readOnly, addresses := p.integer("readOnly", 0), b.readAddresses(p)
	permissions := b.readPermissions(p)
	p.check("readOnly", readOnly == 0 || readOnly == 1)
	k, refusal := b.target(c, p)
	if refusal != nil {
		return refusal
	}
	if !p.given("permissions") {
		permissions = slices.DeleteFunc(slices.Clone(k.permissions), func(p string) bool { return p == bybitReadOnly })
	}
	k.permissions = b.granted(c, permissions, readOnly == 1)
	b.setAddresses(k, addresses, c.now)
	return b.ok(c, map[string]any{
		"id": k.id, "note": k.label, "apiKey": k.apiKey, "readOnly": b.readOnlyNumber(k), "secret": "",
		"permissions": b.group(k.permissions), "ips": b.addresses(k),
	})
}

// deleteKey answers POST /v5/user/delete-sub-api.
func (b *bybit) deleteKey(c *call) *answer {
	k, refusal := b.target(c, jsonParams(c.body))
	if refusal != nil {
		return refusal
	}
	c.removeKey(k)
	return b.ok(c, nil)
}

// deleteOwnKey answers POST /v5/user/delete-api: a master key deletes itself.
func (b *bybit) deleteOwnKey(c *call) *answer {
	if why := jsonParams(c.body).strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	c.removeKey(c.key)
	return b.ok(c, nil)
}

package bybit

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// readOnlyMark is how the books record a key's readOnly switch. It stands
// beside the permissions, which the books write as "Group:Value".
const readOnlyMark = "ReadOnly"

// vocabulary are the permissions that a sub-account's key can hold
// (https://bybit-exchange.github.io/docs/v5/user/create-subuid-apikey).
func vocabulary() []string {
	return []string{
		"ContractTrade:Order", "ContractTrade:Position", "Spot:SpotTrade", "Options:OptionsTrade",
		"Derivatives:DerivativesTrade", "Wallet:AccountTransfer", "Wallet:SubMemberTransferList",
		"Exchange:ExchangeHistory", "Earn:Earn",
	}
}

// listedGroups are the permission groups that every answer lists, even when
// empty.
func listedGroups() []string {
	return []string{
		"ContractTrade", "Spot", "Wallet", "Options", "Derivatives", "CopyTrading", "BlockTrade", "Exchange",
		"NFT", "Affiliate", "Earn",
	}
}

// flatten turns the permissions of a request into those of the books, and
// reports whether a sub-account's key may have all of them.
func (e *exchange) flatten(groups map[string][]string) ([]string, bool) {
	var permissions []string
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		if !slices.Contains(listedGroups(), group) {
			return nil, false
		}
		for _, value := range groups[group] {
			permission := group + ":" + value
			if !slices.Contains(vocabulary(), permission) {
				return nil, false
			}
			permissions = append(permissions, permission)
		}
	}
	return permissions, true
}

// group turns the permissions of the books into those of an answer.
func (e *exchange) group(permissions []string) map[string][]string {
	groups := make(map[string][]string)
	for _, name := range listedGroups() {
		groups[name] = []string{}
	}
	for _, permission := range permissions {
		if name, value, ok := strings.Cut(permission, ":"); ok {
			groups[name] = append(groups[name], value)
		}
	}
	return groups
}

// granted are the permissions that a key gets for those asked. On unified
// accounts, and all are, Derivatives comes with ContractTrade.
// Under GrantMore a read-only key also becomes read-write: otherwise the surplus
// would be of no use.
func (e *exchange) granted(c *venue.Call, asked []string, readOnly bool) []string {
	permissions := c.Grant(asked, "Wallet:AccountTransfer", "Spot:SpotTrade", "Options:OptionsTrade")
	for _, more := range []struct {
		permission string
		adds       bool
	}{{"Derivatives:DerivativesTrade", e.addsDerivatives(c, permissions)}, {"Earn:Earn", c.Weather(earn) != ""}} {
		if more.adds && !slices.Contains(permissions, more.permission) {
			permissions = append(permissions, more.permission)
		}
	}
	if readOnly && c.Fault.Kind != venue.GrantMore {
		permissions = append(permissions, readOnlyMark)
	}
	return permissions
}

// addsDerivatives reports whether a key with the permissions gets Derivatives.
func (e *exchange) addsDerivatives(c *venue.Call, permissions []string) bool {
	switch c.Weather(derivatives) {
	case forEveryKey:
		return true
	case forNoKey:
		return false
	}
	return slices.ContainsFunc(permissions, func(p string) bool { return strings.HasPrefix(p, "ContractTrade:") })
}

// readPermissions reads the parameter permissions, which must name at least one.
func (e *exchange) readPermissions(p *venue.Params) []string {
	var groups map[string][]string
	if !p.Value("permissions", &groups) {
		return nil
	}
	permissions, allowed := e.flatten(groups)
	p.Check("permissions", allowed && len(permissions) > 0)
	return permissions
}

// readAddresses reads the parameter ips: IPv4 addresses joined by commas, or "*"
// or nothing for any address.
func (e *exchange) readAddresses(p *venue.Params) []string {
	list := p.Text("ips")
	if list == "" || list == "*" {
		return nil
	}
	addresses := strings.Split(list, ",")
	for _, entry := range addresses {
		address, err := netip.ParseAddr(entry)
		p.Check("ips", err == nil && address.Is4())
	}
	return addresses
}

// setAddresses binds a key, or unbinds it, which makes it end in 90 days.
func (e *exchange) setAddresses(k *venue.Key, addresses []string, now time.Time) {
	k.IPs, k.Expires = addresses, time.Time{}
	if len(addresses) == 0 {
		k.Expires = now.Add(unboundLife)
	}
}

// createKey answers POST /v5/user/create-sub-api.
func (e *exchange) createKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("subuid", "readOnly", "permissions")
	uid, readOnly := p.Integer("subuid", 0), p.Integer("readOnly", 0)
	note, permissions, addresses := p.Text("note"), e.readPermissions(p), e.readAddresses(p)
	p.Check("readOnly", readOnly == 0 || readOnly == 1)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c, strconv.FormatInt(uid, 10))
	if refusal != nil {
		return refusal
	}
	if sub.Frozen {
		return e.refuse(c, subNotNormal, "sub member is not normal")
	}
	k := &venue.Key{Account: sub, Label: note, Created: c.Now}
	e.setAddresses(k, addresses, c.Now)
	if refusal := e.refuseCreation(c, k); refusal != nil {
		return refusal
	}
	k.ID, k.APIKey, k.Secret = e.nextKeyID(), venue.RandomText(18, venue.Alphanumeric), venue.RandomText(36, venue.Alphanumeric)
	k.Permissions = e.granted(c, permissions, readOnly == 1)
	c.Books.AddKey(k)
	return e.ok(c, map[string]any{
		"id": k.ID, "note": k.Label, "apiKey": k.APIKey, "readOnly": e.readOnlyNumber(k), "secret": k.Secret,
		"permissions": e.group(k.Permissions),
	})
}

// listKeys answers GET /v5/user/sub-apikeys. The cursor is the id of the last
// key of the previous page, so that a deletion between pages makes the list
// skip nothing.
func (e *exchange) listKeys(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require("subMemberId")
	uid, limit, cursor := p.Text("subMemberId"), p.Integer("limit", 20), p.Text("cursor")
	after, err := strconv.ParseInt(cmp.Or(cursor, "0"), 10, 64)
	p.Check("limit", limit >= 1 && limit <= 20)
	p.Check("cursor", err == nil)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c, uid)
	if refusal != nil {
		return refusal
	}
	keys := c.Listed(sub)
	switch c.Weather(demoKeys) {
	case listRefused:
		return e.refuse(c, notYourSub, "The subAccount does not belong to the parent account.")
	case unlisted:
		keys = nil
	}
	rows, next := []listedKey{}, ""
	for _, k := range keys {
		if number, _ := strconv.ParseInt(k.ID, 10, 64); number <= after {
			continue
		}
		if int64(len(rows)) == limit {
			next = rows[limit-1].ID
			break
		}
		rows = append(rows, e.describeKey(c, k))
	}
	return e.ok(c, map[string]any{"result": rows, "nextPageCursor": next})
}

// listedKey is a key as the list shows it.
type listedKey struct {
	ID          string              `json:"id"`
	IPs         []string            `json:"ips"`
	APIKey      string              `json:"apiKey"`
	Note        string              `json:"note"`
	Status      int                 `json:"status"`
	ExpiredAt   string              `json:"expiredAt"`
	CreatedAt   string              `json:"createdAt"`
	Type        int                 `json:"type"`
	Permissions map[string][]string `json:"permissions"`
	Secret      string              `json:"secret"`
	ReadOnly    any                 `json:"readOnly"`
	DeadlineDay int                 `json:"deadlineDay"`
	Flag        string              `json:"flag"`
}

func (e *exchange) describeKey(c *venue.Call, k *venue.Key) listedKey {
	days, expiry := e.expiry(k, c.Now)
	return listedKey{
		ID: k.ID, IPs: e.addresses(k), APIKey: k.APIKey, Note: k.Label, Status: e.status(k, c.Now),
		ExpiredAt: expiry, CreatedAt: k.Created.UTC().Format(time.RFC3339), Type: 1,
		Permissions: e.group(k.Permissions), Secret: "******", ReadOnly: e.listedReadOnly(c, k),
		DeadlineDay: days, Flag: "hmac",
	}
}

// status is 1 for a key that never expires, 2 for one that has expired, 4 for
// one that expires within a week, and 3 for any other.
func (e *exchange) status(k *venue.Key, now time.Time) int {
	switch {
	case k.Expires.IsZero():
		return 1
	case k.Expired(now):
		return 2
	case k.Expires.Sub(now) <= 7*24*time.Hour:
		return 4
	default:
		return 3
	}
}

// expiry is how many whole days a key has left and when it ends. A key without
// an end shows -2 and the epoch.
func (e *exchange) expiry(k *venue.Key, now time.Time) (int, string) {
	if k.Expires.IsZero() {
		return -2, "1970-01-01T00:00:00Z"
	}
	return int(k.Expires.Sub(now).Hours() / 24), k.Expires.UTC().Format(time.RFC3339)
}

func (e *exchange) addresses(k *venue.Key) []string {
	if len(k.IPs) == 0 {
		return []string{"*"}
	}
	return k.IPs
}

func (e *exchange) readOnlyNumber(k *venue.Key) int {
	if k.Has(readOnlyMark) {
		return 1
	}
	return 0
}

// mayEdit permits what mayManage permits, and also a sub-account's read-write
// key with a transfer right, which may edit and delete itself.
func (e *exchange) mayEdit(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent == nil {
		return e.mayManage(c)
	}
	if c.Key.Has(readOnlyMark) || !c.Key.Has("Wallet:AccountTransfer", "Wallet:SubMemberTransferList") {
		return e.noPermission(c)
	}
	return nil
}

// target finds the key that an edit or a deletion is about. A master names it.
// A sub-account's key always means itself and must not name any.
func (e *exchange) target(c *venue.Call, p *venue.Params) (*venue.Key, *venue.Answer) {
	apiKey := p.Text("apikey")
	if c.Key.Account.Parent != nil {
		p.Check("apikey", !p.Given("apikey"))
		apiKey = c.Key.APIKey
	} else {
		p.Require("apikey")
	}
	if why := p.StrictComplaint(); why != nil {
		return nil, e.badParameter(c, why)
	}
	k := c.Books.Key(apiKey)
	if k == nil || k.Account != c.Key.Account && k.Account.Parent != c.Key.Account || k.Kind != "" {
		// The documentation has no code for a key that no longer exists.
		return nil, e.refuse(c, badParameter, "params error: apikey does not exist")
	}
	return k, nil
}

// editKey answers POST /v5/user/update-sub-api. A missing readOnly means
// read-write, and missing ips mean any address; only missing permissions stay
// as they were.
func (e *exchange) editKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	readOnly, addresses := p.Integer("readOnly", 0), e.readAddresses(p)
	permissions := e.readPermissions(p)
	p.Check("readOnly", readOnly == 0 || readOnly == 1)
	k, refusal := e.target(c, p)
	if refusal != nil {
		return refusal
	}
	if !p.Given("permissions") {
		permissions = slices.DeleteFunc(slices.Clone(k.Permissions), func(p string) bool { return p == readOnlyMark })
	}
	k.Permissions = e.granted(c, permissions, readOnly == 1)
	e.setAddresses(k, addresses, c.Now)
	return e.ok(c, map[string]any{
		"id": k.ID, "note": k.Label, "apiKey": k.APIKey, "readOnly": e.readOnlyNumber(k), "secret": "",
		"permissions": e.group(k.Permissions), "ips": e.addresses(k),
	})
}

// deleteKey answers POST /v5/user/delete-sub-api.
func (e *exchange) deleteKey(c *venue.Call) *venue.Answer {
	k, refusal := e.target(c, venue.JSONParams(c.Body))
	if refusal != nil {
		return refusal
	}
	if k.Account.Frozen && c.Weather(frozenSubAccount) != "" {
		return e.refuse(c, subNotNormal, "sub member is not normal")
	}
	c.RemoveKey(k)
	return e.ok(c, nil)
}

// deleteOwnKey answers POST /v5/user/delete-api: a master key deletes itself.
func (e *exchange) deleteOwnKey(c *venue.Call) *venue.Answer {
	if why := venue.JSONParams(c.Body).StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	c.RemoveKey(c.Key)
	return e.ok(c, nil)
}

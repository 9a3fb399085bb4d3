package backend

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/custody"
	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// wish is what a caller of creds/ may choose: only ever less than the role gives.
type wish struct {
	ttl         time.Duration
	scopes      []string
	ipAllowlist []string
	reason      string
	format      string // of client_config; empty for the role's
}

// order is a mint with everything settled but the sub-account and the id.
type order struct {
	// roleName is empty for a key that is made for no role that leases keys, see
	// [engine.selfTestOrder] and [engine.staticOrder].
	roleName string
	role     role
	// owner is what the key belongs to if it has no lease. Keep, if set, stores its secret
	// parts, which stay in Vault, before it comes into use.
	owner string
	keep  func(ctx context.Context, entry ledger.Entry, m *minted) error
	link  *link
	// subAccounts are the role's, each in its one spelling.
	subAccounts []string
	grant       exchanges.Grant
	addresses   []string
	keyType     exchanges.KeyType
	// lifetime is what terms makes of the mount's limits, as far as they are known. Terms
	// is nil where the lifetime depends on none.
	lifetime  lifetime
	limits    leaseLimits
	terms     func(leaseLimits) (lifetime, error)
	wantUsual bool
	format    string // of client_config; empty for none
	requester ledger.Requester
	requestID string
}

// order turns a role and a caller's wish into an order, or says what is in the
// way. It makes no call to the exchange.
func (e *engine) order(ctx context.Context, req *logical.Request, roleName string, w wish) (*order, error) {
	r, err := e.roles.Get(ctx, req.Storage, roleName)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, refuse("there is no role %q; list them with: vault list <mount>/roles", roleName)
	case r.Disabled:
		return nil, refuse("role %q is disabled", roleName)
	case r.RequireReason && strings.TrimSpace(w.reason) == "":
		return nil, invalid("reason", "missing; role %q asks for one, such as a ticket number", roleName)
	}
	l, err := e.openForMinting(ctx, req.Storage, roleName, r.Connection)
	if err != nil {
		return nil, err
	}
	if err := e.checkSwitches(ctx, req.Storage, roleName, l.name); err != nil {
		return nil, err
	}
	o := &order{
		roleName: roleName, role: *r, link: l, keyType: r.keyType(l.variant), requestID: req.ID,
		requester: requesterOf(req, w.reason),
	}
	allowed, err := l.allowed.check(roleName, *r, l)
	if err != nil {
		return nil, err
	}
	o.subAccounts = allowed.subAccounts
	if err := checkClientFormat("format", w.format, l, o.keyType); err != nil {
		return nil, err
	}
	o.format = cmp.Or(w.format, r.ClientFormat)
	if o.grant, err = narrow(*r, l, allowed.grant, w.scopes); err != nil {
		return nil, err
	}
	if o.addresses, err = keyAddresses(*r, o.requester.Address, w.ipAllowlist); err != nil {
		return nil, err
	}
	if err := checkAddresses("ip_allowlist", o.addresses, l.variant.Addresses); err != nil {
		return nil, err
	}
	if l.needsAddresses(o.grant.Risk) && len(o.addresses) == 0 {
		return nil, l.addressesMissing()
	}
	if r.Signing.inVault() {
		if err := e.keepInVault(o, req); err != nil {
			return nil, err
		}
	}
	o.wantUsual = needsUsual(w.ttl, *r)
	o.terms = func(limits leaseLimits) (lifetime, error) {
		life, err := mintLifetime(w.ttl, o.role, l.connection, limits)
		return life.within(l.variant, o.role.makingTime()), err
	}
	// What was true a moment ago will do, since it is asked for again beside the first
	// write; but nobody is refused for it.
	if limits, known := e.vault.lastLimits(o.wantUsual); known && o.settle(limits) == nil {
		return o, nil
	}
	return o, o.settle(e.vault.leaseLimits(o.wantUsual))
}

// settle settles the lifetime by the mount's limits.
func (o *order) settle(limits leaseLimits) (err error) {
	o.limits = limits
	o.lifetime, err = o.terms(limits)
	return err
}

// keepInVault has the secret parts of the order's key stay in Vault. Whoever asks for the
// key must be known again, or nobody could use it, or anybody.
func (e *engine) keepInVault(o *order, req *logical.Request) error {
	if o.requester.EntityID == "" {
		if o.requester.Accessor = accessorHash(req.ClientTokenAccessor); o.requester.Accessor == "" {
			return refuse("role %q keeps secrets in Vault and signs for whoever read the key, but this token has neither an entity nor an accessor to know it by; use a service token, or an auth method with entities", o.roleName)
		}
	}
	o.keep = func(ctx context.Context, entry ledger.Entry, m *minted) error {
		return e.custody.Put(ctx, req.Storage, entry.ID, custody.Of(m.key, m.privateKey, entry.SubAccount))
	}
	return nil
}

// openForMinting returns the connection that a role names, unless nothing is to be
// minted there now.
func (e *engine) openForMinting(ctx context.Context, s logical.Storage, roleName, connection string) (*link, error) {
	l, err := e.connections.get(ctx, s, connection)
	switch {
	case err != nil:
		return nil, err
	case l == nil:
		return nil, refuse("role %q names connection %q, which does not exist; write it to config/%[2]s", roleName, connection)
	case l.frozen() != frozenNo:
		return nil, refuse("minting on connection %q is frozen (%s)", l.name, l.freeze())
	}
	return l, nil
}

// narrow is the grant for the scopes that the caller chose from the role's.
func narrow(r role, l *link, whole exchanges.Grant, chosen []string) (exchanges.Grant, error) {
	if len(chosen) == 0 {
		return whole, nil
	}
	scopes, err := exchanges.ParseScopes(chosen, whole.Scopes)
	if err != nil {
		return exchanges.Grant{}, invalid("scopes", "%s", err)
	}
	if surplus := scopes.Without(whole.Scopes); len(surplus) > 0 {
		return exchanges.Grant{}, invalid("scopes", "%s is not among the role's scopes (%s); a request can only narrow them", surplus, whole.Scopes)
	}
	named, err := r.scopes(l.variant)
	if err != nil {
		return exchanges.Grant{}, err
	}
	grant, err := l.variant.Narrow(whole, named, scopes)
	if err != nil {
		return exchanges.Grant{}, refuse("%s", err)
	}
	return grant, nil
}

// clientAddress is where the request came from; empty if Vault does not say.
func clientAddress(req *logical.Request) string {
	if req.Connection == nil {
		return ""
	}
	return req.Connection.RemoteAddr
}

// name is that of the role that the key is made for, static or not.
func (o *order) name() string {
	if name, static := staticName(o.owner); static {
		return name
	}
	return o.roleName
}

// slots is where the order may be filled.
func (o *order) slots(candidates []string) slots {
	return slots{
		roleName: o.roleName, connection: o.link.name, candidates: candidates,
		perAccount: o.link.keyCap(o.link.variant), maxLiveKeys: o.role.MaxLiveKeys,
	}
}

// requesterOf is who makes a request that makes a key.
func requesterOf(req *logical.Request, reason string) ledger.Requester {
	return ledger.Requester{EntityID: req.EntityID, DisplayName: req.DisplayName, Address: clientAddress(req), Reason: reason}
}

package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/backend/store"
)

// secretType is stored in every lease. It must never change: Vault could not
// revoke the leases of an earlier version.
const secretType = "exchange_api_key"

// The lease's internal data, all strings: everything that revocation needs,
// so that it depends on no role.
const (
	internalID         = "key_id"
	internalConnection = "connection"
	internalSubAccount = "sub_account"
	internalKey        = "exchange_key_id"
	// internalLabel is empty where keys have none.
	internalLabel = "label"
	// internalToken is only there for keys of type bearer, and internalPassphrase where
	// the exchange needs it to delete the key.
	internalToken      = "token"
	internalPassphrase = "passphrase"
)

func (e *engine) apiKeySecret() *framework.Secret {
	return &framework.Secret{
		Type:   secretType,
		Fields: credsFields(),
		Renew:  e.renewKey,
		Revoke: e.revokeKey,
	}
}

// lease is the answer that Vault keeps as a lease.
func (e *engine) lease(m *minted, o *order) *logical.Response {
	kept := map[string]any{
		internalID:         m.entry.ID,
		internalConnection: m.entry.Connection,
		internalSubAccount: m.entry.SubAccount,
		internalKey:        m.entry.ExchangeKeyID,
		internalLabel:      m.entry.Label,
	}
	for name, secret := range map[string]string{internalToken: m.entry.Token, internalPassphrase: m.entry.Passphrase} {
		if secret != "" {
			kept[name] = secret
		}
	}
	resp := e.Secret(secretType).Response(credsData(m, o.link, o.format), kept)
	resp.Secret.Renewable = o.link.variant.Unlisted == ""
	resp.Secret.TTL = m.ttl
	resp.Secret.MaxTTL = o.lifetime.maxTTL
	if !m.ready {
		resp.AddWarning(notReady(o.link))
	}
	if warning := addedWarning(o.link, m.entry); warning != "" {
		resp.AddWarning(warning)
	}
	if warning := e.rootExpiry.warning(o.link); warning != "" {
		resp.AddWarning(warning)
	}
	return resp
}

// internal reads one part of the lease's internal data.
func internal(req *logical.Request, name string) (string, error) {
	value, ok := req.Secret.InternalData[name].(string)
	if !ok || value == "" {
		return "", fmt.Errorf("the lease holds no %s, so it was not made by this engine", name)
	}
	return value, nil
}

// renewKey extends a key's life. It asks again whether the role, as it is now,
// allows what the key holds, and moves the ledger first, so that the sweeper
// never ends a key that was just renewed.
func (e *engine) renewKey(ctx context.Context, req *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	id, err := internal(req, internalID)
	if err != nil {
		return nil, err
	}
	claim, err := e.ledger.Claim(ctx, req.Storage, id)
	if err != nil {
		return nil, err
	}
	defer claim.Release()
	resp, err := e.renew(ctx, req, claim)
	if err != nil {
		return answer(err)
	}
	return resp, nil
}

func (e *engine) renew(ctx context.Context, req *logical.Request, claim *ledger.Claim) (*logical.Response, error) {
	entry := claim.Entry()
	// Asked first, since only then it is known which switches were ever thrown.
	stopped := e.checkSwitches(ctx, req.Storage, entry.Role, entry.Connection)
	if entry.State != ledger.Live || claim.Doomed() {
		return nil, refuse("the key is revoked; read creds/ for a new one")
	}
	if stopped != nil {
		return nil, stopped
	}
	r, err := e.roles.Get(ctx, req.Storage, entry.Role)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, refuse("role %q is gone; the key ends with its current lease", entry.Role)
	}
	l, err := e.connections.get(ctx, req.Storage, entry.Connection)
	switch {
	case err != nil:
		return nil, err
	case l == nil:
		return nil, refuse("connection %q is gone; the key ends with its current lease", entry.Connection)
	}
	if err := stillAllowed(entry, *r, l); err != nil {
		return nil, err
	}
	now := e.now()
	wantUsual := needsUsual(0, *r)
	limits, known := e.vault.lastLimits(wantUsual)
	t, err := renewal(entry, *r, l.connection, limits, req.Secret.Increment, now)
	if !known || err != nil {
		limits = e.vault.leaseLimits(wantUsual)
		if t, err = renewal(entry, *r, l.connection, limits, req.Secret.Increment, now); err != nil {
			return nil, err
		}
	}
	// Vault is asked beside the write whether that still is how long leases may last.
	asked := e.vault.askLimits(wantUsual)
	err = claim.Renew(ctx, now.Add(t.ttl))
	if is := asked(); err == nil && is != limits {
		var refusal error
		if t, refusal = renewal(entry, *r, l.connection, is, req.Secret.Increment, now); refusal != nil {
			return nil, errors.Join(refusal, claim.Renew(ctx, entry.Expires))
		}
		err = claim.Renew(ctx, now.Add(t.ttl))
	}
	if err != nil {
		return nil, err
	}
	e.logKey(loggedRenewed, entry, "expires_at", timestamp(now.Add(t.ttl)))
	resp := &logical.Response{Secret: req.Secret}
	resp.Secret.TTL = t.ttl
	// Vault grants what the client asked for up to this maximum, which it counts from
	// when it issued the lease.
	began := req.Secret.IssueTime
	if began.IsZero() {
		began = entry.Created
	}
	resp.Secret.MaxTTL = now.Add(t.maxTTL).Sub(began)
	return resp, nil
}

// renewal is how long a key's lease lasts from now, and at the longest, if the client
// wishes for an increment (0 for none). It is a pure function.
func renewal(entry ledger.Entry, r role, c connection, limits leaseLimits, wish time.Duration, now time.Time) (lifetime, error) {
	left := entry.HardLimit.Sub(now)
	if left <= 0 {
		return lifetime{}, refuse("the key has reached its maximum lifetime; read creds/ for a new one")
	}
	terms, err := mintLifetime(0, r, c, limits)
	if err != nil {
		return lifetime{}, err
	}
	ttl := terms.ttl
	if wish > 0 {
		ttl = min(wish, terms.maxTTL)
	}
	// The limits may have tightened since the key was minted.
	left = min(left, entry.Created.Add(terms.maxTTL).Sub(now))
	if left <= 0 {
		return lifetime{}, refuse("the key has reached the maximum lifetime that is now allowed; read creds/ for a new one")
	}
	return lifetime{ttl: min(ttl, left), maxTTL: left}, nil
}

// stillAllowed refuses to renew a key that its role, as it is now, would not
// give. It is a pure function.
func stillAllowed(entry ledger.Entry, r role, l *link) error {
	switch {
	case l.variant.Unlisted != "":
		return refuse("keys of %s end with their first lease; read creds/ for a new one", l.about.DisplayName)
	case r.Disabled:
		return refuse("role %q is disabled; the key ends with its current lease", entry.Role)
	case r.Connection != entry.Connection:
		return refuse("role %q has moved to another connection; read creds/ for a new key", entry.Role)
	case r.Signing.inVault() && !entry.Kept:
		return refuse("role %q now keeps secrets in Vault; read creds/ for a new key", entry.Role)
	case l.frozen() != frozenNo:
		return refuse("connection %q is frozen (%s); the key ends with its current lease", l.name, l.freeze())
	case !slices.ContainsFunc(r.SubAccounts, func(name string) bool {
		return l.variant.SubAccountName(name) == l.variant.SubAccountName(entry.SubAccount)
	}):
		return refuse("role %q has moved to other sub-accounts; read creds/ for a new key", entry.Role)
	case !l.allowsSubAccount(entry.SubAccount):
		return refuse("connection %q no longer allows sub-account %q; the key ends with its current lease", l.name, entry.SubAccount)
	}
	grant, err := r.check(entry.Role, l)
	if err != nil {
		return err
	}
	if surplus := entry.Scopes.Without(grant.Scopes); len(surplus) > 0 {
		return refuse("role %q no longer gives %s; read creds/ for a new key", entry.Role, surplus)
	}
	if surplus := without(l.variant.OnlyByName(entry.Permissions), grant.Permissions...); len(surplus) > 0 {
		return refuse("role %q no longer gives %s; read creds/ for a new key", entry.Role, strings.Join(surplus, ", "))
	}
	if missing := l.notAllowed(l.added(entry)); len(missing) > 0 {
		return refuse("connection %q no longer allows %s, which %s added to the key as %s; the key ends with its current lease",
			l.name, strings.Join(missing, ", "), l.about.DisplayName, strings.Join(entry.Added, ", "))
	}
	return stillBound(entry, r, l)
}

// stillBound refuses a key whose addresses the role would not give any more.
func stillBound(entry ledger.Entry, r role, l *link) error {
	switch {
	case len(entry.Addresses) == 0 && (l.needsAddresses(entry.Risk) || len(r.IPAllowlist) > 0 || len(r.AllowedIPRanges) > 0):
		return refuse("role %q now binds keys to addresses, and this key has none; read creds/ for a new key", entry.Role)
	case len(entry.Addresses) > 0 && len(r.IPAllowlist)+len(r.AllowedIPRanges) > 0 &&
		!within(entry.Addresses, slices.Concat(r.AllowedIPRanges, r.IPAllowlist)):
		return refuse("role %q no longer allows the key's addresses; read creds/ for a new key", entry.Role)
	case l.checkRanges("ip_allowlist", entry.Addresses) != nil:
		return refuse("connection %q no longer allows the key's addresses; read creds/ for a new key", l.name)
	}
	return nil
}

// revokeKey deletes the key at the exchange. It returns an error, never an
// error response (which Vault would print as a Go struct), and is quick: Vault
// holds a lock meanwhile. What it cannot finish the sweeper goes on with.
func (e *engine) revokeKey(ctx context.Context, req *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	ctx, cancel := revokeBudget(ctx)
	defer cancel()
	id, err := internal(req, internalID)
	if err != nil {
		return nil, err
	}
	claim, err := e.ledger.Claim(ctx, req.Storage, id)
	if damaged := (*store.UnreadableError)(nil); errors.As(err, &damaged) {
		// The lease says what the ledger cannot.
		_, _, err = e.deleteByLease(ctx, req)
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	defer claim.Release()
	if !claim.Exists() {
		return nil, e.revokeUnknown(ctx, req, claim)
	}
	err = e.revokeLeased(ctx, req.Storage, claim)
	e.noteCrowd(req.Storage, err)
	return nil, err
}

// revokeUnknown revokes a lease whose key is not in the ledger. An entry is only
// removed once the key is proved gone, so there should be nothing to do, and there is
// nothing if this process remembers it. Else the key is deleted again, since storage
// may have been restored from a snapshot. Nothing is entered in the ledger for a key that
// is not known to be there.
func (e *engine) revokeUnknown(ctx context.Context, req *logical.Request, claim *ledger.Claim) error {
	l, entry, failure := e.deleteByLease(ctx, req)
	if failure == nil || l == nil || !e.surelyThere(ctx, l, entry) {
		return failure
	}
	// Storage was restored: the key is there and nobody knew.
	if err := claim.Adopt(ctx, entry); err != nil {
		return errors.Join(failure, err)
	}
	return postpone(ctx, claim, failure)
}

// deleteByLease deletes a key that only its lease knows, and returns what that says of it.
// The link is nil if the exchange was not asked. Without its connection nobody can be
// asked; a connection is never deleted while it has keys.
func (e *engine) deleteByLease(ctx context.Context, req *logical.Request) (asked *link, entry ledger.Entry, failure error) {
	entry = ledger.Entry{Created: orNow(req.Secret.IssueTime, e.now()), Cause: causeLeaseEnded}
	for name, field := range map[string]*string{
		internalID:         &entry.ID,
		internalConnection: &entry.Connection,
		internalSubAccount: &entry.SubAccount,
		internalKey:        &entry.ExchangeKeyID,
	} {
		value, err := internal(req, name)
		if err != nil {
			return nil, entry, err
		}
		*field = value
	}
	for name, field := range map[string]*string{
		internalLabel: &entry.Label, internalToken: &entry.Token, internalPassphrase: &entry.Passphrase,
	} {
		*field, _ = req.Secret.InternalData[name].(string)
	}
	l, err := e.connections.get(ctx, req.Storage, entry.Connection)
	if err != nil || l == nil {
		return nil, entry, err
	}
	if expiry := l.variant.NativeExpiry; expiry != nil {
		// When the key was to end is not known any more.
		entry.HardLimit = entry.Created.Add(expiry.Max)
	}
	if err := e.mayDelete(ctx, req.Storage, l); err != nil {
		return nil, entry, err
	}
	return l, entry, l.failed(e.deleteAtExchange(ctx, l, entry))
}

// surelyThere reports whether a key that could not be deleted is known to be there:
// the exchange lists it, or lists none, where only the lease still knows the token.
func (e *engine) surelyThere(ctx context.Context, l *link, entry ledger.Entry) bool {
	if l.variant.Unlisted != "" {
		return true
	}
	listed, err := e.find(ctx, l, entry)
	return err == nil && listed != nil
}

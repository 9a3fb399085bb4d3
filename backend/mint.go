package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// minted is a key that was made, with the ledger's record of it.
type minted struct {
	entry ledger.Entry
	key   exchanges.Key
	// privateKey is that of an asymmetric key, which the exchange never sees.
	privateKey exchanges.Secret
	// ready says that the exchange accepts the key.
	ready bool
	// ttl of the lease.
	ttl time.Duration
}

// errRunBefore says that a request was run before, and that its key is being
// ended.
var errRunBefore = errors.New("the request was run before")

// mint makes one key. Whatever happens on the way, no key is left at the exchange
// that the ledger does not know.
func (e *engine) mint(ctx context.Context, s logical.Storage, o *order) (*minted, error) {
	ctx = exchanges.WithRole(ctx, cmp.Or(o.roleName, o.owner))
	candidates := e.places.good(o)
	for attempt, refusals := 0, 0; ; attempt++ {
		m, subAccount, err := e.mintOnce(ctx, s, o, attempt, candidates)
		switch {
		case errors.Is(err, errRunBefore):
			continue
		case subAccount != "" && concernsPlace(err) && len(o.subAccounts) > 1:
			e.places.setAside(placeOfRole{o.link.name, o.roleName, subAccount}, err.Error())
			candidates = without(candidates, subAccount)
			if refusals++; refusals < maxRefusals && len(candidates) > 0 {
				continue
			}
		}
		return m, err
	}
}

// mintOnce makes one key, in the best of the sub-accounts, and says which one did not
// take it, if that is why it fails.
func (e *engine) mintOnce(ctx context.Context, s logical.Storage, o *order, attempt int, candidates []string) (*minted, string, error) {
	claim, err := e.ledger.ClaimNew(ctx, s, keyStem(e.mountUUID, o.requestID, attempt))
	if err != nil {
		return nil, "", err
	}
	defer claim.Release()
	if claim.Exists() {
		// Vault sends a request again after the plugin crashed on it. Nobody
		// holds the key of the first run.
		e.discard(ctx, s, claim)
		return nil, "", errRunBefore
	}

	m := &minted{}
	// Once the exchange is asked, the caller's hanging up must not leave things half done.
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.role.makingTime())
	defer cancel()
	// But nobody waits for a caller that has hung up.
	wait, stop := context.WithTimeout(ctx, o.role.makingTime())
	defer stop()
	until := e.now().Add(o.role.maxWait())
	refusedIn, err := e.make(ctx, work, s, claim, o, m, candidates)
	if err != nil {
		return nil, refusedIn, err
	}

	err = e.verify(wait, o, claim, m.key, until)
	if err == nil {
		m.ready, err = e.becomeReady(wait, claim, o.link, m.key, until)
	}
	if err == nil && o.keep != nil {
		err = o.keep(wait, claim.Entry(), m)
	}
	if err == nil {
		m.ttl, err = e.confirm(work, s, claim, o)
	}
	if gone := ctx.Err(); gone != nil && (err == nil || errors.Is(err, gone)) {
		err = fmt.Errorf("the caller has gone: %w", gone)
	}
	if err != nil {
		e.discard(work, s, claim)
		return nil, "", fmt.Errorf("%w; %s", err, fate(o.link.variant, claim))
	}
	m.entry = claim.Entry()
	return m, "", nil
}

// make reserves a place and has the exchange make the key. If that fails, it says which
// sub-account did not take the key, if that is why, and the ledger is settled. What must
// be done once the exchange was asked is done under the context work.
func (e *engine) make(ctx, work context.Context, s logical.Storage, claim *ledger.Claim, o *order, m *minted, candidates []string) (refusedIn string, err error) {
	request, err := e.reserve(ctx, work, s, claim, o, m, candidates)
	if err != nil {
		return "", err
	}
	m.key, err = o.link.account.CreateKey(exchanges.WithPatience(work, o.role.maxWait()), request)
	if err != nil {
		return request.SubAccount, e.notCreated(work, claim, o.link, err)
	}
	claim.Identify(m.key)
	return "", nil
}

// reserve takes a slot and enters the key in the ledger as pending: the first
// write, before any call to the exchange. It returns what to ask the exchange for.
//
// Vault is asked beside the write how long leases may last. If that is not what was
// known, the entry is put right before the exchange is asked.
func (e *engine) reserve(ctx, work context.Context, s logical.Storage, claim *ledger.Claim, o *order, m *minted, candidates []string) (exchanges.KeyRequest, error) {
	now := e.now()
	entry := ledger.Entry{
		Connection: o.link.name, Exchange: o.link.Exchange, Lineage: o.link.lineage(), Role: o.roleName,
		Scopes: o.grant.Scopes, Permissions: o.grant.Permissions, Risk: o.grant.Risk, Addresses: o.addresses,
		KeyType: o.keyType, Requester: o.requester, Owner: o.owner, Kept: o.keep != nil, Created: now,
	}
	if o.owner == "" {
		entry.Expires = now.Add(o.lifetime.ttl)
	}
	if o.lifetime.maxTTL > 0 {
		entry.HardLimit = now.Add(o.lifetime.maxTTL)
	}
	var request exchanges.KeyRequest
	limits := func() leaseLimits { return o.limits }
	err := claim.Reserve(ctx, entry, o.slots(candidates).choose, func(entry *ledger.Entry) (err error) {
		// The key counts from here on, and a connection that has keys is not deleted.
		if l, err := e.connections.get(ctx, s, o.link.name); err != nil || l == nil {
			return cmp.Or(err, refuse("connection %q was deleted before the key was made", o.link.name))
		}
		if o.terms != nil {
			limits = e.vault.askLimits(o.wantUsual)
		}
		request, m.privateKey, err = e.keyRequest(o, entry)
		return err
	})
	limited := limits()
	if err == nil && limited != o.limits {
		if err = o.settle(limited); err == nil {
			err = claim.Retime(ctx, now.Add(o.lifetime.ttl), now.Add(o.lifetime.maxTTL))
		}
		if err != nil {
			e.forgetUnmade(work, claim)
		}
		request.Expires = o.nativeEnd(claim.Entry().HardLimit)
	}
	request.Made = claim.Made
	return request, err
}

// keyRequest completes the entry with label, passphrase and public key, and returns
// what to ask the exchange for.
func (e *engine) keyRequest(o *order, entry *ledger.Entry) (request exchanges.KeyRequest, privateKey exchanges.Secret, err error) {
	entry.Label, err = makeLabel(e.tag, entry.Stem(), o.role.LabelTemplate, labelData{
		RoleName: o.name(), Connection: entry.Connection, SubAccount: entry.SubAccount,
		DisplayName: entry.Requester.DisplayName, EntityID: entry.Requester.EntityID, Reason: entry.Requester.Reason,
	}, o.link.variant.Label)
	if err != nil {
		return request, "", err
	}
	request = exchanges.KeyRequest{
		SubAccount: entry.SubAccount, Label: entry.Label, Permissions: entry.Permissions,
		Addresses: entry.Addresses, KeyType: entry.KeyType, Expires: o.nativeEnd(entry.HardLimit),
	}
	if entry.KeyType.Asymmetric() {
		exchange, err := e.connections.exchange(o.link.Exchange)
		if err != nil {
			return request, "", err
		}
		if entry.PublicKey, privateKey, err = exchanges.MakeKeyPair(exchange, entry.KeyType); err != nil {
			return request, "", err
		}
		request.PublicKey = entry.PublicKey
	}
	if rule := o.link.variant.Passphrase; rule != nil {
		if request.Passphrase, err = exchanges.NewPassphrase(*rule); err != nil {
			return request, "", err
		}
		if rule.NeededToDelete {
			entry.Passphrase = request.Passphrase.Reveal()
		}
	}
	return request, privateKey, nil
}

// nativeEnd is when the exchange itself is to end a key with such a hard limit, if it
// can; the zero time for a key that is to last.
func (o *order) nativeEnd(hardLimit time.Time) time.Time {
	if hardLimit.IsZero() || o.link.variant.Unlisted != "" {
		return hardLimit
	}
	// The lease begins when the key is made, and the key must not end before it.
	return hardLimit.Add(o.role.makingTime())
}

// confirm records the new key as live, unless it is not wanted any more, and
// returns how long its lease lasts, if it has one.
func (e *engine) confirm(ctx context.Context, s logical.Storage, claim *ledger.Claim, o *order) (ttl time.Duration, err error) {
	if o.owner != "" {
		if err := claim.Confirm(ctx, time.Time{}); err != nil {
			return 0, err
		}
		return 0, e.stillWanted(ctx, s, claim, o)
	}
	// Vault's lease begins now, however long the exchange was waited for.
	now := e.now()
	expires := now.Add(o.lifetime.ttl)
	if o.link.variant.Unlisted != "" {
		// The key's own end was settled before.
		expires = claim.Entry().HardLimit
	}
	if err := claim.Confirm(ctx, expires); err != nil {
		return 0, err
	}
	if ttl = expires.Sub(now); ttl < time.Second {
		return 0, refuse("the key took longer to make than its ttl of %s; ask for a longer one", o.lifetime.ttl)
	}
	return ttl, e.stillWanted(ctx, s, claim, o)
}

// stillWanted refuses a key whose role or connection was stopped while it was made.
// A kill switch finds the keys that are live; this one, which was not live yet,
// finds the kill switch.
func (e *engine) stillWanted(ctx context.Context, s logical.Storage, claim *ledger.Claim, o *order) error {
	if o.roleName != "" {
		r, err := e.roles.Get(ctx, s, o.roleName)
		switch {
		case err != nil:
			return err
		case r == nil || r.Disabled:
			return refuse("role %q was stopped while the key was made", o.roleName)
		}
	}
	if name, static := staticName(o.owner); static {
		r, err := e.staticRoles.Get(ctx, s, name)
		switch {
		case err != nil:
			return err
		case r == nil || r.Keys.Disabled:
			return refuse("static role %q was stopped while the key was made", name)
		}
	}
	l, err := e.connections.get(ctx, s, o.link.name)
	switch {
	case err != nil:
		return err
	case l == nil || l.frozen() != frozenNo:
		return refuse("connection %q was stopped while the key was made", o.link.name)
	}
	var refused *inputError
	if err := e.checkSwitches(ctx, s, o.roleName, o.link.name); errors.As(err, &refused) {
		return refuse("while the key was made, %s", err)
	} else if err != nil {
		return err
	}
	if claim.Doomed() {
		return refuse("a kill switch was thrown, and lifted again, while the key was made; ask for another")
	}
	return nil
}

// notCreated settles the ledger after a create call that failed. Only if the key
// surely does not exist is its entry forgotten; else the sweeper deletes the key by
// its id, or looks for it by its label if that is all there is.
func (e *engine) notCreated(ctx context.Context, claim *ledger.Claim, l *link, failure error) error {
	if surelyNotCreated(failure) {
		e.forgetUnmade(ctx, claim)
		return l.failed(failure)
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	id := claim.Entry().ID
	var left *exchanges.Error
	exchangeKeyID := ""
	if errors.As(failure, &left) {
		exchangeKeyID = left.KeyID
	}
	if err := claim.Doubt(ctx, failure, exchangeKeyID); err != nil {
		e.Logger().Warn("the reason why a key is in doubt could not be recorded", "key_id", id, "error", err)
	}
	return l.failed(fmt.Errorf("%w (%s)", failure, inDoubt(id)))
}

// forgetUnmade removes the entry of a key that surely does not exist.
func (e *engine) forgetUnmade(ctx context.Context, claim *ledger.Claim) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := claim.Forget(ctx); err != nil {
		e.Logger().Warn("the entry of a key that was not made could not be removed; the sweeper will try again", "key_id", claim.ID(), "error", err)
	}
}

// surelyNotCreated reports whether the failure of a create call shows that there is
// no key.
func surelyNotCreated(failure error) bool {
	// A key that could not be rolled back is in doubt for a reason that may itself
	// be a certain one.
	if errors.Is(failure, exchanges.ErrOutcomeUnknown) {
		return false
	}
	for _, certain := range []exchanges.Kind{
		exchanges.ErrAuth, exchanges.ErrPermission, exchanges.ErrRateLimited, exchanges.ErrKeyCap, exchanges.ErrInvalid,
		exchanges.ErrNotFound, exchanges.ErrUnavailable, exchanges.ErrUnsupported,
	} {
		if errors.Is(failure, certain) {
			return true
		}
	}
	return false
}

package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// wish is what a caller of creds/ may choose: only ever less than the role
// gives.
type wish struct {
	ttl         time.Duration
	scopes      []string
	ipAllowlist []string
	reason      string
}

// order is a mint with everything settled but the sub-account and the id.
type order struct {
	roleName  string
	role      role
	link      *link
	grant     exchanges.Grant
	addresses []string
	keyType   exchanges.KeyType
	lifetime  lifetime
	requester requester
	requestID string
}

// minted is a key that was made, with the ledger's record of it.
type minted struct {
	entry      keyEntry
	key        exchanges.Key
	privateKey exchanges.Secret
	// ready says that the exchange accepts the key.
	ready bool
	// ttl of the lease.
	ttl time.Duration
}

// settle turns a role and a caller's wish into an order, or says what is in
// the way. It makes no call to the exchange.
func (e *engine) settle(ctx context.Context, req *logical.Request, roleName string, w wish) (*order, error) {
	r, err := roleTable().get(ctx, req.Storage, roleName)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, refuse("there is no role %q; list what there is with roles/", roleName)
	case r.Disabled:
		return nil, refuse("role %q is disabled", roleName)
	case r.RequireReason && strings.TrimSpace(w.reason) == "":
		return nil, invalid("reason", "missing; role %q asks for one, such as a ticket number", roleName)
	}
	l, err := e.connections.get(ctx, req.Storage, r.Connection)
	switch {
	case err != nil:
		return nil, err
	case l == nil:
		return nil, refuse("role %q names connection %q, which does not exist; write it to config/%[2]s", roleName, r.Connection)
	case l.Frozen != frozenNo:
		return nil, refuse("minting on connection %q is frozen (frozen=%s) until an operator lifts it", l.name, l.Frozen)
	}
	o := &order{
		roleName: roleName, role: *r, link: l, keyType: r.keyType(l.variant), requestID: req.ID,
		requester: requester{EntityID: req.EntityID, DisplayName: req.DisplayName, Address: clientAddress(req), Reason: w.reason},
	}
	whole, err := r.check(roleName, l)
	if err != nil {
		return nil, err
	}
	if o.grant, err = narrowed(*r, l, whole, w.scopes); err != nil {
		return nil, err
	}
	if o.addresses, err = keyAddresses(*r, o.requester.Address, w.ipAllowlist); err != nil {
		return nil, err
	}
	if err := checkAddresses("ip_allowlist", o.addresses, l.variant.Addresses); err != nil {
		return nil, err
	}
	if l.needsAddresses(o.grant.Scopes) && len(o.addresses) == 0 {
		return nil, l.addressesMissing()
	}
	o.lifetime, err = mintLifetime(w.ttl, *r, l.connection, e.System())
	o.lifetime = o.lifetime.within(l.variant)
	return o, err
}

// narrowed is the grant for the scopes that the caller chose from the role's.
func narrowed(r role, l *link, whole exchanges.Grant, chosen []string) (exchanges.Grant, error) {
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
	grant, err := l.variant.Grant(scopes, nil)
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

// mint makes one key. Whatever happens on the way, no key is left at the
// exchange that the ledger does not know.
func (e *engine) mint(ctx context.Context, s logical.Storage, o *order) (*minted, error) {
	if err := e.ledger.load(ctx, s); err != nil {
		return nil, err
	}
	candidates := o.role.SubAccounts
	for attempt := 0; ; attempt++ {
		id := keyID(e.mountUUID, o.requestID, attempt)
		if e.ledger.index.has(id) {
			// Vault sends a request again after the plugin crashed on it.
			// Nobody holds the key of the first run.
			e.abandon(ctx, s, id)
			continue
		}
		m, subAccount, err := e.mintIn(ctx, s, o, id, candidates)
		if errors.Is(err, exchanges.ErrKeyCap) && len(candidates) > 1 {
			candidates = without(candidates, subAccount)
			continue
		}
		return m, err
	}
}

// without returns the items that are not among the others.
func without(items []string, others ...string) []string {
	var rest []string
	for _, item := range items {
		if !slices.Contains(others, item) {
			rest = append(rest, item)
		}
	}
	return rest
}

// mintIn makes one key under the id, in the best of the sub-accounts, and says
// which one that was.
func (e *engine) mintIn(ctx context.Context, s logical.Storage, o *order, id string, candidates []string) (*minted, string, error) {
	release, err := e.claims.take(ctx, id)
	if err != nil {
		return nil, "", err
	}
	defer release()

	m, request, err := e.prepare(ctx, s, o, id, candidates)
	if err != nil {
		return nil, "", err
	}
	// From here on the caller's hanging up must not leave things half done.
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.role.maxWait()+createTimeout)
	defer cancel()
	until := e.now().Add(o.role.maxWait())
	if err := e.create(work, s, o, m, request); err != nil {
		return nil, m.entry.SubAccount, err
	}
	// Nobody waits for a caller that has hung up.
	if err := e.becomeReady(ctx, s, o.link, m, until); err != nil {
		return nil, m.entry.SubAccount, err
	}
	if err := e.confirm(work, s, o, m); err != nil {
		return nil, m.entry.SubAccount, err
	}
	if ctx.Err() != nil {
		e.discard(work, s, o.link, m.entry)
		return nil, m.entry.SubAccount, fmt.Errorf("the caller has gone: %w", ctx.Err())
	}
	return m, m.entry.SubAccount, nil
}

// prepare takes a slot and writes the pending entry: the first write, before
// any call to the exchange.
func (e *engine) prepare(ctx context.Context, s logical.Storage, o *order, id string, candidates []string) (*minted, exchanges.KeyRequest, error) {
	now := e.now()
	m := &minted{entry: keyEntry{
		ID: id, State: statePending, Connection: o.link.name, Exchange: o.link.Exchange, Role: o.roleName,
		Scopes: o.grant.Scopes, Permissions: o.grant.Permissions, Risk: o.grant.Risk, Addresses: o.addresses,
		KeyType: o.keyType, Requester: o.requester,
		Created: now, Expires: now.Add(o.lifetime.ttl), HardLimit: now.Add(o.lifetime.maxTTL),
	}}
	if err := e.ledger.index.reserve(&m.entry, o.slots(candidates).choose); err != nil {
		return nil, exchanges.KeyRequest{}, err
	}
	request, err := e.keyRequest(o, m)
	if err == nil {
		err = e.ledger.put(ctx, s, m.entry)
	}
	if err != nil {
		// The write may have reached storage all the same; if so, the next
		// load of the ledger finds a pending entry and settles it.
		e.ledger.index.remove(id)
		return nil, exchanges.KeyRequest{}, err
	}
	return m, request, nil
}

// slots is where the order may be filled.
func (o *order) slots(candidates []string) slots {
	return slots{
		roleName: o.roleName, connection: o.link.name, candidates: candidates,
		perAccount: o.link.keyCap(o.link.variant), maxLiveKeys: o.role.MaxLiveKeys,
	}
}

// keyRequest completes the entry with label, passphrase and key pair, and
// returns what to ask the exchange for.
func (e *engine) keyRequest(o *order, m *minted) (exchanges.KeyRequest, error) {
	entry := &m.entry
	var err error
	entry.Label, err = makeLabel(e.tag, entry.ID, o.role.LabelTemplate, labelData{
		RoleName: entry.Role, Connection: entry.Connection, SubAccount: entry.SubAccount,
		DisplayName: entry.Requester.DisplayName, EntityID: entry.Requester.EntityID, Reason: entry.Requester.Reason,
	}, o.link.variant.Label)
	if err != nil {
		return exchanges.KeyRequest{}, err
	}
	request := exchanges.KeyRequest{
		SubAccount: entry.SubAccount, Label: entry.Label, Permissions: entry.Permissions,
		Addresses: entry.Addresses, KeyType: entry.KeyType, Expires: entry.HardLimit,
	}
	if entry.KeyType.Asymmetric() {
		exchange, err := e.connections.exchange(o.link.Exchange)
		if err != nil {
			return exchanges.KeyRequest{}, err
		}
		if entry.PublicKey, m.privateKey, err = exchanges.MakeKeyPair(exchange, entry.KeyType); err != nil {
			return exchanges.KeyRequest{}, err
		}
		request.PublicKey = entry.PublicKey
	}
	if rule := o.link.variant.Passphrase; rule != nil {
		if request.Passphrase, err = exchanges.NewPassphrase(*rule); err != nil {
			return exchanges.KeyRequest{}, err
		}
		if rule.NeededToDelete {
			entry.Passphrase = request.Passphrase.Reveal()
		}
	}
	return request, nil
}

// create asks the exchange for the key and compares what it gave. On failure the
// key is gone, or the ledger says that it must go.
func (e *engine) create(ctx context.Context, s logical.Storage, o *order, m *minted, request exchanges.KeyRequest) error {
	request.Made = func(ctx context.Context, ref exchanges.KeyRef) error {
		m.entry.ExchangeKeyID, m.entry.Token = ref.ID, ref.Token.Reveal()
		return e.ledger.put(ctx, s, m.entry)
	}
	key, err := o.link.account.CreateKey(exchanges.WithPatience(ctx, o.role.maxWait()), request)
	if err != nil {
		return e.notCreated(ctx, s, o.link, m.entry, err)
	}
	m.key = key
	m.entry.ExchangeKeyID, m.entry.APIKey, m.entry.Token = key.ID, key.APIKey, key.Token.Reveal()
	err = e.verify(ctx, o, m)
	if err != nil {
		e.discard(ctx, s, o.link, m.entry)
	}
	return err
}

// confirm records the new key as live, unless it is not wanted any more. On
// failure the key is gone, or the ledger says that it must go.
func (e *engine) confirm(ctx context.Context, s logical.Storage, o *order, m *minted) error {
	now := e.now()
	// Vault's lease begins now, however long the exchange was waited for.
	m.entry.State, m.entry.Expires = stateLive, now.Add(o.lifetime.ttl)
	if o.link.variant.Unlisted != "" {
		// The key's own end was settled before.
		m.entry.Expires = m.entry.HardLimit
	}
	m.ttl = m.entry.Expires.Sub(now)
	err := e.ledger.put(ctx, s, m.entry)
	switch {
	case err != nil:
	case m.ttl < time.Second:
		err = refuse("the key took longer to make than its ttl of %s; ask for a longer one", o.lifetime.ttl)
	default:
		err = e.stillWanted(ctx, s, o)
	}
	if err != nil {
		e.discard(ctx, s, o.link, m.entry)
	}
	return err
}

// stillWanted refuses a key whose role or connection was stopped while it was
// made. A kill switch finds the keys that are live; this one, which was not live
// yet, finds the kill switch.
func (e *engine) stillWanted(ctx context.Context, s logical.Storage, o *order) error {
	r, err := roleTable().get(ctx, s, o.roleName)
	if err != nil {
		return err
	}
	l, err := e.connections.get(ctx, s, o.link.name)
	switch {
	case err != nil:
		return err
	case r == nil || r.Disabled:
		return refuse("role %q was stopped while the key was made; the key was deleted", o.roleName)
	case l == nil || l.Frozen != frozenNo:
		return refuse("connection %q was stopped while the key was made; the key was deleted", o.link.name)
	}
	return nil
}

// notCreated settles the ledger after a failed create call. Only if the key
// surely does not exist is its entry removed; else the sweeper deletes the key by
// its id, or looks for it by its label if that is all there is.
func (e *engine) notCreated(ctx context.Context, s logical.Storage, l *link, entry keyEntry, failure error) error {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	for _, certain := range []exchanges.Kind{
		exchanges.ErrAuth, exchanges.ErrPermission, exchanges.ErrRateLimited, exchanges.ErrKeyCap, exchanges.ErrInvalid,
		exchanges.ErrNotFound, exchanges.ErrUnavailable, exchanges.ErrUnsupported,
	} {
		// A key that could not be rolled back is in doubt for a reason that may
		// itself be a certain one.
		if errors.Is(failure, certain) && !errors.Is(failure, exchanges.ErrOutcomeUnknown) {
			if err := e.ledger.remove(ctx, s, entry.ID); err != nil {
				e.Logger().Warn("an entry of a key that was not made could not be removed; the sweeper will", "key_id", entry.ID, "error", err)
			}
			return l.failed(failure)
		}
	}
	entry.LastError = failure.Error()
	var left *exchanges.Error
	if errors.As(failure, &left) && left.KeyID != "" {
		entry.ExchangeKeyID = left.KeyID
	}
	var err error
	if entry.ExchangeKeyID == "" {
		err = e.ledger.put(ctx, s, entry)
	} else {
		// Such a key is in no doubt: it must go.
		err = e.mark(ctx, s, &entry)
	}
	if err != nil {
		e.Logger().Warn("the reason why a key is in doubt could not be recorded", "key_id", entry.ID, "error", err)
	}
	return l.failed(fmt.Errorf("%w (if the key was made, nobody holds it, and it is seen to; keys/%s tells how that stands)", failure, entry.ID))
}

// maxWait is how long a mint of this role waits for the rate limit and for the
// exchange to accept the key.
func (r role) maxWait() time.Duration {
	if r.MaxWait == 0 {
		return defaultMaxWait
	}
	return r.MaxWait
}

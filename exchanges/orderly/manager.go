package orderly

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// managerTag marks the keys that the plugin makes for its own requests. It must
// not look like the label of a minted key.
const managerTag = "vault-plugin-secrets-exchange"

// A manager key lives for a day, so that keys of processes that have ended vanish
// by themselves. It is replaced an hour before its expiry.
const (
	managerLifetime = 24 * time.Hour
	managerReserve  = time.Hour
)

// manager is the key of the main account with which the plugin signs its own
// requests: only the wallet can make keys, and only keys can list and remove them.
// It is made when first needed and kept only in memory.
type manager struct {
	// making is held by the one caller that makes a key.
	making chan struct{}
	// trial is a key that was made and is not yet accepted; nil if there is none. It
	// belongs to the caller that holds making.
	trial *trial

	mu   sync.Mutex
	ends time.Time
}

// present reports whether the signer has a manager key that will last.
func (m *manager) present() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Until(m.ends) > managerReserve
}

func (m *manager) set(ends time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ends = ends
}

// manage makes sure that there is a manager key.
func (a *account) manage(ctx context.Context) error {
	if a.manager.present() {
		return nil
	}
	ctx = exchanges.WithoutWitness(ctx)
	select {
	case a.manager.making <- struct{}{}:
		defer func() { <-a.manager.making }()
	case <-ctx.Done():
		return &exchanges.Error{
			Kind: exchanges.ErrUnavailable, Exchange: "orderly", Operation: opOwnKey,
			Message: "gave up waiting for a key to sign with", Err: errors.Join(exchanges.ErrNotAsked, ctx.Err()),
		}
	}
	if a.manager.present() {
		return nil
	}
	if a.manager.trial == nil {
		made, err := a.makeOwn(ctx)
		if err != nil {
			return err
		}
		a.manager.trial = made
	}
	// A caller may have too little time to see the key work. The next one goes on with
	// the same key, instead of beginning anew.
	made := a.manager.trial
	accepted, err := a.tryOut(ctx, made.key)
	if !accepted {
		if errors.Is(err, exchanges.ErrAuth) {
			a.manager.trial = nil
		}
		return err
	}
	a.manager.trial = nil
	a.signer.key.Store(&made.key)
	a.manager.set(made.ends)
	return nil
}

// trial is a manager key that may not work yet.
type trial struct {
	key  orderlyKey
	ends time.Time
}

// makeOwn makes a manager key.
func (a *account) makeOwn(ctx context.Context) (*trial, error) {
	key, err := newOrderlyKey()
	if err != nil {
		return nil, err
	}
	ends := time.Now().Add(managerLifetime)
	err = a.register(ctx, rest.Call{Operation: opOwnKey, Limit: exchanges.OpCreateKey, Effect: rest.Idempotent}, addKey{
		// Which scopes it takes to remove keys is not documented.
		OrderlyKey: key.public, Scope: encode([]string{"read", "trading", "asset"}), Expiration: ends.UnixMilli(), Tag: managerTag,
	})
	var failure *exchanges.Error
	switch {
	case errors.Is(err, exchanges.ErrConflict), errors.Is(err, exchanges.ErrInvalid) && a.knows(ctx, key.public):
		// An earlier try has made it, whatever this one was refused for.
	case errors.As(err, &failure) && failure.Kind == exchanges.ErrOutcomeUnknown:
		// Any doubt about this key does not matter: nobody will use it.
		harmless := *failure
		harmless.Kind = exchanges.ErrUnavailable
		return nil, &harmless
	case err != nil:
		return nil, err
	}
	return &trial{key, ends}, nil
}

// knows reports whether Orderly knows a key of the main account.
func (a *account) knows(ctx context.Context, public string) bool {
	_, err := a.check(ctx, a.signer.account, public)
	return err == nil
}

// tryOut signs with a new key until Orderly accepts that: it may take a while, and
// refuses a key that does not work yet like one that never will. Any other failure
// leaves the question to the call that the key is for.
func (a *account) tryOut(ctx context.Context, key orderlyKey) (accepted bool, err error) {
	alone := &signer{account: a.signer.account}
	alone.key.Store(&key)
	err = patiently(ctx, func() (done bool, err error) {
		err = a.Do(ctx, rest.Call{
			Operation: opTryOwnKey, Method: http.MethodGet, Path: "/v1/client/info", Effect: rest.ReadOnly, Sign: alone.sign,
			Secrets: inHeaders(a.signer.account, key),
		}, nil)
		accepted = !errors.Is(err, exchanges.ErrAuth)
		return accepted, err
	})
	var refusal *exchanges.Error
	switch {
	case accepted:
		return true, nil
	case errors.As(err, &refusal) && refusal.Kind == exchanges.ErrAuth:
		return false, &exchanges.Error{
			Kind: exchanges.ErrAuth, Exchange: "orderly", Operation: opTryOwnKey, Code: refusal.Code, Remedy: refusal.Remedy,
			Message: "Orderly does not accept the key that the plugin has made for its own calls",
		}
	}
	return false, err
}

// inHeaders is what the headers of a signed request hold besides the signature. It is
// no secret, but no message needs to repeat it.
func inHeaders(account string, key orderlyKey) []exchanges.Secret {
	return []exchanges.Secret{exchanges.Secret(account), exchanges.Secret(key.public)}
}

// private makes a call that the manager key signs, for the account or a
// sub-account. If the key is refused, somebody may have removed it, so the call is
// made once more with a new key.
func (a *account) private(ctx context.Context, subAccount string, call rest.Call, body any, out rest.Out) error {
	if a.signer.owner == nil {
		return a.cannot(call.Operation)
	}
	call.Header = http.Header{}
	call.Header.Set(headerAccount, subAccount)
	send := func() error {
		if err := a.manage(ctx); err != nil {
			return err
		}
		call.Secrets = inHeaders(subAccount, *a.signer.key.Load())
		if body == nil {
			return a.Do(ctx, call, out)
		}
		return a.DoJSON(ctx, call, body, out)
	}
	former := a.signer.key.Load()
	err := send()
	if former == nil || !errors.Is(err, exchanges.ErrAuth) {
		return err
	}
	if a.signer.key.Load() == former {
		a.manager.set(time.Time{})
	}
	return send()
}

// cannot refuses what only the owner of an account can do.
func (a *account) cannot(operation exchanges.Operation) error {
	return &exchanges.Error{
		Kind: exchanges.ErrPermission, Exchange: "orderly", Operation: operation,
		Message: "an Orderly key cannot manage keys", Remedy: "give the wallet's private_key, and its broker",
	}
}

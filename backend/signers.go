package backend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// A signer that nobody uses is dropped after signerIdle. The exchange's clock, by which
// it signs, is measured anew every clockAge, since clocks drift.
const (
	signerIdle = 10 * time.Minute
	clockAge   = 10 * time.Minute
	// clockWait bounds one measurement.
	clockWait = 5 * time.Second
)

// signer is a key whose secret stays in Vault, ready to sign: all that a signature needs,
// so that none asks storage.
type signer struct {
	id string
	// of is the storage key of the role, leasing or static, that says what may be signed.
	of        string
	roleName  string
	keyType   exchanges.KeyType
	requester ledger.Requester
	rules     signingRules
	disabled  bool
	link      *link
	account   *guarded
	secrets   []string
	// apiKey and passphrase are what a request holds of the key as it is.
	apiKey     string
	passphrase exchanges.Secret

	mu sync.Mutex // guards what follows
	// used is when it signed last, and synced when the exchange's clock was measured.
	used, synced time.Time
}

// signers keeps the signers in memory. It never holds its lock around a call to storage
// or network.
type signers struct {
	now func() time.Time

	mu   sync.Mutex
	open map[string]*signer
	// current has the id of the present key of each static role that signs, by its name.
	current map[string]string
	// changes counts what was forgotten: what was read before must not be kept after it.
	changes int
}

func newSigners(now func() time.Time) *signers {
	return &signers{now: now, open: map[string]*signer{}, current: map[string]string{}}
}

// forget drops the signer of a key.
func (k *signers) forget(id string) { k.forgetIf(func(s *signer) bool { return s.id == id }) }

// forgetRole drops the signers of a role's keys.
func (k *signers) forgetRole(name string) {
	k.forgetIf(func(s *signer) bool { return s.of == rolePrefix+name })
}

// forgetStatic drops the signers of a static role's keys, and which of them is in use.
func (k *signers) forgetStatic(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.current, name)
	k.forgetLocked(func(s *signer) bool { return s.of == staticRolePrefix+name })
}

// inUse is the id of a static role's present key, if that is known, and how many changes
// there were.
func (k *signers) inUse(name string) (id string, changes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current[name], k.changes
}

// putInUse notes the id of a static role's present key, unless something has changed
// since it was read.
func (k *signers) putInUse(name, id string, changes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.changes == changes {
		k.current[name] = id
	}
}

// close drops every signer.
func (k *signers) close() { k.forgetIf(func(*signer) bool { return true }) }

func (k *signers) forgetIf(condition func(*signer) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgetLocked(condition)
}

func (k *signers) forgetLocked(condition func(*signer) bool) {
	k.changes++
	for id, s := range k.open {
		if condition(s) {
			s.account.Close()
			delete(k.open, id)
		}
	}
}

// known returns the signer of a key, if there is one, and how many changes there were.
func (k *signers) known(id string) (*signer, int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.open[id], k.changes
}

// keep keeps a signer unless something has changed since it was read.
func (k *signers) keep(s *signer, changes int) *signer {
	k.mu.Lock()
	defer k.mu.Unlock()
	if other := k.open[s.id]; other != nil && other.link == s.link {
		s.account.Close()
		return other
	}
	if k.changes == changes {
		if other := k.open[s.id]; other != nil {
			other.account.Close()
		}
		k.open[s.id] = s
	}
	return s
}

// tend drops the signers that nobody uses, and measures the clocks of the others anew.
func (k *signers) tend(ctx context.Context, _ logical.Storage) {
	now := k.now()
	k.forgetIdle(now)
	for _, s := range k.stale(now) {
		measuring, cancel := context.WithTimeout(ctx, clockWait)
		// If it fails, what was measured before still holds.
		_ = s.account.SyncClock(measuring)
		cancel()
		s.mu.Lock()
		s.synced = now
		s.mu.Unlock()
	}
}

func (k *signers) forgetIdle(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, s := range k.open {
		if now.Sub(s.lastUse()) >= signerIdle {
			s.account.Close()
			delete(k.open, id)
		}
	}
}

// stale are the signers whose clock was measured too long ago.
func (k *signers) stale(now time.Time) []*signer {
	k.mu.Lock()
	defer k.mu.Unlock()
	var due []*signer
	for _, s := range k.open {
		s.mu.Lock()
		if now.Sub(s.synced) >= clockAge {
			due = append(due, s)
		}
		s.mu.Unlock()
	}
	return due
}

// static reports whether the key is that of a static role.
func (s *signer) static() bool { return strings.HasPrefix(s.of, staticRolePrefix) }

func (s *signer) lastUse() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// signs notes that the signer signs now.
func (s *signer) signs(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = now
}

// reveals reports whether a text holds a secret of the key. No exchange's signature
// does; if a driver ever lets one out, it stops here. A passphrase is sent as it is at
// some exchanges, and alone is of no use.
func (s *signer) reveals(text string) bool {
	for _, secret := range s.secrets {
		if strings.Contains(text, secret) {
			return true
		}
	}
	return false
}

// signer returns the signer of a key, from memory unless it is the first time.
func (e *engine) signer(ctx context.Context, s logical.Storage, id string) (*signer, error) {
	known, changes := e.signers.known(id)
	if known != nil {
		if l, err := e.connections.get(ctx, s, known.link.name); err != nil {
			return nil, err
		} else if l == known.link {
			return known, nil
		}
	}
	opened, err := e.openSigner(ctx, s, id)
	if err != nil {
		return nil, err
	}
	return e.signers.keep(opened, changes), nil
}

// openSigner reads what it takes to sign with a key. It makes no network call.
func (e *engine) openSigner(ctx context.Context, s logical.Storage, id string) (*signer, error) {
	entry, err := e.ledger.Find(ctx, s, id)
	switch {
	case err != nil:
		return nil, err
	case entry == nil || !entry.Kept:
		return nil, invalid("key_id", "%.64q is not a key whose secret Vault keeps; read creds/ of a role with custody=vault to get one", id)
	}
	secret, err := e.custody.Get(ctx, s, id)
	switch {
	case err != nil:
		return nil, err
	case secret == nil:
		return nil, refuse("the secret of key %s is not in Vault any more; read creds/ for a new one", id)
	}
	opened := &signer{id: id, roleName: entry.Role, keyType: entry.KeyType, requester: entry.Requester, used: e.now(), synced: e.now()}
	if err := e.readRules(ctx, s, opened, entry.Owner); err != nil {
		return nil, err
	}
	if opened.link, err = e.connections.existing(ctx, s, entry.Connection); err != nil {
		return nil, err
	}
	credential := secret.Credential()
	if credential.PrivateKey != "" {
		credential.APISecret = "" // The key signs with the private half alone.
	}
	opened.apiKey, opened.passphrase = credential.APIKey, credential.Passphrase
	for _, part := range []exchanges.Secret{credential.APISecret, credential.PrivateKey, credential.Token} {
		if text := strings.TrimSpace(part.Reveal()); text != "" {
			opened.secrets = append(opened.secrets, text)
		}
	}
	exchange, err := e.connections.exchange(opened.link.Exchange)
	if err != nil {
		return nil, err
	}
	options := opened.link.options()
	options.BaseURL = opened.link.keyBaseURL()
	account, err := exchange.Open(credential, options)
	if err != nil {
		return nil, opened.link.failed(err)
	}
	opened.account = guard(account, e.now, e.metrics.observer(opened.link.name))
	return opened, nil
}

// readRules reads what the key's role, leasing or static, lets be signed.
func (e *engine) readRules(ctx context.Context, s logical.Storage, of *signer, owner string) error {
	if name, static := staticName(owner); static {
		of.roleName, of.of = name, staticRolePrefix+name
		r, err := e.existingStatic(ctx, s, name)
		if err != nil {
			return err
		}
		of.rules, of.disabled = r.Keys.Signing, r.Keys.Disabled
		return nil
	}
	of.of = rolePrefix + of.roleName
	r, err := e.roles.Get(ctx, s, of.roleName)
	switch {
	case err != nil:
		return err
	case r == nil:
		return refuse("role %q is gone, and with it what may be signed", of.roleName)
	}
	of.rules, of.disabled = r.Signing, r.Disabled
	return nil
}

// accessorHash tells tokens apart, and says nothing else of them.
func accessorHash(accessor string) string {
	if accessor == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(accessor))
	return hex.EncodeToString(sum[:])
}

// isRequester reports whether a request comes from whoever asked for the key: from the
// same entity or, for a token without one, with the same token. Empty equals nothing.
func isRequester(requester ledger.Requester, req *logical.Request) bool {
	if requester.EntityID != "" {
		return req.EntityID == requester.EntityID
	}
	return requester.Accessor != "" && accessorHash(req.ClientTokenAccessor) == requester.Accessor
}

package backend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// A circuit opens after circuitFailures calls in a row that brought no answer,
// and for circuitPause lets none through; then one call at a time may try
// whether the exchange is back.
const (
	circuitFailures = 5
	circuitPause    = 15 * time.Second
)

// errCircuitOpen is wrapped by the error of a call that was not made.
var errCircuitOpen = errors.New("the circuit is open")

// circuit keeps callers from waiting for an exchange that does not answer.
type circuit struct {
	now func() time.Time

	mu       sync.Mutex
	failures int
	// since is when the first of the failures in a row happened, and retryAt when
	// the next call may try again.
	since, retryAt time.Time
	probing        bool
}

// enter asks whether a call may be made, or fails at once.
func (c *circuit) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failures < circuitFailures {
		return nil
	}
	if c.probing || c.now().Before(c.retryAt) {
		return &exchanges.Error{
			Kind: exchanges.ErrUnavailable, Err: errCircuitOpen,
			Message: fmt.Sprintf("the exchange has not answered since %s, %d calls in a row; it is tried again every %s", timestamp(c.since), c.failures, circuitPause),
		}
	}
	c.probing = true
	return nil
}

// leave reports how the call ended.
func (c *circuit) leave(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.probing = false
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, exchanges.ErrNotAsked):
		// The caller went away, or gave up in our own queue, which says nothing of the
		// exchange.
	case errors.Is(err, exchanges.ErrUnavailable), errors.Is(err, exchanges.ErrOutcomeUnknown):
		if c.failures == 0 {
			c.since = c.now()
		}
		c.failures++
		c.retryAt = c.now().Add(circuitPause)
	default:
		c.failures = 0
	}
}

// open reports whether calls are held back.
func (c *circuit) open() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failures >= circuitFailures
}

// guarded is an account behind a circuit, whose calls are counted. It is the
// only way to that account: what an account may be able to do besides, it
// offers as a method of its own, so that no call goes past circuit and metrics.
type guarded struct {
	account exchanges.Account
	circuit *circuit
	lists   *sharedLists
	// observe is told of each call that was made.
	observe func(operation exchanges.Operation, err error, took time.Duration)
}

// What an account may be able to do besides.
var (
	_ exchanges.Account     = (*guarded)(nil)
	_ exchanges.KeyChecker  = (*guarded)(nil)
	_ exchanges.Prober      = (*guarded)(nil)
	_ exchanges.RootRotator = (*guarded)(nil)

	_ exchanges.RequestSigner = (*guarded)(nil)
	_ exchanges.LoginSigner   = (*guarded)(nil)
	_ exchanges.LogonSigner   = (*guarded)(nil)
)

// guard puts an account behind a circuit of its own.
func guard(account exchanges.Account, now func() time.Time, observe func(exchanges.Operation, error, time.Duration)) *guarded {
	return &guarded{account: account, circuit: &circuit{now: now}, lists: newSharedLists(), observe: observe}
}

// call makes one call unless the circuit is open.
func (g *guarded) call(operation exchanges.Operation, work func() error) error {
	if err := g.circuit.enter(); err != nil {
		return err
	}
	began := g.circuit.now()
	err := work()
	g.circuit.leave(err)
	g.observe(operation, err, g.circuit.now().Sub(began))
	return err
}

// Inspect implements [exchanges.Account].
func (g *guarded) Inspect(ctx context.Context) (identity exchanges.Identity, err error) {
	err = g.call(exchanges.OpInspect, func() error { identity, err = g.account.Inspect(ctx); return err })
	return identity, err
}

// SubAccounts implements [exchanges.Account].
func (g *guarded) SubAccounts(ctx context.Context) (accounts []exchanges.SubAccount, err error) {
	err = g.call(exchanges.OpSubAccounts, func() error { accounts, err = g.account.SubAccounts(ctx); return err })
	return accounts, err
}

// CreateKey implements [exchanges.Account].
func (g *guarded) CreateKey(ctx context.Context, request exchanges.KeyRequest) (key exchanges.Key, err error) {
	err = g.call(exchanges.OpCreateKey, func() error { key, err = g.account.CreateKey(ctx, request); return err })
	return key, err
}

// ListKeys implements [exchanges.Account].
func (g *guarded) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	return g.share(ctx, exchanges.OpListKeys, subAccount, g.account.ListKeys)
}

// share makes a list unless another one will do.
func (g *guarded) share(
	ctx context.Context, operation exchanges.Operation, subAccount string, ask func(context.Context, string) ([]exchanges.KeyInfo, error),
) ([]exchanges.KeyInfo, error) {
	return g.lists.get(ctx, laneOf(ctx, subAccount), func() (keys []exchanges.KeyInfo, err error) {
		err = g.call(operation, func() error { keys, err = ask(ctx, subAccount); return err })
		return keys, err
	})
}

// DeleteKey implements [exchanges.Account].
func (g *guarded) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	err := g.call(exchanges.OpDeleteKey, func() error {
		return g.lists.delete(ctx, ref.SubAccount, func(ctx context.Context) error { return g.account.DeleteKey(ctx, ref) })
	})
	if !errors.Is(err, errCircuitOpen) {
		tellDeletion(ctx, err)
	}
	return err
}

// Close implements [exchanges.Account].
func (g *guarded) Close() { g.account.Close() }

// CheckKey is that of an [exchanges.KeyChecker], and of an [exchanges.KeysChecker] where
// that will do; elsewhere all keys are listed.
func (g *guarded) CheckKey(ctx context.Context, ref exchanges.KeyRef, confirmed bool) (keys []exchanges.KeyInfo, err error) {
	checker, can := g.account.(exchanges.KeyChecker)
	if !can {
		return g.ListKeys(ctx, ref.SubAccount)
	}
	if together, can := g.account.(exchanges.KeysChecker); can {
		keys, err = g.share(ctx, exchanges.OpCheckKey, ref.SubAccount, together.CheckKeys)
		if !errors.Is(err, exchanges.ErrUnsupported) {
			return keys, err
		}
	}
	err = g.call(exchanges.OpCheckKey, func() error { keys, err = checker.CheckKey(ctx, ref, confirmed); return err })
	return keys, err
}

// KeyWorks is that of an [exchanges.Prober]; elsewhere a key works at once.
func (g *guarded) KeyWorks(ctx context.Context, key exchanges.Key) (works bool, err error) {
	prober, slow := g.account.(exchanges.Prober)
	if !slow {
		return true, nil
	}
	err = g.call(exchanges.OpTryKey, func() error { works, err = prober.KeyWorks(ctx, key); return err })
	return works, err
}

// canProbe reports whether the exchange may take a while to accept a new key.
func (g *guarded) canProbe() bool {
	_, slow := g.account.(exchanges.Prober)
	return slow
}

// canRotateRoot reports whether the root credential can be replaced.
func (g *guarded) canRotateRoot() bool {
	_, can := g.account.(exchanges.RootRotator)
	return can
}

// RotateRoot is that of an [exchanges.RootRotator]; elsewhere it is an
// [exchanges.ErrUnsupported].
func (g *guarded) RotateRoot(ctx context.Context, label string) (fresh exchanges.Credential, err error) {
	rotator, can := g.account.(exchanges.RootRotator)
	if !can {
		return exchanges.Credential{}, noRotation(exchanges.OpRotateRoot)
	}
	err = g.call(exchanges.OpRotateRoot, func() error { fresh, err = rotator.RotateRoot(ctx, label); return err })
	return fresh, err
}

// FindRoots is that of an [exchanges.RootRotator]; elsewhere it is an
// [exchanges.ErrUnsupported].
func (g *guarded) FindRoots(ctx context.Context, label string) (found []string, err error) {
	rotator, can := g.account.(exchanges.RootRotator)
	if !can {
		return nil, noRotation(exchanges.OpFindRoots)
	}
	err = g.call(exchanges.OpFindRoots, func() error { found, err = rotator.FindRoots(ctx, label); return err })
	return found, err
}

// DeleteRoot is that of an [exchanges.RootRotator]; elsewhere it is an
// [exchanges.ErrUnsupported].
func (g *guarded) DeleteRoot(ctx context.Context, apiKey string) error {
	rotator, can := g.account.(exchanges.RootRotator)
	if !can {
		return noRotation(exchanges.OpDeleteRoot)
	}
	return g.call(exchanges.OpDeleteRoot, func() error { return rotator.DeleteRoot(ctx, apiKey) })
}

// SignRequest is that of an [exchanges.RequestSigner]; elsewhere it is an
// [exchanges.ErrUnsupported]. Signatures do not wait for the exchange, so that they go
// past circuit and metrics of calls.
func (g *guarded) SignRequest(ctx context.Context, request exchanges.UserRequest) (*http.Request, error) {
	signer, can := g.account.(exchanges.RequestSigner)
	if !can {
		return nil, noSignature("requests")
	}
	return signer.SignRequest(ctx, request)
}

// SyncClock is that of an [exchanges.RequestSigner]; elsewhere there is no clock that
// anything is signed by.
func (g *guarded) SyncClock(ctx context.Context) error {
	signer, can := g.account.(exchanges.RequestSigner)
	if !can {
		return nil
	}
	return g.call(exchanges.OpServerTime, func() error { return signer.SyncClock(ctx) })
}

// SignLogin is that of an [exchanges.LoginSigner]; elsewhere it is an
// [exchanges.ErrUnsupported].
func (g *guarded) SignLogin(ctx context.Context, request exchanges.LoginRequest) (exchanges.Login, error) {
	signer, can := g.account.(exchanges.LoginSigner)
	if !can {
		return exchanges.Login{}, noSignature("logins to a WebSocket")
	}
	return signer.SignLogin(ctx, request)
}

// SignLogon is that of an [exchanges.LogonSigner]; elsewhere it is an
// [exchanges.ErrUnsupported].
func (g *guarded) SignLogon(ctx context.Context, logon exchanges.Logon) (map[int]string, error) {
	signer, can := g.account.(exchanges.LogonSigner)
	if !can {
		return nil, noSignature("logons to FIX")
	}
	return signer.SignLogon(ctx, logon)
}

// SignRaw is that of an [exchanges.RawSigner]; elsewhere it is an
// [exchanges.ErrUnsupported].
func (g *guarded) SignRaw(text string) (string, error) {
	signer, can := g.account.(exchanges.RawSigner)
	if !can {
		return "", noSignature("texts")
	}
	return signer.SignRaw(text)
}

func noSignature(what string) error {
	return &exchanges.Error{Kind: exchanges.ErrUnsupported, Message: "the exchange takes no signed " + what}
}

func noRotation(operation exchanges.Operation) error {
	return &exchanges.Error{
		Kind: exchanges.ErrUnsupported, Operation: operation,
		Message: "the exchange has no API call that replaces a root key", Remedy: "replace it on the exchange's website",
	}
}

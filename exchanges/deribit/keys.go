package deribit

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// key is a key as Deribit shows it.
type key struct {
	ID        uint64            `json:"id"`
	ClientID  string            `json:"client_id"`
	Name      string            `json:"name"`
	MaxScope  string            `json:"max_scope"`
	Features  []string          `json:"enabled_features"`
	Whitelist []string          `json:"ip_whitelist"`
	Timestamp rest.Milliseconds `json:"timestamp"`
}

func (k key) id() string { return strconv.FormatUint(k.ID, 10) }

// named reports whether an answer says which key it is about.
func (k key) named() bool { return k.ID != 0 && k.ClientID != "" }

// madeKey is a key as it is shown when it is made. For a key pair, the secret is a
// fingerprint.
type madeKey struct {
	key
	Secret exchanges.Secret `json:"client_secret"`
}

// order is a key to be made.
type order struct {
	operation exchanges.Operation
	place     string
	name      string
	maxScope  string
	publicKey string // empty for a key with a secret
	addresses []string
	features  []string
	made      func(context.Context, exchanges.KeyRef) error // may be nil
}

func (a *account) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	place, err := a.place(ctx, exchanges.OpCreateKey, request.SubAccount)
	if err != nil {
		return exchanges.Key{}, err
	}
	made, err := a.mint(ctx, order{
		operation: exchanges.OpCreateKey, place: place, name: request.Label, maxScope: encode(request.Permissions),
		publicKey: request.PublicKey, addresses: request.Addresses, made: request.Made,
	})
	if err != nil {
		return exchanges.Key{}, err
	}
	minted := exchanges.Key{
		ID: made.id(), APIKey: made.ClientID, Permissions: decode(made.MaxScope), Addresses: made.Whitelist,
	}
	if request.PublicKey == "" {
		minted.APISecret = made.Secret
	}
	return minted, nil
}

// mint makes a complete key or leaves nothing behind. A key is bound to addresses
// by a second call, which also gives it its scope: until then it can do nothing.
func (a *account) mint(ctx context.Context, o order) (madeKey, error) {
	bind := len(o.addresses) > 0
	made, err := a.begin(ctx, o, bind && a.unscoped.worthTrying())
	if err != nil {
		return madeKey{}, a.explain(ctx, o.place, err)
	}
	if !bind {
		return made, nil
	}
	err = exchanges.Finish(ctx, at{a, o.place}, a.Variant(), o.made, o.ref(made), func(ctx context.Context) error {
		bound, failure := a.bind(ctx, o, made)
		made.MaxScope, made.Whitelist = bound.MaxScope, bound.Whitelist
		return failure
	})
	return made, err
}

// begin makes a key that is bound to no address: without any scope, if that is worth
// trying, or else with its scope. One with its scope that is yet to be bound is open
// for a moment, in which nobody holds its secret.
func (a *account) begin(ctx context.Context, o order, tryUnscoped bool) (madeKey, error) {
	if !tryUnscoped {
		made, err := a.create(ctx, o, o.maxScope)
		a.unscoped.madeScoped(err)
		return made, err
	}
	made, err := a.create(ctx, o, noScope)
	if !a.unscoped.mayBeRefused(err) {
		return made, err
	}
	// If the account is full, no scope helps.
	if err = a.explain(ctx, o.place, err); errors.Is(err, exchanges.ErrKeyCap) {
		return madeKey{}, err
	}
	made, err = a.create(ctx, o, o.maxScope)
	a.unscoped.refusedThen(err)
	return made, err
}

// ref names the key that was made.
func (o order) ref(made madeKey) exchanges.KeyRef {
	return exchanges.KeyRef{SubAccount: o.place, ID: made.id(), Label: o.name}
}

// create makes a key that is bound to no address.
func (a *account) create(ctx context.Context, o order, maxScope string) (madeKey, error) {
	p := params{"name": o.name, "max_scope": maxScope}
	if o.publicKey != "" {
		p["public_key"] = o.publicKey
	}
	if len(o.features) > 0 {
		p["enabled_features"] = o.features
	}
	codes := 1
	if len(o.addresses) > 0 {
		codes = 2
	}
	var made madeKey
	err := a.do(ctx, call{
		operation: o.operation, method: "private/create_api_key", place: o.place, params: p, effect: rest.Once, codes: codes,
		complete: func() bool { return made.named() && (o.publicKey != "" || made.Secret != "") },
	}, rest.Into(&made))
	return made, err
}

// bind gives a new key its scope and its addresses. It goes ahead of calls that
// begin other keys.
func (a *account) bind(ctx context.Context, o order, made madeKey) (key, error) {
	p := params{"id": made.ID, "name": o.name, "max_scope": o.maxScope, "ip_whitelist": o.addresses}
	if len(o.features) > 0 {
		p["enabled_features"] = o.features
	}
	var bound key
	err := a.do(exchanges.WithRevoking(ctx), call{
		operation: opBindKey, method: "private/edit_api_key", place: o.place, params: p, effect: rest.Idempotent,
		complete: func() bool { return bound.named() && bound.ID == made.ID },
	}, rest.Into(&bound))
	return bound, err
}

// rollBack deletes a key that could not be completed.
func (a *account) rollBack(ctx context.Context, o order, made madeKey, cause error) error {
	return exchanges.RollBack(ctx, at{a, o.place}, a.Variant(), o.ref(made), cause)
}

// explain finds out whether a key was refused because the account is full, for
// which Deribit documents no code.
func (a *account) explain(ctx context.Context, place string, refusal error) error {
	return exchanges.AsKeyCap(refusal, maxKeys, func() ([]key, error) { return a.list(ctx, place, codeless) })
}

// ListKeys leaves out the root key where it lives in the sub-account, so that
// nothing that follows the list deletes it.
func (a *account) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	return a.listKeys(ctx, subAccount, withCode)
}

// CheckKeys implements [exchanges.KeysChecker], where that takes no one-time code.
func (a *account) CheckKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	keys, err := a.listKeys(ctx, subAccount, codeless)
	var wanted *demand
	if errors.As(err, &wanted) {
		err = &exchanges.Error{
			Kind: exchanges.ErrUnsupported, Exchange: name, Operation: exchanges.OpCheckKey, Message: "a list of keys takes a one-time code", Err: err,
		}
	}
	return keys, err
}

func (a *account) listKeys(ctx context.Context, subAccount string, codeless bool) ([]exchanges.KeyInfo, error) {
	place, err := a.place(ctx, exchanges.OpListKeys, subAccount)
	if err != nil {
		return nil, err
	}
	keys, err := a.list(ctx, place, codeless)
	if err != nil {
		return nil, err
	}
	if a.direct {
		i, err := pick(keys, a.signer.apiKey)
		if err != nil {
			return nil, err
		}
		if i >= 0 {
			keys = slices.Delete(keys, i, i+1)
		}
	}
	return infos(keys), nil
}

// pick finds the key with a client id; -1 if it is not there. Where the list shows
// client ids only in part, it must be the only one that may have it.
func pick(keys []key, clientID string) (int, error) {
	if i := slices.IndexFunc(keys, func(k key) bool { return k.ClientID == clientID }); i >= 0 {
		return i, nil
	}
	found := -1
	for i, k := range keys {
		switch {
		case !exchanges.IsMasked(k.ClientID) || !(exchanges.KeyInfo{ID: k.ClientID}).MayBe(clientID):
		case found >= 0:
			return -1, &exchanges.Error{
				Kind: exchanges.ErrUnsupported, Exchange: name, Operation: exchanges.OpListKeys,
				Message: "Deribit shows client ids only in part, so that the root key cannot be told from other keys",
				Remedy:  "look the keys up on Deribit's website",
			}
		default:
			found = i
		}
	}
	return found, nil
}

func infos(keys []key) []exchanges.KeyInfo {
	var all []exchanges.KeyInfo
	for _, k := range keys {
		all = append(all, exchanges.KeyInfo{
			ID: k.id(), APIKey: k.ClientID, Label: k.Name, Permissions: decode(k.MaxScope), Addresses: k.Whitelist, CreatedAt: k.Timestamp.Time,
		})
	}
	return all
}

// This decides whether a list may use up a one-time code.
const (
	withCode = false
	codeless = true
)

// list lists every key of an account, including the root key. It does not read
// secrets, which Deribit may show here.
func (a *account) list(ctx context.Context, place string, codeless bool) ([]key, error) {
	var keys rest.List[key]
	err := a.do(ctx, call{
		operation: exchanges.OpListKeys, method: "private/list_api_keys", place: place, params: params{}, effect: rest.ReadOnly, codeless: codeless,
		complete: func() bool {
			return !slices.ContainsFunc(keys.Items, func(k key) bool { return !k.named() })
		},
	}, rest.Into(&keys))
	return keys.Items, err
}

func (a *account) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	place, err := a.place(ctx, exchanges.OpDeleteKey, ref.SubAccount)
	if err != nil {
		return err
	}
	return at{a, place}.DeleteKey(ctx, ref)
}

// CheckKey implements [exchanges.KeyChecker].
func (a *account) CheckKey(ctx context.Context, ref exchanges.KeyRef, confirmed bool) ([]exchanges.KeyInfo, error) {
	place, err := a.place(ctx, exchanges.OpCheckKey, ref.SubAccount)
	if err != nil {
		return nil, err
	}
	return at{a, place}.CheckKey(ctx, ref, confirmed)
}

// at is an account as the place where keys are made and deleted. It may be the root
// key's own.
type at struct {
	*account
	place string
}

func (a at) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	return a.do(ctx, call{
		operation: exchanges.OpDeleteKey, method: "private/remove_api_key", place: a.place,
		params: params{"id": json.Number(ref.ID)}, effect: rest.Idempotent,
	}, nil)
}

// CheckKey lists all keys. Where that takes a one-time code, of which there is one
// per 30 seconds, it tries to do without.
func (a at) CheckKey(ctx context.Context, ref exchanges.KeyRef, confirmed bool) ([]exchanges.KeyInfo, error) {
	keys, err := a.list(ctx, a.place, codeless)
	var wanted *demand
	if errors.As(err, &wanted) {
		if there, known := a.rename(ctx, ref, confirmed); known {
			return there, nil
		}
		keys, err = a.list(ctx, a.place, withCode)
	}
	return infos(keys), err
}

func (a at) ListKeys(ctx context.Context, _ string) ([]exchanges.KeyInfo, error) {
	keys, err := a.list(ctx, a.place, withCode)
	return infos(keys), err
}

// rename gives the key the name it already has, which takes no code and returns the
// key if it is still there. If Deribit refuses that after confirming the deletion,
// the key is gone. Any other failure proves nothing.
func (a at) rename(ctx context.Context, ref exchanges.KeyRef, confirmed bool) (there []exchanges.KeyInfo, known bool) {
	if !confirmed || ref.Label == "" {
		return nil, false
	}
	var found key
	err := a.do(ctx, call{
		operation: exchanges.OpDeleteKey, method: "private/change_api_key_name", place: a.place, effect: rest.Idempotent, codeless: true,
		params:   params{"id": json.Number(ref.ID), "name": ref.Label},
		complete: func() bool { return found.named() },
	}, rest.Into(&found))
	if err == nil {
		return infos([]key{found}), true
	}
	return nil, errors.Is(err, exchanges.ErrInvalid) || errors.Is(err, exchanges.ErrNotFound)
}

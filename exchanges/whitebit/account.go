package whitebit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// The paths of the sub-account API.
const (
	pathSubAccounts   = prefix + "sub-account/list"
	pathKeys          = prefix + "sub-account/api-key/"
	pathListKeys      = pathKeys + "list"
	pathListAddresses = pathKeys + "ip-address/list"
)

// typeTrading is the narrower of WhiteBIT's two types of key: it reads and trades.
// The other type also deposits and withdraws, and is never made.
const typeTrading = 1

// account is one main account. The embedded client signs the user's own requests.
type account struct {
	*rest.Client
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = WhiteBIT{}
	_ exchanges.Account       = (*account)(nil)
	_ exchanges.RequestSigner = (*account)(nil)
	_ exchanges.LoginSigner   = (*account)(nil)
)

// Open implements [exchanges.Exchange].
func (w WhiteBIT) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential)
	if err != nil {
		return nil, err
	}
	client, err := rest.NewClient(w.Describe(), credential, options, rest.Config{
		Sign:       signer.sign,
		Unwrap:     unwrap,
		ServerTime: rest.ServerTime(rest.Call{Path: prefix + "public/time"}, clock.time),
	})
	if err != nil {
		return nil, err
	}
	return &account{client}, nil
}

// clock is WhiteBIT's answer about its time.
type clock struct {
	Time rest.Seconds `json:"time"`
}

// time returns the middle of the second that WhiteBIT states.
func (c clock) time() time.Time {
	if c.Time.IsZero() {
		return time.Time{}
	}
	return c.Time.Add(time.Second / 2)
}

// post makes a call. All of WhiteBIT's signed calls are alike.
func (a *account) post(ctx context.Context, call rest.Call, parameters any, out rest.Out) error {
	call.Method = http.MethodPost
	return a.DoJSON(ctx, call, parameters, out)
}

// pageSize is the largest page of the lists.
const pageSize = 100

// window asks for a part of a list.
type window struct {
	SubAccount string `json:"subAccountId,omitempty"`
	Limit      int    `json:"limit"`
	Offset     int    `json:"offset"`
}

// page is a part of a list. It repeats the limit, which may be lower than the one
// requested.
type page[T any] struct {
	Limit int
	Data  rest.List[T]
}

// UnmarshalJSON reads both forms that WhiteBIT documents for a list: an object with
// the window, and a bare array.
func (p *page[T]) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, &p.Data)
	}
	var object struct {
		Limit int          `json:"limit"`
		Data  rest.List[T] `json:"data"`
	}
	err := json.Unmarshal(data, &object)
	p.Limit, p.Data = object.Limit, object.Data
	return err
}

// list reads a whole list: a page with fewer rows than its limit is the last.
func list[T any](ctx context.Context, a *account, call rest.Call, subAccount string, named func(T) bool) ([]T, error) {
	var all []T
	err := rest.Pages(func(string) (string, error) {
		var p page[T]
		call.Effect = rest.ReadOnly
		call.Complete = func() bool {
			return p.Data.Present && !slices.ContainsFunc(p.Data.Items, func(row T) bool { return !named(row) })
		}
		err := a.post(ctx, call, window{SubAccount: subAccount, Limit: pageSize, Offset: len(all)}, rest.Into(&p))
		rows, limit := len(p.Data.Items), pageSize
		if p.Limit > 0 {
			limit = min(limit, p.Limit)
		}
		all = append(all, p.Data.Items...)
		if err != nil || rows < limit {
			return "", err
		}
		return strconv.Itoa(len(all)), nil
	})
	return all, err
}

// permManage is all that a root key is known to hold: WhiteBIT tells a key
// nothing about itself.
const permManage = "sub-accounts"

// Inspect tries what minting needs: it asks for one sub-account and for one
// key.
func (a *account) Inspect(ctx context.Context) (exchanges.Identity, error) {
	for _, try := range []struct {
		path  string
		limit exchanges.Operation
	}{{pathSubAccounts, exchanges.OpSubAccounts}, {pathListKeys, exchanges.OpListKeys}} {
		var found page[struct{}]
		err := a.post(ctx, rest.Call{
			Operation: exchanges.OpInspect, Path: try.path, Limit: try.limit, Effect: rest.ReadOnly,
			Complete: func() bool { return found.Data.Present },
		}, window{Limit: 1}, rest.Into(&found))
		if errors.Is(err, errNoRight) {
			return exchanges.Identity{Problem: "the key may not manage sub-accounts; " + allow, ClockOffset: a.ClockOffset()}, nil
		}
		if err != nil {
			return exchanges.Identity{}, err
		}
	}
	return exchanges.Identity{CanMint: true, Permissions: []string{permManage}, ClockOffset: a.ClockOffset()}, nil
}

// subAccount is a sub-account as the list shows it.
type subAccount struct {
	ID     string `json:"id"`
	Alias  string `json:"alias"`
	Status string `json:"status"`
}

// statusActive is the status of a sub-account that can be used.
const statusActive = "active"

func (a *account) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	found, err := list(ctx, a, rest.Call{Operation: exchanges.OpSubAccounts, Path: pathSubAccounts}, "",
		func(sub subAccount) bool { return sub.ID != "" })
	if err != nil {
		return nil, err
	}
	var all []exchanges.SubAccount
	for _, sub := range found {
		all = append(all, exchanges.SubAccount{Name: sub.ID, Alias: sub.Alias, Frozen: sub.Status != statusActive})
	}
	return all, nil
}

// key is a key as WhiteBIT shows it. Only the answer to a creation contains the
// secret.
type key struct {
	ID              string           `json:"id"`
	Title           string           `json:"title"`
	APIKey          string           `json:"apiKey"`
	APISecret       exchanges.Secret `json:"apiSecret"`
	RestrictAccess  bool             `json:"restrictAccess"`
	AccessEndpoints []endpoint       `json:"accessEndpoints"`
}

// endpoint is a path that a key may use, by WhiteBIT's name for it. A key that may
// use all of them need not list any.
type endpoint struct {
	Name string `json:"name"`
}

// CreateKey makes a key that can do everything its sub-account may, and then binds
// and narrows it by further calls.
func (a *account) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	var created key
	err := a.post(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Path: pathKeys + "create", Effect: rest.Once,
		Complete: func() bool { return created.ID != "" && created.APIKey != "" && created.APISecret != "" },
	}, struct {
		Type         int    `json:"type"`
		SubAccountID string `json:"subAccountId"`
		Title        string `json:"title"`
	}{typeTrading, request.SubAccount, request.Label}, rest.Into(&created))
	if err != nil {
		return exchanges.Key{}, err
	}
	var minted exchanges.Key
	ref := exchanges.KeyRef{SubAccount: request.SubAccount, ID: created.ID, Label: request.Label}
	err = exchanges.Finish(ctx, a, a.Variant(), request.Made, ref, func(ctx context.Context) (err error) {
		minted, err = a.finish(ctx, request, created)
		return err
	})
	if err != nil {
		return exchanges.Key{}, err
	}
	return minted, nil
}

// finish first gives a new key its addresses, since until then it works from
// anywhere, and then switches off what was not requested.
func (a *account) finish(ctx context.Context, request exchanges.KeyRequest, created key) (exchanges.Key, error) {
	minted := exchanges.Key{ID: created.ID, APIKey: created.APIKey, APISecret: created.APISecret}
	if len(request.Addresses) > 0 {
		bound, err := a.bind(ctx, created.ID, request.Addresses)
		if err != nil {
			return exchanges.Key{}, err
		}
		minted.Addresses = bound
	}
	narrowed, err := a.narrow(ctx, request, created)
	if err != nil {
		return exchanges.Key{}, err
	}
	minted.Permissions = narrowed.held()
	return minted, nil
}

// bind adds addresses one by one and returns those to which the key is then
// bound.
func (a *account) bind(ctx context.Context, id string, addresses []string) ([]string, error) {
	type ofKey struct {
		KeyID   string `json:"apiKeyId"`
		Address string `json:"ip,omitempty"`
	}
	for _, address := range addresses {
		err := a.post(ctx, rest.Call{
			Operation: opBindKey, Path: pathKeys + "ip-address/create", Effect: rest.Idempotent,
		}, ofKey{id, address}, nil)
		// A repeat finds the address already there.
		if err != nil && !errors.Is(err, exchanges.ErrConflict) {
			return nil, err
		}
	}
	var bound page[string]
	err := a.post(ctx, rest.Call{
		Operation: opAddresses, Path: pathListAddresses, Effect: rest.ReadOnly,
		Complete: func() bool { return bound.Data.Present },
	}, ofKey{KeyID: id}, rest.Into(&bound))
	if err != nil {
		return nil, err
	}
	if !slices.Equal(sorted(bound.Data.Items), sorted(addresses)) {
		return nil, notAsAsked(opAddresses, "the key is bound to other addresses than those requested")
	}
	return addresses, nil
}

// toggle switches an endpoint of a key on or off.
type toggle struct {
	URL    string `json:"url"`
	Enable bool   `json:"enable"`
}

// narrow switches each endpoint of a new key on or off and returns the key as
// it is then listed: what an answer leaves open, the list must show.
func (a *account) narrow(ctx context.Context, request exchanges.KeyRequest, created key) (key, error) {
	endpoints := created.AccessEndpoints
	if len(endpoints) == 0 {
		endpoints = documented()
	}
	var toggles []toggle
	for _, endpoint := range endpoints {
		toggles = append(toggles, toggle{endpoint.Name, wanted(request.Permissions, endpoint.Name)})
	}
	err := a.edit(ctx, created.ID, request.Label, toggles)
	var barred *barredEndpoints
	if errors.As(err, &barred) {
		// What no key of a sub-account can use need not be switched.
		toggles = slices.DeleteFunc(toggles, func(t toggle) bool { return slices.Contains(barred.paths, t.URL) })
		err = a.edit(ctx, created.ID, request.Label, toggles)
	}
	if err != nil {
		return key{}, err
	}
	listed, err := a.lookFor(ctx, request.SubAccount, created.ID)
	if err != nil {
		return key{}, err
	}
	if wrong := difference(toggles, listed); wrong != "" {
		return key{}, notAsAsked(opNarrowKey, wrong)
	}
	return listed, nil
}

// The times between two looks for a new key grow from firstGap to lastGap.
const (
	firstGap = time.Second
	lastGap  = 5 * time.Second
)

// lookFor returns a new key as it is listed. WhiteBIT does not say how soon it lists
// one, so it is looked for until it must be there or the caller's patience ends.
func (a *account) lookFor(ctx context.Context, subAccount, id string) (key, error) {
	left := a.Variant().Staleness()
	if patience, limited := exchanges.Patience(ctx); limited {
		left = min(left, patience)
	}
	for n := 1; ; n++ {
		keys, err := a.keys(ctx, subAccount)
		if err != nil {
			return key{}, err
		}
		if i := slices.IndexFunc(keys, func(k key) bool { return k.ID == id }); i >= 0 {
			return keys[i], nil
		}
		gap := min(exchanges.Doubling(firstGap, lastGap, n), left)
		if gap <= 0 {
			return key{}, notAsAsked(exchanges.OpListKeys, "WhiteBIT does not list the new key")
		}
		if err := exchanges.Sleep(ctx, gap); err != nil {
			return key{}, err
		}
		left -= gap
	}
}

// edit sends the switches of a key.
func (a *account) edit(ctx context.Context, id, title string, toggles []toggle) error {
	return a.post(ctx, rest.Call{Operation: opNarrowKey, Path: pathKeys + "edit", Effect: rest.Idempotent}, struct {
		KeyID string   `json:"apiKeyId"`
		Title string   `json:"title"`
		URLs  []toggle `json:"urls"`
	}{id, title, toggles}, nil)
}

// difference says how a listed key is not restricted to the endpoints that were
// switched on.
func difference(toggles []toggle, listed key) string {
	var on, paths, surplus, lack []string
	for _, t := range toggles {
		if t.Enable {
			on = append(on, t.URL)
		}
	}
	for _, endpoint := range listed.AccessEndpoints {
		paths = append(paths, endpoint.Name)
		if !slices.Contains(on, endpoint.Name) {
			surplus = append(surplus, endpoint.Name)
		}
	}
	for _, endpoint := range on {
		if !slices.Contains(paths, endpoint) {
			lack = append(lack, endpoint)
		}
	}
	switch {
	case !listed.RestrictAccess:
		return "WhiteBIT shows the key as one that may use every endpoint"
	case len(surplus) > 0:
		return "WhiteBIT left endpoints on that should be off: " + strings.Join(surplus, ", ")
	case len(lack) > 0:
		return "WhiteBIT switched endpoints off that should be on: " + strings.Join(lack, ", ")
	}
	return ""
}

// notAsAsked is the error for a key that came out otherwise than requested.
func notAsAsked(operation exchanges.Operation, message string) error {
	return &exchanges.Error{
		Kind: exchanges.ErrUnsupported, Exchange: "whitebit", Operation: operation, Message: message,
		Remedy: "the key was not handed out; ask WhiteBIT's support whether the account may restrict keys of sub-accounts",
	}
}

func sorted(texts []string) []string { return slices.Sorted(slices.Values(texts)) }

// keys lists the keys of a sub-account.
func (a *account) keys(ctx context.Context, subAccount string) ([]key, error) {
	return list(ctx, a, rest.Call{Operation: exchanges.OpListKeys, Path: pathListKeys}, subAccount,
		func(k key) bool { return k.ID != "" })
}

func (a *account) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	keys, err := a.keys(ctx, subAccount)
	if err != nil {
		return nil, err
	}
	var all []exchanges.KeyInfo
	for _, k := range keys {
		all = append(all, exchanges.KeyInfo{ID: k.ID, APIKey: k.APIKey, Label: k.Title, Permissions: k.held()})
	}
	return all, nil
}

func (a *account) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	return a.post(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Path: pathKeys + "delete", Effect: rest.Idempotent,
	}, struct {
		KeyID string `json:"apiKeyId"`
	}{ref.ID}, nil)
}

package coinex

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// The paths of the sub-account API.
const (
	pathSubAccounts = "/v2/account/subs"
	pathInfo        = "/v2/account/subs/info"
	pathKeys        = "/v2/account/subs/api"
	pathDeleteKey   = "/v2/account/subs/delete-api"
)

// account is one main account. The embedded client signs the user's own requests.
type account struct {
	*rest.Client
	// login makes the message that logs in.
	login rest.LoginMessage
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = CoinEx{}
	_ exchanges.Account       = (*account)(nil)
	_ exchanges.RequestSigner = (*account)(nil)
	_ exchanges.LoginSigner   = (*account)(nil)
	_ exchanges.Prober        = (*account)(nil)
)

// Open implements [exchanges.Exchange].
func (c CoinEx) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential)
	if err != nil {
		return nil, err
	}
	client, err := rest.NewClient(c.Describe(), credential, options, rest.Config{
		Sign:       signer.sign,
		Unwrap:     unwrap,
		ServerTime: rest.ServerTime(rest.Call{Path: "/v2/time"}, clock.time),
	})
	if err != nil {
		return nil, err
	}
	return &account{client, signer.login}, nil
}

// single is the envelope of an answer that is not a list.
type single[T any] struct {
	Data T `json:"data"`
}

// clock is CoinEx's answer about its time.
type clock struct {
	single[struct {
		Timestamp rest.Milliseconds `json:"timestamp"`
	}]
}

func (c clock) time() time.Time { return c.Data.Timestamp.Time }

// page is the envelope of part of a list. It must say that no further part follows,
// so that an answer cut short is not taken for the whole list.
type page[T any] struct {
	Data       rest.List[T] `json:"data"`
	Pagination struct {
		HasNext *bool `json:"has_next"`
	} `json:"pagination"`
}

// pageSize is how many rows are requested. CoinEx does not document the maximum.
const pageSize = "100"

// list reads a whole list. Where CoinEx refuses it, which may be for the page size,
// CoinEx's own is used. The query is name, value, ... as [rest.Query] takes it.
func list[T any](ctx context.Context, a *account, call rest.Call, named func(T) bool, query ...string) ([]T, error) {
	all, err := listBy(ctx, a, call, pageSize, named, query)
	if refusesParameters(err) {
		return listBy(ctx, a, call, "", named, query)
	}
	return all, err
}

func listBy[T any](ctx context.Context, a *account, call rest.Call, size string, named func(T) bool, query []string) ([]T, error) {
	var all []T
	number := 0
	err := rest.Pages(func(string) (string, error) {
		number++
		rows, more, err := part(ctx, a, call, named, slices.Concat(query, []string{"page", strconv.Itoa(number), "limit", size}))
		all = append(all, rows...)
		if !more {
			return "", err
		}
		return strconv.Itoa(number), err
	})
	return all, err
}

// part reads one part of a list.
func part[T any](ctx context.Context, a *account, call rest.Call, named func(T) bool, query []string) (rows []T, more bool, err error) {
	var p page[T]
	call.Method, call.Query, call.Effect = http.MethodGet, rest.Query(query...), rest.ReadOnly
	call.Complete = func() bool {
		return p.Data.Present && p.Pagination.HasNext != nil && !slices.ContainsFunc(p.Data.Items, func(row T) bool { return !named(row) })
	}
	if err := a.Do(ctx, call, rest.Into(&p)); err != nil {
		return nil, false, err
	}
	return p.Data.Items, *p.Pagination.HasNext, nil
}

// permManage is all that a root key is known to hold: CoinEx tells a key nothing
// about itself.
const permManage = "sub-accounts"

// Inspect tries something that only a key of the main account may do: it asks for
// one sub-account.
func (a *account) Inspect(ctx context.Context) (exchanges.Identity, error) {
	some, _, err := part(ctx, a, rest.Call{Operation: exchanges.OpInspect, Path: pathSubAccounts}, subAccount.named, []string{"page", "1", "limit", "1"})
	if errors.Is(err, errNoRight) {
		return exchanges.Identity{Problem: "the key belongs to a sub-account; use one of the main account", ClockOffset: a.ClockOffset()}, nil
	}
	if err != nil {
		return exchanges.Identity{}, err
	}
	identity := exchanges.Identity{
		CanMint:     true,
		Permissions: []string{permManage},
		ClockOffset: a.ClockOffset(),
		Warnings: []string{
			"CoinEx shows neither what the root key may do nor to which addresses it is bound: check on CoinEx's website that the key " +
				"cannot withdraw and is bound to addresses; CoinEx silently expires one that is not after three months",
		},
	}
	if len(some) == 0 {
		identity.Warnings = append(identity.Warnings, "the account has no sub-account that is not frozen; create one on CoinEx's website, with the API permission")
	}
	return identity, nil
}

// subAccount is a sub-account as CoinEx lists it.
type subAccount struct {
	Name     string    `json:"sub_user_name"`
	IsFrozen rest.Flag `json:"is_frozen"`
}

func (s subAccount) named() bool { return s.Name != "" }

// SubAccounts lists the frozen sub-accounts separately: CoinEx leaves them out
// unless asked for them.
func (a *account) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	var all []exchanges.SubAccount
	for _, frozen := range []string{"false", "true"} {
		found, err := list(ctx, a, rest.Call{Operation: exchanges.OpSubAccounts, Path: pathSubAccounts}, subAccount.named, "is_frozen", frozen)
		if err != nil {
			return nil, err
		}
		for _, sub := range found {
			if !slices.ContainsFunc(all, func(known exchanges.SubAccount) bool { return known.Name == sub.Name }) {
				all = append(all, exchanges.SubAccount{Name: sub.Name, Frozen: bool(sub.IsFrozen)})
			}
		}
	}
	return all, nil
}

// key is a key as CoinEx shows it. The answer to a creation includes the secret.
type key struct {
	ID              rest.Text         `json:"api_id"`
	AccessID        string            `json:"access_id"`
	Secret          exchanges.Secret  `json:"secret_key"`
	Remark          string            `json:"remark"`
	IPWhitelist     []string          `json:"ip_whitelist"`
	TradeEnabled    *bool             `json:"trade_enabled"` // nil if it is not shown
	WithdrawEnabled bool              `json:"withdraw_enabled"`
	CreatedAt       rest.Milliseconds `json:"created_at"`
	ExpiresAt       rest.Milliseconds `json:"expires_at"`
}

func (k key) named() bool { return k.ID != "" }

// ends is when CoinEx expires the key; zero if never, which CoinEx writes as 0.
func (k key) ends() time.Time {
	if k.ExpiresAt.UnixMilli() == 0 {
		return time.Time{}
	}
	return k.ExpiresAt.Time
}

func (a *account) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	body := struct {
		IPWhitelist  []string `json:"ip_whitelist"`
		Remark       string   `json:"remark"`
		SubUserName  string   `json:"sub_user_name"`
		TradeEnabled bool     `json:"trade_enabled"`
	}{
		// An empty list must be an array, not null.
		IPWhitelist: append([]string{}, request.Addresses...), Remark: request.Label, SubUserName: request.SubAccount,
		TradeEnabled: slices.Contains(request.Permissions, permTrade),
	}
	var created single[key]
	err := a.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: pathKeys, Effect: rest.Once,
		Complete: func() bool { return created.Data.named() && created.Data.AccessID != "" && created.Data.Secret != "" },
	}, body, rest.Into(&created))
	if err != nil {
		return exchanges.Key{}, a.refused(ctx, request, err)
	}
	return exchanges.Key{
		ID:          string(created.Data.ID),
		APIKey:      created.Data.AccessID,
		APISecret:   created.Data.Secret,
		Permissions: created.Data.permissions(),
		Addresses:   created.Data.IPWhitelist,
	}, nil
}

// refused explains a refusal that may mean that the sub-account is full: one of the
// parameters, or one with a code that CoinEx does not document. After the latter, the
// key may have been made all the same.
func (a *account) refused(ctx context.Context, request exchanges.KeyRequest, err error) error {
	var refusal *exchanges.Error
	if !refusesParameters(err) || !errors.As(err, &refusal) {
		return err
	}
	keys, listErr := a.ListKeys(ctx, request.SubAccount)
	said, doubtful := *refusal, errors.Is(err, errUndocumented)
	switch {
	case listErr != nil && doubtful:
		said.Kind = exchanges.ErrOutcomeUnknown
	case doubtful && slices.ContainsFunc(keys, func(k exchanges.KeyInfo) bool { return k.Label == request.Label }):
		said.Kind = exchanges.ErrOutcomeUnknown
	case len(keys) >= keysPerSubAccount:
		said.Kind, said.Remedy = exchanges.ErrKeyCap, "use another sub-account, or delete keys that nobody needs"
	}
	return &said
}

func (a *account) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	keys, err := list(ctx, a, rest.Call{Operation: exchanges.OpListKeys, Path: pathKeys}, key.named, "sub_user_name", subAccount)
	if err != nil {
		return nil, err
	}
	var all []exchanges.KeyInfo
	for _, k := range keys {
		all = append(all, exchanges.KeyInfo{
			ID: string(k.ID), Label: k.Remark, Permissions: k.permissions(), Addresses: k.IPWhitelist,
			CreatedAt: k.CreatedAt.Time, ExpiresAt: k.ends(),
		})
	}
	return all, nil
}

// DeleteKey names the sub-account too. CoinEx's documentation does not ask for it,
// but some clients send it. If CoinEx refuses that, whatever the code, the key's
// number alone must do, as documented.
func (a *account) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	number, err := strconv.ParseInt(ref.ID, 10, 64)
	if err != nil {
		return &exchanges.Error{
			Kind: exchanges.ErrInvalid, Exchange: "coinex", Operation: exchanges.OpDeleteKey,
			Message: "a CoinEx key is named by its number, not " + strconv.Quote(ref.ID),
		}
	}
	err = a.deleteKey(ctx, number, ref.SubAccount)
	if refusesParameters(err) {
		err = a.deleteKey(ctx, number, "")
	}
	return err
}

func (a *account) deleteKey(ctx context.Context, number int64, subAccount string) error {
	return a.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodPost, Path: pathDeleteKey, Effect: rest.Idempotent,
	}, struct {
		SubUserName string `json:"sub_user_name,omitempty"`
		APIID       int64  `json:"api_id"`
	}{subAccount, number}, nil)
}

// KeyWorks implements [exchanges.Prober]. Using the new key, it asks for the
// account's name, which changes nothing.
func (a *account) KeyWorks(ctx context.Context, minted exchanges.Key) (bool, error) {
	signer, err := newSigner(exchanges.Credential{APIKey: minted.APIKey, APISecret: minted.APISecret})
	if err != nil {
		return false, err
	}
	err = a.Do(ctx, rest.Call{
		Operation: exchanges.OpTryKey, Method: http.MethodGet, Path: pathInfo, Effect: rest.ReadOnly,
		Sign: signer.sign, Secrets: []exchanges.Secret{minted.APISecret},
	}, nil)
	switch {
	case err == nil, knowsKey(err):
		return true, nil
	case errors.Is(err, exchanges.ErrAuth):
		return false, nil
	}
	return false, err
}

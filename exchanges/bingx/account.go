package bingx

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// account is one main account. The embedded client signs the user's own requests.
type account struct {
	*rest.Client
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = BingX{}
	_ exchanges.Account       = (*account)(nil)
	_ exchanges.RequestSigner = (*account)(nil)
	_ exchanges.LoginSigner   = (*account)(nil)
	_ exchanges.KeyChecker    = (*account)(nil)
)

// Open implements [exchanges.Exchange].
func (b BingX) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential)
	if err != nil {
		return nil, err
	}
	client, err := rest.NewClient(b.Describe(), credential, options, rest.Config{
		Sign:       signer.sign,
		Unwrap:     unwrap,
		ServerTime: rest.ServerTime(rest.Call{Path: "/openApi/swap/v2/server/time"}, clock.time),
	})
	if err != nil {
		return nil, err
	}
	return &account{client}, nil
}

// clock is BingX's answer about its time.
type clock struct {
	ServerTime rest.Milliseconds `json:"serverTime"`
}

func (c clock) time() time.Time { return c.ServerTime.Time }

// Inspect asks what the root key may do and whose it is, and proves by a call that
// it may list sub-accounts. BingX does not say whether it may also manage them;
// that shows with the first key.
func (a *account) Inspect(ctx context.Context) (exchanges.Identity, error) {
	var own rights
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: "/openApi/v1/account/apiPermissions", Effect: rest.ReadOnly,
		Complete: func() bool { return own.told() },
	}, rest.Into(&own))
	if err != nil {
		return exchanges.Identity{}, err
	}
	var whose struct {
		UID rest.Text `json:"uid"`
	}
	err = a.Do(ctx, rest.Call{
		Operation: opAccount, Method: http.MethodGet, Path: "/openApi/account/v1/uid", Effect: rest.ReadOnly,
		Complete: func() bool { return whose.UID != "" },
	}, rest.Into(&whose))
	if err != nil {
		return exchanges.Identity{}, err
	}
	identity := exchanges.Identity{
		Account:     string(whose.UID),
		Permissions: own.names(),
		Addresses:   own.addresses(),
		ClockOffset: a.ClockOffset(),
		Warnings:    append(own.warnings(), "BingX does not say whether the root key has Manage Subaccounts, without which no key can be made: check that on BingX's website"),
	}
	some, err := a.subAccountPage(ctx, "1", 1)
	switch {
	case errors.Is(err, exchanges.ErrPermission):
		identity.Problem = err.Error()
		return identity, nil
	case err != nil:
		return exchanges.Identity{}, err
	}
	identity.CanMint = true
	if len(some) == 0 {
		identity.Warnings = append(identity.Warnings, "the account has no sub-account; create one on BingX's website")
	}
	return identity, nil
}

// subAccountPageSize is the largest that BingX accepts.
const subAccountPageSize = 1000

func (a *account) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	var all []exchanges.SubAccount
	err := rest.NumberedPages(subAccountPageSize, func(pageNumber string) (int, error) {
		page, err := a.subAccountPage(ctx, pageNumber, subAccountPageSize)
		all = append(all, page...)
		return len(page), err
	})
	return all, err
}

// subAccount is a sub-account as BingX lists it, with the field names of either of
// its documents.
type subAccount struct {
	SubUID   rest.Text `json:"subUid"`
	UID      rest.Text `json:"uid"`
	Name     string    `json:"subAccountString"`
	Freeze   rest.Flag `json:"freeze"`
	IsFreeze rest.Flag `json:"isFreeze"`
}

func (s subAccount) number() string { return string(cmp.Or(s.SubUID, s.UID)) }

func (a *account) subAccountPage(ctx context.Context, pageNumber string, size int) ([]exchanges.SubAccount, error) {
	var page struct {
		Result         rest.List[subAccount] `json:"result"`
		SubAccountList rest.List[subAccount] `json:"subAccountList"`
	}
	rows := func() []subAccount { return append(page.Result.Items, page.SubAccountList.Items...) }
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpSubAccounts, Method: http.MethodGet, Path: "/openApi/subAccount/v1/list",
		Query: rest.Query("page", pageNumber, "limit", strconv.Itoa(size)), Effect: rest.ReadOnly,
		Complete: func() bool {
			return (page.Result.Present || page.SubAccountList.Present) &&
				!slices.ContainsFunc(rows(), func(s subAccount) bool { return s.number() == "" })
		},
	}, rest.Into(&page))
	var all []exchanges.SubAccount
	for _, sub := range rows() {
		all = append(all, exchanges.SubAccount{Name: sub.number(), Alias: sub.Name, Frozen: bool(sub.Freeze || sub.IsFreeze)})
	}
	return all, err
}

// keyName names a key in a call that changes it.
type keyName struct {
	SubUID int64  `json:"subUid"`
	APIKey string `json:"apiKey"`
}

// CreateKey makes the key and then asks BingX what it made: as documented, the
// answer to the first call contains neither permissions nor addresses.
func (a *account) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	subUID, err := exchanges.SubAccountNumber("bingx", exchanges.OpCreateKey, request.SubAccount)
	if err != nil {
		return exchanges.Key{}, err
	}
	order := struct {
		SubUID      int64    `json:"subUid"`
		Note        string   `json:"note"`
		Permissions []int    `json:"permissions"`
		IPAddresses []string `json:"ipAddresses,omitempty"`
	}{subUID, request.Label, encode(request.Permissions), request.Addresses}
	var created struct {
		APIKey string `json:"apiKey"`
		// BingX's two documents name the secret differently.
		APISecret exchanges.Secret `json:"apiSecret"`
		SecretKey exchanges.Secret `json:"secretKey"`
	}
	err = a.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: "/openApi/subAccount/v1/apiKey/create", Effect: rest.Once,
		Complete: func() bool { return created.APIKey != "" && !exchanges.IsMasked(created.APIKey) },
	}, order, rest.Into(&created))
	if err != nil {
		return exchanges.Key{}, a.refused(ctx, request, err)
	}
	minted := exchanges.Key{ID: created.APIKey, APIKey: created.APIKey, APISecret: cmp.Or(created.APISecret, created.SecretKey)}
	ref := exchanges.KeyRef{SubAccount: request.SubAccount, ID: minted.ID, Label: request.Label}
	err = exchanges.Finish(ctx, a, a.Variant(), request.Made, ref, func(ctx context.Context) error { return a.check(ctx, request, &minted) })
	if err != nil {
		return exchanges.Key{}, err
	}
	return minted, nil
}

// incomplete is the error of a creation that has made a key, but not as it must be.
func incomplete(message string) error {
	return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown, Exchange: "bingx", Operation: exchanges.OpCreateKey, Message: message}
}

// check asks for a new key until BingX shows it, and completes it with what BingX
// shows. How soon it must is not documented. It must bear its label, which the engine
// looks for if it loses the key.
func (a *account) check(ctx context.Context, request exchanges.KeyRequest, minted *exchanges.Key) error {
	if minted.APISecret == "" {
		return incomplete("the answer contains no secret")
	}
	var failure error
	shown := false
	_ = exchanges.Patiently(ctx, func() (done bool) {
		var keys []exchanges.KeyInfo
		keys, failure = a.keys(ctx, request.SubAccount, minted.APIKey)
		i := slices.IndexFunc(keys, func(k exchanges.KeyInfo) bool { return k.MayBe(minted.APIKey) && k.Label == request.Label })
		if shown = i >= 0; shown {
			minted.Permissions, minted.Addresses = keys[i].Permissions, keys[i].Addresses
		}
		return shown || failure != nil
	})
	if failure == nil && !shown {
		return incomplete("BingX does not show the new key by its name and label")
	}
	return failure
}

// refused explains a refusal to make a key where BingX's code does not. BingX
// documents no code for an account that is full, and nobody knows what an
// undocumented code means.
func (a *account) refused(ctx context.Context, request exchanges.KeyRequest, err error) error {
	var refusal *exchanges.Error
	if !errors.As(err, &refusal) || refusal.Kind != exchanges.ErrInvalid {
		return err
	}
	said := *refusal
	keys, err := a.ListKeys(ctx, request.SubAccount)
	made := slices.ContainsFunc(keys, func(k exchanges.KeyInfo) bool { return k.Label == request.Label })
	switch {
	case err == nil && !made && len(keys) >= keysPerSubAccount:
		said.Kind, said.Remedy = exchanges.ErrKeyCap, "use another sub-account, or delete keys that nobody needs"
	case errors.Is(refusal, errUnlisted) || made:
		said.Kind = exchanges.ErrOutcomeUnknown
	}
	return &said
}

// key is a key as BingX lists it, perhaps masked.
type key struct {
	APIKey      string            `json:"apiKey"`
	Note        string            `json:"note"`
	Permissions []rest.Text       `json:"permissions"`
	IPAddresses []string          `json:"ipAddresses"`
	CreateTime  rest.Milliseconds `json:"createTime"`
}

func (k key) info() exchanges.KeyInfo {
	id := masked(k.APIKey)
	return exchanges.KeyInfo{
		ID: id, Label: k.Note, Permissions: decode(k.Permissions), Addresses: addresses(k.IPAddresses), CreatedAt: k.CreateTime.Time,
		Masked: exchanges.IsMasked(id),
	}
}

// masked puts asterisks in place of whatever hides part of a key. BingX's samples
// have asterisks too, but no document says so. Keys hold letters and digits; a hyphen
// or an underscore hides nothing.
func masked(apiKey string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
			return r
		}
		return '*'
	}, apiKey)
}

// addresses drops the empty text with which BingX says that there is none; nil if
// BingX does not say.
func addresses(listed []string) []string {
	return slices.DeleteFunc(listed, func(address string) bool { return address == "" })
}

func (a *account) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	return a.keys(ctx, subAccount, "")
}

// keys lists the keys of a sub-account, or only the named one.
func (a *account) keys(ctx context.Context, subAccount, apiKey string) ([]exchanges.KeyInfo, error) {
	if _, err := exchanges.SubAccountNumber("bingx", exchanges.OpListKeys, subAccount); err != nil {
		return nil, err
	}
	var list struct {
		APIInfos   rest.List[key] `json:"apiInfos"`
		APIKeyList rest.List[key] `json:"apiKeyList"`
	}
	rows := func() []key { return append(list.APIInfos.Items, list.APIKeyList.Items...) }
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpListKeys, Method: http.MethodGet, Path: "/openApi/account/v1/apiKey/query",
		Query: rest.Query("uid", subAccount, "apiKey", apiKey), Effect: rest.ReadOnly,
		Complete: func() bool {
			return (list.APIInfos.Present || list.APIKeyList.Present) &&
				!slices.ContainsFunc(rows(), func(k key) bool { return k.APIKey == "" })
		},
	}, rest.IntoPage(&list, &list.APIInfos, math.MaxInt))
	if errors.Is(err, exchanges.ErrInvalid) && apiKey != "" {
		// For a key that is not there, an empty list is documented. Should BingX
		// refuse instead, the list of all keys decides, as far as it shows them.
		return a.keys(ctx, subAccount, "")
	}
	if err != nil {
		return nil, err
	}
	var all []exchanges.KeyInfo
	for _, k := range rows() {
		all = append(all, k.info())
	}
	return all, nil
}

func (a *account) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	subUID, err := exchanges.SubAccountNumber("bingx", exchanges.OpDeleteKey, ref.SubAccount)
	if err != nil {
		return err
	}
	return a.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodPost, Path: "/openApi/subAccount/v1/apiKey/del", Effect: rest.Idempotent,
	}, keyName{subUID, ref.ID}, nil)
}

// CheckKey implements [exchanges.KeyChecker].
func (a *account) CheckKey(ctx context.Context, ref exchanges.KeyRef, _ bool) ([]exchanges.KeyInfo, error) {
	return a.keys(ctx, ref.SubAccount, ref.ID)
}

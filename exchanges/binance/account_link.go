package binance

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// The paths of the Exchange Link API.
const (
	linkInfo        = "/sapi/v1/broker/info"
	linkSubAccounts = "/sapi/v1/broker/subAccount"
	linkKeys        = "/sapi/v1/broker/subAccountApi"
	linkRestriction = "/sapi/v2/broker/subAccountApi/ipRestriction"
)

// linkPage is the page size of both lists, the largest allowed.
const linkPage = 500

// link is an Exchange Link account. It names a sub-account by its number.
type link struct{ account }

func (l *link) Inspect(ctx context.Context) (exchanges.Identity, error) {
	return l.inspect(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: linkInfo, Effect: rest.ReadOnly,
	}, func(string) string {
		return "the account is not enabled for Exchange Link; set the connection's variant to master, or ask Binance to enable it"
	})
}

func (l *link) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	return l.subAccounts(ctx, "")
}

// subAccounts lists all sub-accounts, or only the named one.
func (l *link) subAccounts(ctx context.Context, id string) ([]exchanges.SubAccount, error) {
	var all []exchanges.SubAccount
	err := rest.NumberedPages(linkPage, func(number string) (int, error) {
		var page rest.List[struct {
			ID    rest.Text `json:"subaccountId"`
			Email string    `json:"email"`
			Tag   string    `json:"tag"`
		}]
		err := l.do(ctx, rest.Call{
			Operation: exchanges.OpSubAccounts, Method: http.MethodGet, Path: linkSubAccounts,
			Query: rest.Query("subAccountId", id, "page", number, "size", strconv.Itoa(linkPage)), Effect: rest.ReadOnly,
			Complete: func() bool { return page.Present },
		}, rest.Into(&page))
		for _, sub := range page.Items {
			all = append(all, exchanges.SubAccount{Name: string(sub.ID), Alias: cmp.Or(sub.Tag, sub.Email)})
		}
		return len(page.Items), err
	})
	return all, err
}

func (l *link) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	if request.PublicKey == "" {
		return exchanges.Key{}, &exchanges.Error{
			Kind: exchanges.ErrInvalid, Exchange: "binance", Operation: exchanges.OpCreateKey,
			Message: "Exchange Link keys are made from a public key only", Remedy: "set key_type to ed25519",
		}
	}
	var created key
	err := l.do(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: linkKeys, ContentType: formType, Effect: rest.Once,
		Body: []byte(rest.Query(slices.Concat(
			[]string{"subAccountId", request.SubAccount},
			encode(request.Permissions, linkFlags()),
			[]string{"publicKey", request.PublicKey},
		)...)),
		Complete: func() bool { return created.APIKey != "" },
	}, rest.Into(&created))
	if err != nil {
		return exchanges.Key{}, err
	}
	minted := exchanges.Key{ID: created.APIKey, APIKey: created.APIKey, Permissions: created.permissions()}
	ref := exchanges.KeyRef{SubAccount: request.SubAccount, ID: minted.ID}
	err = exchanges.Finish(ctx, l, l.Variant(), request.Made, ref, func(ctx context.Context) error { return l.finish(ctx, request, &minted) })
	if err != nil {
		return exchanges.Key{}, err
	}
	return minted, nil
}

// finish gives a new key what the create call cannot: its addresses, and the
// permissions that are set one by one.
func (l *link) finish(ctx context.Context, request exchanges.KeyRequest, minted *exchanges.Key) error {
	edit := func(operation exchanges.Operation, path string, parameters ...string) (edited key, err error) {
		parameters = append([]string{"subAccountId", request.SubAccount, "subAccountApiKey", minted.ID}, parameters...)
		err = l.do(ctx, rest.Call{
			Operation: operation, Method: http.MethodPost, Path: path, ContentType: formType,
			Body: []byte(rest.Query(parameters...)), Effect: rest.Idempotent,
		}, rest.Into(&edited))
		return edited, err
	}
	if len(request.Addresses) > 0 {
		restricted, err := edit(opRestrictKey, linkRestriction, restriction(request.Addresses)...)
		if err != nil {
			return err
		}
		minted.Addresses = restricted.addresses()
	}
	for _, own := range []struct{ flag, path string }{
		{canUniversalTransfer, linkKeys + "/permission/universalTransfer"},
		{canVanillaOptions, linkKeys + "/permission/vanillaOptions"},
	} {
		if !slices.Contains(request.Permissions, own.flag) {
			continue
		}
		permitted, err := edit(opPermitKey, own.path, own.flag, "true")
		if err != nil {
			return err
		}
		minted.Permissions = append(minted.Permissions, permitted.flags.set()...)
	}
	return nil
}

// keyList is an array of keys. A sample of the documentation shows a single key
// without the array around it.
type keyList struct{ rest.List[key] }

// UnmarshalJSON accepts an array, one object or null.
func (l *keyList) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("{")) {
		data = slices.Concat([]byte("["), data, []byte("]"))
	}
	return l.List.UnmarshalJSON(data)
}

func (l *link) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	return l.keys(ctx, subAccount, "")
}

// keys lists the keys of a sub-account, or only the named one.
func (l *link) keys(ctx context.Context, subAccount, apiKey string) ([]exchanges.KeyInfo, error) {
	var all []exchanges.KeyInfo
	err := rest.NumberedPages(linkPage, func(number string) (int, error) {
		var page keyList
		err := l.do(ctx, rest.Call{
			Operation: exchanges.OpListKeys, Method: http.MethodGet, Path: linkKeys, Effect: rest.ReadOnly,
			Query:    rest.Query("subAccountId", subAccount, "subAccountApiKey", apiKey, "page", number, "size", strconv.Itoa(linkPage)),
			Complete: func() bool { return page.Present && named(page.Items) },
		}, rest.Into(&page))
		for _, k := range page.Items {
			info := k.info()
			// Permissions with a call of their own are not listed.
			info.Permissions = nil
			all = append(all, info)
		}
		return len(page.Items), err
	})
	if errors.Is(err, exchanges.ErrInvalid) && l.removed(ctx, subAccount) {
		return nil, &exchanges.Error{
			Kind: exchanges.ErrNotFound, Exchange: "binance", Operation: exchanges.OpListKeys,
			Message: "there is no sub-account " + subAccount,
		}
	}
	return all, err
}

// removed reports whether the sub-account is certainly gone. No code is documented
// for that, so the sub-accounts are listed. Binance removes one only when it has no
// keys left.
func (l *link) removed(ctx context.Context, subAccount string) bool {
	subAccounts, err := l.subAccounts(ctx, subAccount)
	return err == nil && len(subAccounts) == 0
}

func (l *link) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	return l.do(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodDelete, Path: linkKeys, Effect: rest.Idempotent,
		Query: rest.Query("subAccountId", ref.SubAccount, "subAccountApiKey", ref.ID),
	}, nil)
}

// CheckKey implements [exchanges.KeyChecker].
func (l *link) CheckKey(ctx context.Context, ref exchanges.KeyRef, _ bool) ([]exchanges.KeyInfo, error) {
	return l.keys(ctx, ref.SubAccount, ref.ID)
}

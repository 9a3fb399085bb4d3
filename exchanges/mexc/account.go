package mexc

import (
	"bytes"
	"cmp"
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

// keysPath is where keys are created, listed and deleted, depending on the method.
const keysPath = "/api/v3/sub-account/apiKey"

// weightOfInspection is what the call that asks about the account itself draws.
const weightOfInspection = 10

// account is one master account. The embedded client signs the user's own requests.
type account struct {
	*rest.Client
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = MEXC{}
	_ exchanges.Account       = (*account)(nil)
	_ exchanges.RequestSigner = (*account)(nil)
	_ exchanges.LoginSigner   = (*account)(nil)
)

// Open implements [exchanges.Exchange].
func (m MEXC) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential)
	if err != nil {
		return nil, err
	}
	client, err := rest.NewClient(m.Describe(), credential, options, rest.Config{
		Sign:       signer.sign,
		Unwrap:     unwrap,
		ServerTime: rest.ServerTime(rest.Call{Path: "/api/v3/time", ContentType: contentType}, clock.time),
	})
	if err != nil {
		return nil, err
	}
	return &account{client}, nil
}

// clock is MEXC's answer about its time.
type clock struct {
	ServerTime rest.Milliseconds `json:"serverTime"`
}

func (c clock) time() time.Time { return c.ServerTime.Time }

// Inspect proves what can be proved, since MEXC does not say what a key may do:
// that the root key may ask about its account, list the sub-accounts, and list the
// keys of one. Whether it may also create keys shows with the first.
func (a *account) Inspect(ctx context.Context) (exchanges.Identity, error) {
	var own struct {
		AccountType string `json:"accountType"`
	}
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: "/api/v3/account", Effect: rest.ReadOnly, Weight: weightOfInspection,
		Complete: func() bool { return own.AccountType != "" },
	}, rest.Into(&own))
	if err != nil {
		return exchanges.Identity{}, err
	}
	identity := exchanges.Identity{
		// These are the permissions that the answer required; there may be more.
		Permissions: []string{"SPOT_ACCOUNT_READ"},
		ClockOffset: a.ClockOffset(),
		Warnings: []string{
			"MEXC shows neither what else the root key may do nor its addresses: check on MEXC's website that the key has SPOT_ACCOUNT_WRITE, " +
				"cannot withdraw, and is bound to addresses; MEXC expires one that is not after 90 days",
		},
	}
	subs, err := a.subAccounts(ctx)
	if err == nil {
		identity.Account = master(subs)
		err = a.tryListing(ctx, subs)
	}
	switch {
	case errors.Is(err, exchanges.ErrPermission):
		identity.Problem = err.Error()
		return identity, nil
	case err != nil:
		return exchanges.Identity{}, err
	}
	identity.CanMint = true
	if len(subs) == 0 {
		identity.Warnings = append(identity.Warnings, "the account has no sub-account; create one on MEXC's website")
	}
	return identity, nil
}

// master names the account by its oldest sub-account, since MEXC does not say whose
// key it is: no call deletes a sub-account, and a new one is never the oldest. That
// way a root key of another master cannot pass for one that reaches the same keys.
func master(subs []subAccount) string {
	if len(subs) == 0 {
		return ""
	}
	oldest := slices.MinFunc(subs, func(a, b subAccount) int {
		return cmp.Or(a.CreateTime.Compare(b.CreateTime.Time), cmp.Compare(a.UID, b.UID))
	})
	return "master of sub-account " + cmp.Or(string(oldest.UID), oldest.Name)
}

// tryListing lists the keys of a sub-account that is not frozen, if there is
// one.
func (a *account) tryListing(ctx context.Context, subs []subAccount) error {
	for _, sub := range subs {
		if !sub.IsFreeze {
			_, err := a.ListKeys(ctx, sub.Name)
			return err
		}
	}
	return nil
}

// subAccount is a sub-account as MEXC lists it.
type subAccount struct {
	Name       string            `json:"subAccount"`
	UID        rest.Text         `json:"uid"`
	IsFreeze   rest.Flag         `json:"isFreeze"`
	CreateTime rest.Milliseconds `json:"createTime"`
}

// rows reads a list, which MEXC documents as an object that holds the list under a
// name; a bare array is a list too.
func rows[T any](list *rest.List[T], name string) rest.Out {
	return func(payload []byte) error {
		*list = rest.List[T]{}
		if isArray(payload) {
			return json.Unmarshal(payload, list)
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(payload, &object); err != nil {
			return err
		}
		if member, present := object[name]; present {
			return json.Unmarshal(member, list)
		}
		return nil
	}
}

// isArray reports whether a JSON value is an array.
func isArray(value []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(value), []byte("[")) }

// pageSize is the largest that MEXC accepts.
const pageSize = 200

func (a *account) subAccounts(ctx context.Context) ([]subAccount, error) {
	var all []subAccount
	err := rest.NumberedPages(pageSize, func(number string) (int, error) {
		var page rest.List[subAccount]
		err := a.Do(ctx, rest.Call{
			Operation: exchanges.OpSubAccounts, Method: http.MethodGet, Path: "/api/v3/sub-account/list",
			Query: rest.Query("page", number, "limit", strconv.Itoa(pageSize)), Effect: rest.ReadOnly,
			Complete: func() bool { return page.Whole(func(s subAccount) string { return s.Name }) },
		}, rows(&page, "subAccounts"))
		all = append(all, page.Items...)
		return len(page.Items), err
	})
	return all, err
}

func (a *account) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	subs, err := a.subAccounts(ctx)
	var all []exchanges.SubAccount
	for _, sub := range subs {
		all = append(all, exchanges.SubAccount{Name: sub.Name, Alias: string(sub.UID), Frozen: bool(sub.IsFreeze)})
	}
	return all, err
}

// key is a key as MEXC shows it. The name of the time is spelt in two ways.
type key struct {
	APIKey      string            `json:"apiKey"`
	Secret      exchanges.Secret  `json:"secretKey"`
	Note        string            `json:"note"`
	Permissions rest.CommaList    `json:"permissions"`
	IP          rest.CommaList    `json:"ip"`
	CreateTime  rest.Milliseconds `json:"createTime"`
	CreatTime   rest.Milliseconds `json:"creatTime"`
}

func (k key) created() time.Time {
	if k.CreateTime.IsZero() {
		return k.CreatTime.Time
	}
	return k.CreateTime.Time
}

func (a *account) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	var created key
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: keysPath, Effect: rest.Once,
		Query: rest.Query("subAccount", request.SubAccount, "note", request.Label,
			"permissions", encode(request.Permissions), "ip", strings.Join(request.Addresses, ",")),
		Complete: func() bool { return created.APIKey != "" && created.Secret != "" },
	}, rest.Into(&created))
	if err != nil {
		return exchanges.Key{}, err
	}
	return exchanges.Key{
		ID:          created.APIKey,
		APIKey:      created.APIKey,
		APISecret:   created.Secret,
		Permissions: unsurprising(decode(created.Permissions), request.Permissions),
		Addresses:   created.IP,
	}, nil
}

func (a *account) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	var keys rest.List[key]
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpListKeys, Method: http.MethodGet, Path: keysPath,
		Query: rest.Query("subAccount", subAccount), Effect: rest.ReadOnly,
		Complete: func() bool { return keys.Whole(func(k key) string { return k.APIKey }) },
	}, rows(&keys, "subAccount")) // This is MEXC's name for the list of keys.
	if err != nil {
		return nil, err
	}
	var all []exchanges.KeyInfo
	for _, k := range keys.Items {
		all = append(all, exchanges.KeyInfo{
			ID: k.APIKey, Label: k.Note, Permissions: decode(k.Permissions), Addresses: k.IP, CreatedAt: k.created(),
			Masked: exchanges.IsMasked(k.APIKey),
		})
	}
	return all, nil
}

func (a *account) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	return a.Do(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodDelete, Path: keysPath,
		Query: rest.Query("subAccount", ref.SubAccount, "apiKey", ref.ID), Effect: rest.Idempotent,
	}, nil)
}

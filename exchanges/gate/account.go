package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// prefix comes before every path, and is signed with it.
const prefix = "/api/v4"

// active is the state of keys and sub-accounts that can be used. Gate's pages
// disagree on what the other numbers mean.
const active = 1

// account is one main account. The embedded client signs the user's own requests.
type account struct {
	*rest.Client
	// login makes the message that logs in.
	login  rest.LoginMessage
	apiKey string
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = Gate{}
	_ exchanges.Account       = (*account)(nil)
	_ exchanges.RequestSigner = (*account)(nil)
	_ exchanges.LoginSigner   = (*account)(nil)
)

// Open implements [exchanges.Exchange].
func (g Gate) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential)
	if err != nil {
		return nil, err
	}
	client, err := rest.NewClient(g.Describe(), credential, options, rest.Config{
		Sign:       signer.sign,
		Signature:  signer.signature,
		Unwrap:     unwrap,
		ServerTime: rest.ServerTime(rest.Call{Path: prefix + "/spot/time"}, clock.time),
		Quota:      quota,
	})
	if err != nil {
		return nil, err
	}
	return &account{client, signer.login, credential.APIKey}, nil
}

// clock is Gate's answer about its time.
type clock struct {
	ServerTime rest.Milliseconds `json:"server_time"`
}

func (c clock) time() time.Time { return c.ServerTime.Time }

// key is a key as Gate shows it. The official clients' types leave out the secret;
// only the answer to a creation contains it.
type key struct {
	Key         string           `json:"key"`
	Secret      exchanges.Secret `json:"secret"`
	Name        string           `json:"name"`
	State       int              `json:"state"`
	Perms       []perm           `json:"perms"`
	IPWhitelist []string         `json:"ip_whitelist"`
	CreatedAt   rest.Seconds     `json:"created_at"`
}

// Inspect asks about the calling key, then for its permissions, and then lists
// sub-accounts, which only a key of the main account may do.
func (a *account) Inspect(ctx context.Context) (exchanges.Identity, error) {
	var root struct {
		UserID      rest.Text         `json:"user_id"`
		IPWhitelist rest.List[string] `json:"ip_whitelist"`
	}
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: prefix + "/account/detail", Effect: rest.ReadOnly,
		Complete: func() bool { return root.UserID != "" },
	}, rest.Into(&root))
	if err != nil {
		return exchanges.Identity{}, err
	}
	identity := exchanges.Identity{
		Account:     string(root.UserID),
		Permissions: a.rootPermissions(ctx),
		Addresses:   root.IPWhitelist.Items,
		ClockOffset: a.ClockOffset(),
	}
	switch _, err := a.SubAccounts(ctx); {
	case errors.Is(err, exchanges.ErrPermission):
		identity.Problem = "the key may not manage sub-accounts; use one of the main account, with write access to sub-accounts"
	case err != nil:
		return exchanges.Identity{}, err
	default:
		identity.CanMint = true
	}
	if root.IPWhitelist.Present && len(identity.Addresses) == 0 {
		identity.Warnings = append(identity.Warnings, "the root key is bound to no address: it works from anywhere, and Gate expires it 90 days after it was made")
	}
	surplus := slices.DeleteFunc(slices.Clone(identity.Permissions), func(name string) bool {
		return !strings.HasSuffix(name, writeFlag) || name == "account"+writeFlag
	})
	if len(surplus) > 0 {
		identity.Warnings = append(identity.Warnings, "the root key has "+strings.Join(surplus, ", ")+", which minting is not known to need")
	}
	return identity, nil
}

// rootKeys are the keys of the main account: an array by the documentation, a
// single object by the official clients. Any other form counts as no keys.
type rootKeys []key

// UnmarshalJSON never fails: an unreadable form only means that less is known.
func (k *rootKeys) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("{")) {
		data = slices.Concat([]byte("["), data, []byte("]"))
	}
	var keys []key
	if json.Unmarshal(data, &keys) == nil {
		*k = keys
	}
	return nil
}

// rootPermissions returns what the root key may do; nil if Gate does not say, since
// not every key may ask. Gate shows only the beginning of each key.
func (a *account) rootPermissions(ctx context.Context) []string {
	var keys rootKeys
	err := a.Do(ctx, rest.Call{
		Operation: opRootKeys, Method: http.MethodGet, Path: prefix + "/account/main_keys", Effect: rest.ReadOnly,
	}, rest.Into(&keys))
	if err != nil {
		return nil
	}
	keys = slices.DeleteFunc(keys, func(k key) bool {
		shown, _, _ := strings.Cut(k.Key, "*")
		return shown == "" || !strings.HasPrefix(a.apiKey, shown) || k.State != active
	})
	if len(keys) != 1 {
		return nil
	}
	return decode(keys[0].Perms)
}

func (a *account) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	var subs rest.List[struct {
		UserID    rest.Text `json:"user_id"`
		LoginName string    `json:"login_name"`
		State     int       `json:"state"`
	}]
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpSubAccounts, Method: http.MethodGet, Path: prefix + "/sub_accounts",
		Query: rest.Query("type", "0"), Effect: rest.ReadOnly,
		Complete: func() bool { return subs.Present },
	}, rest.Into(&subs))
	if err != nil {
		return nil, err
	}
	var all []exchanges.SubAccount
	for _, sub := range subs.Items {
		all = append(all, exchanges.SubAccount{Name: string(sub.UserID), Alias: sub.LoginName, Frozen: sub.State != active})
	}
	return all, nil
}

// keysPath returns where the keys of a sub-account are.
func keysPath(subAccount string) string {
	return prefix + "/sub_accounts/" + subAccount + "/keys"
}

func (a *account) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	body := struct {
		Mode        int      `json:"mode"`
		Name        string   `json:"name"`
		Perms       []perm   `json:"perms"`
		IPWhitelist []string `json:"ip_whitelist,omitempty"`
	}{Mode: classic, Name: request.Label, Perms: encode(request.Permissions), IPWhitelist: request.Addresses}

	var answered createdKey
	_, err := exchanges.SubAccountNumber("gate", exchanges.OpCreateKey, request.SubAccount)
	if err == nil {
		err = a.DoJSON(ctx, rest.Call{
			Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: keysPath(request.SubAccount), Effect: rest.Once,
			Complete: func() bool { return answered.Key != "" && answered.Secret != "" },
		}, body, rest.Into(&answered))
	}
	if err != nil {
		return exchanges.Key{}, exchanges.AsKeyCap(err, keysPerSubAccount, func() ([]exchanges.KeyInfo, error) {
			return a.ListKeys(ctx, request.SubAccount)
		})
	}
	return exchanges.Key{
		ID:          answered.Key,
		APIKey:      answered.Key,
		APISecret:   answered.Secret,
		Permissions: decode(answered.Perms),
		Addresses:   answered.IPWhitelist,
	}, nil
}

// createdKey is the answer to a creation: one object by the documentation, an array
// with that one object by older documentation.
type createdKey struct{ key }

// UnmarshalJSON accepts an object, or an array of one object.
func (c *createdKey) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, &c.key)
	}
	var keys []key
	if err := json.Unmarshal(data, &keys); err != nil {
		return err
	}
	if len(keys) != 1 {
		return fmt.Errorf("%d keys in place of one", len(keys))
	}
	c.key = keys[0]
	return nil
}

// classic is the mode of the keys that are made here. The other mode is for Gate's
// earlier unified accounts.
const classic = 1

func (a *account) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	if _, err := exchanges.SubAccountNumber("gate", exchanges.OpListKeys, subAccount); err != nil {
		return nil, err
	}
	var keys rest.List[key]
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpListKeys, Method: http.MethodGet, Path: keysPath(subAccount), Effect: rest.ReadOnly,
		Complete: func() bool { return keys.Whole(func(k key) string { return k.Key }) },
	}, rest.Into(&keys))
	if err != nil {
		return nil, err
	}
	var all []exchanges.KeyInfo
	for _, k := range keys.Items {
		all = append(all, exchanges.KeyInfo{
			ID: k.Key, Label: k.Name, Permissions: decode(k.Perms), Addresses: k.IPWhitelist, CreatedAt: k.CreatedAt.Time,
		})
	}
	return all, nil
}

func (a *account) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	if _, err := exchanges.SubAccountNumber("gate", exchanges.OpDeleteKey, ref.SubAccount); err != nil {
		return err
	}
	return a.Do(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodDelete, Path: keysPath(ref.SubAccount) + "/" + url.PathEscape(ref.ID),
		Effect: rest.Idempotent,
	}, nil)
}

package kucoin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// keysPath creates, lists and deletes keys of sub-accounts.
const keysPath = "/api/v1/sub/api-key"

// pageSize is the most sub-accounts that KuCoin lists in one answer.
const pageSize = 100

// expiryWarning is how long before a root key's expiry it is reported.
const expiryWarning = 14 * day

// account is one master account. The embedded client signs the user's own requests.
type account struct {
	*rest.Client
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = KuCoin{}
	_ exchanges.Account       = (*account)(nil)
	_ exchanges.RequestSigner = (*account)(nil)
	_ exchanges.LoginSigner   = (*account)(nil)
)

// Open implements [exchanges.Exchange].
func (k KuCoin) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential)
	if err != nil {
		return nil, err
	}
	client, err := rest.NewClient(k.Describe(), credential, options, rest.Config{
		Secrets:    []exchanges.Secret{signer.passphrase},
		Sign:       signer.sign,
		Unwrap:     unwrap,
		ServerTime: rest.ServerTime(rest.Call{Path: "/api/v1/timestamp", ContentType: jsonType}, clock.time),
		Quota:      quota,
	})
	if err != nil {
		return nil, err
	}
	return &account{client}, nil
}

// clock is KuCoin's answer about its time.
type clock struct{ rest.Milliseconds }

func (c clock) time() time.Time { return c.Time }

// key is a key as KuCoin shows it.
type key struct {
	APIKey      string            `json:"apiKey"`
	Secret      exchanges.Secret  `json:"apiSecret"`
	Remark      string            `json:"remark"`
	Permission  rest.CommaList    `json:"permission"`
	IPWhitelist rest.CommaList    `json:"ipWhitelist"`
	CreatedAt   rest.Milliseconds `json:"createdAt"`
	ExpiredAt   rest.Milliseconds `json:"expiredAt"`
	UID         rest.Text         `json:"uid"`
	IsMaster    bool              `json:"isMaster"`
}

// addresses returns what the answer to a creation says of the bound addresses: nil
// if it omits them or hides parts of them.
func (k key) addresses() []string {
	if slices.ContainsFunc(k.IPWhitelist, exchanges.IsMasked) {
		return nil
	}
	return k.IPWhitelist
}

func (a *account) Inspect(ctx context.Context) (exchanges.Identity, error) {
	var root key
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: "/api/v1/user/api-key", Effect: rest.ReadOnly, Weight: weightOfCall,
		Complete: func() bool { return root.APIKey != "" },
	}, rest.Into(&root))
	if err != nil {
		return exchanges.Identity{}, err
	}
	identity := exchanges.Identity{
		Account:     string(root.UID),
		Permissions: decode(root.Permission),
		Addresses:   root.IPWhitelist,
		CanMint:     root.IsMaster,
		ExpiresAt:   root.ExpiredAt.Time,
		ClockOffset: a.ClockOffset(),
	}
	if !root.IsMaster {
		identity.Problem = "the key belongs to a sub-account; use a key of the master account"
	}
	beyond := slices.DeleteFunc(slices.Clone(identity.Permissions), func(name string) bool { return name == general })
	if len(beyond) > 0 {
		identity.Warnings = append(identity.Warnings, "the root key has "+strings.Join(beyond, ", ")+
			", which minting never needs; use one with General only")
	} else {
		identity.Warnings = append(identity.Warnings, "the root key is read-only by its permissions, yet it mints keys that trade: guard it like one")
	}
	if len(root.IPWhitelist) == 0 {
		identity.Warnings = append(identity.Warnings, "the root key is bound to no address: it works from anywhere")
	}
	if !identity.ExpiresAt.IsZero() && time.Until(identity.ExpiresAt) < expiryWarning {
		identity.Warnings = append(identity.Warnings, "the root key expires at "+identity.ExpiresAt.Format(time.RFC3339))
	}
	return identity, nil
}

func (a *account) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	var all []exchanges.SubAccount
	err := rest.NumberedPages(pageSize, func(number string) (int, error) {
		var page struct {
			Items rest.List[struct {
				SubName string `json:"subName"`
				Remarks string `json:"remarks"`
				Status  int    `json:"status"`
			}] `json:"items"`
		}
		err := a.Do(ctx, rest.Call{
			Operation: exchanges.OpSubAccounts, Method: http.MethodGet, Path: "/api/v2/sub/user",
			Query: rest.Query("currentPage", number, "pageSize", strconv.Itoa(pageSize)), Effect: rest.ReadOnly, Weight: weightOfCall,
			Complete: func() bool { return page.Items.Present },
		}, rest.IntoPage(&page, &page.Items, pageSize))
		for _, sub := range page.Items.Items {
			all = append(all, exchanges.SubAccount{Name: sub.SubName, Alias: sub.Remarks, Frozen: sub.Status == statusFrozen})
		}
		return len(page.Items.Items), err
	})
	return all, err
}

// statusFrozen is the status of a sub-account that is suspended.
const statusFrozen = 3

func (a *account) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	if slices.Contains(request.Permissions, innerTransfer) && len(request.Addresses) == 0 {
		return exchanges.Key{}, &exchanges.Error{
			Kind: exchanges.ErrInvalid, Exchange: "kucoin", Operation: exchanges.OpCreateKey,
			Message: "KuCoin gives the scope transfer only to keys that are bound to addresses", Remedy: "set ip_allowlist",
		}
	}
	body := struct {
		SubName     string `json:"subName"`
		Passphrase  string `json:"passphrase"`
		Remark      string `json:"remark"`
		Permission  string `json:"permission"`
		IPWhitelist string `json:"ipWhitelist,omitempty"`
		Expire      string `json:"expire"`
	}{
		SubName: request.SubAccount, Passphrase: request.Passphrase.Reveal(), Remark: request.Label,
		Permission: strings.Join(request.Permissions, ","), IPWhitelist: strings.Join(request.Addresses, ","),
		Expire: expire(request.Expires, time.Now()),
	}
	var created key
	err := a.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: keysPath, Effect: rest.Once, Weight: weightOfCall,
		Secrets:  []exchanges.Secret{request.Passphrase},
		Complete: func() bool { return created.APIKey != "" && created.Secret != "" },
	}, body, rest.Into(&created))
	if err != nil {
		return exchanges.Key{}, err
	}
	return exchanges.Key{
		ID:          created.APIKey,
		APIKey:      created.APIKey,
		APISecret:   created.Secret,
		Passphrase:  request.Passphrase,
		Permissions: decode(created.Permission),
		Addresses:   created.addresses(),
	}, nil
}

// expire chooses the first lifetime that lasts beyond the limit. "-1" stands for a
// key that never expires.
func expire(limit, now time.Time) string {
	for _, days := range lifetimes() {
		if !limit.IsZero() && now.Add(time.Duration(days)*day).After(limit) {
			return strconv.Itoa(days)
		}
	}
	return "-1"
}

func (a *account) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	var keys rest.List[key]
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpListKeys, Method: http.MethodGet, Path: keysPath,
		Query: rest.Query("subName", subAccount), Effect: rest.ReadOnly, Weight: weightOfCall,
		Complete: func() bool { return keys.Whole(func(k key) string { return k.APIKey }) },
	}, rest.Into(&keys))
	if err != nil {
		return nil, err
	}
	var all []exchanges.KeyInfo
	for _, k := range keys.Items {
		// The list may hide the middle of each address: 10.**.1.
		all = append(all, exchanges.KeyInfo{
			ID: k.APIKey, Label: k.Remark, Permissions: decode(k.Permission), Addresses: k.IPWhitelist, CreatedAt: k.CreatedAt.Time,
		})
	}
	return all, nil
}

func (a *account) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	if ref.Passphrase == "" {
		return &exchanges.Error{
			Kind: exchanges.ErrInvalid, Exchange: "kucoin", Operation: exchanges.OpDeleteKey,
			Message: "KuCoin deletes a key only if given its passphrase, which was not recorded",
			Remedy:  "delete key " + ref.ID + " of sub-account " + ref.SubAccount + " on KuCoin's website",
		}
	}
	return a.Do(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodDelete, Path: keysPath,
		Query:   rest.Query("apiKey", ref.ID, "subName", ref.SubAccount, "passphrase", ref.Passphrase.Reveal()),
		Secrets: []exchanges.Secret{ref.Passphrase}, Effect: rest.Idempotent, Weight: weightOfDeletion,
	}, nil)
}

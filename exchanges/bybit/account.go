package bybit

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// anywhere is how Bybit writes that a key is bound to no address.
const anywhere = "*"

// Page sizes, each the largest allowed.
const (
	subAccountsPage = 100
	keysPage        = 20
)

// expiryWarning is how long before a root key's expiry it is reported.
const expiryWarning = 14 * 24 * time.Hour

// account is one master account. The embedded client signs the user's own requests.
type account struct {
	*rest.Client
	// login makes the message that logs in.
	login rest.LoginMessage
	// demo means that its sub-accounts are demo accounts.
	demo bool
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = Bybit{}
	_ exchanges.Account       = (*account)(nil)
	_ exchanges.RequestSigner = (*account)(nil)
	_ exchanges.LoginSigner   = (*account)(nil)
)

// Open implements [exchanges.Exchange].
func (b Bybit) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential)
	if err != nil {
		return nil, err
	}
	client, err := rest.NewClient(b.Describe(), credential, options, rest.Config{
		Sign:       signer.sign,
		Signature:  signer.signature,
		Unwrap:     unwrap,
		ServerTime: rest.ServerTime(rest.Call{Path: "/v5/market/time"}, clock.time),
		Quota:      quota,
	})
	if err != nil {
		return nil, err
	}
	return &account{client, signer.login, options.Environment == environmentDemo}, nil
}

// clock is Bybit's answer about its time.
type clock struct {
	TimeNano rest.Text `json:"timeNano"`
}

func (c clock) time() time.Time {
	nanoseconds, err := strconv.ParseInt(string(c.TimeNano), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}

// key is a key as query-api, create-sub-api and sub-apikeys show it.
type key struct {
	APIKey      string           `json:"apiKey"`
	Secret      exchanges.Secret `json:"secret"`
	Note        string           `json:"note"`
	ReadOnly    rest.Flag        `json:"readOnly"`
	Permissions groups           `json:"permissions"`
	IPs         []string         `json:"ips"`
	CreatedAt   string           `json:"createdAt"`
	ExpiredAt   string           `json:"expiredAt"`
	UserID      rest.Text        `json:"userID"`
	IsMaster    bool             `json:"isMaster"`
}

// addresses returns the bound addresses: nil if the answer does not say, empty if
// the key is bound to none.
func (k key) addresses() []string {
	if slices.Contains(k.IPs, anywhere) {
		return []string{}
	}
	return k.IPs
}

// expires returns when Bybit expires the key; zero if never, which Bybit writes as
// 1970.
func (k key) expires() time.Time {
	at, err := time.Parse(time.RFC3339, k.ExpiredAt)
	if err != nil || at.Unix() <= 0 {
		return time.Time{}
	}
	return at
}

func (a *account) Inspect(ctx context.Context) (exchanges.Identity, error) {
	var root key
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: "/v5/user/query-api", Effect: rest.ReadOnly,
		Complete: func() bool { return root.APIKey != "" },
	}, rest.Into(&root))
	if err != nil {
		return exchanges.Identity{}, err
	}
	identity := exchanges.Identity{
		Account:     string(root.UserID),
		Permissions: decode(bool(root.ReadOnly), root.Permissions),
		Addresses:   root.addresses(),
		ExpiresAt:   root.expires(),
		ClockOffset: a.ClockOffset(),
	}
	mayMint := slices.ContainsFunc(root.Permissions["Wallet"], func(right string) bool {
		return slices.Contains([]string{"AccountTransfer", "SubMemberTransfer", "Withdraw"}, right)
	})
	switch {
	case !root.IsMaster:
		identity.Problem = "the key belongs to a sub-account; use a key of the master account"
	case bool(root.ReadOnly):
		identity.Problem = "the key is read-only; use a read-write key"
	case !mayMint:
		identity.Problem = "the key has no Wallet right; give it Account Transfer"
	default:
		identity.CanMint = true
	}
	if len(identity.Addresses) == 0 {
		identity.Warnings = append(identity.Warnings, "the root key is bound to no address: it works from anywhere, and Bybit expires it after 90 days")
	}
	if !identity.ExpiresAt.IsZero() && time.Until(identity.ExpiresAt) < expiryWarning {
		identity.Warnings = append(identity.Warnings, "the root key expires at "+identity.ExpiresAt.Format(time.RFC3339))
	}
	if slices.Contains(root.Permissions["Wallet"], "Withdraw") {
		identity.Warnings = append(identity.Warnings, "the root key can withdraw, which minting never needs; use one with Account Transfer only")
	}
	return identity, nil
}

func (a *account) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	var all []exchanges.SubAccount
	err := rest.Pages(func(cursor string) (string, error) {
		var page struct {
			SubMembers rest.List[struct {
				UID      rest.Text `json:"uid"`
				Username string    `json:"username"`
				Status   int       `json:"status"`
			}] `json:"subMembers"`
			NextCursor rest.Text `json:"nextCursor"`
		}
		err := a.Do(ctx, rest.Call{
			Operation: exchanges.OpSubAccounts, Method: http.MethodGet, Path: "/v5/user/submembers",
			Query: rest.Query("pageSize", strconv.Itoa(subAccountsPage), "nextCursor", cursor), Effect: rest.ReadOnly,
			Complete: func() bool { return page.SubMembers.Present },
		}, rest.IntoPage(&page, &page.SubMembers, subAccountsPage))
		for _, member := range page.SubMembers.Items {
			all = append(all, exchanges.SubAccount{
				Name: string(member.UID), Alias: member.Username, Frozen: member.Status == statusFrozen,
			})
		}
		if page.NextCursor == "0" {
			return "", err
		}
		return string(page.NextCursor), err
	})
	return all, err
}

// statusFrozen is the status of a sub-account that the master has frozen.
const statusFrozen = 4

func (a *account) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	uid, err := exchanges.SubAccountNumber("bybit", exchanges.OpCreateKey, request.SubAccount)
	if err != nil {
		return exchanges.Key{}, err
	}
	body := struct {
		SubUID      int64  `json:"subuid"`
		Note        string `json:"note"`
		ReadOnly    int    `json:"readOnly"`
		IPs         string `json:"ips,omitempty"`
		Permissions groups `json:"permissions"`
	}{SubUID: uid, Note: request.Label, IPs: strings.Join(request.Addresses, ",")}
	body.ReadOnly, body.Permissions = encode(request.Permissions)
	if a.demo {
		// A list that is refused must stop the mint before there is a key.
		if _, err := a.ListKeys(ctx, request.SubAccount); err != nil {
			return exchanges.Key{}, err
		}
	}

	var created key
	err = a.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: "/v5/user/create-sub-api", Effect: rest.Once,
		Complete: func() bool { return created.APIKey != "" && created.Secret != "" },
	}, body, rest.Into(&created))
	if err != nil {
		return exchanges.Key{}, err
	}
	if a.demo {
		ref := exchanges.KeyRef{SubAccount: request.SubAccount, ID: created.APIKey, Label: request.Label}
		err := exchanges.Finish(ctx, a, a.Variant(), request.Made, ref, func(ctx context.Context) error { return a.seeListed(ctx, ref) })
		if err != nil {
			return exchanges.Key{}, err
		}
	}
	return exchanges.Key{
		ID:          created.APIKey,
		APIKey:      created.APIKey,
		APISecret:   created.Secret,
		Permissions: decode(bool(created.ReadOnly), created.Permissions),
		Addresses:   created.addresses(),
	}, nil
}

// seeListed refuses a new key of a demo account that the list does not show. Bybit
// documents how to create, edit and delete such keys, but not how to list them, and
// a list without a key that is there would pass for the proof of its deletion.
func (a *account) seeListed(ctx context.Context, ref exchanges.KeyRef) error {
	keys, err := a.ListKeys(ctx, ref.SubAccount)
	if err != nil || slices.ContainsFunc(keys, func(k exchanges.KeyInfo) bool { return k.ID == ref.ID }) {
		return err
	}
	return &exchanges.Error{
		Kind: exchanges.ErrUnsupported, Exchange: "bybit", Operation: exchanges.OpCreateKey,
		Message: "Bybit does not list the keys of this demo account, so that nothing could prove one of them deleted",
		Remedy:  "make keys for demo trading on Bybit's website",
	}
}

// listedKey is a key as sub-apikeys shows it, with its permissions as they were sent.
type listedKey struct {
	key
	Permissions json.RawMessage `json:"permissions"`
}

// groupsRead has permissions objects by how they were sent. The keys of a list mostly have
// the same, with a dozen groups each, and most of the time that a list takes would go into
// reading them again.
type groupsRead map[string]groups

// read reads an object unless it was read before, and reports whether it could.
func (r groupsRead) read(sent json.RawMessage) bool {
	if _, known := r[string(sent)]; known || len(sent) == 0 {
		return true
	}
	var read groups
	if json.Unmarshal(sent, &read) != nil {
		return false
	}
	r[string(sent)] = read
	return true
}

func (a *account) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	var all []exchanges.KeyInfo
	read := groupsRead{}
	err := rest.Pages(func(cursor string) (string, error) {
		var page struct {
			Keys       rest.List[listedKey] `json:"result"`
			NextCursor string               `json:"nextPageCursor"`
		}
		err := a.Do(ctx, rest.Call{
			Operation: exchanges.OpListKeys, Method: http.MethodGet, Path: "/v5/user/sub-apikeys",
			Query: rest.Query("subMemberId", subAccount, "limit", strconv.Itoa(keysPage), "cursor", cursor), Effect: rest.ReadOnly,
			Complete: func() bool {
				return page.Keys.Whole(func(k listedKey) string { return k.APIKey }) &&
					!slices.ContainsFunc(page.Keys.Items, func(k listedKey) bool { return !read.read(k.Permissions) })
			},
		}, rest.IntoPage(&page, &page.Keys, keysPage))
		for _, k := range page.Keys.Items {
			created, _ := time.Parse(time.RFC3339, k.CreatedAt)
			all = append(all, exchanges.KeyInfo{
				ID: k.APIKey, Label: k.Note, Permissions: decode(bool(k.ReadOnly), read[string(k.Permissions)]),
				Addresses: k.addresses(), CreatedAt: created, ExpiresAt: k.expires(),
			})
		}
		return page.NextCursor, err
	})
	return all, err
}

func (a *account) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	return a.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodPost, Path: "/v5/user/delete-sub-api", Effect: rest.Idempotent,
	}, map[string]string{"apikey": ref.ID}, nil)
}

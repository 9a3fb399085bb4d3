package okx

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

// pageSize is the most sub-accounts that OKX lists in one answer.
const pageSize = 100

// account is one master account. The embedded client signs the user's own requests.
type account struct {
	*rest.Client
	// login makes the message that logs in.
	login rest.LoginMessage
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = OKX{}
	_ exchanges.Account       = (*account)(nil)
	_ exchanges.RequestSigner = (*account)(nil)
	_ exchanges.LoginSigner   = (*account)(nil)
)

// Open implements [exchanges.Exchange].
func (o OKX) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential, options.Environment)
	if err != nil {
		return nil, err
	}
	client, err := rest.NewClient(o.Describe(), credential, options, rest.Config{
		Sign:       signer.sign,
		Signature:  signer.signature,
		Unwrap:     unwrap,
		ServerTime: rest.ServerTime(rest.Call{Path: "/api/v5/public/time"}, clock.time),
	})
	if err != nil {
		return nil, err
	}
	return &account{client, signer.login}, nil
}

// clock is OKX's answer about its time, in a list of one.
type clock []struct {
	TS rest.Milliseconds `json:"ts"`
}

func (c clock) time() time.Time {
	if len(c) != 1 {
		return time.Time{}
	}
	return c[0].TS.Time
}

func (a *account) Inspect(ctx context.Context) (exchanges.Identity, error) {
	var roots []struct {
		UID     rest.Text      `json:"uid"`
		MainUID rest.Text      `json:"mainUid"`
		Perm    rest.CommaList `json:"perm"`
		IP      rest.CommaList `json:"ip"`
	}
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: "/api/v5/account/config", Effect: rest.ReadOnly,
		Complete: func() bool { return len(roots) == 1 && roots[0].UID != "" },
	}, rest.Into(&roots))
	if err != nil {
		return exchanges.Identity{}, err
	}
	root := roots[0]
	identity := exchanges.Identity{
		Account:     string(root.UID),
		Permissions: decode(root.Perm),
		Addresses:   root.IP,
		ClockOffset: a.ClockOffset(),
	}
	switch {
	case root.UID != root.MainUID:
		identity.Problem = "the key belongs to a sub-account; use a key of the master account"
	case !slices.Contains(identity.Permissions, trade):
		identity.Problem = "the key lacks the Trade permission, which OKX requires for managing sub-accounts' keys"
	case len(root.IP) == 0:
		identity.Problem = "the key is bound to no address, and OKX lets only bound keys manage sub-accounts; bind it to the Vault servers' addresses"
	default:
		identity.CanMint = true
	}
	if slices.Contains(identity.Permissions, withdraw) {
		identity.Warnings = append(identity.Warnings, "the root key can withdraw, which minting never needs; use one with Read and Trade only")
	}
	return identity, nil
}

func (a *account) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	var all []exchanges.SubAccount
	seen := map[string]bool{}
	err := rest.Pages(func(cursor string) (string, error) {
		var page []struct {
			SubAcct string            `json:"subAcct"`
			Label   string            `json:"label"`
			Enable  rest.Flag         `json:"enable"`
			TS      rest.Milliseconds `json:"ts"`
		}
		err := a.Do(ctx, rest.Call{
			Operation: exchanges.OpSubAccounts, Method: http.MethodGet, Path: "/api/v5/users/subaccount/list",
			Query: rest.Query("limit", strconv.Itoa(pageSize), "after", cursor), Effect: rest.ReadOnly,
		}, rest.Into(&page))
		if err != nil {
			return "", err
		}
		var oldest time.Time
		for _, sub := range page {
			if oldest.IsZero() || sub.TS.Before(oldest) {
				oldest = sub.TS.Time
			}
			if !seen[sub.SubAcct] {
				seen[sub.SubAcct] = true
				all = append(all, exchanges.SubAccount{Name: sub.SubAcct, Alias: sub.Label, Frozen: !bool(sub.Enable)})
			}
		}
		if len(page) < pageSize {
			return "", nil
		}
		// A page may end among sub-accounts of one millisecond, so the next one
		// begins with that millisecond again.
		return strconv.FormatInt(oldest.UnixMilli()+1, 10), nil
	})
	return all, err
}

// key is a key as the sub-account endpoints show it.
type key struct {
	APIKey string            `json:"apiKey"`
	Secret exchanges.Secret  `json:"secretKey"`
	Label  string            `json:"label"`
	Perm   rest.CommaList    `json:"perm"`
	IP     rest.CommaList    `json:"ip"`
	TS     rest.Milliseconds `json:"ts"`
}

func (a *account) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	body := struct {
		SubAcct    string `json:"subAcct"`
		Label      string `json:"label"`
		Passphrase string `json:"passphrase"`
		Perm       string `json:"perm"`
		IP         string `json:"ip,omitempty"`
	}{
		SubAcct: request.SubAccount, Label: request.Label, Passphrase: request.Passphrase.Reveal(),
		Perm: strings.Join(request.Permissions, ","), IP: strings.Join(request.Addresses, ","),
	}
	var created []key
	err := a.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: "/api/v5/users/subaccount/apikey", Effect: rest.Once,
		Secrets:  []exchanges.Secret{request.Passphrase},
		Complete: func() bool { return len(created) == 1 && created[0].APIKey != "" && created[0].Secret != "" },
	}, body, rest.Into(&created))
	if err != nil {
		return exchanges.Key{}, err
	}
	return exchanges.Key{
		ID:          created[0].APIKey,
		APIKey:      created[0].APIKey,
		APISecret:   created[0].Secret,
		Passphrase:  request.Passphrase,
		Permissions: decode(created[0].Perm),
		Addresses:   created[0].IP,
	}, nil
}

func (a *account) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	var keys []key
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpListKeys, Method: http.MethodGet, Path: "/api/v5/users/subaccount/apikey",
		Query: rest.Query("subAcct", subAccount), Effect: rest.ReadOnly,
		Complete: func() bool { return !slices.ContainsFunc(keys, func(k key) bool { return k.APIKey == "" }) },
	}, rest.Into(&keys))
	if err != nil {
		return nil, err
	}
	var all []exchanges.KeyInfo
	for _, k := range keys {
		all = append(all, exchanges.KeyInfo{
			ID: k.APIKey, Label: k.Label, Permissions: decode(k.Perm), Addresses: k.IP, CreatedAt: k.TS.Time,
		})
	}
	return all, nil
}

func (a *account) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	return exchanges.AsGone(a.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodPost, Path: "/api/v5/users/subaccount/delete-apikey", Effect: rest.Idempotent,
	}, struct {
		SubAcct string `json:"subAcct"`
		APIKey  string `json:"apiKey"`
	}{ref.SubAccount, ref.ID}, nil), codeNoKey)
}

package bitget

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// unified is a main account in mixed or unified mode.
type unified struct{ account }

func (u *unified) Inspect(ctx context.Context) (exchanges.Identity, error) {
	var root struct {
		// The documentation calls it uid, answers call it userId.
		UserID      rest.Text      `json:"userId"`
		UID         rest.Text      `json:"uid"`
		ParentID    rest.Text      `json:"parentId"`
		IPs         rest.CommaList `json:"ips"`
		PermType    string         `json:"permType"`
		Permissions []string       `json:"permissions"`
	}
	err := u.Do(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: "/api/v3/account/info", Effect: rest.ReadOnly,
		Complete: func() bool { return root.UserID != "" || root.UID != "" },
	}, rest.Into(&root))
	if err != nil {
		return exchanges.Identity{}, err
	}
	uid := cmp.Or(root.UserID, root.UID)
	identity := u.identity(string(uid), append(root.Permissions, root.PermType), root.IPs, withdraw)
	switch {
	case root.ParentID != "" && root.ParentID != "0" && root.ParentID != uid:
		identity.Problem = "the key belongs to a sub-account; use a key of the main account"
	case isReadOnly(root.PermType):
		identity.Problem = "the key is read-only; use a read-and-write key"
	case !slices.Contains(root.Permissions, management):
		identity.Problem = "the key lacks Unified Account Management, which Bitget requires for managing sub-accounts' keys"
	default:
		identity.CanMint = true
	}
	if len(identity.Addresses) == 0 {
		identity.Warnings = append(identity.Warnings, unboundWarning)
	}
	return identity, nil
}

// unifiedPage is the most rows that one answer lists.
const unifiedPage = 100

// page is what lists of unified accounts have besides their rows. The
// documentation's table makes the flag a text.
type page struct {
	HasNext rest.Flag `json:"hasNext"`
	Cursor  rest.Text `json:"cursor"`
}

// complete reports whether the page says where the next one begins, if there
// is one.
func (p page) complete() bool { return !bool(p.HasNext) || p.Cursor != "" }

// next is where the next page begins; empty after the last.
func (p page) next() string {
	if p.HasNext {
		return string(p.Cursor)
	}
	return ""
}

// modeClassic is the mode of a sub-account whose keys only a classic account
// can manage.
const modeClassic = "CLASSIC"

func (u *unified) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	var all []exchanges.SubAccount
	err := rest.Pages(func(cursor string) (string, error) {
		var answer struct {
			List rest.List[struct {
				SubUID   rest.Text `json:"subUid"`
				Username string    `json:"username"`
				Status   string    `json:"status"`
				Mode     string    `json:"accountMode"`
			}] `json:"list"`
			page
		}
		err := u.Do(ctx, rest.Call{
			Operation: exchanges.OpSubAccounts, Method: http.MethodGet, Path: "/api/v3/user/sub-list",
			Query: rest.Query("cursor", cursor, "limit", strconv.Itoa(unifiedPage)), Effect: rest.ReadOnly,
			Complete: func() bool { return answer.List.Present && answer.complete() },
		}, rest.IntoPage(&answer, &answer.List, unifiedPage))
		for _, sub := range answer.List.Items {
			found := exchanges.SubAccount{Name: string(sub.SubUID), Alias: sub.Username, Frozen: sub.Status != statusNormal}
			if strings.EqualFold(sub.Mode, modeClassic) {
				found.NoKeys = "it is in classic mode, so that only a connection of variant classic reaches its keys"
			}
			all = append(all, found)
		}
		return answer.next(), err
	})
	return all, err
}

// unifiedKey is a key as unified accounts show it. Field names are matched
// regardless of case, as Bitget writes both apiKey and apikey.
type unifiedKey struct {
	APIKey      string            `json:"apiKey"`
	Secret      exchanges.Secret  `json:"secret"`
	Note        string            `json:"note"`
	Type        string            `json:"type"`
	Permissions []string          `json:"permissions"`
	IPs         []string          `json:"ips"`
	TS          rest.Milliseconds `json:"ts"`
}

func (u *unified) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	onlyReads, list := encode(request.Permissions, unifiedReading())
	body := struct {
		SubUID      string   `json:"subUid"`
		Note        string   `json:"note"`
		Type        string   `json:"type"`
		Passphrase  string   `json:"passphrase"`
		Permissions []string `json:"permissions"`
		IPs         []string `json:"ips"`
	}{
		SubUID: request.SubAccount, Note: request.Label, Type: "read_write", Passphrase: request.Passphrase.Reveal(),
		Permissions: list, IPs: append([]string{}, request.Addresses...),
	}
	if onlyReads {
		body.Type = "read_only"
	}
	var created unifiedKey
	err := u.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: "/api/v3/user/create-sub-api", Effect: rest.Once,
		Secrets:  []exchanges.Secret{request.Passphrase},
		Complete: func() bool { return created.APIKey != "" && created.Secret != "" },
	}, body, rest.Into(&created))
	if err != nil {
		// Version 3's page of codes has none for a full sub-account.
		return exchanges.Key{}, exchanges.AsKeyCap(err, keysPerAccount, func() ([]exchanges.KeyInfo, error) {
			return u.ListKeys(ctx, request.SubAccount)
		})
	}
	return exchanges.Key{
		ID:          created.APIKey,
		APIKey:      created.APIKey,
		APISecret:   created.Secret,
		Passphrase:  request.Passphrase,
		Permissions: decode(created.Type, created.Permissions, unifiedReading()),
		Addresses:   created.IPs,
	}, nil
}

func (u *unified) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	var all []exchanges.KeyInfo
	err := rest.Pages(func(cursor string) (string, error) {
		// The array is called items in the documentation, but has been seen as
		// list.
		var answer struct {
			Items, List rest.List[unifiedKey]
			page
		}
		keys := func() []unifiedKey { return append(answer.Items.Items, answer.List.Items...) }
		err := u.Do(ctx, rest.Call{
			Operation: exchanges.OpListKeys, Method: http.MethodGet, Path: "/api/v3/user/sub-api-list",
			Query: rest.Query("cursor", cursor, "limit", strconv.Itoa(unifiedPage), "subUid", subAccount), Effect: rest.ReadOnly,
			Complete: func() bool {
				return (answer.Items.Present || answer.List.Present) && answer.complete() &&
					!slices.ContainsFunc(keys(), func(k unifiedKey) bool { return k.APIKey == "" })
			},
		}, rest.IntoPage(&answer, &answer.Items, unifiedPage))
		for _, k := range keys() {
			all = append(all, exchanges.KeyInfo{
				ID: k.APIKey, Label: k.Note, Permissions: decode(k.Type, k.Permissions, unifiedReading()),
				Addresses: k.IPs, CreatedAt: k.TS.Time,
			})
		}
		return answer.next(), err
	})
	return all, err
}

// DeleteKey names the key as the sample on Bitget's page does and, if that is refused
// as a bad parameter, as the page's table does. In any case it calls at most twice, and
// the list decides whether the key is gone.
func (u *unified) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	err := u.deleteNamed(ctx, "apiKey", ref.ID)
	if refusesParameter(err) {
		err = u.deleteNamed(ctx, "apikey", ref.ID)
	}
	return exchanges.AsGone(err, codeNoKey, codeNoUserKey)
}

// deleteNamed asks for the deletion of the key that the named parameter gives.
func (u *unified) deleteNamed(ctx context.Context, parameter, id string) error {
	return u.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodPost, Path: "/api/v3/user/delete-sub-api", Effect: rest.Idempotent,
	}, map[string]string{parameter: id}, nil)
}

package bitget

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// classic is a main account in classic mode. Its keys cannot be deleted through the
// API. The nearest thing is to take all permissions from a key, which lists then
// leave out.
type classic struct{ account }

func (c *classic) Inspect(ctx context.Context) (exchanges.Identity, error) {
	identity, err := c.inspectV2(ctx)
	switch {
	case err != nil:
		return exchanges.Identity{}, err
	case !slices.Contains(identity.Permissions, manageSubAccounts):
		identity.Problem = "the key lacks the right to manage sub-accounts (" + manageSubAccounts + "); switch it on"
	case len(identity.Addresses) == 0:
		identity.Problem = "the key is bound to no address, and Bitget lets only bound keys manage sub-accounts; bind it to the Vault servers' addresses"
	default:
		identity.CanMint = true
	}
	return identity, nil
}

// classicPage is the most sub-accounts that one answer lists.
const classicPage = 500

func (c *classic) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	var all []exchanges.SubAccount
	err := rest.Pages(func(cursor string) (string, error) {
		var answer struct {
			List rest.List[struct {
				UID    rest.Text `json:"subAccountUid"`
				Name   string    `json:"subAccountName"`
				Status string    `json:"status"`
			}] `json:"subAccountList"`
			EndID rest.Text `json:"endId"`
		}
		full := func() bool { return len(answer.List.Items) >= classicPage }
		err := c.Do(ctx, rest.Call{
			Operation: exchanges.OpSubAccounts, Method: http.MethodGet, Path: "/api/v2/user/virtual-subaccount-list",
			Query: rest.Query("idLessThan", cursor, "limit", strconv.Itoa(classicPage)), Effect: rest.ReadOnly,
			Complete: func() bool { return answer.List.Present && (!full() || answer.EndID != "") },
		}, rest.IntoPage(&answer, &answer.List, classicPage))
		for _, sub := range answer.List.Items {
			if sub.Status != statusDeleted {
				all = append(all, exchanges.SubAccount{Name: string(sub.UID), Alias: sub.Name, Frozen: sub.Status != statusNormal})
			}
		}
		if full() {
			return string(answer.EndID), err
		}
		return "", err
	})
	return all, err
}

// classicKey is a key as classic accounts show it.
type classicKey struct {
	APIKey   string           `json:"subAccountApiKey"`
	Secret   exchanges.Secret `json:"secretKey"`
	Label    string           `json:"label"`
	PermList []string         `json:"permList"`
	IPList   []string         `json:"ipList"`
}

// empty reports whether the key certainly holds no permission.
func (k classicKey) empty() bool { return k.PermList != nil && len(k.PermList) == 0 }

// classicEdit is the body that creates a key or, with its id, edits one.
type classicEdit struct {
	SubAccountUID string   `json:"subAccountUid"`
	APIKey        string   `json:"subAccountApiKey,omitempty"`
	Passphrase    string   `json:"passphrase"`
	Label         string   `json:"label"`
	IPList        []string `json:"ipList"`
	PermList      []string `json:"permList"`
}

func (c *classic) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	var created classicKey
	err := c.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: "/api/v2/user/create-virtual-subaccount-apikey", Effect: rest.Once,
		Secrets:  []exchanges.Secret{request.Passphrase},
		Complete: func() bool { return created.APIKey != "" && created.Secret != "" },
	}, classicEdit{
		SubAccountUID: request.SubAccount, Passphrase: request.Passphrase.Reveal(), Label: request.Label,
		IPList: append([]string{}, request.Addresses...), PermList: request.Permissions,
	}, rest.Into(&created))
	if err != nil {
		return exchanges.Key{}, err
	}
	return exchanges.Key{
		ID:          created.APIKey,
		APIKey:      created.APIKey,
		APISecret:   created.Secret,
		Passphrase:  request.Passphrase,
		Permissions: created.PermList,
		Addresses:   created.IPList,
	}, nil
}

func (c *classic) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	keys, err := c.keys(ctx, subAccount)
	if err != nil {
		return nil, err
	}
	var all []exchanges.KeyInfo
	for _, k := range keys {
		all = append(all, exchanges.KeyInfo{ID: k.APIKey, Label: k.Label, Permissions: k.PermList, Addresses: k.IPList})
	}
	return all, nil
}

// keys lists the keys of a sub-account that are not empty.
func (c *classic) keys(ctx context.Context, subAccount string) ([]classicKey, error) {
	var keys rest.List[classicKey]
	err := c.Do(ctx, rest.Call{
		Operation: exchanges.OpListKeys, Method: http.MethodGet, Path: "/api/v2/user/virtual-subaccount-apikey-list",
		Query: rest.Query("subAccountUid", subAccount), Effect: rest.ReadOnly,
		Complete: func() bool { return keys.Whole(func(k classicKey) string { return k.APIKey }) },
	}, rest.Into(&keys))
	return slices.DeleteFunc(keys.Items, classicKey.empty), err
}

// DeleteKey takes all permissions from the key. An edit drops the addresses that it
// leaves out, so the key is looked up first and stays bound to its own. What the list
// shows afterwards decides whether it worked.
func (c *classic) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	keys, err := c.keys(ctx, ref.SubAccount)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(k classicKey) bool { return k.APIKey == ref.ID })
	switch {
	case i < 0:
		return &exchanges.Error{
			Kind: exchanges.ErrNotFound, Exchange: "bitget", Operation: opEmptyKey, Message: "Bitget lists no such key with any permission",
		}
	case ref.Passphrase == "":
		return &exchanges.Error{
			Kind: exchanges.ErrUnsupported, Exchange: "bitget", Operation: opEmptyKey,
			Message: "the key cannot be edited without its passphrase, which is not known",
			Remedy:  "delete key " + ref.ID + " of sub-account " + ref.SubAccount + " on Bitget's website",
		}
	}
	held, err := c.permit(ctx, ref, keys[i], []string{})
	if err != nil {
		return exchanges.AsGone(err, codeNoKey, codeNoUserKey)
	}
	added := slices.DeleteFunc(held, func(name string) bool { return slices.Contains(keys[i].PermList, name) })
	if len(added) == 0 {
		return nil
	}
	// An older page says that an edit without permissions gives a key the default
	// ones. The key must at least not be able to do more than before.
	left := "it is left with " + classicRead
	if _, err := c.permit(ctx, ref, keys[i], []string{classicRead}); err != nil {
		left = "they could not be taken away again (" + err.Error() + ")"
	}
	return &exchanges.Error{
		Kind: exchanges.ErrUnsupported, Exchange: "bitget", Operation: opEmptyKey,
		Message: "asked to leave the key no permission, Bitget gave it " + strings.Join(added, ", ") + "; " + left,
		Remedy:  "delete key " + ref.ID + " of sub-account " + ref.SubAccount + " on Bitget's website",
	}
}

// permit sets the permissions of a key, which keeps its label and its addresses, as far
// as the list shows them in full: an edit that repeats one shown in part ("10.**.1")
// would be refused. It returns the permissions that the answer shows; nil if it shows
// none.
func (c *classic) permit(ctx context.Context, ref exchanges.KeyRef, k classicKey, permissions []string) ([]string, error) {
	var edited classicKey
	err := c.DoJSON(ctx, rest.Call{
		Operation: opEmptyKey, Method: http.MethodPost, Path: "/api/v2/user/modify-virtual-subaccount-apikey", Effect: rest.Idempotent,
		Secrets: []exchanges.Secret{ref.Passphrase},
	}, classicEdit{
		SubAccountUID: ref.SubAccount, APIKey: ref.ID, Passphrase: ref.Passphrase.Reveal(), Label: k.Label,
		IPList:   slices.DeleteFunc(append([]string{}, k.IPList...), exchanges.IsMasked),
		PermList: permissions,
	}, func(payload []byte) error {
		// An answer in another form is a success all the same: the list decides.
		_ = rest.Into(&edited)(payload)
		return nil
	})
	return edited.PermList, err
}

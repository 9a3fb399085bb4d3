package binance

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// The paths of the sub-account API.
const (
	masterSubAccounts = "/sapi/v1/sub-account/list"
	masterKeys        = "/sapi/v1/sub-account/subAccountApi"
	// masterKeysV2 takes a public key, which it reads only from the body.
	masterKeysV2 = "/sapi/v2/sub-account/subAccountApi"
)

// Page sizes, each the largest allowed. The default for sub-accounts is 1.
const (
	masterSubAccountsPage = 200
	masterKeysPage        = 100
)

// master is a plain master account. It names a sub-account by its e-mail
// address.
type master struct{ account }

func (m *master) Inspect(ctx context.Context) (exchanges.Identity, error) {
	return m.inspect(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: masterSubAccounts, Effect: rest.ReadOnly,
	}, func(code string) string {
		if code == strconv.Itoa(codeLinkAccount) {
			return "the account is an Exchange Link account; set the connection's variant to link"
		}
		return "the account's sub-account function is not enabled; ask Binance to enable it, " +
			"or set the connection's variant to link if it is an Exchange Link account"
	})
}

func (m *master) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	var all []exchanges.SubAccount
	err := rest.NumberedPages(masterSubAccountsPage, func(number string) (int, error) {
		var page struct {
			SubAccounts rest.List[struct {
				Email    string    `json:"email"`
				Remark   string    `json:"remark"`
				IsFreeze rest.Flag `json:"isFreeze"`
			}] `json:"subAccounts"`
		}
		err := m.do(ctx, rest.Call{
			Operation: exchanges.OpSubAccounts, Method: http.MethodGet, Path: masterSubAccounts,
			Query: rest.Query("page", number, "limit", strconv.Itoa(masterSubAccountsPage)), Effect: rest.ReadOnly,
			Complete: func() bool { return page.SubAccounts.Present },
		}, rest.IntoPage(&page, &page.SubAccounts, masterSubAccountsPage))
		for _, sub := range page.SubAccounts.Items {
			all = append(all, exchanges.SubAccount{Name: sub.Email, Alias: sub.Remark, Frozen: bool(sub.IsFreeze)})
		}
		return len(page.SubAccounts.Items), err
	})
	return all, err
}

func (m *master) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	parameters := slices.Concat(
		[]string{"email", request.SubAccount, "apiName", request.Label},
		restriction(request.Addresses),
		encode(request.Permissions, masterFlags()),
	)
	path := masterKeys
	fix := slices.DeleteFunc(fixFlags(), func(flag string) bool { return !slices.Contains(request.Permissions, flag) })
	switch {
	case request.PublicKey != "":
		path = masterKeysV2
		parameters = slices.Concat(parameters, encode(fix, fix), []string{"publicKey", request.PublicKey})
	case len(fix) > 0:
		return exchanges.Key{}, &exchanges.Error{
			Kind: exchanges.ErrInvalid, Exchange: "binance", Operation: exchanges.OpCreateKey,
			Message: fix[0] + " is only for Ed25519 keys", Remedy: "set key_type to ed25519",
		}
	}
	var created key
	err := m.do(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: path,
		Body: []byte(rest.Query(parameters...)), ContentType: formType, Effect: rest.Once,
		Complete: func() bool { return created.APIKey != "" && (created.Secret != "" || request.PublicKey != "") },
	}, rest.Into(&created))
	if err != nil {
		return exchanges.Key{}, exchanges.AsKeyCap(err, keysPerSubAccount, func() ([]exchanges.KeyInfo, error) {
			return m.ListKeys(ctx, request.SubAccount)
		})
	}
	minted := exchanges.Key{
		ID: created.APIKey, APIKey: created.APIKey, Permissions: created.permissions(), Addresses: created.addresses(),
	}
	// The answer is documented without the FIX flags, so flags that it omits count
	// as granted.
	for _, flag := range fix {
		if _, told := created.flags[flag]; !told {
			minted.Permissions = append(minted.Permissions, flag)
		}
	}
	if request.PublicKey == "" {
		minted.APISecret = created.Secret
	}
	return minted, nil
}

func (m *master) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	return m.keys(ctx, subAccount, "")
}

// keys lists the keys of a sub-account, or only the named one.
func (m *master) keys(ctx context.Context, subAccount, apiKey string) ([]exchanges.KeyInfo, error) {
	var all []exchanges.KeyInfo
	err := rest.NumberedPages(masterKeysPage, func(number string) (int, error) {
		// The array was once called list.
		var page struct{ Rows, List rest.List[key] }
		keys := func() []key { return append(page.Rows.Items, page.List.Items...) }
		err := m.do(ctx, rest.Call{
			Operation: exchanges.OpListKeys, Method: http.MethodGet, Path: masterKeys, Effect: rest.ReadOnly,
			Query:    rest.Query("email", subAccount, "subAccountApiKey", apiKey, "page", number, "size", strconv.Itoa(masterKeysPage)),
			Complete: func() bool { return (page.Rows.Present || page.List.Present) && named(keys()) },
		}, rest.IntoPage(&page, &page.Rows, masterKeysPage))
		for _, k := range keys() {
			all = append(all, k.info())
		}
		return len(keys()), err
	})
	return all, err
}

func (m *master) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	return m.do(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodDelete, Path: masterKeys, Effect: rest.Idempotent,
		Query: rest.Query("email", ref.SubAccount, "subAccountApiKey", ref.ID),
	}, nil)
}

// CheckKey implements [exchanges.KeyChecker].
func (m *master) CheckKey(ctx context.Context, ref exchanges.KeyRef, _ bool) ([]exchanges.KeyInfo, error) {
	return m.keys(ctx, ref.SubAccount, ref.ID)
}

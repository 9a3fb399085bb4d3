package htx

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// expiryWarning is how long before a root key's expiry it is reported.
const expiryWarning = 14 * 24 * time.Hour

// account is one parent user. The embedded client signs the user's own requests.
type account struct {
	*rest.Client
	// login makes the message that logs in.
	login  rest.LoginMessage
	apiKey string
	// code makes a one-time code; nil if there is no seed. Being a function, it
	// keeps the seed out of a printed account.
	code func(time.Time) (exchanges.Secret, error)
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = HTX{}
	_ exchanges.Account       = (*account)(nil)
	_ exchanges.RequestSigner = (*account)(nil)
	_ exchanges.LoginSigner   = (*account)(nil)
)

// Open implements [exchanges.Exchange].
func (h HTX) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential)
	if err != nil {
		return nil, err
	}
	a := &account{login: signer.login, apiKey: credential.APIKey}
	if seed := credential.TOTPSecret; seed != "" {
		a.code = func(at time.Time) (exchanges.Secret, error) { return rest.OneTimeCode(seed, at) }
	}
	a.Client, err = rest.NewClient(h.Describe(), credential, options, rest.Config{
		Sign:       signer.sign,
		Unwrap:     unwrap,
		ServerTime: rest.ServerTime(rest.Call{Path: "/v1/common/timestamp"}, clock.time),
		Quota:      quota,
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// clock is HTX's answer about its time.
type clock struct{ result[rest.Milliseconds] }

func (c clock) time() time.Time { return c.Data.Time }

// key is a key as the endpoints show it.
type key struct {
	AccessKey  string            `json:"accessKey"`
	Secret     exchanges.Secret  `json:"secretKey"`
	Note       string            `json:"note"`
	Status     string            `json:"status"`
	Permission rest.CommaList    `json:"permission"`
	Addresses  rest.CommaList    `json:"ipAddresses"`
	ValidDays  rest.Text         `json:"validDays"`
	CreateTime rest.Milliseconds `json:"createTime"`
}

// permanent is the validDays of a key that never expires.
const permanent = -1

// expires returns when HTX expires the key, to the day; zero if never or unknown.
func (k key) expires() time.Time {
	days, err := strconv.Atoi(string(k.ValidDays))
	if err != nil || days <= permanent {
		return time.Time{}
	}
	return time.Now().UTC().AddDate(0, 0, days)
}

// keys lists keys of the parent user or of a sub-user: all, or only the named one.
func (a *account) keys(ctx context.Context, operation exchanges.Operation, uid, accessKey string) ([]key, error) {
	var keys result[rest.List[key]]
	err := a.Do(ctx, rest.Call{
		Operation: operation, Method: http.MethodGet, Path: "/v2/user/api-key",
		Query: rest.Query("accessKey", accessKey, "uid", uid), Effect: rest.ReadOnly,
		Complete: func() bool { return keys.Data.Whole(func(k key) string { return k.AccessKey }) },
	}, rest.Into(&keys))
	return keys.Data.Items, err
}

// Inspect asks whose the root key is, and then for that user's own keys, which HTX
// shows only to a parent user.
func (a *account) Inspect(ctx context.Context) (exchanges.Identity, error) {
	var uid result[rest.Text]
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: "/v2/user/uid", Effect: rest.ReadOnly,
		Complete: func() bool { return uid.Data != "" },
	}, rest.Into(&uid))
	if err != nil {
		return exchanges.Identity{}, err
	}
	identity := exchanges.Identity{Account: string(uid.Data), ClockOffset: a.ClockOffset()}
	keys, err := a.keys(ctx, exchanges.OpInspect, string(uid.Data), a.apiKey)
	if errors.Is(err, exchanges.ErrPermission) {
		identity.Problem = "HTX does not let the key list the parent user's keys; use a root key of the parent user"
		return identity, nil
	}
	if err != nil {
		return exchanges.Identity{}, err
	}
	i := slices.IndexFunc(keys, func(k key) bool { return k.AccessKey == a.apiKey })
	if i < 0 {
		identity.Problem = "HTX does not list the key among the parent user's keys; make a new one"
		return identity, nil
	}
	root := keys[i]
	identity.Permissions, identity.Addresses, identity.ExpiresAt = decode(root.Permission), root.Addresses, root.expires()
	if slices.Contains(identity.Permissions, trade) {
		identity.CanMint = true
	} else {
		identity.Problem = "the key lacks the Trade permission, which HTX requires for managing sub-users' keys"
	}
	if len(identity.Addresses) == 0 {
		identity.Warnings = append(identity.Warnings, "the root key is bound to no address: it works from anywhere, and HTX expires it after 90 days")
	}
	if !identity.ExpiresAt.IsZero() && time.Until(identity.ExpiresAt) < expiryWarning {
		identity.Warnings = append(identity.Warnings, "the root key expires on "+identity.ExpiresAt.Format(time.DateOnly))
	}
	if slices.Contains(identity.Permissions, withdraw) {
		identity.Warnings = append(identity.Warnings, "the root key can withdraw, which minting never needs; use one with Trade only")
	}
	return identity, nil
}

// stateLocked is the state of a sub-user that the parent user has locked.
const stateLocked = "lock"

func (a *account) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	var all []exchanges.SubAccount
	err := rest.Pages(func(cursor string) (string, error) {
		var page result[rest.List[struct {
			UID   rest.Text `json:"uid"`
			Name  string    `json:"subUserName"`
			State string    `json:"userState"`
		}]]
		err := a.Do(ctx, rest.Call{
			Operation: exchanges.OpSubAccounts, Method: http.MethodGet, Path: "/v2/sub-user/user-list",
			Query: rest.Query("fromId", cursor), Effect: rest.ReadOnly,
			Complete: func() bool { return page.Data.Present },
		}, rest.Into(&page))
		for _, user := range page.Data.Items {
			all = append(all, exchanges.SubAccount{Name: string(user.UID), Alias: user.Name, Frozen: user.State == stateLocked})
		}
		return string(page.NextID), err
	})
	return all, err
}

func (a *account) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	uid, err := exchanges.SubAccountNumber("htx", exchanges.OpCreateKey, request.SubAccount)
	if err != nil {
		return exchanges.Key{}, err
	}
	code, err := a.oneTimeCode(ctx)
	if err != nil {
		return exchanges.Key{}, err
	}
	body := struct {
		Code       string `json:"otpToken,omitempty"`
		SubUID     int64  `json:"subUid"`
		Note       string `json:"note"`
		Permission string `json:"permission"`
		Addresses  string `json:"ipAddresses,omitempty"`
	}{
		Code: code.Reveal(), SubUID: uid, Note: request.Label,
		Permission: strings.Join(request.Permissions, ","), Addresses: strings.Join(request.Addresses, ","),
	}
	var created result[key]
	err = a.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: "/v2/sub-user/api-key-generation", Effect: rest.Once,
		Secrets:  []exchanges.Secret{code},
		Complete: func() bool { return created.Data.AccessKey != "" && created.Data.Secret != "" },
	}, body, rest.Into(&created))
	if err != nil {
		return exchanges.Key{}, aboutCode(err, code != "")
	}
	return exchanges.Key{
		ID:          created.Data.AccessKey,
		APIKey:      created.Data.AccessKey,
		APISecret:   created.Data.Secret,
		Permissions: decode(created.Data.Permission),
		Addresses:   created.Data.Addresses,
	}, nil
}

// oneTimeCode returns an unused code, when it is the caller's turn to use one;
// empty if the connection has no seed. HTX does not say whether it accepts a code
// twice, so each is used once.
func (a *account) oneTimeCode(ctx context.Context) (exchanges.Secret, error) {
	if a.code == nil {
		return "", nil
	}
	if err := a.Wait(ctx, exchanges.OpOneTimeCode, 1); err != nil {
		return "", err
	}
	at, err := a.CodeTime(ctx)
	if err != nil {
		return "", err
	}
	return a.code(at)
}

// aboutCode adds to a refusal of the call's values, or for a reason that is not
// documented, that the one-time code may be the reason: HTX does not say how it
// refuses a wrong or missing one.
func aboutCode(err error, sent bool) error {
	var failure *exchanges.Error
	if !errors.As(err, &failure) || failure.Kind != exchanges.ErrInvalid || failure.Remedy != "" {
		return err
	}
	failure.Remedy = "check the sub-user's UID and the addresses; if they are right, totp_secret and this host's clock"
	if !sent {
		failure.Remedy = "check the sub-user's UID and the addresses; if they are right, and the parent user has an authenticator app, " +
			"set the connection's totp_secret"
	}
	return err
}

func (a *account) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	if _, err := exchanges.SubAccountNumber("htx", exchanges.OpListKeys, subAccount); err != nil {
		return nil, err
	}
	keys, err := a.keys(ctx, exchanges.OpListKeys, subAccount, "")
	if err != nil {
		return nil, err
	}
	var all []exchanges.KeyInfo
	for _, k := range keys {
		all = append(all, exchanges.KeyInfo{
			ID: k.AccessKey, Label: k.Note, Permissions: decode(k.Permission), Addresses: k.Addresses,
			CreatedAt: k.CreateTime.Time, ExpiresAt: k.expires(),
		})
	}
	return all, nil
}

func (a *account) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	uid, err := exchanges.SubAccountNumber("htx", exchanges.OpDeleteKey, ref.SubAccount)
	if err != nil {
		return err
	}
	return a.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodPost, Path: "/v2/sub-user/api-key-deletion", Effect: rest.Idempotent,
	}, struct {
		SubUID    int64  `json:"subUid"`
		AccessKey string `json:"accessKey"`
	}{uid, ref.ID}, nil)
}

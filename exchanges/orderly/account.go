package orderly

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// pageSize is the page size that Orderly's own front end requests.
const pageSize = 999

// account is one wallet's account, or what a minted key sees of one. The embedded
// client signs the user's own requests.
type account struct {
	*rest.Client
	signer  *signer
	manager *manager
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = Orderly{}
	_ exchanges.PairMaker     = Orderly{}
	_ exchanges.Account       = (*account)(nil)
	_ exchanges.RequestSigner = (*account)(nil)
	_ exchanges.LoginSigner   = (*account)(nil)
	_ exchanges.KeyChecker    = (*account)(nil)
)

// Open implements [exchanges.Exchange].
func (o Orderly) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential, options.Environment)
	if err != nil {
		return nil, &exchanges.Error{Kind: exchanges.ErrInvalid, Message: err.Error()}
	}
	client, err := rest.NewClient(o.Describe(), credential, options, rest.Config{
		Sign:       signer.sign,
		Unwrap:     unwrapper{options.Wait(tooManyRequests)}.unwrap,
		ServerTime: rest.ServerTime(rest.Call{Path: pathPublic + "system_info"}, clock.time),
	})
	if err != nil {
		return nil, err
	}
	return &account{client, signer, &manager{making: make(chan struct{}, 1)}}, nil
}

// clock is Orderly's answer about its time.
type clock struct {
	Timestamp rest.Milliseconds `json:"timestamp"`
}

func (c clock) time() time.Time { return c.Timestamp.Time }

// Inspect asks whether the wallet has the account that follows from its address and
// broker. Holding the wallet's key implies everything else.
func (a *account) Inspect(ctx context.Context) (exchanges.Identity, error) {
	if a.signer.owner == nil {
		return a.inspectKey(ctx)
	}
	owner := a.signer.owner
	var answer struct {
		Data struct {
			AccountID string `json:"account_id"`
		} `json:"data"`
	}
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: pathAccount, Effect: rest.ReadOnly,
		Query:    rest.Query("address", owner.key.Address().Checksummed(), "broker_id", owner.broker),
		Complete: func() bool { return answer.Data.AccountID != "" },
	}, rest.Into(&answer))
	identity := exchanges.Identity{
		Account: a.signer.account, Permissions: []string{"owner"}, Addresses: []string{}, ClockOffset: a.ClockOffset(),
	}
	var refusal *exchanges.Error
	switch {
	case errors.As(err, &refusal) && refusal.Code != "" && (refusal.Kind == exchanges.ErrNotFound || refusal.Kind == exchanges.ErrInvalid):
		identity.Problem = fmt.Sprintf("the wallet %s has no account with broker %q here (Orderly says: %s); check broker and environment, "+
			"or register it on the broker's website", owner.key.Address().Checksummed(), owner.broker, refusal.Message)
	case err != nil:
		return exchanges.Identity{}, err
	case !strings.EqualFold(answer.Data.AccountID, a.signer.account):
		identity.Problem = fmt.Sprintf("Orderly names the account %s, not %s as its documentation says", answer.Data.AccountID, a.signer.account)
	default:
		identity.CanMint = true
		identity.Warnings = []string{"the root key is the wallet's own and can sign withdrawals: use a wallet that does nothing else"}
	}
	return identity, nil
}

// inspectKey asks about the Orderly key itself, if its account is known.
func (a *account) inspectKey(ctx context.Context) (exchanges.Identity, error) {
	identity := exchanges.Identity{Problem: "an Orderly key cannot make keys; give the wallet's private_key, and its broker"}
	if a.signer.account == "" {
		return identity, nil
	}
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: "/v1/client/info", Effect: rest.ReadOnly,
	}, nil)
	if err != nil {
		return exchanges.Identity{}, err
	}
	info, err := a.check(ctx, a.signer.account, a.signer.key.Load().public)
	identity.Account, identity.Permissions, identity.ExpiresAt = a.signer.account, info.Permissions, info.ExpiresAt
	identity.ClockOffset = a.ClockOffset()
	return identity, err
}

func (a *account) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	var answer struct {
		Data struct {
			Rows rest.List[struct {
				ID          string `json:"sub_account_id"`
				Description string `json:"description"`
			}] `json:"rows"`
		} `json:"data"`
	}
	err := a.private(ctx, a.signer.account, rest.Call{
		Operation: exchanges.OpSubAccounts, Method: http.MethodGet, Path: "/v1/client/sub_account", Effect: rest.ReadOnly,
		Complete: func() bool { return answer.Data.Rows.Present },
	}, nil, rest.Into(&answer))
	var all []exchanges.SubAccount
	for _, sub := range answer.Data.Rows.Items {
		all = append(all, exchanges.SubAccount{Name: sub.ID, Alias: sub.Description})
	}
	return all, err
}

// CreateKey registers the key, asks what it was given, and binds it to its
// addresses.
func (a *account) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	if err := a.checkRequest(request); err != nil {
		return exchanges.Key{}, err
	}
	err := a.register(ctx, rest.Call{Operation: exchanges.OpCreateKey, Effect: rest.Once}, addKey{
		OrderlyKey: request.PublicKey, Scope: encode(request.Permissions), Tag: request.Label, SubAccountID: request.SubAccount,
		// The time is rounded up, so that the key does not expire before the lease.
		Expiration: request.Expires.Add(time.Millisecond - 1).UnixMilli(),
	})
	if err != nil {
		return exchanges.Key{}, err
	}
	minted := exchanges.Key{ID: request.PublicKey, APIKey: request.PublicKey}
	ref := exchanges.KeyRef{SubAccount: request.SubAccount, ID: minted.ID}
	err = exchanges.Finish(ctx, a, a.Variant(), request.Made, ref, func(ctx context.Context) error { return a.finish(ctx, request, &minted) })
	if err != nil {
		return exchanges.Key{}, err
	}
	return minted, nil
}

// checkRequest refuses what Orderly would refuse or misunderstand.
func (a *account) checkRequest(request exchanges.KeyRequest) error {
	failure := exchanges.Error{Kind: exchanges.ErrInvalid, Exchange: "orderly", Operation: exchanges.OpCreateKey}
	switch {
	case a.signer.owner == nil:
		return a.cannot(exchanges.OpCreateKey)
	case strings.EqualFold(request.SubAccount, a.signer.account):
		failure.Kind = exchanges.ErrPermission
		failure.Message = "a key of the main account acts for all of its sub-accounts, so none is minted there"
		failure.Remedy = "name a sub-account"
	case request.SubAccount == "":
		failure.Message = "no sub-account is named"
	case !isKey(request.PublicKey):
		failure.Message = "a key is made from a public key only"
		failure.Remedy = "set key_type to ed25519"
	case request.Expires.IsZero():
		failure.Message = "a key needs an expiry"
	default:
		return nil
	}
	return &failure
}

// register adds a key. The signer completes and signs the body.
func (a *account) register(ctx context.Context, call rest.Call, message addKey) error {
	var answer struct {
		Data struct {
			OrderlyKey string `json:"orderly_key"`
		} `json:"data"`
	}
	call.Method, call.Path = http.MethodPost, pathAddKey
	call.Complete = func() bool { return answer.Data.OrderlyKey == message.OrderlyKey }
	return a.DoJSON(ctx, call, registration{Message: message}, rest.Into(&answer))
}

// finish finds out what a new key may do, which the answer to its creation does not
// say, and binds it to its addresses, which takes a call of its own.
func (a *account) finish(ctx context.Context, request exchanges.KeyRequest, minted *exchanges.Key) error {
	info, err := a.await(ctx, request.SubAccount, minted.ID)
	if err != nil {
		return err
	}
	minted.Permissions = info.Permissions
	if len(request.Addresses) == 0 {
		return nil
	}
	var answer struct {
		Data struct {
			List rest.List[string] `json:"ip_restriction_list"`
		} `json:"data"`
	}
	call := rest.Call{
		Operation: opRestrictKey, Method: http.MethodPost, Path: "/v1/client/set_orderly_key_ip_restriction", Effect: rest.Idempotent,
	}
	list := strings.Join(request.Addresses, ",")
	err = a.private(ctx, request.SubAccount, call, map[string]string{"orderly_key": minted.ID, "ip_restriction_list": list}, rest.Into(&answer))
	if errors.Is(err, exchanges.ErrInvalid) {
		// Orderly's connectors send a body, but its API's description has the
		// parameters in the query.
		call.Query = rest.Query("orderly_key", minted.ID, "ip_restriction_list", list)
		err = a.private(ctx, request.SubAccount, call, struct{}{}, rest.Into(&answer))
	}
	// If the answer leaves the list out, Orderly's list of keys shows it.
	minted.Addresses = answer.Data.List.Items
	return err
}

// await asks about a new key until Orderly knows it.
func (a *account) await(ctx context.Context, subAccount, key string) (info exchanges.KeyInfo, err error) {
	err = patiently(ctx, func() (done bool, err error) {
		info, err = a.check(ctx, subAccount, key)
		return !errors.Is(err, exchanges.ErrNotFound) && !errors.Is(err, exchanges.ErrInvalid), err
	})
	return info, err
}

// patiently tries something that concerns a new key until it is done, or the key must
// have settled. It returns the last try's error.
func patiently(ctx context.Context, try func() (done bool, err error)) error {
	var last error
	interrupted := exchanges.Patiently(ctx, func() (done bool) {
		done, last = try()
		return done
	})
	if interrupted != nil {
		return &exchanges.Error{
			Kind: exchanges.ErrUnavailable, Exchange: "orderly", Operation: exchanges.OpCheckKey,
			Message: "the new key is not known yet", Err: interrupted,
		}
	}
	return last
}

// key is a key as Orderly shows it.
type key struct {
	OrderlyKey string            `json:"orderly_key"`
	Status     string            `json:"key_status"`
	Scope      rest.CommaList    `json:"scope"`
	Expiration rest.Milliseconds `json:"expiration"`
	Tag        string            `json:"tag"`
	IPList     []string          `json:"ip_restriction_list"`
	IPStatus   string            `json:"ip_restriction_status"`
}

// The words of key_status and ip_restriction_status that matter here.
const (
	statusActive   = "ACTIVE"
	statusRemoving = "REMOVING"
	statusRemoved  = "REMOVED"
	statusAnywhere = "ALLOW_ALL_IPS"
	statusListed   = "ALLOW_RESTRICTION_LIST"
)

func (k key) info() exchanges.KeyInfo {
	info := exchanges.KeyInfo{ID: k.OrderlyKey, Label: k.Tag, Permissions: slices.Sorted(slices.Values(k.Scope)), ExpiresAt: k.Expiration.Time}
	switch k.IPStatus {
	case statusAnywhere:
		info.Addresses = []string{}
	case statusListed:
		info.Addresses = k.IPList
	}
	return info
}

// check asks about one key, which is public.
func (a *account) check(ctx context.Context, subAccount, public string) (exchanges.KeyInfo, error) {
	var answer struct {
		Data key `json:"data"`
	}
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpCheckKey, Method: http.MethodGet, Path: pathCheckKey, Effect: rest.ReadOnly,
		Query:    rest.Query("account_id", subAccount, "orderly_key", public),
		Complete: func() bool { return answer.Data.OrderlyKey == public && answer.Data.Scope != nil },
	}, rest.Into(&answer))
	return answer.Data.info(), err
}

// page is one of the list of keys. Orderly may send the bare list.
type page struct {
	Rows rest.List[key] `json:"rows"`
}

// UnmarshalJSON accepts either form.
func (p *page) UnmarshalJSON(data []byte) error {
	type fields page
	return rest.IntoPage((*fields)(p), &p.Rows, pageSize)(data)
}

func (a *account) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	keys, err := a.list(ctx, subAccount, statusActive)
	var all []exchanges.KeyInfo
	for _, k := range keys {
		all = append(all, k.info())
	}
	return all, err
}

// list lists the keys of an account that have a status.
func (a *account) list(ctx context.Context, subAccount, status string) ([]key, error) {
	var all []key
	read := func(parameters ...string) (int, error) {
		var answer struct {
			Data page `json:"data"`
		}
		rows := &answer.Data.Rows
		err := a.private(ctx, subAccount, rest.Call{
			Operation: exchanges.OpListKeys, Method: http.MethodGet, Path: "/v1/client/key_info", Effect: rest.ReadOnly,
			Query: rest.Query(append(parameters, "key_status", status)...),
			Complete: func() bool {
				return rows.Present && !slices.ContainsFunc(rows.Items, func(k key) bool { return k.OrderlyKey == "" || k.Status == "" })
			},
		}, nil, rest.Into(&answer))
		for _, k := range rows.Items {
			if k.Status == status {
				all = append(all, k)
			}
		}
		return len(rows.Items), err
	}
	err := rest.NumberedPages(pageSize, func(number string) (int, error) {
		n, err := read("page", number, "size", strconv.Itoa(pageSize))
		if number == "1" && errors.Is(err, exchanges.ErrInvalid) {
			// Orderly's front end asks for pages, but its API's description has none.
			_, err = read()
			return 0, err
		}
		return n, err
	})
	return all, err
}

func (a *account) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	return a.private(ctx, ref.SubAccount, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodPost, Path: "/v1/client/remove_orderly_key", Effect: rest.Idempotent,
	}, map[string]string{"orderly_key": ref.ID}, nil)
}

// CheckKey implements [exchanges.KeyChecker]. It asks only about the one key, since
// keys can be listed only ten times a minute. If Orderly still knows the key, the
// list decides whether it still works: but a list that does not show it proves that
// only if Orderly has confirmed the deletion, or lists the key as one that is or was
// being removed.
func (a *account) CheckKey(ctx context.Context, ref exchanges.KeyRef, confirmed bool) ([]exchanges.KeyInfo, error) {
	info, known := a.check(ctx, ref.SubAccount, ref.ID)
	if errors.Is(known, exchanges.ErrNotFound) {
		return nil, nil
	}
	active, err := a.ListKeys(ctx, ref.SubAccount)
	listed := slices.ContainsFunc(active, func(k exchanges.KeyInfo) bool { return k.ID == ref.ID })
	if err != nil || listed || confirmed || known != nil {
		return active, err
	}
	for _, status := range []string{statusRemoving, statusRemoved} {
		keys, err := a.list(ctx, ref.SubAccount, status)
		if err != nil || slices.ContainsFunc(keys, func(k key) bool { return k.OrderlyKey == ref.ID }) {
			return nil, err
		}
	}
	return []exchanges.KeyInfo{info}, nil
}

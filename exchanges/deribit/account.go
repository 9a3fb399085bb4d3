package deribit

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

const jsonType = "application/json"

// account is the account that a root key lives in and, in variant main, the way to
// its sub-accounts.
type account struct {
	*rest.Client
	signer signer
	// root returns the credential. Being a function, it keeps the credential out of
	// a printed account.
	root     func() exchanges.Credential
	sessions *sessions
	direct   bool
	// own is the account that the root key lives in, once it is known.
	own      atomic.Pointer[accountRow]
	unscoped unscoped
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = Deribit{}
	_ exchanges.Account       = (*account)(nil)
	_ exchanges.RequestSigner = (*account)(nil)
	_ exchanges.LoginSigner   = (*account)(nil)
	_ exchanges.LogonSigner   = (*account)(nil)
	_ exchanges.KeyChecker    = (*account)(nil)
	_ exchanges.RootRotator   = (*account)(nil)
)

// Open implements [exchanges.Exchange].
func (d Deribit) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	s, err := newSigner(credential)
	if err != nil {
		return nil, err
	}
	client, err := rest.NewClient(d.Describe(), credential, options, rest.Config{
		Sign:       s.sign,
		Unwrap:     unwrap,
		ServerTime: serverTime,
	})
	if err != nil {
		return nil, err
	}
	a := &account{
		Client: client, signer: s, direct: options.Variant == variantDirect,
		root: func() exchanges.Credential { return credential },
	}
	a.sessions = newSessions(a.logIn)
	return a, nil
}

// SignRequest implements [exchanges.RequestSigner].
func (a *account) SignRequest(ctx context.Context, user exchanges.UserRequest) (*http.Request, error) {
	if user.Path == pathOf(methodAuth) {
		// For a key with a secret, the body of a login over HTTP holds that secret.
		return nil, &exchanges.Error{Kind: exchanges.ErrUnsupported, Exchange: name, Message: "path: a login is not signed as a request"}
	}
	bearer, err := a.bearer(ctx, here, "")
	if err != nil {
		return nil, err
	}
	request, err := a.Client.SignRequest(ctx, user)
	if err == nil && bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer.Reveal())
	}
	return request, err
}

// params are the parameters of a method.
type params map[string]any

// message is a JSON-RPC request.
type message struct {
	JSONRPC string `json:"jsonrpc"`
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Params  params `json:"params"`
}

// newMessage numbers every message 1: over HTTP, each has an answer of its own.
func newMessage(method string, p params) message { return message{"2.0", 1, method, p} }

// pathOf returns the path at which a method is called.
func pathOf(method string) string { return "/api/v2/" + method }

// call is a call of one method in one account.
type call struct {
	operation exchanges.Operation
	method    string
	place     string
	params    params
	effect    rest.Effect
	complete  func() bool
	secrets   []exchanges.Secret
	// codes is how many one-time codes the work that begins with this call takes,
	// if it is guarded; zero means 1.
	codes int
	// codeless calls fail with the [demand] rather than use up a code.
	codeless bool
}

// do makes a call, with a one-time code where Deribit asks for one.
func (a *account) do(ctx context.Context, c call, out rest.Out) error {
	err := a.send(ctx, c, out)
	var wanted *demand
	if c.codeless || !errors.As(err, &wanted) || !wanted.takesCode || a.root().TOTPSecret == "" {
		return err
	}
	return a.confirm(ctx, c, wanted, out)
}

// send makes a call as is. A refused token is replaced once: its session may have
// been ended, and the call did not run.
func (a *account) send(ctx context.Context, c call, out rest.Out) error {
	var refused exchanges.Secret
	for {
		bearer, err := a.bearer(ctx, c.place, refused)
		if err != nil {
			return err
		}
		err = a.DoJSON(ctx, rest.Call{
			Operation: c.operation, Method: http.MethodPost, Path: pathOf(c.method), Effect: c.effect,
			Bearer: bearer, Secrets: c.secrets, Complete: c.complete,
		}, newMessage(c.method, c.params), out)
		if bearer == "" || refused != "" || !refusesToken(err) {
			return err
		}
		refused = bearer
	}
}

// bearer returns the token for calls at a place, other than the refused one;
// empty where each call is signed.
func (a *account) bearer(ctx context.Context, place string, refused exchanges.Secret) (exchanges.Secret, error) {
	if place == here && a.signer.signsRequests {
		return "", nil
	}
	login, err := a.sessions.token(ctx, place, refused)
	return login.access, err
}

func serverTime(ctx context.Context, client *rest.Client) (time.Time, error) {
	const method = "public/get_time"
	var now rest.Milliseconds
	err := client.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpServerTime, Method: http.MethodPost, Path: pathOf(method), Effect: rest.ReadOnly, Unsigned: true,
	}, newMessage(method, params{}), rest.Into(&now))
	return now.Time, err
}

// accountRow is an account as get_account_summary and get_subaccounts show it.
type accountRow struct {
	ID       rest.Text `json:"id"`
	Type     string    `json:"type"`
	Username string    `json:"username"`
}

// typeMain is the type of a main account.
const typeMain = "main"

// place returns where the calls for a sub-account are made.
func (a *account) place(ctx context.Context, operation exchanges.Operation, subAccount string) (string, error) {
	if _, err := exchanges.SubAccountNumber(name, operation, subAccount); err != nil {
		return "", err
	}
	if !a.direct {
		return subAccount, nil
	}
	own, err := a.ownAccount(ctx)
	switch {
	case err != nil:
		return "", err
	case own.Type == typeMain:
		return "", invalid(operation, directInMain)
	case string(own.ID) != subAccount:
		return "", invalid(operation, "the root key lives in account "+string(own.ID)+", and variant direct reaches no other")
	}
	return here, nil
}

const directInMain = "the root key belongs to a main account, where minted keys could withdraw; set the connection's variant to main"

// ownAccount returns the account that the root key lives in.
func (a *account) ownAccount(ctx context.Context) (*accountRow, error) {
	if own := a.own.Load(); own != nil {
		return own, nil
	}
	return a.summary(ctx)
}

// summary asks which account the root key lives in.
func (a *account) summary(ctx context.Context) (*accountRow, error) {
	var own accountRow
	err := a.do(ctx, call{
		operation: exchanges.OpInspect, method: "private/get_account_summary", params: params{"currency": "BTC", "extended": true},
		effect: rest.ReadOnly, complete: func() bool { return own.ID != "" },
	}, rest.Into(&own))
	if err != nil {
		return nil, err
	}
	a.own.Store(&own)
	return &own, nil
}

func (a *account) Inspect(ctx context.Context) (exchanges.Identity, error) {
	login, err := a.sessions.renew(ctx, here)
	if err != nil {
		return exchanges.Identity{}, err
	}
	identity := exchanges.Identity{Permissions: login.levels(), ClockOffset: a.ClockOffset()}
	if login.has(mainAccount) {
		identity.Permissions = append(identity.Permissions, mainAccount)
	}
	switch {
	case !login.has(accountReadWrite):
		identity.Problem = "the root key lacks account:read_write; give it that, and every scope that roles are to give"
		return identity, nil
	case !a.direct && !login.has(mainAccount):
		identity.Problem = "the root key belongs to a sub-account; use a key of the main account, or set the connection's variant to direct"
		return identity, nil
	case a.direct && login.has(mainAccount):
		identity.Problem = directInMain
		return identity, nil
	}
	own, err := a.summary(ctx)
	if err != nil {
		return exchanges.Identity{}, err
	}
	identity.Account, identity.CanMint = string(own.ID), true
	if login.has(mainAccount) && login.has(walletReadWrite) {
		identity.Warnings = append(identity.Warnings,
			"the root key can withdraw; leave wallet:read_write out unless roles give transfer")
	}
	return identity, a.inspectKey(ctx, &identity)
}

// inspectKey adds what the list of keys says about the root key. Where the list
// takes a one-time code, it does not ask: the codes are for minting.
func (a *account) inspectKey(ctx context.Context, identity *exchanges.Identity) error {
	keys, err := a.list(ctx, here, codeless)
	var wanted *demand
	switch {
	case errors.As(err, &wanted) && a.root().TOTPSecret == "":
		identity.CanMint, identity.Problem = false, wanted.failure().Message+"; "+wanted.failure().Remedy
		return nil
	case errors.As(err, &wanted):
		return nil
	case err != nil:
		return err
	}
	i, err := pick(keys, a.signer.apiKey)
	if i >= 0 {
		identity.Addresses = keys[i].Whitelist
		if identity.Addresses != nil && len(identity.Addresses) == 0 {
			identity.Warnings = append(identity.Warnings, "the root key is bound to no address: it works from anywhere")
		}
	}
	return err
}

func (a *account) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	rows, err := a.accounts(ctx)
	if err != nil {
		return nil, err
	}
	if a.direct {
		own, err := a.ownAccount(ctx)
		if err != nil {
			return nil, err
		}
		rows = slices.DeleteFunc(rows, func(row accountRow) bool { return row.ID != own.ID })
	}
	var all []exchanges.SubAccount
	for _, row := range rows {
		if row.Type == typeMain {
			continue
		}
		all = append(all, exchanges.SubAccount{Name: string(row.ID), Alias: row.Username})
	}
	return all, nil
}

// accounts lists the main account and those of its sub-accounts that the root key
// sees.
func (a *account) accounts(ctx context.Context) ([]accountRow, error) {
	var rows rest.List[accountRow]
	err := a.do(ctx, call{
		operation: exchanges.OpSubAccounts, method: "private/get_subaccounts", params: params{}, effect: rest.ReadOnly,
		complete: func() bool {
			return !slices.ContainsFunc(rows.Items, func(row accountRow) bool { return row.ID == "" })
		},
	}, rest.Into(&rows))
	return rows.Items, err
}

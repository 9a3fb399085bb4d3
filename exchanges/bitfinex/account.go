package bitfinex

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// The paths of the API.
const (
	pathPermissions = "/v2/auth/r/permissions"
	pathToken       = "/v2/auth/w/token"
	pathDeleteToken = "/v2/auth/w/token/del"
)

// self is the only sub-account: the account of the root key.
const self = "self"

// checkPatience is how long a call about a newly made token may wait for its turn:
// waiting is better than deleting the token again.
const checkPatience = time.Minute

// account is the account of one API key, or what a token sees of it. The embedded
// client signs the user's own requests.
type account struct {
	*rest.Client
	// as returns how to sign with a token.
	as func(token exchanges.Secret) func(*rest.Request, time.Time) error
	// isToken means that the credential is itself a token.
	isToken bool
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = Bitfinex{}
	_ exchanges.Account       = (*account)(nil)
	_ exchanges.RequestSigner = (*account)(nil)
	_ exchanges.KeyChecker    = (*account)(nil)
)

// Open implements [exchanges.Exchange].
func (b Bitfinex) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential)
	if err != nil {
		return nil, err
	}
	client, err := rest.NewClient(b.Describe(), credential, options, rest.Config{
		Secrets: secretsOf(credential.Token),
		Sign:    signer.sign,
		Unwrap:  unwrapper{options.Wait(tooManyRequests)}.unwrap,
	})
	if err != nil {
		return nil, err
	}
	return &account{client, signer.as, credential.Token != ""}, nil
}

// ask asks what the credential may do or, if a token is given, what that may do.
func (a *account) ask(ctx context.Context, operation exchanges.Operation, token exchanges.Secret) ([]right, error) {
	var rows []right
	call := rest.Call{
		Operation: operation, Limit: opPermissions, Method: http.MethodPost, Path: pathPermissions, Effect: rest.ReadOnly,
		Complete: func() bool { return len(rows) > 0 },
	}
	if token != "" {
		call.Sign, call.Secrets = a.as(token), secretsOf(token)
	}
	err := a.DoJSON(ctx, call, struct{}{}, rest.Into(&rows))
	return rows, err
}

func (a *account) Inspect(ctx context.Context) (exchanges.Identity, error) {
	rows, err := a.ask(ctx, exchanges.OpInspect, "")
	if err != nil {
		return exchanges.Identity{}, err
	}
	var identity exchanges.Identity
	for _, row := range rows {
		if row.mode() != "" {
			identity.Permissions = append(identity.Permissions, row.name+":"+row.mode())
		}
	}
	slices.Sort(identity.Permissions)
	may := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(identity.Permissions, name) })
	}
	switch {
	case a.isToken:
		identity.Problem = "a token does not mint tokens here; give the API key it was made with, and its secret"
	case !may("orders:read", "orders:write", "wallets:read", "wallets:write"):
		identity.Problem = "the root key has no right to orders or wallets, and a token never has more rights than its key; " +
			"give it the rights that its roles need, on Bitfinex's website"
	default:
		identity.CanMint = true
	}
	identity.Warnings = []string{
		"Bitfinex shows neither the owner of the root key nor its addresses: check on Bitfinex's website that it is bound to those of the Vault servers",
	}
	if may("withdraw:write") {
		identity.Warnings = append(identity.Warnings, "the root key can withdraw; use one that cannot, unless a role needs it")
	}
	return identity, nil
}

func (a *account) SubAccounts(context.Context) ([]exchanges.SubAccount, error) {
	return []exchanges.SubAccount{{Name: self, Alias: "the account of the root key"}}, nil
}

// CreateKey makes a token and uses it to ask what it may do.
func (a *account) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	if err := a.checkRequest(request); err != nil {
		return exchanges.Key{}, err
	}
	caps, write := encode(request.Permissions)
	body := struct {
		Scope           string   `json:"scope"`
		TTL             int64    `json:"ttl"`
		Caps            []string `json:"caps"`
		WritePermission bool     `json:"writePermission"`
		// CustIP is what Bitfinex's own software sends for a token that works
		// from anywhere.
		CustIP string `json:"_cust_ip"`
	}{Scope: "api", TTL: lifetime(request.Expires, time.Now()), Caps: caps, WritePermission: write, CustIP: "0"}
	var tokens []exchanges.Secret
	err := a.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: pathToken, Effect: rest.Once,
		Complete: func() bool { return len(tokens) == 1 && tokens[0] != "" },
	}, body, rest.Into(&tokens))
	if err != nil {
		return exchanges.Key{}, err
	}
	minted := exchanges.Key{ID: fingerprint(tokens[0]), APIKey: fingerprint(tokens[0]), Token: tokens[0]}
	ref := exchanges.KeyRef{SubAccount: self, ID: minted.ID, Token: minted.Token}
	err = exchanges.Finish(ctx, a, a.Variant(), request.Made, ref, func(ctx context.Context) (err error) {
		minted.Permissions, err = a.holds(exchanges.WithPatience(ctx, checkPatience), minted.Token)
		return err
	})
	if err != nil {
		return exchanges.Key{}, err
	}
	return minted, nil
}

// checkRequest refuses requests that make no sense at Bitfinex.
func (a *account) checkRequest(request exchanges.KeyRequest) error {
	failure := exchanges.Error{Kind: exchanges.ErrInvalid, Exchange: "bitfinex", Operation: exchanges.OpCreateKey}
	switch {
	case a.isToken:
		failure.Kind, failure.Message = exchanges.ErrPermission, "a token does not mint tokens here"
	case request.SubAccount != self:
		failure.Kind = exchanges.ErrPermission
		failure.Message = "the root key mints only for its own account"
		failure.Remedy = `name "` + self + `" as the sub-account; for another account, make an API key inside it and a connection of its own`
	case request.Expires.IsZero():
		failure.Message = "a token needs an expiry"
	default:
		return nil
	}
	return &failure
}

// lifetime is how long a token is to live, in seconds: a little longer than its
// lease. It is never zero or less, which might mean that it never expires.
func lifetime(ends, now time.Time) int64 {
	lives := min(ends.Sub(now)+lifetimeMargin+time.Second-1, maxLifetime)
	return max(int64(lives/time.Second), 1)
}

// The waits between looks at a new token that does not work yet. How soon it must is
// not documented: together they last half a minute.
const (
	firstLook = 500 * time.Millisecond
	lastLook  = 16 * time.Second
)

// holds returns the permissions of a new token, as soon as it works.
func (a *account) holds(ctx context.Context, token exchanges.Secret) ([]string, error) {
	says, err := parse(token)
	if err != nil {
		return nil, &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown, Exchange: "bitfinex", Operation: exchanges.OpCreateKey, Message: err.Error()}
	}
	for wait := firstLook; ; wait *= 2 {
		rows, err := a.ask(ctx, exchanges.OpCheckKey, token)
		switch {
		case errors.Is(err, exchanges.ErrPermission):
			// The token works, but may not ask what it may do. Its text says that.
			return held(says, nil), nil
		case !errors.Is(err, errDeadToken):
			return held(says, rows), err
		}
		if wait > lastLook || exchanges.Sleep(ctx, wait) != nil {
			// It is the token that is refused, not the root key.
			return nil, &exchanges.Error{
				Kind: exchanges.ErrUnavailable, Exchange: "bitfinex", Operation: exchanges.OpCheckKey, Message: "Bitfinex refuses the token that it has just made",
			}
		}
	}
}

// ListKeys fails: Bitfinex lists no tokens.
func (a *account) ListKeys(context.Context, string) ([]exchanges.KeyInfo, error) {
	return nil, &exchanges.Error{
		Kind: exchanges.ErrUnsupported, Exchange: "bitfinex", Operation: exchanges.OpListKeys,
		Message: "Bitfinex lists no tokens; the engine's ledger is the only list of them",
	}
}

// DeleteKey deletes a token. If Bitfinex does not know the token, that confirms
// nothing: it may not know a new one yet.
func (a *account) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	if ref.Token == "" {
		return noToken(exchanges.OpDeleteKey)
	}
	err := a.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodPost, Path: pathDeleteToken, Effect: rest.Idempotent, Secrets: secretsOf(ref.Token),
	}, map[string]string{"token": ref.Token.Reveal()}, nil)
	var refusal *exchanges.Error
	if errors.As(err, &refusal) && errors.Is(err, errDeadToken) {
		// It is the token that is refused, not the root key.
		unknown := *refusal
		unknown.Kind, unknown.Remedy = exchanges.ErrNotFound, ""
		return &unknown
	}
	return err
}

// CheckKey implements [exchanges.KeyChecker]. It asks Bitfinex with the token
// itself, which is gone only if Bitfinex no longer knows it. That takes no root
// key, so a token that has expired is known to be gone even if the root key is gone
// as well.
func (a *account) CheckKey(ctx context.Context, ref exchanges.KeyRef, _ bool) ([]exchanges.KeyInfo, error) {
	if ref.Token == "" {
		return nil, noToken(exchanges.OpCheckKey)
	}
	_, err := a.ask(ctx, exchanges.OpCheckKey, ref.Token)
	switch {
	case errors.Is(err, errDeadToken):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []exchanges.KeyInfo{{ID: ref.ID}}, nil
}

func noToken(operation exchanges.Operation) error {
	return &exchanges.Error{
		Kind: exchanges.ErrInvalid, Exchange: "bitfinex", Operation: operation,
		Message: "Bitfinex deletes a token only if given the token itself, which was not recorded", Remedy: "it expires with its lease",
	}
}

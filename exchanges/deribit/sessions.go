package deribit

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// token is what a login yields
// (https://docs.deribit.com/api-reference/authentication/public-auth).
type token struct {
	access  exchanges.Secret
	refresh exchanges.Secret
	scope   []string
	ends    time.Time
}

// UnmarshalJSON reads the answer to a login. The token's lifetime counts from now.
func (t *token) UnmarshalJSON(data []byte) error {
	var answer struct {
		AccessToken  exchanges.Secret `json:"access_token"`
		RefreshToken exchanges.Secret `json:"refresh_token"`
		ExpiresIn    int64            `json:"expires_in"`
		Scope        string           `json:"scope"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return err
	}
	*t = token{
		access: answer.AccessToken, refresh: answer.RefreshToken, scope: strings.Fields(answer.Scope),
		ends: time.Now().Add(time.Duration(answer.ExpiresIn) * time.Second),
	}
	return nil
}

// freshness is how long a token must still be valid to be used.
const freshness = 30 * time.Second

// usable reports whether the token can be used and is not the one that the exchange
// has refused.
func (t token) usable(refused exchanges.Secret) bool {
	return t.access != "" && t.access != refused && time.Until(t.ends) > freshness
}

// levels returns the elements of the token's scope that keys can hold as well.
func (t token) levels() []string {
	return slices.DeleteFunc(slices.Clone(t.scope), func(element string) bool {
		return !strings.HasSuffix(element, ":read") && !strings.HasSuffix(element, ":read_write")
	})
}

// has reports whether the token's scope holds the element.
func (t token) has(element string) bool { return slices.Contains(t.scope, element) }

// here is the place of the account that the root key lives in; the other places
// are sub-accounts, named by their ids.
const here = ""

// sessions holds the account's logins, one per place.
type sessions struct {
	logIn func(ctx context.Context, place string) (token, error)

	mu  sync.Mutex // guards all, and is never held during a call
	all map[string]*session
}

// session is a login into one place.
type session struct {
	// turn is held by the one caller that looks at the token or replaces it.
	turn  chan struct{}
	token token
}

func newSessions(logIn func(context.Context, string) (token, error)) *sessions {
	return &sessions{logIn: logIn, all: map[string]*session{}}
}

// token returns a token for the place, from a new login if none is usable. It never
// returns the one that the exchange has refused.
func (s *sessions) token(ctx context.Context, place string, refused exchanges.Secret) (token, error) {
	return s.with(ctx, place, func(held token) bool { return held.usable(refused) })
}

// renew logs in again, so that the token's scope is current.
func (s *sessions) renew(ctx context.Context, place string) (token, error) {
	return s.with(ctx, place, func(token) bool { return false })
}

// with returns the place's token if it will do, and otherwise replaces it. Callers
// for one place take turns, so that they share a login.
func (s *sessions) with(ctx context.Context, place string, willDo func(token) bool) (token, error) {
	one := s.of(place)
	select {
	case one.turn <- struct{}{}:
	case <-ctx.Done():
		return token{}, &exchanges.Error{
			Kind: exchanges.ErrUnavailable, Exchange: name, Operation: opLogIn,
			Message: "gave up waiting for another call's login", Err: errors.Join(exchanges.ErrNotAsked, ctx.Err()),
		}
	}
	defer func() { <-one.turn }()
	if willDo(one.token) {
		return one.token, nil
	}
	fresh, err := s.logIn(ctx, place)
	if err != nil {
		return token{}, err
	}
	one.token = fresh
	return fresh, nil
}

func (s *sessions) of(place string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.all[place]
	if one == nil {
		one = &session{turn: make(chan struct{}, 1)}
		s.all[place] = one
	}
	return one
}

// The methods of the API that log in.
const (
	methodAuth     = "public/auth"
	methodExchange = "public/exchange_token"
)

// logIn logs in at a place.
func (a *account) logIn(ctx context.Context, place string) (token, error) {
	ctx = exchanges.WithoutWitness(ctx)
	if place == here {
		return a.authenticate(ctx)
	}
	return a.exchange(ctx, place)
}

// authenticate logs in with the root key. The signer writes the body.
func (a *account) authenticate(ctx context.Context) (token, error) {
	var granted token
	err := a.Do(ctx, rest.Call{
		Operation: opLogIn, Method: http.MethodPost, Path: pathOf(methodAuth), ContentType: jsonType, Effect: rest.ReadOnly,
		Complete: func() bool { return granted.access != "" },
	}, rest.Into(&granted))
	return granted, err
}

// exchange turns the login of the main account into one of a sub-account.
func (a *account) exchange(ctx context.Context, place string) (token, error) {
	main, err := a.sessions.token(ctx, here, "")
	if err != nil {
		return token{}, err
	}
	granted, err := a.exchangeToken(ctx, main, place)
	if refusesToken(err) {
		if main, err = a.sessions.token(ctx, here, main.access); err != nil {
			return token{}, err
		}
		granted, err = a.exchangeToken(ctx, main, place)
	}
	switch {
	case err != nil && a.removed(ctx, place, err):
		return token{}, &exchanges.Error{
			Kind: exchanges.ErrNotFound, Exchange: name, Operation: opLogIn, Message: "there is no sub-account " + place,
		}
	case err != nil:
		return token{}, err
	case granted.has(mainAccount):
		return token{}, invalid(opLogIn, place+" is the main account; keys are minted only in sub-accounts, since they could withdraw there")
	case !granted.has(accountReadWrite):
		return token{}, &exchanges.Error{
			Kind: exchanges.ErrPermission, Exchange: name, Operation: opLogIn,
			Message: "the login into sub-account " + place + " lacks account:read_write", Remedy: "give the root key account:read_write",
		}
	}
	return granted, nil
}

// exchangeToken makes the exchange call. It requests the scope of the main
// account's login by name, since what would be inherited otherwise is not
// documented.
func (a *account) exchangeToken(ctx context.Context, main token, place string) (token, error) {
	scope := append(main.levels(), sessionScope(a.signer.session+"_"+place))
	var granted token
	err := a.DoJSON(ctx, rest.Call{
		Operation: opLogIn, Method: http.MethodPost, Path: pathOf(methodExchange), Effect: rest.ReadOnly, Unsigned: true,
		Secrets:  []exchanges.Secret{main.refresh},
		Complete: func() bool { return granted.access != "" },
	}, newMessage(methodExchange, params{
		"refresh_token": main.refresh.Reveal(), "subject_id": json.Number(place), "scope": strings.Join(scope, " "),
	}), rest.Into(&granted))
	return granted, err
}

// removed reports whether a login at a place was refused because there is no such
// sub-account, for which Deribit documents no code.
func (a *account) removed(ctx context.Context, place string, refusal error) bool {
	for _, kind := range []exchanges.Kind{exchanges.ErrRateLimited, exchanges.ErrUnavailable, exchanges.ErrOutcomeUnknown} {
		if errors.Is(refusal, kind) {
			return false
		}
	}
	rows, err := a.accounts(ctx)
	listed := slices.ContainsFunc(rows, func(row accountRow) bool { return string(row.ID) == place })
	// A list without the main account itself is not complete.
	whole := slices.ContainsFunc(rows, func(row accountRow) bool { return row.Type == typeMain })
	return err == nil && whole && !listed
}

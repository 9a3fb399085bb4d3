package deribit

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// window is how far a signature's timestamp may be off, either way.
const window = 60 * time.Second

// Lifetime and number of tokens.
const (
	tokenLife   = 900 * time.Second
	maxSessions = 16
)

// session is a login. Its token is bound to the connection that opened it,
// unless the session has a name.
type session struct {
	key             *venue.Key     // that logged in
	account         *venue.Account // that calls act for
	scope           []string
	name            string
	connection      string
	access, refresh string
	ends            time.Time
}

// Authenticate follows https://docs.deribit.com/articles/authentication.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	header := c.Header.Get("Authorization")
	if token := e.bearer(c); token != "" {
		return e.tokenHolder(c, token)
	}
	signed, found := strings.CutPrefix(header, "deri-hmac-sha256 ")
	if !found {
		return nil, e.refuse(c, noAuthorization)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(signed, ",") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = value
	}
	text := strings.Join([]string{parts["ts"], parts["nonce"], c.Method, c.RequestURI, string(c.Body), ""}, "\n")
	caller := e.enabledKey(c, parts["id"])
	if caller == nil || caller.Secret == "" || !e.verifies(caller, text, parts["sig"]) {
		return nil, e.refuse(c, badCredentials)
	}
	if !e.timely(c, parts["ts"]) || !e.unused(caller, parts["nonce"]) || !caller.Allows(c.Caller) {
		return nil, e.refuse(c, unauthorized)
	}
	return caller, nil
}

// enabledKey finds a key by its client id, unless it is switched off.
func (e *exchange) enabledKey(c *venue.Call, clientID string) *venue.Key {
	if e.disabled[clientID] {
		return nil
	}
	return c.Books.Key(clientID)
}

// bearer is the token that a call carries, if any.
func (e *exchange) bearer(c *venue.Call) string {
	token, found := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer ")
	if !found {
		return ""
	}
	return token
}

// tokenHolder is the key that a token came from, limited to what the token may
// do.
func (e *exchange) tokenHolder(c *venue.Call, token string) (*venue.Key, *venue.Answer) {
	for _, s := range e.sessions {
		if s.access != token {
			continue
		}
		if !e.alive(c, s) || s.name == "" && s.connection != c.RemoteAddr || !s.key.Allows(c.Caller) {
			break
		}
		holder := *s.key
		holder.Account, holder.Permissions = s.account, s.scope
		return &holder, nil
	}
	return nil, e.refuse(c, unauthorized)
}

// alive reports whether a session is still open. It ends with its time, its key
// or its account.
func (e *exchange) alive(c *venue.Call, s *session) bool {
	hasKey := e.enabledKey(c, s.key.APIKey) != nil || c.Weather(oldTokens) == live
	return c.Now.Before(s.ends) && hasKey && c.Books.Account(s.account.ID) != nil
}

func (e *exchange) endSession(access string) {
	e.sessions = slices.DeleteFunc(e.sessions, func(s *session) bool { return s.access == access })
}

func (e *exchange) timely(c *venue.Call, timestamp string) bool {
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	return err == nil && c.Now.Sub(time.UnixMilli(ms)).Abs() <= window
}

// unused reports whether the key has not used the nonce before, and records it.
func (e *exchange) unused(k *venue.Key, nonce string) bool {
	name := k.APIKey + " " + nonce
	used := e.nonces[name]
	e.nonces[name] = true
	return !used && nonce != ""
}

// verifies checks a signature: lower-case hex of HMAC-SHA256, or URL-safe base64
// of Ed25519 without padding.
func (e *exchange) verifies(k *venue.Key, text, signature string) bool {
	if public, ok := k.PublicKey().(ed25519.PublicKey); ok {
		sent, err := base64.RawURLEncoding.DecodeString(signature)
		return err == nil && ed25519.Verify(public, []byte(text), sent)
	}
	mac := hmac.New(sha256.New, []byte(k.Secret))
	mac.Write([]byte(text))
	return k.Secret != "" && hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// auth answers public/auth
// (https://docs.deribit.com/api-reference/authentication/public-auth).
func (e *exchange) auth(c *venue.Call) *venue.Answer {
	p, refusal := e.read(c)
	if refusal != nil {
		return refusal
	}
	grant, scope := p.Text("grant_type"), p.Text("scope")
	p.Text("state")
	var caller *venue.Key
	var proven bool
	switch grant {
	case "client_credentials":
		p.Require("client_id", "client_secret")
		caller = e.enabledKey(c, p.Text("client_id"))
		secret := p.Text("client_secret")
		proven = caller != nil && caller.Secret != "" && hmac.Equal([]byte(secret), []byte(caller.Secret))
	case "client_signature":
		p.Require("client_id", "timestamp", "signature")
		caller = e.enabledKey(c, p.Text("client_id"))
		timestamp := strconv.FormatInt(p.Integer("timestamp", 0), 10)
		nonce, data, signature := p.Text("nonce"), p.Text("data"), p.Text("signature")
		proven = caller != nil && e.timely(c, timestamp) &&
			e.verifies(caller, timestamp+"\n"+nonce+"\n"+data, signature) && e.unused(caller, nonce)
	default:
		p.Complain("grant_type", venue.BadValue)
	}
	if grant == "client_signature" && c.Weather(pairLogin) == refused {
		p.Complain("grant_type", venue.BadValue)
	}
	asked := e.readTokenScope(p, scope)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	switch {
	case !proven:
		return e.refuse(c, badCredentials)
	case !caller.Allows(c.Caller):
		return e.refuse(c, unauthorized)
	}
	s := &session{key: caller, account: caller.Account, scope: caller.Permissions}
	if len(asked.elements) > 0 {
		s.scope = e.narrowed(caller.Permissions, asked.elements)
	}
	return e.open(c, s, asked)
}

// exchangeToken answers public/exchange_token.
func (e *exchange) exchangeToken(c *venue.Call) *venue.Answer {
	p, refusal := e.read(c)
	if refusal != nil {
		return refusal
	}
	p.Require("refresh_token", "subject_id")
	refresh, subject := p.Text("refresh_token"), strconv.FormatInt(p.Integer("subject_id", 0), 10)
	asked := e.readTokenScope(p, p.Text("scope"))
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	at := slices.IndexFunc(e.sessions, func(s *session) bool { return s.refresh == refresh })
	if at < 0 || !e.alive(c, e.sessions[at]) || !e.sessions[at].key.Allows(c.Caller) {
		return e.refuse(c, unauthorized)
	}
	from := e.sessions[at]
	sub := c.Books.Account(subject)
	if sub == nil || e.user(sub) != e.user(from.account) {
		return e.badParameter(c, &venue.Complaint{Param: "subject_id", Reason: venue.BadValue})
	}
	return e.open(c, &session{key: from.key, account: sub, scope: e.narrowed(from.scope, asked.elements)}, asked)
}

// tokenScope is what a login asks for.
type tokenScope struct {
	elements []string // of keys' scopes
	session  string
	life     time.Duration
}

func (e *exchange) readTokenScope(p *venue.Params, scope string) tokenScope {
	asked := tokenScope{life: tokenLife}
	for element := range strings.FieldsSeq(scope) {
		kind, value, _ := strings.Cut(element, ":")
		switch kind {
		case "session":
			p.Check("scope", value != "")
			asked.session = value
		case "expires":
			seconds, err := strconv.Atoi(value)
			p.Check("scope", err == nil && seconds > 0)
			asked.life = time.Duration(seconds) * time.Second
		default:
			_, known := e.readScope(element)
			p.Check("scope", known)
			asked.elements = append(asked.elements, element)
		}
	}
	return asked
}

// narrowed is the part of what is held that is asked for.
func (e *exchange) narrowed(held, asked []string) []string {
	holder := &venue.Key{Permissions: held}
	return slices.DeleteFunc(slices.Clone(asked), func(element string) bool { return !e.holds(holder, element) })
}

// open begins a session and answers with its token. It ends a session of the
// same name, and the oldest one if there are too many.
func (e *exchange) open(c *venue.Call, s *session, asked tokenScope) *venue.Answer {
	s.name, s.connection, s.ends = asked.session, c.RemoteAddr, c.Now.Add(asked.life)
	s.access, s.refresh = venue.RandomNumber(10)+"."+venue.RandomText(43, venue.Alphanumeric), venue.RandomNumber(10)+"."+venue.RandomText(43, venue.Alphanumeric)
	own := 0
	e.sessions = slices.DeleteFunc(e.sessions, func(other *session) bool {
		return !e.alive(c, other) || other.key == s.key && other.name == s.name && s.name != ""
	})
	for _, other := range slices.Backward(e.sessions) {
		if other.key != s.key {
			continue
		}
		if own++; own >= maxSessions {
			e.endSession(other.access)
		}
	}
	e.sessions = append(e.sessions, s)

	scope := slices.Clone(s.scope)
	if s.account.Parent == nil {
		scope = append(scope, mainAccount)
	}
	if s.name != "" {
		scope = append(scope, "session:"+s.name)
	}
	slices.Sort(scope)
	return e.ok(c, map[string]any{
		"access_token": s.access, "refresh_token": s.refresh, "expires_in": int(asked.life.Seconds()),
		"token_type": "bearer", "scope": strings.Join(scope, " "), "enabled_features": []string{},
	})
}

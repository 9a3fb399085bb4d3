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

// deribitWindow is how far a signature's timestamp may be off, either way.
const deribitWindow = 60 * time.Second

// Life and number of tokens.
const (
	deribitTokenLife   = 900 * time.Second
	deribitMaxSessions = 16
)

// deribitSession is a login. Its token is bound to the connection that it was
// made on, unless the session has a name.
type deribitSession struct {
	key             *venue.Key     // that logged in
	account         *venue.Account // that calls act for
	scope           []string
	name            string
	connection      string
	access, refresh string
	ends            time.Time
}

// Authenticate follows https://docs.deribit.com/articles/authentication.
func (d *deribit) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	header := c.Header.Get("Authorization")
	if token := d.bearer(c); token != "" {
		return d.tokenHolder(c, token)
	}
	signed, found := strings.CutPrefix(header, "deri-hmac-sha256 ")
	if !found {
		return nil, d.refuse(c, deribitNoAuthorization)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(signed, ",") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = value
	}
	text := strings.Join([]string{parts["ts"], parts["nonce"], c.Method, c.RequestURI, string(c.Body), ""}, "\n")
	caller := c.Books.Key(parts["id"])
	if caller == nil || caller.Secret == "" || !d.verifies(caller, text, parts["sig"]) {
		return nil, d.refuse(c, deribitBadCredentials)
	}
	if !d.timely(c, parts["ts"]) || !d.unused(caller, parts["nonce"]) || !caller.Allows(c.Caller) {
		return nil, d.refuse(c, deribitUnauthorized)
	}
	return caller, nil
}

// bearer is the token that a call carries, if any.
func (d *deribit) bearer(c *venue.Call) string {
	token, found := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer ")
	if !found {
		return ""
	}
	return token
}

// tokenHolder is the key that a token came from, as it may act by the token.
func (d *deribit) tokenHolder(c *venue.Call, token string) (*venue.Key, *venue.Answer) {
	for _, s := range d.sessions {
		if s.access != token {
			continue
		}
		if !d.alive(c, s) || s.name == "" && s.connection != c.RemoteAddr || !s.key.Allows(c.Caller) {
			break
		}
		holder := *s.key
		holder.Account, holder.Permissions = s.account, s.scope
		return &holder, nil
	}
	return nil, d.refuse(c, deribitUnauthorized)
}

// alive tells whether a session has not ended: by time, with its key, or with
// its account.
func (d *deribit) alive(c *venue.Call, s *deribitSession) bool {
	return c.Now.Before(s.ends) && c.Books.Key(s.key.APIKey) != nil && c.Books.Account(s.account.ID) != nil
}

func (d *deribit) endSession(access string) {
	d.sessions = slices.DeleteFunc(d.sessions, func(s *deribitSession) bool { return s.access == access })
}

func (d *deribit) timely(c *venue.Call, timestamp string) bool {
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	return err == nil && c.Now.Sub(time.UnixMilli(ms)).Abs() <= deribitWindow
}

// unused tells whether the key has not used the nonce before, and notes it.
func (d *deribit) unused(k *venue.Key, nonce string) bool {
	name := k.APIKey + " " + nonce
	used := d.nonces[name]
	d.nonces[name] = true
	return !used && nonce != ""
}

// verifies checks a signature: lower-case hex of HMAC-SHA256, or URL-safe base64
// of Ed25519 without padding.
func (d *deribit) verifies(k *venue.Key, text, signature string) bool {
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
func (d *deribit) auth(c *venue.Call) *venue.Answer {
	p, refusal := d.read(c)
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
		caller = c.Books.Key(p.Text("client_id"))
		secret := p.Text("client_secret")
		proven = caller != nil && caller.Secret != "" && hmac.Equal([]byte(secret), []byte(caller.Secret))
	case "client_signature":
		p.Require("client_id", "timestamp", "signature")
		caller = c.Books.Key(p.Text("client_id"))
		timestamp := strconv.FormatInt(p.Integer("timestamp", 0), 10)
		nonce, data, signature := p.Text("nonce"), p.Text("data"), p.Text("signature")
		proven = caller != nil && d.timely(c, timestamp) &&
			d.verifies(caller, timestamp+"\n"+nonce+"\n"+data, signature) && d.unused(caller, nonce)
	default:
		p.Complain("grant_type", venue.BadValue)
	}
	asked := d.readTokenScope(p, scope)
	if why := p.StrictComplaint(); why != nil {
		return d.badParameter(c, why)
	}
	switch {
	case !proven:
		return d.refuse(c, deribitBadCredentials)
	case !caller.Allows(c.Caller):
		return d.refuse(c, deribitUnauthorized)
	}
	s := &deribitSession{key: caller, account: caller.Account, scope: caller.Permissions}
	if len(asked.elements) > 0 {
		s.scope = d.narrowed(caller.Permissions, asked.elements)
	}
	return d.open(c, s, asked)
}

// exchangeToken answers public/exchange_token.
func (d *deribit) exchangeToken(c *venue.Call) *venue.Answer {
	p, refusal := d.read(c)
	if refusal != nil {
		return refusal
	}
	p.Require("refresh_token", "subject_id")
	refresh, subject := p.Text("refresh_token"), strconv.FormatInt(p.Integer("subject_id", 0), 10)
	asked := d.readTokenScope(p, p.Text("scope"))
	if why := p.StrictComplaint(); why != nil {
		return d.badParameter(c, why)
	}
	at := slices.IndexFunc(d.sessions, func(s *deribitSession) bool { return s.refresh == refresh })
	if at < 0 || !d.alive(c, d.sessions[at]) || !d.sessions[at].key.Allows(c.Caller) {
		return d.refuse(c, deribitUnauthorized)
	}
	from := d.sessions[at]
	sub := c.Books.Account(subject)
	if sub == nil || d.user(sub) != d.user(from.account) {
		return d.badParameter(c, &venue.Complaint{Param: "subject_id", Reason: venue.BadValue})
	}
	return d.open(c, &deribitSession{key: from.key, account: sub, scope: d.narrowed(from.scope, asked.elements)}, asked)
}

// deribitTokenScope is what a login asks for.
type deribitTokenScope struct {
	elements []string // of keys' scopes
	session  string
	life     time.Duration
}

func (d *deribit) readTokenScope(p *venue.Params, scope string) deribitTokenScope {
	asked := deribitTokenScope{life: deribitTokenLife}
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
			_, known := d.readScope(element)
			p.Check("scope", known)
			asked.elements = append(asked.elements, element)
		}
	}
	return asked
}

// narrowed is what is asked for of what is held.
func (d *deribit) narrowed(held, asked []string) []string {
	holder := &venue.Key{Permissions: held}
	return slices.DeleteFunc(slices.Clone(asked), func(element string) bool { return !d.holds(holder, element) })
}

// open begins a session and answers with its token. A session of the same name
// ends, and so does the oldest of too many.
func (d *deribit) open(c *venue.Call, s *deribitSession, asked deribitTokenScope) *venue.Answer {
	s.name, s.connection, s.ends = asked.session, c.RemoteAddr, c.Now.Add(asked.life)
	s.access, s.refresh = venue.RandomNumber(10)+"."+venue.RandomText(43, venue.Alphanumeric), venue.RandomNumber(10)+"."+venue.RandomText(43, venue.Alphanumeric)
	own := 0
	d.sessions = slices.DeleteFunc(d.sessions, func(other *deribitSession) bool {
		return !d.alive(c, other) || other.key == s.key && other.name == s.name && s.name != ""
	})
	for _, other := range slices.Backward(d.sessions) {
		if other.key != s.key {
			continue
		}
		if own++; own >= deribitMaxSessions {
			d.endSession(other.access)
		}
	}
	d.sessions = append(d.sessions, s)

	scope := slices.Clone(s.scope)
	if s.account.Parent == nil {
		scope = append(scope, deribitMainAccount)
	}
	if s.name != "" {
		scope = append(scope, "session:"+s.name)
	}
	slices.Sort(scope)
	return d.ok(c, map[string]any{
		"access_token": s.access, "refresh_token": s.refresh, "expires_in": int(asked.life.Seconds()),
		"token_type": "bearer", "scope": strings.Join(scope, " "), "enabled_features": []string{},
	})
}

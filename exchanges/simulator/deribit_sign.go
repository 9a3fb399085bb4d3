package simulator

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
	key             *key     // that logged in
	account         *account // that calls act for
	scope           []string
	name            string
	connection      string
	access, refresh string
	ends            time.Time
}

// authenticate follows https://docs.deribit.com/articles/authentication.
func (d *deribit) authenticate(c *call) (*key, *answer) {
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
	text := strings.Join([]string{parts["ts"], parts["nonce"], c.Method, c.RequestURI, string(c.body), ""}, "\n")
	caller := c.books.key(parts["id"])
	if caller == nil || caller.secret == "" || !d.verifies(caller, text, parts["sig"]) {
		return nil, d.refuse(c, deribitBadCredentials)
	}
	if !d.timely(c, parts["ts"]) || !d.unused(caller, parts["nonce"]) || !caller.allows(c.caller) {
		return nil, d.refuse(c, deribitUnauthorized)
	}
	return caller, nil
}

// bearer is the token that a call carries, if any.
func (d *deribit) bearer(c *call) string {
	token, found := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer ")
	if !found {
		return ""
	}
	return token
}

// tokenHolder is the key that a token came from, as it may act by the token.
func (d *deribit) tokenHolder(c *call, token string) (*key, *answer) {
	for _, s := range d.sessions {
		if s.access != token {
			continue
		}
		if !d.alive(c, s) || s.name == "" && s.connection != c.RemoteAddr || !s.key.allows(c.caller) {
			break
		}
		holder := *s.key
		holder.account, holder.permissions = s.account, s.scope
		return &holder, nil
	}
	return nil, d.refuse(c, deribitUnauthorized)
}

// alive tells whether a session has not ended: by time, with its key, or with
// its account.
func (d *deribit) alive(c *call, s *deribitSession) bool {
	return c.now.Before(s.ends) && c.books.key(s.key.apiKey) != nil && c.books.account(s.account.id) != nil
}

func (d *deribit) endSession(access string) {
	d.sessions = slices.DeleteFunc(d.sessions, func(s *deribitSession) bool { return s.access == access })
}

func (d *deribit) timely(c *call, timestamp string) bool {
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	return err == nil && c.now.Sub(time.UnixMilli(ms)).Abs() <= deribitWindow
}

// unused tells whether the key has not used the nonce before, and notes it.
func (d *deribit) unused(k *key, nonce string) bool {
	name := k.apiKey + " " + nonce
	used := d.nonces[name]
	d.nonces[name] = true
	return !used && nonce != ""
}

// verifies checks a signature: lower-case hex of HMAC-SHA256, or URL-safe base64
// of Ed25519 without padding.
func (d *deribit) verifies(k *key, text, signature string) bool {
	if public, ok := k.publicKey().(ed25519.PublicKey); ok {
		sent, err := base64.RawURLEncoding.DecodeString(signature)
		return err == nil && ed25519.Verify(public, []byte(text), sent)
	}
	mac := hmac.New(sha256.New, []byte(k.secret))
	mac.Write([]byte(text))
	return k.secret != "" && hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// auth answers public/auth
// (https://docs.deribit.com/api-reference/authentication/public-auth).
func (d *deribit) auth(c *call) *answer {
	p, refusal := d.read(c)
	if refusal != nil {
		return refusal
	}
	grant, scope := p.text("grant_type"), p.text("scope")
	p.text("state")
	var caller *key
	var proven bool
	switch grant {
	case "client_credentials":
		p.require("client_id", "client_secret")
		caller = c.books.key(p.text("client_id"))
		secret := p.text("client_secret")
		proven = caller != nil && caller.secret != "" && hmac.Equal([]byte(secret), []byte(caller.secret))
	case "client_signature":
		p.require("client_id", "timestamp", "signature")
		caller = c.books.key(p.text("client_id"))
		timestamp := strconv.FormatInt(p.integer("timestamp", 0), 10)
		nonce, data, signature := p.text("nonce"), p.text("data"), p.text("signature")
		proven = caller != nil && d.timely(c, timestamp) &&
			d.verifies(caller, timestamp+"\n"+nonce+"\n"+data, signature) && d.unused(caller, nonce)
	default:
		p.complain("grant_type", badValue)
	}
	asked := d.readTokenScope(p, scope)
	if why := p.strictComplaint(); why != nil {
		return d.badParameter(c, why)
	}
	switch {
	case !proven:
		return d.refuse(c, deribitBadCredentials)
	case !caller.allows(c.caller):
		return d.refuse(c, deribitUnauthorized)
	}
	s := &deribitSession{key: caller, account: caller.account, scope: caller.permissions}
	if len(asked.elements) > 0 {
		s.scope = d.narrowed(caller.permissions, asked.elements)
	}
	return d.open(c, s, asked)
}

// exchangeToken answers public/exchange_token.
func (d *deribit) exchangeToken(c *call) *answer {
	p, refusal := d.read(c)
	if refusal != nil {
		return refusal
	}
	p.require("refresh_token", "subject_id")
	refresh, subject := p.text("refresh_token"), strconv.FormatInt(p.integer("subject_id", 0), 10)
	asked := d.readTokenScope(p, p.text("scope"))
	if why := p.strictComplaint(); why != nil {
		return d.badParameter(c, why)
	}
	at := slices.IndexFunc(d.sessions, func(s *deribitSession) bool { return s.refresh == refresh })
	if at < 0 || !d.alive(c, d.sessions[at]) || !d.sessions[at].key.allows(c.caller) {
		return d.refuse(c, deribitUnauthorized)
	}
	from := d.sessions[at]
	sub := c.books.account(subject)
	if sub == nil || d.user(sub) != d.user(from.account) {
		return d.badParameter(c, &complaint{"subject_id", badValue})
	}
	return d.open(c, &deribitSession{key: from.key, account: sub, scope: d.narrowed(from.scope, asked.elements)}, asked)
}

// deribitTokenScope is what a login asks for.
type deribitTokenScope struct {
	elements []string // of keys' scopes
	session  string
	life     time.Duration
}

func (d *deribit) readTokenScope(p *params, scope string) deribitTokenScope {
	asked := deribitTokenScope{life: deribitTokenLife}
	for element := range strings.FieldsSeq(scope) {
		kind, value, _ := strings.Cut(element, ":")
		switch kind {
		case "session":
			p.check("scope", value != "")
			asked.session = value
		case "expires":
			seconds, err := strconv.Atoi(value)
			p.check("scope", err == nil && seconds > 0)
			asked.life = time.Duration(seconds) * time.Second
		default:
			_, known := d.readScope(element)
			p.check("scope", known)
			asked.elements = append(asked.elements, element)
		}
	}
	return asked
}

// narrowed is what is asked for of what is held.
func (d *deribit) narrowed(held, asked []string) []string {
	holder := &key{permissions: held}
	return slices.DeleteFunc(slices.Clone(asked), func(element string) bool { return !d.holds(holder, element) })
}

// open begins a session and answers with its token. A session of the same name
// ends, and so does the oldest of too many.
func (d *deribit) open(c *call, s *deribitSession, asked deribitTokenScope) *answer {
	s.name, s.connection, s.ends = asked.session, c.RemoteAddr, c.now.Add(asked.life)
	s.access, s.refresh = randomNumber(10)+"."+randomText(43, alphanumeric), randomNumber(10)+"."+randomText(43, alphanumeric)
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
	if s.account.parent == nil {
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

package bitfinex

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// maxNonce is the greatest nonce: the largest integer that JavaScript can hold
// exactly.
const maxNonce = 9007199254740991

// Authenticate follows https://docs.bitfinex.com/docs/rest-auth. A token is
// sent as it is, in place of a key and a signature. Requests carry no
// timestamp.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	if c.Header.Get("Content-Type") != "application/json" {
		return nil, e.refuse(badParams, "content-type: invalid")
	}
	caller, refusal := e.caller(c)
	if refusal != nil {
		return nil, refusal
	}
	nonce, err := strconv.ParseInt(c.Header.Get("bfx-nonce"), 10, 64)
	if err != nil || nonce > maxNonce {
		return nil, e.refuse(smallNonce, "nonce: invalid")
	}
	counter := e.nonceOf(c, caller)
	if nonce <= e.nonces[counter] {
		return nil, e.refuse(smallNonce, "nonce: small")
	}
	e.nonces[counter] = nonce
	return caller, nil
}

// caller finds whose token or signature a request carries.
func (e *exchange) caller(c *venue.Call) (*venue.Key, *venue.Answer) {
	if token := c.Header.Get("bfx-token"); token != "" {
		if k := e.token(c, token); k != nil {
			return k, nil
		}
		return nil, e.dead(c)
	}
	k := c.Books.Key(c.Header.Get("bfx-apikey"))
	switch {
	case k == nil, e.isToken(k), !k.Allows(c.Caller):
		return nil, e.refuse(authFailed, "apikey: invalid")
	case !e.verifies(c, k.Secret):
		return nil, e.refuse(authFailed, "apikey: digest invalid")
	}
	return k, nil
}

// token finds a token that has not ended.
func (e *exchange) token(c *venue.Call, text string) *venue.Key {
	for _, k := range c.Books.Minted(e.elapsed(c)) {
		if e.isToken(k) && k.Secret == text && !late(c, k) {
			return k
		}
	}
	return nil
}

// isToken tells tokens from API keys: every token ends.
func (e *exchange) isToken(k *venue.Key) bool { return !k.Expires.IsZero() }

// signedText is the text that the caller must have signed.
func (e *exchange) signedText(c *venue.Call) (text, signature string) {
	return "/api" + c.URL.Path + c.Header.Get("bfx-nonce") + string(c.Body), c.Header.Get("bfx-signature")
}

// verifies checks the signature of a call: lower-case hex of HMAC-SHA384.
func (e *exchange) verifies(c *venue.Call, secret string) bool {
	text, signature := e.signedText(c)
	mac := hmac.New(sha512.New384, []byte(secret))
	mac.Write([]byte(text))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

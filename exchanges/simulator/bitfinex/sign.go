package bitfinex

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// bitfinexMaxNonce is the greatest nonce: the greatest integer that JavaScript
// holds.
const bitfinexMaxNonce = 9007199254740991

// Authenticate follows https://docs.bitfinex.com/docs/rest-auth. A token is sent
// as it is, in place of a key and a signature. No part of a request tells the
// time.
func (b *bitfinex) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	if c.Header.Get("Content-Type") != "application/json" {
		return nil, b.refuse(bitfinexBadParams, "content-type: invalid")
	}
	caller, refusal := b.caller(c)
	if refusal != nil {
		return nil, refusal
	}
	nonce, err := strconv.ParseInt(c.Header.Get("bfx-nonce"), 10, 64)
	if err != nil || nonce > bitfinexMaxNonce {
		return nil, b.refuse(bitfinexSmallNonce, "nonce: invalid")
	}
	if nonce <= b.nonces[caller.APIKey] {
		return nil, b.refuse(bitfinexSmallNonce, "nonce: small")
	}
	b.nonces[caller.APIKey] = nonce
	return caller, nil
}

// caller finds whose token or signature a request bears.
func (b *bitfinex) caller(c *venue.Call) (*venue.Key, *venue.Answer) {
	if token := c.Header.Get("bfx-token"); token != "" {
		if k := b.token(c, token); k != nil {
			return k, nil
		}
		return nil, b.refuse(bitfinexAuthFailed, "token: invalid")
	}
	k := c.Books.Key(c.Header.Get("bfx-apikey"))
	switch {
	case k == nil, b.isToken(k), !k.Allows(c.Caller):
		return nil, b.refuse(bitfinexAuthFailed, "apikey: invalid")
	case !b.verifies(c, k.Secret):
		return nil, b.refuse(bitfinexAuthFailed, "apikey: digest invalid")
	}
	return k, nil
}

// token finds a token that has not ended.
func (b *bitfinex) token(c *venue.Call, text string) *venue.Key {
	for _, k := range c.Books.Minted(b.elapsed(c)) {
		if b.isToken(k) && k.Secret == text {
			return k
		}
	}
	return nil
}

// isToken tells tokens, which all end, from API keys.
func (b *bitfinex) isToken(k *venue.Key) bool { return !k.Expires.IsZero() }

// signedText is the text that the caller must have signed.
func (b *bitfinex) signedText(c *venue.Call) (text, signature string) {
	return "/api" + c.URL.Path + c.Header.Get("bfx-nonce") + string(c.Body), c.Header.Get("bfx-signature")
}

// verifies checks the signature of a call: lower-case hex of HMAC-SHA384.
func (b *bitfinex) verifies(c *venue.Call, secret string) bool {
	text, signature := b.signedText(c)
	mac := hmac.New(sha512.New384, []byte(secret))
	mac.Write([]byte(text))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

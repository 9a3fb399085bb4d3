package bingx

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Authenticate follows the section "Authentication".
func (b *bingx) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	caller := c.Books.Key(c.Header.Get("X-BX-APIKEY"))
	switch {
	case caller == nil || caller.Expired(c.Now):
		return nil, b.refuse(c, bingxBadKey, "Incorrect apiKey")
	case !caller.Allows(c.Caller):
		return nil, b.refuse(c, bingxBadAddress, "your current request IP "+c.Caller.String()+" does not match IP whitelist")
	}
	signed, signature, right := b.signedText(c)
	switch {
	case !right:
		return nil, b.refuse(c, bingxBadParameter, "Invalid parameters")
	case signature == "":
		return nil, b.refuse(c, bingxNoSignature, "Null signature")
	case !b.verifies(caller.Secret, signed, signature):
		return nil, b.refuse(c, bingxBadSignature, "Signature verification failed")
	}
	if refusal := b.checkTimestamp(c); refusal != nil {
		return nil, refusal
	}
	if !caller.Expires.IsZero() {
		caller.Expires = c.Now.Add(bingxUnusedLife)
	}
	return caller, nil
}

// takesJSON tells whether the parameters of the call are in a JSON body: those
// of the sub-account family that change something.
func (b *bingx) takesJSON(c *venue.Call) bool {
	return c.Method == http.MethodPost && strings.HasPrefix(c.URL.Path, "/openApi/subAccount/")
}

// signedText is the text that the caller must have signed: all parameters but
// the signature, by name. Parameters of a query must be sent in that order too,
// since it is not documented that BingX puts them into order.
func (b *bingx) signedText(c *venue.Call) (signed, signature string, right bool) {
	if b.takesJSON(c) {
		return b.signedBody(c)
	}
	if len(c.Body) > 0 {
		return "", "", false
	}
	query, signature, _ := strings.Cut(c.URL.RawQuery, "&signature=")
	var names, pairs []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(value)
		if err != nil {
			return "", "", false
		}
		names, pairs = append(names, name), append(pairs, name+"="+plain)
	}
	return strings.Join(pairs, "&"), signature, slices.IsSorted(names)
}

// signedBody reads the members of a JSON body: strings are signed without their
// quotes, everything else without blanks.
func (b *bingx) signedBody(c *venue.Call) (signed, signature string, right bool) {
	var members map[string]json.RawMessage
	if c.URL.RawQuery != "" || c.Header.Get("Content-Type") != "application/json" || json.Unmarshal(c.Body, &members) != nil {
		return "", "", false
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		var text string
		if json.Unmarshal(members[name], &text) != nil {
			var compact bytes.Buffer
			if json.Compact(&compact, members[name]) != nil {
				return "", "", false
			}
			text = compact.String()
		}
		if name == "signature" {
			signature = text
			continue
		}
		pairs = append(pairs, name+"="+text)
	}
	return strings.Join(pairs, "&"), signature, true
}

// verifies checks a signature: lower-case hex of HMAC-SHA256.
func (b *bingx) verifies(secret, signed, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// params reads the parameters of the query or of the JSON body.
func (b *bingx) params(c *venue.Call) *venue.Params {
	p := venue.FormParams(c.URL.RawQuery)
	if b.takesJSON(c) {
		p = venue.JSONParams(c.Body)
	}
	p.Ignore("timestamp", "recvWindow", "signature")
	return p
}

// bingxWindow is the default and, by one of the documents, the greatest
// recvWindow, in milliseconds.
const bingxWindow = 5000

// checkTimestamp accepts what lies within the receive window, either way.
func (b *bingx) checkTimestamp(c *venue.Call) *venue.Answer {
	p := b.params(c)
	window := p.Integer("recvWindow", bingxWindow)
	off := c.Now.Sub(time.UnixMilli(p.Integer("timestamp", 0))).Abs()
	switch {
	case p.Complaint() != nil || window <= 0 || window > bingxWindow:
		return b.refuse(c, bingxBadParameter, "Invalid parameters")
	case off > time.Duration(window)*time.Millisecond:
		return b.refuse(c, bingxBadTimestamp, "Null timestamp or timestamp mismatch")
	}
	return nil
}

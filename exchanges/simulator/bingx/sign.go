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
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	caller := c.Books.Key(c.Header.Get("X-BX-APIKEY"))
	switch {
	case caller == nil || caller.Expired(c.Now):
		return nil, e.refuse(c, badKey, "Incorrect apiKey")
	case !caller.Allows(c.Caller):
		return nil, e.refuse(c, badAddress, "your current request IP "+c.Caller.String()+" does not match IP whitelist")
	}
	signed, signature, right := e.signedText(c)
	switch {
	case !right:
		return nil, e.refuse(c, badParameter, "Invalid parameters")
	case signature == "":
		return nil, e.refuse(c, noSignature, "Null signature")
	case !e.verifies(caller.Secret, signed, signature):
		return nil, e.refuse(c, badSignature, "Signature verification failed")
	}
	if refusal := e.checkTimestamp(c); refusal != nil {
		return nil, refusal
	}
	if !caller.Expires.IsZero() {
		caller.Expires = c.Now.Add(unusedLife)
	}
	return caller, nil
}

// takesJSON reports whether the call carries its parameters in a JSON body, as
// the calls of the sub-account family do that change something.
func (e *exchange) takesJSON(c *venue.Call) bool {
	return c.Method == http.MethodPost && strings.HasPrefix(c.URL.Path, "/openApi/subAccount/")
}

// signedText is the text that the caller must have signed: all parameters but
// the signature, sorted by name. The parameters of a query must be sent in that
// order too, since the documentation does not say that BingX sorts them.
func (e *exchange) signedText(c *venue.Call) (signed, signature string, right bool) {
	if e.takesJSON(c) {
		return e.signedBody(c)
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

// signedBody reads the members of a JSON body. Strings are signed without their
// quotes, everything else without spaces.
func (e *exchange) signedBody(c *venue.Call) (signed, signature string, right bool) {
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
func (e *exchange) verifies(secret, signed, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// params reads the parameters of the query or of the JSON body.
func (e *exchange) params(c *venue.Call) *venue.Params {
	p := venue.FormParams(c.URL.RawQuery)
	if e.takesJSON(c) {
		p = venue.JSONParams(c.Body)
	}
	p.Ignore("timestamp", "recvWindow", "signature")
	return p
}

// maxWindow is the default recvWindow and, according to one of the documents,
// the largest, in milliseconds.
const maxWindow = 5000

// checkTimestamp accepts a timestamp that is off by no more than the receive
// window, either way.
func (e *exchange) checkTimestamp(c *venue.Call) *venue.Answer {
	p := e.params(c)
	window := p.Integer("recvWindow", maxWindow)
	off := c.Now.Sub(time.UnixMilli(p.Integer("timestamp", 0))).Abs()
	switch {
	case p.Complaint() != nil || window <= 0 || window > maxWindow:
		return e.refuse(c, badParameter, "Invalid parameters")
	case off > time.Duration(window)*time.Millisecond:
		return e.refuse(c, badTimestamp, "Null timestamp or timestamp mismatch")
	}
	return nil
}

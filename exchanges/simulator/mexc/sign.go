package mexc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// lowerEscape finds a percent-encoding with a lower-case letter, which MEXC
// does not accept.
var lowerEscape = regexp.MustCompile(`%([0-9A-F][a-f]|[a-f][0-9A-Fa-f])`)

// Authenticate follows https://www.mexc.com/api-docs/spot-v3/introduction.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	contentType := c.Header.Get("Content-Type")
	untypedGet := contentType == "" && c.Method == http.MethodGet && c.Weather(venue.ByLetter) == ""
	if contentType != "application/json" && !untypedGet {
		return nil, e.refuse(badContentType, "content Type must be application/json")
	}
	apiKey := c.Header.Get("X-MEXC-APIKEY")
	if apiKey == "" {
		return nil, e.refuse(noKey, "api key required")
	}
	caller := c.Books.Key(apiKey)
	switch {
	case caller == nil || caller.Expired(c.Now):
		return nil, e.refuse(unknownKey, "Api key info invalid")
	case !caller.Allows(c.Caller):
		return nil, e.refuse(badAddress, "IP ["+c.Caller.String()+"] not in the ip white list")
	}
	p := e.params(c)
	if why := p.Complaint(); why != nil {
		return nil, e.malformed(why)
	}
	signed, signature := e.signedText(c)
	if lowerEscape.MatchString(signed) || !e.verifies(caller.Secret, signed, signature) {
		return nil, e.refuse(badSignature, "Signature for this request is not valid.")
	}
	if refusal := e.checkTimestamp(c, p); refusal != nil {
		return nil, refusal
	}
	return caller, nil
}

// params reads the parameters of the query and of the body. If a name is in
// both, the query wins.
func (e *exchange) params(c *venue.Call) *venue.Params {
	p := venue.FormParams(c.URL.RawQuery, string(c.Body))
	for _, name := range []string{"timestamp", "recvWindow", "signature"} {
		p.Text(name)
	}
	return p
}

// Bounds of recvWindow, in milliseconds.
const (
	window    = 5000
	maxWindow = 60000
)

// checkTimestamp accepts a timestamp no older than the receive window and less
// than a second ahead.
func (e *exchange) checkTimestamp(c *venue.Call, p *venue.Params) *venue.Answer {
	sent, err := strconv.ParseInt(p.Text("timestamp"), 10, 64)
	window := p.Integer("recvWindow", window)
	age := c.Now.Sub(time.UnixMilli(sent))
	switch {
	case err != nil:
		return e.refuse(noTimestamp, "invalid Request-Time")
	case p.Complaint() != nil:
		return e.malformed(p.Complaint())
	case window <= 0 || window > maxWindow:
		return e.refuse(badWindow, "recvWindow must less than 60000")
	case age <= -time.Second || age > time.Duration(window)*time.Millisecond:
		return e.refuse(badTimestamp, "Timestamp for this request is outside of the recvWindow.")
	}
	return nil
}

// signedText is the text that the caller must have signed: the query, directly
// followed by the body, both as sent. The signature, which ends the query, is
// left out.
func (e *exchange) signedText(c *venue.Call) (signed, signature string) {
	query, signature, found := strings.Cut(c.URL.RawQuery, "&signature=")
	if !found {
		return query + string(c.Body), ""
	}
	return query + string(c.Body), signature
}

// verifies checks a signature: lower-case hex of HMAC-SHA256.
func (e *exchange) verifies(secret, signed, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

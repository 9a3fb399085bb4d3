package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"time"
)

// mexcLowerEscape finds a percent-encoding with a lower-case letter, which MEXC
// does not take.
var mexcLowerEscape = regexp.MustCompile(`%([0-9A-F][a-f]|[a-f][0-9A-Fa-f])`)

// authenticate follows https://www.mexc.com/api-docs/spot-v3/introduction.
func (m *mexc) authenticate(c *call) (*key, *answer) {
	if c.Header.Get("Content-Type") != "application/json" {
		return nil, m.refuse(mexcBadContentType, "content Type must be application/json")
	}
	apiKey := c.Header.Get("X-MEXC-APIKEY")
	if apiKey == "" {
		return nil, m.refuse(mexcNoKey, "api key required")
	}
	caller := c.books.key(apiKey)
	switch {
	case caller == nil || caller.expired(c.now):
		return nil, m.refuse(mexcUnknownKey, "Api key info invalid")
	case !caller.allows(c.caller):
		return nil, m.refuse(mexcBadAddress, "IP ["+c.caller.String()+"] not in the ip white list")
	}
	p := m.params(c)
	if why := p.complaint(); why != nil {
		return nil, m.malformed(why)
	}
	signed, signature := m.signedText(c)
	if mexcLowerEscape.MatchString(signed) || !m.verifies(caller.secret, signed, signature) {
		return nil, m.refuse(mexcBadSignature, "Signature for this request is not valid.")
	}
	if refusal := m.checkTimestamp(c, p); refusal != nil {
		return nil, refusal
	}
	return caller, nil
}

// params reads the parameters of the query and of the body. A name that is in
// both means the one in the query.
func (m *mexc) params(c *call) *params {
	p := formParams(c.URL.RawQuery, string(c.body))
	for _, name := range []string{"timestamp", "recvWindow", "signature"} {
		p.text(name)
	}
	return p
}

// Bounds of recvWindow, in milliseconds.
const (
	mexcWindow    = 5000
	mexcMaxWindow = 60000
)

// checkTimestamp accepts what lies no further back than the receive window and
// less than a second ahead.
func (m *mexc) checkTimestamp(c *call, p *params) *answer {
	window := p.integer("recvWindow", mexcWindow)
	age := c.now.Sub(time.UnixMilli(p.integer("timestamp", 0)))
	switch {
	case p.complaint() != nil:
		return m.malformed(p.complaint())
	case window <= 0 || window > mexcMaxWindow:
		return m.refuse(mexcBadWindow, "recvWindow must less than 60000")
	case age <= -time.Second || age > time.Duration(window)*time.Millisecond:
		return m.refuse(mexcBadTimestamp, "Timestamp for this request is outside of the recvWindow.")
	}
	return nil
}

// signedText is the text that the caller must have signed: the query directly
// followed by the body, both as sent and without the signature, which comes last
// in the query.
func (m *mexc) signedText(c *call) (signed, signature string) {
	query, signature, found := strings.Cut(c.URL.RawQuery, "&signature=")
	if !found {
		return query + string(c.body), ""
	}
	return query + string(c.body), signature
}

// verifies checks a signature: lower-case hex of HMAC-SHA256.
func (m *mexc) verifies(secret, signed, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

package binance

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Authenticate follows
// https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	apiKey := c.Header.Get("X-MBX-APIKEY")
	if len(apiKey) != 64 || strings.Trim(apiKey, venue.Alphanumeric) != "" {
		return nil, e.refuse(c, badKeyFormat, "API-key format invalid.")
	}
	caller := c.Books.Key(apiKey)
	if caller == nil || !caller.Allows(c.Caller) {
		return nil, e.badKey(c)
	}
	if len(c.Body) > 0 && (c.Method == http.MethodGet || !strings.HasPrefix(c.Header.Get("Content-Type"), "application/x-www-form-urlencoded")) {
		return nil, e.badParameter(c, &venue.Complaint{Param: "the body", Reason: venue.Unknown})
	}
	p := e.params(c)
	p.Require("timestamp", "signature")
	if why := p.Complaint(); why != nil {
		return nil, e.badParameter(c, why)
	}
	if refusal := e.checkTimestamp(c, p); refusal != nil {
		return nil, refusal
	}
	if signed, signature := e.signedText(c); !e.verifies(caller, signed, signature) {
		return nil, e.refuse(c, badSignature, "Signature for this request is not valid.")
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

// required reads a parameter that must be present and not empty.
func (e *exchange) required(p *venue.Params, name string) string {
	text := p.Text(name)
	if text == "" {
		p.Complain(name, venue.Missing)
	}
	return text
}

// Bounds of recvWindow, in milliseconds.
const (
	window    = 5000
	maxWindow = 60000
)

// checkTimestamp accepts a timestamp no older than the receive window and less
// than a second ahead. One with 16 digits is in microseconds.
func (e *exchange) checkTimestamp(c *venue.Call, p *venue.Params) *venue.Answer {
	number := p.Integer("timestamp", 0)
	window := float64(window)
	if text := p.Text("recvWindow"); text != "" {
		parsed, err := strconv.ParseFloat(text, 64)
		p.Check("recvWindow", err == nil && parsed > 0 && parsed <= maxWindow)
		window = parsed
	}
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	at := time.UnixMilli(number)
	if number >= 1e15 {
		at = time.UnixMicro(number)
	}
	age := c.Now.Sub(at)
	switch {
	case age <= -time.Second:
		return e.refuse(c, badTimestamp, "Timestamp for this request was 1000ms ahead of the server's time.")
	case age > time.Duration(math.Round(window*float64(time.Millisecond))):
		return e.refuse(c, badTimestamp, "Timestamp for this request is outside of the recvWindow.")
	}
	return nil
}

// signedText is the text that the caller must have signed: the query, directly
// followed by the body, both as sent. The signature, which ends one of them, is
// left out.
func (e *exchange) signedText(c *venue.Call) (signed, signature string) {
	query, body := c.URL.RawQuery, string(c.Body)
	query, signature, found := cutSignature(query)
	if !found {
		body, signature, _ = cutSignature(body)
	}
	return query + body, signature
}

// cutSignature splits the signature off the end of a query or a form.
func cutSignature(text string) (before, signature string, found bool) {
	const name = "signature="
	at := strings.LastIndex(text, name)
	if at < 0 || at > 0 && text[at-1] != '&' {
		return text, "", false
	}
	signature, err := url.QueryUnescape(text[at+len(name):])
	if err != nil {
		signature = ""
	}
	return strings.TrimSuffix(text[:at], "&"), signature, true
}

// verifies checks a signature: hex of HMAC-SHA256 in either case, or base64 of
// Ed25519 or RSA (PKCS #1 v1.5 with SHA-256) for keys with a public key.
func (e *exchange) verifies(k *venue.Key, signed, signature string) bool {
	public := k.PublicKey()
	if public == nil {
		sent, err := hex.DecodeString(signature)
		mac := hmac.New(sha256.New, []byte(k.Secret))
		mac.Write([]byte(signed))
		return err == nil && hmac.Equal(mac.Sum(nil), sent)
	}
	sent, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	switch public := public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(public, []byte(signed), sent)
	case *rsa.PublicKey:
		digest := sha256.Sum256([]byte(signed))
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], sent) == nil
	}
	return false
}

// parsePublicKey reads the caller's own public key, as PEM or as the base64
// between its first and last line.
func (e *exchange) parsePublicKey(text string) (crypto.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der, err = block.Bytes, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the public key is not encoded as expected: %w", err)
	}
	return x509.ParsePKIXPublicKey(der)
}

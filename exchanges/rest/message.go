package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"vault-plugin-secrets-exchange/exchanges"
)

// maxMessage is how much of an exchange's own text is repeated, in bytes.
const maxMessage = 240

const redacted = "[redacted]"

// query matches a URL's query, which carries signatures at some exchanges.
var query = regexp.MustCompile(`\?[^\s"'<>]+`)

// escape matches a percent-encoded byte.
var escape = regexp.MustCompile(`%[0-9A-F]{2}`)

// scrubbed returns the failure with its message made safe to show: no secret
// of the credential or the call, no signature, no URL query, no control
// character, and not longer than it needs to be.
func (c *Client) scrubbed(err error, request *Request, call Call) error {
	var failure *exchanges.Error
	if !errors.As(err, &failure) {
		return err
	}
	secrets := []string{request.Signature, request.Payload}
	for _, secret := range slices.Concat(call.Secrets, c.secrets()) {
		secrets = append(secrets, secret.Reveal())
	}
	safe := *failure
	safe.Message = scrub(failure.Message, secrets)
	safe.Code = scrub(failure.Code, secrets)
	return &safe
}

func scrub(text string, secrets []string) string {
	text = oneLine(text)
	for _, secret := range secrets {
		if secret = oneLine(secret); secret == "" {
			continue
		}
		for _, form := range forms(secret) {
			text = strings.ReplaceAll(text, form, redacted)
		}
	}
	text = query.ReplaceAllString(text, "?"+redacted)
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "..."
	}
	return text
}

// forms returns the ways in which an answer may repeat a secret.
func forms(secret string) []string {
	all := []string{secret, strings.ToUpper(secret), strings.ToLower(secret)}
	for _, escaped := range []string{url.QueryEscape(secret), url.PathEscape(secret)} {
		all = append(all, escaped, escape.ReplaceAllStringFunc(escaped, strings.ToLower))
	}
	return all
}

// oneLine puts a space in place of every run of blanks and of what cannot be
// printed.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return ' '
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// transportMessage says in plain words why no answer came. The error's own
// text is not used, since it can hold the URL.
func transportMessage(err error) string {
	var dns *net.DNSError
	var netErr net.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled):
		return "the call was cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return "no answer within the deadline"
	case errors.As(err, &dns):
		return "the host name cannot be resolved; check base_url and this host's DNS"
	case errors.As(err, &certificate):
		return "the host's TLS certificate cannot be verified; check base_url, and whether a proxy intercepts TLS"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer came"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		if op.Op == "dial" {
			return "no connection could be made; check base_url, the proxy and the firewall"
		}
		return "the connection broke before the answer came"
	}
	return "the exchange could not be reached"
}

// cause keeps of a transport error only what callers ask for.
func cause(err error) error {
	for _, known := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}

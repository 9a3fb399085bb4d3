package rest

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Query encodes name, value, name, value, ... as a query string in that
// order, leaving out parameters with an empty value.
func Query(pairs ...string) string {
	var text strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if text.Len() > 0 {
			text.WriteByte('&')
		}
		text.WriteString(url.QueryEscape(pairs[i]) + "=" + url.QueryEscape(pairs[i+1]))
	}
	return text.String()
}

// PlainQuery is an encoded query string without its percent-encoding, in the
// same order, as some exchanges want it signed.
func PlainQuery(encoded string) (string, error) {
	plain, err := url.QueryUnescape(encoded)
	if err != nil {
		return "", fmt.Errorf("the query string is not percent-encoded as it should be")
	}
	return plain, nil
}

// CheckBaseURL refuses a base URL to which a credential must not be sent:
// only https is allowed, or plain http to a loopback address.
func CheckBaseURL(base string) error {
	parsed, err := url.Parse(base)
	if err != nil || parsed.Hostname() == "" || parsed.User != nil || strings.ContainsAny(base, "?#") || strings.HasSuffix(base, "/") {
		return fmt.Errorf("base_url: give a scheme and host such as https://api.example.com, without a trailing slash, user or query")
	}
	switch parsed.Scheme {
	case "https":
		return nil
	case "http":
		if IsLoopback(base) {
			return nil
		}
		return fmt.Errorf("base_url: plain http is only allowed to a loopback address; use https for %s", parsed.Hostname())
	}
	return fmt.Errorf("base_url: scheme %q is not allowed; use https", parsed.Scheme)
}

// hostOf is the host of a base URL as requests to it name it.
func hostOf(base string) string {
	parsed, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return strings.ToLower(parsed.Host)
}

// IsLoopback reports whether the URL's host is a loopback address.
func IsLoopback(base string) bool {
	parsed, err := url.Parse(base)
	if err != nil {
		return false
	}
	if parsed.Hostname() == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(parsed.Hostname())
	return err == nil && address.IsLoopback()
}

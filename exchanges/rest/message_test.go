package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestScrub(t *testing.T) {
	secrets := []string{"Top#Secret/1+2=", "", "line one\nline two\n"}
	for _, test := range []struct{ name, text, want string }{
		{"nothing to hide", "invalid parameter", "invalid parameter"},
		{"as it is", "key Top#Secret/1+2= is wrong", "key [redacted] is wrong"},
		{"again and again", "Top#Secret/1+2=,Top#Secret/1+2=", "[redacted],[redacted]"},
		{"in a form", "pass=Top%23Secret%2F1%2B2%3D", "pass=[redacted]"},
		{"in a form, lower case", "pass=Top%23Secret%2f1%2b2%3d", "pass=[redacted]"},
		{"in a path", "/Top%23Secret%2F1+2=/x", "/[redacted]/x"},
		{"in another case", "TOP#SECRET/1+2=", "[redacted]"},
		{"over several lines", "line one\r\nline two", "[redacted]"},
		{"a URL's query", "GET https://api.example.com/v1?key=a&sign=b failed", "GET https://api.example.com/v1?[redacted] failed"},
		{"control characters", "a\x00b\x1b[31mc\u202ed\n", "a b [31mc d"},
		{"too long", strings.Repeat("x", 1000), strings.Repeat("x", maxMessage) + "..."},
		{"too long, cut within a character", strings.Repeat("x", maxMessage-1) + "éé", strings.Repeat("x", maxMessage-1) + "..."},
		{"a secret at the cut", strings.Repeat("x", maxMessage-3) + "Top#Secret/1+2=", strings.Repeat("x", maxMessage-3) + "[re..."},
	} {
		require.Equal(t, test.want, scrub(test.text, secrets), test.name)
	}
}

// Wherever a secret stands in a message, it does not come out, and what does
// come out is one printable line of bounded length.
func FuzzScrub(f *testing.F) {
	f.Add("error sign! origin_string[", "e7a883b85b613ec666ba31c7e20939b1", "]")
	f.Add("", "Minted#Pass01", "?a=b")
	f.Add("a\n", "two words", "\x00")
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		cleaned := oneLine(secret)
		if len(cleaned) < 8 || strings.ContainsAny(cleaned, "[].") {
			t.Skip("not a secret, or one that the marks of the scrubbing could spell")
		}
		for _, form := range []string{secret, url.QueryEscape(cleaned), url.PathEscape(cleaned)} {
			text := scrub(before+form+after, []string{secret})
			require.NotContains(t, text, cleaned)
			require.NotContains(t, text, url.QueryEscape(cleaned))
			require.LessOrEqual(t, len(text), maxMessage+len("..."))
			require.True(t, utf8.ValidString(text))
			for _, r := range text {
				require.True(t, unicode.IsPrint(r), "%q", r)
			}
		}
	})
}

func TestTransportMessage(t *testing.T) {
	inURL := func(err error) error {
		return &url.Error{Op: "Post", URL: "https://api.example.com/keys?signature=canary", Err: err}
	}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"cancelled":       {context.Canceled, "cancelled"},
		"deadline":        {context.DeadlineExceeded, "deadline"},
		"network timeout": {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "deadline"},
		"unknown host":    {&net.DNSError{Err: "no such host", Name: "canary", IsNotFound: true}, "DNS"},
		"refused":         {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, "no connection could be made"},
		"reset":           {&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, "broke"},
		"closed":          {io.EOF, "closed"},
		"cut off":         {fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), "closed"},
		"certificate":     {&tls.CertificateVerificationError{Err: errors.New("canary")}, "TLS certificate"},
		"anything else":   {errors.New("canary"), "could not be reached"},
	} {
		text := transportMessage(inURL(test.err))
		require.Contains(t, text, test.want, name)
		require.NotContains(t, text, "canary", name)
	}
}

package signclient

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// maxBody is how long a body may be that Vault signs, in bytes.
const maxBody = 64 << 10

// userAgent is the one header of a request that remains: it is never signed.
const userAgent = "User-Agent"

// Sign has a request signed and returns the one to send in its place, as soon as
// possible: exchanges take a signature for seconds. It reads and closes the request's body
// and leaves the rest of it as it is.
//
// Method, host, path, query, body and content type are signed; Vault gives all headers, so
// that of those of the request only User-Agent remains. The host must be one of the
// exchange's, as Vault knows it. A request that can be read in two ways is refused with a
// [Refusal]: write a blank in a query as %20, where [net/url.Values.Encode] writes a plus
// sign.
func (s *Signer) Sign(request *http.Request) (*http.Request, error) {
	body, err := readBody(request)
	if err != nil {
		return nil, err
	}
	if request.URL.Opaque != "" {
		return nil, errors.New("url: it has an opaque part, of which Vault cannot tell the path; set Path or RawPath in place of Opaque")
	}
	path := request.URL.EscapedPath()
	if path == "" {
		path = "/" // as net/http sends it
	}
	fields := map[string]any{"method": request.Method, "host": request.URL.Host, "path": path, "query": request.URL.RawQuery}
	if request.Method == "" {
		fields["method"] = http.MethodGet
	}
	if len(body) > 0 {
		fields["body_base64"] = body // A body that is no UTF-8 must not be changed on its way.
		fields["content_type"] = contentType(request)
	}
	answer, err := s.ask(request.Context(), s.path, fields)
	if err != nil {
		return nil, err
	}
	signed, err := answer.request(request.Context())
	if err != nil {
		return nil, s.unreadable(s.path, err)
	}
	if agent, given := request.Header[userAgent]; given {
		signed.Header[userAgent] = agent
	}
	return signed, nil
}

// readBody reads and closes the body of a request.
func readBody(request *http.Request) ([]byte, error) {
	if request.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(request.Body, maxBody+1))
	if err = errors.Join(err, request.Body.Close()); err != nil {
		return nil, fmt.Errorf("read the body that is to be signed: %w", err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("body: longer than %d bytes, the most that Vault signs; send fewer orders at a time", maxBody)
	}
	return body, nil
}

// contentType is the content type of a request without the charset that Vault signs
// anyway.
func contentType(request *http.Request) string {
	given := request.Header.Get("Content-Type")
	kind, parameters, err := mime.ParseMediaType(given)
	if err == nil && len(parameters) == 1 && strings.EqualFold(parameters["charset"], "utf-8") {
		return kind
	}
	return given
}

// bodyOf is the body of a new request.
func bodyOf(text []byte) io.Reader {
	if len(text) == 0 {
		return nil
	}
	return bytes.NewReader(text)
}

// Package request reads a request that a caller wants signed, and refuses whatever
// could mean one thing to the engine and another to an exchange: a path that a server
// may resolve to another one, a parameter that is given twice, JSON whose members
// collide. What it lets through is sent byte for byte as it was checked.
//
// It is pure: it knows neither Vault nor network. Start reading at [Read].
package request

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"vault-plugin-secrets-exchange/exchanges"
)

// Form is a request as its caller writes it.
type Form struct {
	Method      string
	Path        string
	Query       string
	Body        []byte
	ContentType string
	Host        string
}

// Signable is a request that may be signed, as far as its form goes.
type Signable struct {
	exchanges.UserRequest
	// Login means that the signature would be as good as a login.
	Login bool
	// Action is what the request does, where its body says that ([exchanges.Signing]'s
	// Actions); empty where it does not.
	Action string
}

// Error is a mistake of the caller: it names the field, what was given, and what is
// allowed.
type Error struct{ Field, Problem string }

func (e *Error) Error() string { return e.Field + ": " + e.Problem }

func refuse(field, format string, args ...any) error {
	return &Error{field, fmt.Sprintf(format, args...)}
}

// maxPath and maxQuery bound what is read, in bytes.
const (
	maxPath  = 1 << 10
	maxQuery = 8 << 10
)

// methods are those that exchanges have.
func methods() []string {
	return []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch}
}

// Read checks a request that is to be signed as an exchange's variant signs, and takes
// out of it what signing adds. An [Error] names the part that is wrong.
func Read(form Form, signing exchanges.Signing) (Signable, error) {
	read := Signable{UserRequest: exchanges.UserRequest{Method: form.Method, Path: form.Path, Host: form.Host}}
	if !slices.Contains(methods(), form.Method) {
		return read, refuse("method", "%.16q is not allowed; give one of %s, in capitals", form.Method, strings.Join(methods(), ", "))
	}
	if err := checkPath(form.Path); err != nil {
		return read, err
	}
	if len(form.Query) > maxQuery {
		return read, refuse("query", "%d bytes long; give at most %d", len(form.Query), maxQuery)
	}
	query, err := parsePairs("query", form.Query)
	if err != nil {
		return read, err
	}
	query = query.without(signing.Replaced)
	read.Query = query.text()

	parsed, err := parseBody(form, signing.Replaced)
	if err != nil {
		return read, err
	}
	for _, name := range query.names() {
		if containsFold(parsed.names, name) {
			return read, refuse("query", "%.64q is in the body too; exchanges differ in which of them counts, so give it once", name)
		}
	}
	read.Body, read.ContentType = parsed.text, parsed.contentType
	if signing.Actions {
		read.Action = parsed.action
	}
	read.Login = signing.RequestsLogIn != "" || isLogin(form, signing.LoginRequests) ||
		slices.ContainsFunc(append(query.names(), parsed.names...), func(name string) bool { return containsFold(signing.LoginParameters, name) })
	return read, nil
}

// checkPath refuses a path that a server may take for another one.
func checkPath(path string) error {
	switch {
	case !strings.HasPrefix(path, "/"):
		return refuse("path", "%.64q does not begin with /; give it without scheme and host, such as /v5/order/create", path)
	case len(path) > maxPath:
		return refuse("path", "%d bytes long; give at most %d", len(path), maxPath)
	case strings.Contains(path, "//"):
		return refuse("path", "%.64q has two slashes in a row", path)
	case strings.Contains(path, "?"):
		return refuse("path", "%.64q holds a query; give that in the field query", path)
	case strings.Contains(path, "#"):
		return refuse("path", "%.64q holds a fragment; leave it out", path)
	case strings.Contains(path, "%"):
		return refuse("path", "%.64q is percent-encoded; no exchange's path needs that, and %%2F may pass for a slash", path)
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return refuse("path", "%.64q has the segment %q, which a server may resolve", path, segment)
		}
	}
	for _, c := range []byte(path) {
		if !isUnreserved(c) && !strings.ContainsRune("/!$&'()*+,=:@", rune(c)) {
			return refuse("path", "%.64q holds the character %q, which a path cannot", path, c)
		}
	}
	return nil
}

// isLogin reports whether a request is one of those, written like "POST /login". It
// also goes by spellings that a lenient server may take for the same.
func isLogin(form Form, logins []string) bool {
	path := strings.TrimRight(form.Path, "/")
	return slices.ContainsFunc(logins, func(login string) bool {
		_, loginPath, _ := strings.Cut(login, " ")
		return strings.EqualFold(path, loginPath)
	})
}

func containsFold(names []string, name string) bool {
	return slices.ContainsFunc(names, func(other string) bool { return strings.EqualFold(other, name) })
}

// folded is the same for all names that some reader takes for one: Go's own reads the
// member ſide, with a long s, as Side.
func folded(name string) string { return strings.ToLower(strings.ToUpper(name)) }

func isUnreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// plainText reports whether a text is UTF-8 without control characters.
func plainText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

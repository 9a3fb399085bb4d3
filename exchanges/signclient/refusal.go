package signclient

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/api"
)

// maxReason bounds what is shown of an answer, in characters: a proxy may answer with a page.
const maxReason = 1 << 10

// Refusal is Vault's answer if it signs nothing. Nothing was sent to the exchange then.
// Find it with [errors.As], since [http.Client] wraps it.
type Refusal struct {
	// Path is where Vault was asked.
	Path string
	// Response is Vault's answer.
	Response *api.ResponseError
}

// Error says why, and what to do.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("Vault does not sign at %s: %s (%d)", r.Path, r.reason(), r.Response.StatusCode)
	if advice := r.advice(); advice != "" {
		text += "; " + advice
	}
	return text
}

// Unwrap returns Vault's answer.
func (r *Refusal) Unwrap() error { return r.Response }

// Temporary reports whether the same request may be signed later on: Vault is sealed or
// overloaded, or a static role has no key at the moment.
func (r *Refusal) Temporary() bool {
	return r.Response.StatusCode == http.StatusTooManyRequests || r.Response.StatusCode >= http.StatusInternalServerError
}

// reason is Vault's own text, in one line.
func (r *Refusal) reason() string {
	text := strings.Join(strings.Fields(strings.Join(r.Response.Errors, "; ")), " ")
	text = strings.TrimPrefix(text, "1 error occurred: * ")
	if text == "" {
		text = http.StatusText(r.Response.StatusCode)
	}
	return fmt.Sprintf("%.*s", maxReason, text)
}

// advice is what to do; empty where Vault's own text says it.
func (r *Refusal) advice() string {
	switch reason := r.reason(); {
	case strings.Contains(reason, "missing client token"):
		return "give the client of Vault a token, such as in VAULT_TOKEN"
	case strings.Contains(reason, "permission denied") || strings.Contains(reason, "invalid token"):
		return "log in to Vault again if the token has ended; else let its policy have \"update\" on " + r.Path
	case r.Response.StatusCode == http.StatusNotFound:
		return "check the path: it begins with where the secrets engine is mounted, see vault secrets list, and in the client's namespace"
	case r.Response.StatusCode == http.StatusTooManyRequests:
		return "ask less often, or have the quota of Vault raised"
	case r.Temporary():
		return "nothing was sent to the exchange, so it is safe to try again"
	}
	return ""
}

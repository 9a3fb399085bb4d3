package whitebit

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// refusal is the body of a failure.
type refusal struct {
	Code    rest.Text        `json:"code"`
	Message *texts           `json:"message"`
	Errors  map[string]texts `json:"errors"`
}

// texts is what WhiteBIT says: one text, or texts in arrays, as in its earlier
// answers. Any other form counts as no text.
type texts []string

// UnmarshalJSON never fails: an unreadable form only means that less is known.
func (t *texts) UnmarshalJSON(data []byte) error {
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return err
	}
	*t = flatten(value)
	return nil
}

func flatten(value any) []string {
	all := []string{}
	switch value := value.(type) {
	case string:
		if value != "" {
			all = append(all, value)
		}
	case []any:
		for _, item := range value {
			all = append(all, flatten(item)...)
		}
	}
	return all
}

// text returns the message, with what is wrong with each field.
func (r refusal) text() string {
	all := slices.Clone(*r.Message)
	for _, field := range slices.Sorted(maps.Keys(r.Errors)) {
		all = append(all, field+": "+strings.Join(r.Errors[field], ", "))
	}
	return strings.Join(all, "; ")
}

// unwrap reads an answer. A success is bare, so the HTTP status decides.
func unwrap(answer rest.Answer) ([]byte, error) {
	if answer.Status/100 == 2 && json.Valid(answer.Body) {
		return answer.Body, nil
	}
	var r refusal
	if err := json.Unmarshal(answer.Body, &r); answer.Status/100 == 2 || err != nil || r.Message == nil {
		return nil, statusError(answer)
	}
	failure := meaning(r, answer)
	failure.Code, failure.Message = string(r.Code), r.text()
	return nil, failure
}

// statusError is the failure for an HTTP status. WhiteBIT's firewall is known to
// refuse for rate with 418 as well.
func statusError(answer rest.Answer) *exchanges.Error {
	failure := rest.StatusError(answer)
	if answer.Status == http.StatusTeapot {
		failure.Kind, failure.Remedy, failure.RetryAfter = exchanges.ErrRateLimited, "", rest.RetryAfter(answer.Header)
	}
	return failure
}

// meaning sorts WhiteBIT's texts, since its codes repeat across meanings
// (https://docs.whitebit.com/, section "Rate limits and error codes").
func meaning(r refusal, answer rest.Answer) *exchanges.Error {
	const strips = "check that no proxy strips or changes what is sent"
	if answer.Status >= http.StatusInternalServerError {
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	}
	said := strings.ToLower(strings.Join(*r.Message, " "))
	if answer.Status == http.StatusNotFound && said == "" {
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "WhiteBIT does not let the account do this: give the root key the Trade permission and sub-account management"}
	}
	if strings.Contains(said, "restricted for sub-account api keys") {
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Err: &barredEndpoints{pathsIn(*r.Message)}}
	}
	for _, known := range []struct {
		text  string
		means exchanges.Error
	}{
		{"api key not found", exchanges.Error{Kind: exchanges.ErrNotFound}},
		{"limit of api keys is reached", exchanges.Error{Kind: exchanges.ErrKeyCap, Remedy: "use another sub-account, or delete keys that nobody needs"}},
		{"type isn't allowed", exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "WhiteBIT does not let the account make trading keys: ask its support"}},
		{"already in allowlist", exchanges.Error{Kind: exchanges.ErrConflict}},
		{"maximum number of allowed ips", exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "bind a key to 50 addresses at most"}},
		{"is not in the allowlist", exchanges.Error{Kind: exchanges.ErrInvalid}},
		{"invalid ip address", exchanges.Error{Kind: exchanges.ErrInvalid}},
		{"unauthorized request", exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_key and api_secret, and that they belong to the connection's environment"}},
		{"current nonce", exchanges.Error{Kind: exchanges.ErrInvalid, Err: rest.ErrClock, Remedy: "check this host's clock"}},
		// WhiteBIT says this of a used nonce as well, which the next try remedies.
		{"too many requests", exchanges.Error{Kind: exchanges.ErrRateLimited, RetryAfter: rest.RetryAfter(answer.Header)}},
		{"invalid payload", exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: strips}},
		{"not provided", exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: strips}},
		{"invalid noncewindow", exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: strips}},
		{"this action is unauthorized", exchanges.Error{
			Kind:   exchanges.ErrPermission,
			Remedy: "enable the root key in WhiteBIT's API settings, and bind this host's public address to it",
		}},
		{"permission to use this endpoint", exchanges.Error{Kind: exchanges.ErrPermission, Err: errNoRight, Remedy: allow}},
		{"not authorized to perform this action", exchanges.Error{Kind: exchanges.ErrPermission, Err: errNoRight, Remedy: allow}},
		{"validation failed", exchanges.Error{Kind: exchanges.ErrInvalid}},
	} {
		if strings.Contains(said, known.text) {
			return &known.means
		}
	}
	failure := statusError(answer)
	failure.Remedy = ""
	return failure
}

// errNoRight is wrapped by the refusal of a key that is known but may not use the
// endpoint.
var errNoRight = errors.New("the key may not use the endpoint")

// barredEndpoints is wrapped by the refusal of switches for endpoints that no key of
// a sub-account can use.
type barredEndpoints struct{ paths []string }

func (*barredEndpoints) Error() string { return "endpoints that no key of a sub-account can use" }

// pathsIn returns the endpoints that a refusal names.
func pathsIn(message texts) []string {
	words := strings.FieldsFunc(strings.Join(message, " "), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;:'\"", r) })
	for i := range words {
		words[i] = strings.TrimRight(words[i], ".")
	}
	return slices.DeleteFunc(words, func(word string) bool { return !strings.HasPrefix(word, prefix) })
}

// allow says what a root key needs.
const allow = "use a root key of the main account, with the Trade permission and sub-account management"

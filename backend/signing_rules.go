package backend

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ryanuber/go-glob"

	"vault-plugin-secrets-exchange/backend/request"
	"vault-plugin-secrets-exchange/exchanges"
)

// signingRules say where the secrets of a role's keys stay, and what may be signed with
// those that stay in Vault.
type signingRules struct {
	Custody         string   `json:"custody,omitempty"`
	Allow           []string `json:"allow,omitempty"`
	AllowedRequests []string `json:"allowed_requests,omitempty"`
	AllowedActions  []string `json:"allowed_actions,omitempty"`
}

// The values of custody.
const (
	custodyCaller = "caller"
	custodyVault  = "vault"
)

// The values of allow: what may be signed.
const (
	signRequest = "request"
	signLogin   = "login"
	signFIX     = "fix"
	// signRaw is any text, and so all of the above.
	signRaw = "raw"
)

// maxRules is how many rules on requests a role can have.
const maxRules = 200

// inVault reports whether the secrets of the role's keys stay in Vault.
func (r signingRules) inVault() bool { return r.Custody == custodyVault }

// allowed is what may be signed with a key of that type: what the role names, or else
// requests and logins, as far as the exchange has them. A role with rules on requests
// allows nothing else, since no rule holds inside a session.
func (r signingRules) allowed(signing exchanges.Signing, keyType exchanges.KeyType) []string {
	var can []string
	// In the order of their names, as they are shown.
	for _, one := range [...]struct {
		kind string
		has  bool
	}{
		{signFIX, slices.Contains(r.Allow, signFIX) && signing.LogsOn(keyType)},
		{signLogin, signing.LogsIn(keyType) && !r.ruled()},
		{signRaw, slices.Contains(r.Allow, signRaw) && signing.SignsRaw(keyType) && !r.ruled()},
		{signRequest, signing.SignsRequests(keyType)},
	} {
		if one.has && (len(r.Allow) == 0 || slices.Contains(r.Allow, one.kind)) {
			can = append(can, one.kind)
		}
	}
	return can
}

// ruled reports whether the role has rules on requests.
func (r signingRules) ruled() bool { return len(r.AllowedRequests) > 0 || len(r.AllowedActions) > 0 }

// check refuses rules that could not be kept at the exchange, or that mean nothing there.
func (r signingRules) check(l *link, keyType exchanges.KeyType) error {
	signing := l.variant.Signing
	if r.Custody != "" {
		if err := oneOf("custody", r.Custody, custodyCaller, custodyVault); err != nil {
			return err
		}
	}
	if !r.inVault() {
		for field, given := range map[string][]string{"allow": r.Allow, "allowed_requests": r.AllowedRequests, "allowed_actions": r.AllowedActions} {
			if len(given) > 0 {
				return invalid(field, "needs custody=vault; otherwise the caller has the secret and can sign anything")
			}
		}
		return nil
	}
	if signing.NoCustody != "" {
		return invalid("custody", "vault is not possible at %s: %s", l.about.DisplayName, signing.NoCustody)
	}
	if err := r.checkAllow(l, keyType); err != nil {
		return err
	}
	return r.checkRequestRules(l)
}

// checkAllow refuses what a key of that type cannot sign.
func (r signingRules) checkAllow(l *link, keyType exchanges.KeyType) error {
	signing := l.variant.Signing
	for _, kind := range r.Allow {
		if err := oneOf("allow", kind, signRequest, signLogin, signFIX, signRaw); err != nil {
			return err
		}
		for _, can := range []struct {
			kind, what string
			has        bool
		}{
			{signRequest, "sign requests one by one", signing.SignsRequests(keyType)},
			{signLogin, "log in to a WebSocket", signing.LogsIn(keyType)},
			{signFIX, "log on to FIX", signing.LogsOn(keyType)},
			{signRaw, "sign texts of a client's own making", signing.SignsRaw(keyType)},
		} {
			if kind == can.kind && !can.has {
				return invalid("allow", "keys of type %s of %s do not %s; leave %s out", keyType, l.about.DisplayName, can.what, kind)
			}
		}
	}
	if len(r.allowed(signing, keyType)) == 0 {
		return invalid("custody", "vault is of no use with keys of type %s of %s: nothing can be signed with them", keyType, l.about.DisplayName)
	}
	if slices.Contains(r.Allow, signRequest) && !slices.Contains(r.Allow, signLogin) && signing.RequestsLogIn != "" {
		return invalid("allow", "request without login cannot be enforced at %s: %s; allow both, or login alone", l.about.DisplayName, signing.RequestsLogIn)
	}
	return nil
}

// checkRequestRules refuses rules on requests that would not hold once a request is
// signed.
func (r signingRules) checkRequestRules(l *link) error {
	signing := l.variant.Signing
	if r.ruled() && slices.ContainsFunc(r.Allow, func(kind string) bool { return kind != signRequest }) {
		return invalid("allow", "login and fix open sessions in which no rule on requests holds, and raw signs any request; allow request alone, or leave out allowed_requests and allowed_actions")
	}
	if len(r.AllowedActions) > 0 && !signing.Actions {
		return invalid("allowed_actions", "requests of %s name no action; use allowed_requests where that is possible", l.about.DisplayName)
	}
	if len(r.AllowedRequests) > 0 && !signing.KeepsRules() {
		return invalid("allowed_requests", "cannot be enforced at %s: %s", l.about.DisplayName, whyNoRules(signing))
	}
	if len(r.AllowedRequests) > maxRules {
		return invalid("allowed_requests", "%d rules given; give at most %d", len(r.AllowedRequests), maxRules)
	}
	for _, rule := range r.AllowedRequests {
		if len(rule) > maxItem {
			return invalid("allowed_requests", "a rule is %d bytes long; give at most %d", len(rule), maxItem)
		}
		method, path, _ := strings.Cut(rule, " ")
		if method != strings.ToUpper(method) || method == "" || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " ?#%") {
			return invalid("allowed_requests", "%.64q is not a method in capitals and a path, such as \"POST /api/v5/trade/order\"; * in the path stands for any text", rule)
		}
		if signing.PostOnly && method != http.MethodPost {
			return invalid("allowed_requests", "%.64q: %s takes signed requests as POST only", rule, l.about.DisplayName)
		}
	}
	return nil
}

// whyNoRules says why a rule on method and path would not hold.
func whyNoRules(signing exchanges.Signing) string {
	switch {
	case signing.RequestsLogIn != "":
		return signing.RequestsLogIn
	case signing.Actions:
		return "every action goes to one path; use allowed_actions"
	}
	var free []string
	for _, part := range []exchanges.Part{exchanges.PartMethod, exchanges.PartPath} {
		if !signing.BindsPart(part) {
			free = append(free, string(part))
		}
	}
	return "its signatures do not cover the " + strings.Join(free, " and the ") + " of a request, so a signature can be used for another request: " + signing.Unbound
}

// permits refuses a request that the role does not allow to be signed.
func (r signingRules) permits(read request.Signable, allowed []string) error {
	if !slices.Contains(allowed, signRequest) {
		return refuse("the role does not allow requests to be signed (its allow: %s); whoever manages it can add request", strings.Join(allowed, ", "))
	}
	if read.Login && !slices.Contains(allowed, signLogin) {
		return refuse("the signature of this request is as good as a login, which the role does not allow (its allow: %s); whoever manages it can add login", strings.Join(allowed, ", "))
	}
	asked := read.Method + " " + read.Path
	if len(r.AllowedRequests) > 0 && !slices.ContainsFunc(r.AllowedRequests, func(rule string) bool { return glob.Glob(rule, asked) }) {
		return refuse("%s is not among the role's allowed_requests: %s", asked, strings.Join(r.AllowedRequests, ", "))
	}
	if len(r.AllowedActions) > 0 && !slices.Contains(r.AllowedActions, read.Action) {
		return refuse("the action %.64q is not among the role's allowed_actions: %s", read.Action, strings.Join(r.AllowedActions, ", "))
	}
	return nil
}

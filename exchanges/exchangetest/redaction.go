package exchangetest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-exchange/exchanges"
)

// testRedaction checks that nothing secret is shown: not by printing what is
// passed around, and not by an exchange that repeats the request in its answer.
func (s *suite) testRedaction(t *testing.T) {
	t.Run("printing", func(t *testing.T) {
		venue := s.start(t)
		account := venue.account(t)
		root := credentialOf(venue.root(t).Credential)
		o := s.order(t, venue.root(t).SubAccounts[0], s.readGrant(t))
		key := o.create(deadline(t), t, account)
		listed := venue.list(deadline(t), t, account, o.SubAccount)
		secrets := slices.Concat(fragments(root), fragments(o.minted(key)))
		unused := venue.account(t) // An account that is in use cannot be printed without a data race.
		for _, value := range []any{root, &root, o.KeyRequest, key, &key, o.ref(key), o.minted(key), listed, unused} {
			for _, text := range shown(value) {
				for _, secret := range secrets {
					if strings.Contains(text, secret) {
						t.Errorf("printing a %T shows a secret of %d bytes", value, len(secret))
					}
				}
			}
		}
	})
	t.Run("an exchange that repeats the request", func(t *testing.T) {
		s.bubble(t, hurried, s.testEcho)
	})
}

// echoMark starts a message that repeats the request.
const echoMark = "echo"

// testEcho puts each secret part of each request into each text of each
// documented failure.
func (s *suite) testEcho(t *testing.T, b *bubble) {
	account := b.account(t)
	o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
	root := credentialOf(b.root(t).Credential)
	secrets := slices.Concat(fragments(root), fragments(exchanges.Credential{Passphrase: o.Passphrase, Token: noSuchKey().Token}))
	echoed := 0
	for _, failure := range s.failures(t) {
		answer := failure.canned(t)
		for _, operation := range []exchanges.Operation{exchanges.OpInspect, exchanges.OpListKeys, exchanges.OpCreateKey, exchanges.OpDeleteKey} {
			for _, place := range places(answer.body) {
				for form := range s.echoForms() {
					time.Sleep(time.Hour)
					var repeated []string
					b.wire.instead(func(m message) *canned {
						if form >= echoForms && s.isLogIn(m) {
							return nil
						}
						sensitive := append(signatures(m, root.APIKey), secrets...)
						repeated = append(repeated, sensitive...)
						return &canned{status: answer.status, header: answer.header, body: place(echo(m, sensitive, form%echoForms))}
					})
					err := perform(exchanges.WithPatience(t.Context(), 0), account, operation, o)
					for _, text := range shown(err) {
						if strings.Contains(text, echoMark) {
							echoed++
						}
						for _, secret := range repeated {
							if strings.Contains(text, secret) {
								t.Errorf("%s: an error shows a secret of %d bytes that the exchange repeated", operation, len(secret))
							}
						}
					}
				}
			}
		}
	}
	assert.Positive(t, echoed, "no error repeats what the exchange says, so nothing was tested")
}

// The forms in which a request is repeated.
const (
	echoAsSent = iota
	echoUnescaped
	echoForms
)

// echoForms is how many ways of repeating requests are tried: each form and, where
// the account logs in for its calls, each form again without the logins, which then
// succeed.
func (s *suite) echoForms() int {
	if s.LogIn == nil {
		return echoForms
	}
	return 2 * echoForms
}

// echo repeats the surroundings of each sensitive part of the request, so that no
// part is lost where a long message is cut.
func echo(m message, sensitive []string, form int) string {
	var request strings.Builder
	request.WriteString(m.path + "?" + m.query + "\n")
	for name, values := range m.header {
		request.WriteString(name + ": " + strings.Join(values, ",") + "\n")
	}
	request.Write(m.body)
	text := request.String()
	if unescaped, err := url.QueryUnescape(text); form == echoUnescaped && err == nil {
		text = unescaped
	}
	repeated := echoMark
	for _, part := range sensitive {
		if at := strings.Index(text, part); at >= 0 {
			repeated += " " + text[max(0, at-4):at+len(part)]
		}
	}
	return repeated
}

// signatureLength is the least length of what is taken for a signature or a
// token.
const signatureLength = 40

// signatures returns those parts of a request's headers, query and body that must
// be its signature or a token, in the forms in which they may be repeated.
func signatures(m message, apiKey string) []string {
	var values []string
	for _, header := range m.header {
		for _, value := range header {
			values = append(values, strings.Fields(value)...)
		}
	}
	for _, form := range []string{m.query, string(m.body)} {
		parsed, err := url.ParseQuery(form)
		if err != nil {
			continue
		}
		for name, value := range parsed {
			if strings.Contains(strings.ToLower(name), "sign") {
				values = append(values, value...)
			}
		}
	}
	var found []string
	for _, value := range values {
		if len(value) >= signatureLength && value != apiKey {
			found = append(found, value, url.QueryEscape(value))
		}
	}
	return found
}

// places returns functions that put a text in place of each text in a JSON body;
// for any other body, one function that puts it in front.
func places(body []byte) []func(text string) []byte {
	var tree any
	if json.Unmarshal(body, &tree) != nil {
		return []func(string) []byte{func(text string) []byte { return append([]byte(text), body...) }}
	}
	var all []func(string) []byte
	walk(tree, "", func(_ string, object map[string]any, name string) {
		old, isText := object[name].(string)
		if !isText {
			return
		}
		all = append(all, func(text string) []byte {
			object[name] = text
			encoded, err := json.Marshal(tree)
			object[name] = old
			if err != nil {
				panic(err) // a decoded tree can be encoded
			}
			return encoded
		})
	})
	return all
}

// fragments returns the secret parts of a credential, with each line of a private
// key as one part.
func fragments(c exchanges.Credential) []string {
	var parts []string
	for _, secret := range c.Secrets() {
		for line := range strings.Lines(secret.Reveal()) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "-----") {
				parts = append(parts, line)
			}
		}
	}
	return parts
}

// shown returns every form in which a value may reach a log.
func shown(value any) []string {
	var forms []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		forms = append(forms, fmt.Sprintf(verb, value))
	}
	if encoded, err := json.Marshal(value); err == nil {
		forms = append(forms, string(encoded))
	}
	return forms
}

// assertSafe checks that an error shows none of the secrets under any verb.
func assertSafe(t *testing.T, err error, secrets ...exchanges.Secret) {
	t.Helper()
	for _, text := range shown(err) {
		for _, secret := range secrets {
			if strings.Contains(text, secret.Reveal()) {
				// The secret itself is kept out of the test's output too.
				t.Errorf("an error shows a secret of %d bytes", len(secret))
			}
		}
	}
}

package htx

import (
	"net/url"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Stream follows https://huobiapi.github.io/docs/spot/v1/en/#authentication-2.
func (e *exchange) Stream() venue.Stream {
	return venue.Stream{
		Paths: []string{"/ws/v2", "/linear-swap-notification"}, LogIn: e.logIn,
		Answer: func(m venue.Message, loggedIn bool) any {
			code := 200
			if !loggedIn {
				code = 2002
			}
			return map[string]any{"action": m.Text("action"), "op": m.Text("op"), "ch": m.Text("ch"), "code": code}
		},
	}
}

// logIn checks the signature of host, path and parameters, which the two APIs name
// differently.
func (e *exchange) logIn(c *venue.Call, m venue.Message) *venue.Key {
	names := []string{"AccessKeyId", "SignatureMethod", "SignatureVersion", "Timestamp", "Signature"}
	parameters, version := m, "2"
	switch {
	case m.Text("ch") == "auth":
		names = []string{"accessKey", "signatureMethod", "signatureVersion", "timestamp", "signature"}
		parameters, version = m.In("params"), "2.1"
	case m.Text("op") != "auth":
		return nil
	}
	caller := c.Books.Key(parameters.Text(names[0]))
	sent, err := time.Parse("2006-01-02T15:04:05", parameters.Text(names[3]))
	if caller == nil || err != nil || c.Now.Sub(sent).Abs() > 5*time.Minute || parameters.Text(names[2]) != version {
		return nil
	}
	parts := url.Values{}
	for _, name := range names[:4] {
		parts.Set(name, parameters.Text(name))
	}
	plain := strings.Join([]string{"GET", c.Host, c.URL.Path, parts.Encode()}, "\n")
	if !verifies(caller, parameters.Text(names[1]), plain, parameters.Text(names[4])) {
		return nil
	}
	return caller
}

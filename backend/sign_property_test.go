package backend

import (
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vault-plugin-secrets-exchange/exchanges"
)

// requests makes requests in the form that an exchange signs.
func requests(exchange string) *rapid.Generator[map[string]any] {
	name := rapid.StringMatching(`[a-z][A-Za-z0-9_]{2,11}`)
	value := rapid.StringMatching(`[A-Za-z0-9 .,:/-]{1,16}`)
	return rapid.Custom(func(t *rapid.T) map[string]any {
		parameters := rapid.MapOfN(name, value, 1, 5).Draw(t, "parameters")
		var pairs, members []string
		for name, value := range parameters {
			pairs = append(pairs, name+"="+strings.ReplaceAll(url.QueryEscape(value), "+", "%20"))
			members = append(members, `"`+name+`":"`+value+`"`)
		}
		query, object := strings.Join(pairs, "&"), "{"+strings.Join(members, ",")+"}"
		path := "/" + rapid.StringMatching(`[a-z0-9]{1,8}(/[a-zA-Z0-9_-]{1,8}){0,3}`).Draw(t, "path")
		switch exchange {
		case "whitebit":
			return map[string]any{"method": "POST", "path": path, "body": object}
		case "hyperliquid":
			return map[string]any{"method": "POST", "path": "/exchange", "body": `{"action":` + object + `}`}
		}
		if posts := exchange != "bingx" && exchange != "mexc" && exchange != "binance"; posts && rapid.Bool().Draw(t, "posts") {
			return map[string]any{"method": "POST", "path": path, "body": object}
		}
		return map[string]any{"method": "GET", "path": path, "query": query}
	})
}

// TestSignedAsTheDriverSigns has any request signed at every exchange, and compares it
// with what the driver makes of it for somebody who has the key, but for what differs
// each time. The exchange takes it.
func TestSignedAsTheDriverSigns(t *testing.T) {
	t.Parallel()
	for exchange, scopes := range custodians() {
		t.Run(exchange, func(t *testing.T) {
			d := newDesk(t)
			key := d.leaseHandle(exchange, map[string]any{"scopes": scopes})
			path := key["sign_path"].(string)
			d.write(path, anyRequest(exchange))
			own := d.engine.signers.open[key["key_id"].(string)].account
			rapid.Check(t, func(r *rapid.T) {
				asked := requests(exchange).Draw(r, "request")
				signed := sent(t, d.write(path, asked).Data)
				text := func(field string) string { given, _ := asked[field].(string); return given }
				contentType := ""
				if text("body") != "" {
					contentType = "application/json"
				}
				driver, err := own.SignRequest(t.Context(), exchanges.UserRequest{
					Method: text("method"), Path: text("path"), Query: text("query"), Body: []byte(text("body")), ContentType: contentType,
				})
				require.NoError(t, err)
				require.Equal(t, driver.Method, signed.Method)
				require.Equal(t, driver.URL.Path, signed.URL.Path)
				require.Equal(t, namesIn(driver.URL.Query()), namesIn(signed.URL.Query()))
				require.Equal(t, driver.Header.Get("Content-Type"), signed.Header.Get("Content-Type"))
				body, err := io.ReadAll(driver.Body)
				require.NoError(t, err)
				if kept := text("body"); kept != "" && string(body) == kept {
					sentBody, err := io.ReadAll(signed.Body)
					require.NoError(t, err)
					require.Equal(t, kept, string(sentBody))
					signed.Body = io.NopCloser(strings.NewReader(kept))
				}
				require.True(t, d.sim.Verifies(exchange, signed), "%v", asked)
			})
		})
	}
}

func namesIn(query url.Values) map[string]bool {
	names := map[string]bool{}
	for name := range query {
		names[name] = true
	}
	return names
}

package request_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/request"
	"vault-plugin-secrets-exchange/exchanges"
)

func form(method, path, query, body string) request.Form {
	return request.Form{Method: method, Path: path, Query: query, Body: []byte(body)}
}

func TestRefused(t *testing.T) {
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	for _, c := range []struct {
		form        request.Form
		field, says string
	}{
		{form("get", "/a", "", ""), "method", "capitals"},
		{form("CONNECT", "/a", "", ""), "method", "GET, POST"},
		{form("GET", "a", "", ""), "path", "begin with /"},
		{form("GET", "https://api.example.com/a", "", ""), "path", "begin with /"},
		{form("GET", "//api.example.com/a", "", ""), "path", "two slashes"},
		{form("GET", "/a//b", "", ""), "path", "two slashes"},
		{form("GET", "/a/../b", "", ""), "path", "segment"},
		{form("GET", "/a/.", "", ""), "path", "segment"},
		{form("GET", "/a%2Fb", "", ""), "path", "percent"},
		{form("GET", "/a%2fb", "", ""), "path", "percent"},
		{form("GET", "/a;jsessionid", "", ""), "path", "character"},
		{form("GET", `/a\b`, "", ""), "path", "character"},
		{form("GET", "/a?b=c", "", ""), "path", "query"},
		{form("GET", "/a#b", "", ""), "path", "fragment"},
		{form("GET", "/a b", "", ""), "path", "character"},
		{form("GET", "/a\nb", "", ""), "path", "character"},
		{form("GET", "/é", "", ""), "path", "character"},
		{form("GET", "/"+strings.Repeat("a", 2000), "", ""), "path", "at most"},
		{form("GET", "/a", "b", ""), "query", "name=value"},
		{form("GET", "/a", "b=1&", ""), "query", "name=value"},
		{form("GET", "/a", "b=1&&c=2", ""), "query", "name=value"},
		{form("GET", "/a", "=1", ""), "query", "name=value"},
		{form("GET", "/a", "b=1&b=2", ""), "query", "twice"},
		{form("GET", "/a", "b=1&B=2", ""), "query", "twice"},
		{form("GET", "/a", "b=1&%62=2", ""), "query", "needs no encoding"},
		{form("GET", "/a", "b=%41", ""), "query", "needs no encoding"},
		{form("GET", "/a", "b=%2c", ""), "query", "capitals"},
		{form("GET", "/a", "b=%2", ""), "query", "two digits"},
		{form("GET", "/a", "b=c+d", ""), "query", "plus"},
		{form("GET", "/a", "b=c d", ""), "query", "not percent-encoded"},
		{form("GET", "/a", "b=c#d", ""), "query", "not percent-encoded"},
		{form("GET", "/a", "b=é", ""), "query", "not percent-encoded"},
		{form("GET", "/a", "b=%0A", ""), "query", "control"},
		{form("GET", "/a", "b=%FF", ""), "query", "UTF-8"},
		{form("GET", "/a", "b=1%26side=SELL", ""), "query", "&"},
		{form("GET", "/a", strings.Repeat("a", 9000)+"=1", ""), "query", "at most"},
		{form("GET", "/a", "", "b=1"), "body", "GET"},
		{form("POST", "/a", "", `{"b":1,"b":2}`), "body", "twice"},
		{form("POST", "/a", "", `{"b":1,"B":2}`), "body", "twice"},
		{form("POST", "/a", "", `{"side":1,"ſide":2}`), "body", "twice"},
		{form("POST", "/a", "", `{"c":[{"b":1,"b":2}]}`), "body", "twice"},
		{form("POST", "/a", "", `{"b":1}{"c":2}`), "body", "follows"},
		{form("POST", "/a", "", `{"b":1} x`), "body", "follows"},
		{form("POST", "/a", "", `{"b":`), "body", "not JSON"},
		{form("POST", "/a", "", `{b:1}`), "body", "not JSON"},
		{form("POST", "/a", "", `[1,]`), "body", "not JSON"},
		{form("POST", "/a", "", deep), "body", "deeper"},
		{form("POST", "/a", "", "b=1&b=2"), "body", "twice"},
		{form("POST", "/v2/spot/order", "", "/cancel-all?x=1"), "body", "not percent-encoded"},
		{form("POST", "/v2/spot/order", "", "%2Fcancel-all%3Fx=1"), "body", "no name"},
		{form("POST", "/v2/spot/order", "", "s?x=1"), "body", "not percent-encoded"},
		{form("POST", "/v2/spot/order", "", "s=1?x=1"), "body", "not percent-encoded"},
		{form("POST", "/a", "", "\xff"), "body", "UTF-8"},
		{form("POST", "/a", "", strings.Repeat("b", 70000)), "body", "at most"},
		{form("POST", "/a", "b=1", "b=2"), "query", "body too"},
		{form("POST", "/a", "b=1", `{"b":2}`), "query", "body too"},
		{form("POST", "/a", "b=1", `{"B":2}`), "query", "body too"},
		{request.Form{Method: "POST", Path: "/a", Body: []byte("b=1"), ContentType: "text/plain"}, "content_type", "leave it out"},
		{request.Form{Method: "POST", Path: "/a", Query: "b=1", Body: []byte(`{"a":"&b=2&c="}`), ContentType: "application/x-www-form-urlencoded"}, "content_type", "JSON"},
	} {
		_, err := request.Read(c.form, exchanges.Signing{})
		var refused *request.Error
		require.ErrorAs(t, err, &refused, "%+v", c.form)
		require.Equal(t, c.field, refused.Field, "%+v: %s", c.form, err)
		require.Contains(t, refused.Problem, c.says, "%+v", c.form)
	}
}

func TestAccepted(t *testing.T) {
	for _, c := range []request.Form{
		form("GET", "/api/v5/account/balance", "", ""),
		form("GET", "/v5/order/realtime", "category=spot&symbol=BTCUSDT", ""),
		form("GET", "/a", `symbols=%5B%22BTCUSDT%22%5D`, ""),
		form("GET", "/a", `symbols=["BTCUSDT"]&list=a,b`, ""),
		form("GET", "/a", "cursor=a%3Db&empty=", ""),
		form("DELETE", "/api/v3/order", "", "symbol=BTCUSDT"),
		form("POST", "/v5/order/create", "", `{"symbol":"BTCUSDT","qty":"0.001"}`),
		form("POST", "/v5/order/create", "", "{\n  \"symbol\": \"BTCUSDT\"\n}\n"),
		form("POST", "/api/v5/trade/batch-orders", "", `[{"a":1},{"a":2}]`),
	} {
		read, err := request.Read(c, exchanges.Signing{})
		require.NoError(t, err, "%+v", c)
		require.Equal(t, c.Method, read.Method)
		require.Equal(t, c.Path, read.Path)
		require.Equal(t, c.Query, read.Query)
		require.Equal(t, string(c.Body), string(read.Body))
		require.Equal(t, len(c.Body) > 0, read.ContentType != "")
		require.False(t, read.Login)
	}
}

// TestReplaced takes out what an SDK has signed with a dummy secret.
func TestReplaced(t *testing.T) {
	signing := exchanges.Signing{Replaced: []string{"timestamp", "recvWindow", "signature"}}
	read, err := request.Read(form("POST", "/api/v3/order", "symbol=BTCUSDT&recvWindow=60000&timestamp=1&signature=abc", "side=BUY&timestamp=2"), signing)
	require.NoError(t, err)
	require.Equal(t, "symbol=BTCUSDT", read.Query)
	require.Equal(t, "side=BUY", string(read.Body))
}

func TestLogins(t *testing.T) {
	signing := exchanges.Signing{LoginRequests: []string{"POST /api/v1/bullet-private"}, LoginParameters: []string{"apiKey"}}
	for _, c := range []request.Form{
		form("POST", "/api/v1/bullet-private", "", ""),
		form("POST", "/api/v1/bullet-private/", "", ""),
		form("POST", "/API/v1/bullet-private", "", ""),
		form("GET", "/a", "apiKey=x", ""),
		form("POST", "/a", "", "apikey=x"),
		form("POST", "/a", "", `{"apiKey":"x"}`),
	} {
		read, err := request.Read(c, signing)
		require.NoError(t, err)
		require.True(t, read.Login, "%+v", c)
	}
	read, err := request.Read(form("GET", "/a", "b=1", ""), exchanges.Signing{RequestsLogIn: "any data is signed"})
	require.NoError(t, err)
	require.True(t, read.Login)
}

func TestAction(t *testing.T) {
	for body, want := range map[string]string{
		`{"action":{"type":"order","orders":[]}}`:                         "order",
		`{"action":{"orders":[{"type":"x"}],"type":"cancel"},"type":"y"}`: "cancel",
		`{"other":{"type":"order"}}`:                                      "",
		`[{"type":"order"}]`:                                              "",
	} {
		read, err := request.Read(form("POST", "/exchange", "", body), exchanges.Signing{Actions: true})
		require.NoError(t, err)
		require.Equal(t, want, read.Action, body)
	}
}

// FuzzRead checks that what is accepted means to a server what it means to us, and is
// accepted again as it comes out.
func FuzzRead(f *testing.F) {
	f.Add("GET", "/api/v5/account/balance", "a=1&b=%2C", "", "")
	f.Add("POST", "/a", "timestamp=1", `{"a":[{"b":1}]}`, "application/json")
	f.Add("POST", "/a", "a=1", "b=2&signature=x", "")
	signing := exchanges.Signing{Replaced: []string{"timestamp", "signature"}}
	f.Fuzz(func(t *testing.T, method, path, query, body, contentType string) {
		read, err := request.Read(request.Form{Method: method, Path: path, Query: query, Body: []byte(body), ContentType: contentType}, signing)
		if err != nil {
			return
		}
		parsed, err := url.Parse("https://api.example.com" + read.Path + "?" + read.Query)
		require.NoError(t, err)
		require.Equal(t, "api.example.com", parsed.Host)
		require.Equal(t, read.Path, parsed.Path)
		require.Equal(t, read.Query, parsed.RawQuery)
		for name, values := range parsed.Query() {
			require.Len(t, values, 1, name)
			require.NotContains(t, signing.Replaced, name)
		}
		again, err := request.Read(request.Form{
			Method: read.Method, Path: read.Path, Query: read.Query, Body: read.Body, ContentType: read.ContentType,
		}, signing)
		require.NoError(t, err)
		require.Equal(t, read.UserRequest, again.UserRequest)
	})
}

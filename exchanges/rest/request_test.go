package rest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuery(t *testing.T) {
	require.Empty(t, Query())
	require.Equal(t, "b=1&a=x+y%26", Query("b", "1", "skipped", "", "a", "x y&"))
	require.Equal(t, "a=1", Query("", "", "a", "1"))
}

func TestPlainQuery(t *testing.T) {
	plain, err := PlainQuery(Query("passphrase", "abc!@#11", "a", "x y"))
	require.NoError(t, err)
	require.Equal(t, "passphrase=abc!@#11&a=x y", plain)
	_, err = PlainQuery("canary=%zz")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "canary")
}

func TestCheckBaseURL(t *testing.T) {
	for _, base := range []string{
		"https://api.example.com", "https://api.example.com:8443", "https://gateway.example.com/bybit", "HTTPS://API.EXAMPLE.COM",
		"https://192.0.2.1", "https://[2001:db8::1]:443", "http://127.0.0.1:8300", "http://127.9.9.9", "http://[::1]:8300", "http://localhost:8300",
	} {
		require.NoError(t, CheckBaseURL(base), base)
	}
	for base, says := range map[string]string{
		"":                                    "give a scheme and host",
		"api.example.com":                     "give a scheme and host",
		"https://":                            "give a scheme and host",
		"https://:443":                        "give a scheme and host",
		"https:api.example.com":               "give a scheme and host",
		"https://api.example.com/":            "without a trailing slash",
		"https://api.example.com/v5/":         "without a trailing slash",
		"https://api.example.com?":            "or query",
		"https://api.example.com?a=b":         "or query",
		"https://api.example.com#":            "or query",
		"https://api.example.com/#top":        "or query",
		"https://user@api.example.com":        "user",
		"https://user:canary@api.example.com": "user",
		"https://api.example.com:port":        "give a scheme and host",
		"https://api example.com":             "give a scheme and host",
		"ftp://api.example.com":               `scheme "ftp" is not allowed`,
		"unix:///var/run/sock":                "give a scheme and host",
		"http://api.example.com":              "use https for api.example.com",
		"http://10.0.0.1":                     "use https for 10.0.0.1",
		"http://0.0.0.0":                      "use https",
		"http://127.0.0.1.example.com":        "use https",
		"http://localhost.example.com":        "use https",
	} {
		err := CheckBaseURL(base)
		require.ErrorContains(t, err, "base_url: ", base)
		require.ErrorContains(t, err, says, base)
		require.NotContains(t, err.Error(), "canary")
	}
}

func TestIsLoopback(t *testing.T) {
	require.True(t, IsLoopback("https://[::1]:1"))
	require.True(t, IsLoopback("http://localhost"))
	require.False(t, IsLoopback("https://api.example.com"))
	require.False(t, IsLoopback("://"))
}

// A base URL that is accepted sends every path to its own host, over https or to
// this machine.
func FuzzCheckBaseURL(f *testing.F) {
	for _, base := range []string{
		"https://api.example.com", "http://127.0.0.1:8300", "https://a?", "https://a#", "https://a/..", "https://a\\@b", "https://a/%2f",
	} {
		f.Add(base)
	}
	f.Fuzz(func(t *testing.T, base string) {
		if CheckBaseURL(base) != nil {
			return
		}
		accepted, err := url.Parse(base)
		require.NoError(t, err)
		request, err := http.NewRequest(http.MethodGet, base+"/v5/user?a=b", nil)
		require.NoError(t, err)
		require.Equal(t, accepted.Hostname(), request.URL.Hostname())
		require.Equal(t, accepted.Port(), request.URL.Port())
		require.True(t, request.URL.Scheme == "https" || IsLoopback(base), base)
		require.Nil(t, request.URL.User)
		require.True(t, strings.HasSuffix(request.URL.Path, "/v5/user"), request.URL.Path)
		require.Equal(t, "a=b", request.URL.RawQuery)
	})
}

func TestHostOf(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.example.com": "api.example.com", "https://API.Example.com:8443/prefix": "api.example.com:8443",
		"http://127.0.0.1:8309": "127.0.0.1:8309", "://": "",
	} {
		require.Equal(t, want, hostOf(base))
	}
}

package simulator

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// whitebitVectors are signatures computed outside of this project.
type whitebitVectors struct {
	APIKey  string `json:"api_key"`
	Secret  string `json:"secret"`
	Vectors []struct {
		Name         string `json:"name"`
		Path         string `json:"path"`
		Body         string `json:"body"`
		StringToSign string `json:"string_to_sign"`
		Signature    string `json:"signature"`
	} `json:"vectors"`
}

func readWhiteBITVectors(t testing.TB) whitebitVectors {
	data, err := os.ReadFile("../../testdata/whitebit/vectors.json")
	require.NoError(t, err)
	var vectors whitebitVectors
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors.Vectors)
	return vectors
}

// whitebitCall is a signed call to the one key that its books hold.
func whitebitCall(file whitebitVectors, path, body, payload, signature string) *call {
	header := http.Header{}
	header.Set("X-TXC-APIKEY", file.APIKey)
	header.Set("X-TXC-PAYLOAD", payload)
	header.Set("X-TXC-SIGNATURE", signature)
	root := &key{apiKey: file.APIKey, secret: file.Secret, account: &account{id: "1"}, ips: loopback()}
	return &call{
		Request: &http.Request{Method: http.MethodPost, URL: &url.URL{Path: path}, Header: header},
		body:    []byte(body),
		caller:  netip.MustParseAddr("127.0.0.1"),
		now:     time.UnixMilli(1_790_000_000_000),
		books:   &books{keys: []*key{root}},
	}
}

func whitebitRules() *whitebit { return newWhiteBIT().(*whitebit) }

func TestWhiteBITVectors(t *testing.T) {
	file := readWhiteBITVectors(t)
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			caller, refusal := whitebitRules().authenticate(whitebitCall(file, vector.Path, vector.Body, vector.StringToSign, vector.Signature))
			require.Nil(t, refusal)
			require.Equal(t, file.APIKey, caller.apiKey)
			for name, c := range map[string]*call{
				"upper case":      whitebitCall(file, vector.Path, vector.Body, vector.StringToSign, strings.ToUpper(vector.Signature)),
				"another body":    whitebitCall(file, vector.Path, vector.Body+" ", vector.StringToSign, vector.Signature),
				"another path":    whitebitCall(file, "/api/v4/order/new", vector.Body, vector.StringToSign, vector.Signature),
				"another payload": whitebitCall(file, vector.Path, vector.Body, vector.StringToSign+"=", vector.Signature),
			} {
				_, refusal := whitebitRules().authenticate(c)
				require.NotNil(t, refusal, name)
			}
		})
	}
}

// Without a window a nonce must grow; with one it must be in time and new.
func TestWhiteBITNonces(t *testing.T) {
	const late, used = "more than 5 seconds", "Too many requests"
	w, c := whitebitRules(), whitebitCall(readWhiteBITVectors(t), "/", "", "", "")
	for _, step := range []struct {
		nonce   string
		window  bool
		refusal string
	}{
		{`"1789999995000"`, true, ""}, {`1790000005000`, true, ""}, {`1790000000000`, true, ""}, {`"1790000000000"`, true, used},
		{`1789999994999`, true, late}, {`1790000005001`, true, late}, {`1790000000`, true, late}, {`"now"`, true, "Nonce not provided"},
		{`1790000005000`, false, used}, {`1790000005001`, false, ""}, {`1790000000001`, true, ""}, {`9990000000000`, false, ""},
	} {
		refusal := w.useNonce(c, c.books.keys[0], json.RawMessage(step.nonce), step.window)
		if step.refusal == "" {
			require.Nil(t, refusal, step.nonce)
			continue
		}
		require.NotNil(t, refusal, step.nonce)
		require.Contains(t, string(refusal.body), step.refusal, step.nonce)
	}
	c.now = c.now.Add(time.Minute)
	require.Nil(t, w.useNonce(c, c.books.keys[0], json.RawMessage(`1790000060000`), true))
	require.Len(t, w.nonces[c.books.keys[0].apiKey].recent, 2, "what is out of the window is forgotten, but what is ahead of it not")
	w.reset()
	require.Nil(t, w.useNonce(c, c.books.keys[0], json.RawMessage(`1790000060000`), true))
}

// FuzzWhiteBITAuthenticate checks that only the one right signature opens the
// door.
func FuzzWhiteBITAuthenticate(f *testing.F) {
	file := readWhiteBITVectors(f)
	right := make(map[string]string)
	for _, vector := range file.Vectors {
		f.Add(vector.Path, vector.Body, vector.Signature)
		right[vector.StringToSign] = vector.Signature
	}
	f.Add("/", `{"request":"/","nonce":null,"nonceWindow":1}`, "")
	f.Fuzz(func(t *testing.T, path, body, signature string) {
		payload := base64.StdEncoding.EncodeToString([]byte(body))
		caller, refusal := whitebitRules().authenticate(whitebitCall(file, path, body, payload, signature))
		if caller == nil {
			require.NotNil(t, refusal)
			return
		}
		require.Equal(t, right[payload], signature)
	})
}

package simulator

import (
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

// mexcVectors are signatures computed outside of this project.
type mexcVectors struct {
	APIKey  string `json:"api_key"`
	Secret  string `json:"secret"`
	Vectors []struct {
		Name         string `json:"name"`
		Method       string `json:"method"`
		Path         string `json:"path"`
		Query        string `json:"query"`
		Body         string `json:"body"`
		StringToSign string `json:"string_to_sign"`
		Signature    string `json:"signature"`
	} `json:"vectors"`
}

func readMEXCVectors(t testing.TB) mexcVectors {
	data, err := os.ReadFile("../../testdata/mexc/vectors.json")
	require.NoError(t, err)
	var vectors mexcVectors
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors.Vectors)
	return vectors
}

// mexcCall is a signed call to the one key that its books hold.
func mexcCall(file mexcVectors, query, body, signature string) *call {
	header := http.Header{}
	header.Set("X-MEXC-APIKEY", file.APIKey)
	header.Set("Content-Type", "application/json")
	return &call{
		Request: &http.Request{Method: http.MethodPost, URL: &url.URL{RawQuery: query + "&signature=" + signature}, Header: header},
		body:    []byte(body),
		caller:  netip.MustParseAddr("127.0.0.1"),
		now:     time.UnixMilli(1_767_225_600_000),
		books:   &books{keys: []*key{{apiKey: file.APIKey, secret: file.Secret, account: &account{id: "1"}}}},
	}
}

func TestMEXCVectors(t *testing.T) {
	file := readMEXCVectors(t)
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			c := mexcCall(file, vector.Query, vector.Body, vector.Signature)
			signed, signature := (&mexc{}).signedText(c)
			require.Equal(t, vector.StringToSign, signed)
			require.Equal(t, vector.Signature, signature)
			caller, refusal := (&mexc{}).authenticate(c)
			require.Nil(t, refusal)
			require.Equal(t, file.APIKey, caller.apiKey)

			_, refusal = (&mexc{}).authenticate(mexcCall(file, vector.Query, vector.Body, strings.ToUpper(vector.Signature)))
			require.NotNil(t, refusal, "upper case is another signature")
		})
	}
}

// A frozen sub-account's keys cannot be made, deleted or used, which is the
// strictest that the documentation allows; they can be listed.
func TestMEXCFrozenSubAccount(t *testing.T) {
	m := &mexc{}
	master := &account{id: "1"}
	sub := &account{id: "desk0001", parent: master, frozen: true}
	minted := &key{apiKey: "mx0", account: sub}
	perform := func(handle func(*call) *answer, by *key, query string) string {
		return string(handle(&call{
			Request: &http.Request{URL: &url.URL{RawQuery: query}}, key: by,
			books: &books{accounts: []*account{master, sub}, keys: []*key{minted}},
		}).body)
	}
	root := &key{account: master}
	require.Contains(t, perform(m.createKey, root, "subAccount=desk0001&note=x&permissions=SPOT_DEAL_READ"), "140002")
	require.Contains(t, perform(m.deleteKey, root, "subAccount=desk0001&apiKey=mx0"), "140002")
	require.Contains(t, perform(m.listKeys, root, "subAccount=desk0001"), "mx0")
	require.Contains(t, perform(m.futuresOrder, minted, "symbol=BTC_USDT&vol=1"), "140002")
}

// FuzzMEXCAuthenticate checks that only the one right signature opens the door.
func FuzzMEXCAuthenticate(f *testing.F) {
	file := readMEXCVectors(f)
	right := make(map[string]string)
	for _, vector := range file.Vectors {
		f.Add(vector.Query, vector.Body, vector.Signature)
		right[vector.StringToSign] = vector.Signature
	}
	f.Add("timestamp=now", "{}", "")
	f.Fuzz(func(t *testing.T, query, body, signature string) {
		c := mexcCall(file, query, body, signature)
		caller, refusal := (&mexc{}).authenticate(c)
		if caller == nil {
			require.NotNil(t, refusal)
			return
		}
		signed, sent := (&mexc{}).signedText(c)
		require.Equal(t, right[signed], sent)
	})
}

package orderly

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// vectorTime is when the vectors were signed, in ms.
const vectorTime = 1790000000000

func TestAccountID(t *testing.T) {
	require.Equal(t, venuetest.ReadVectors(t, "orderly").SubAccount, accountID("0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a", "woofi_pro"))
	require.Empty(t, accountID("0x19e7", "woofi_pro"))
}

func TestBase58(t *testing.T) {
	for raw, text := range map[string]string{
		"": "", "00": "1", "0000": "11", "61": "2g", "626262": "a3gV", "00eb15231dfceb60925886b67d065299925915aeb172c06647": "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L",
	} {
		bytes, err := hex.DecodeString(raw)
		require.NoError(t, err)
		require.Equal(t, text, base58(bytes))
		require.Equal(t, raw, hex.EncodeToString(unbase58(text)))
	}
	for _, text := range []string{"0", "O", "I", "l", "+", strings.Repeat("2", 65)} {
		require.Nil(t, unbase58(text), text)
	}
}

func TestRegistrationVector(t *testing.T) {
	vector := venuetest.ReadVectors(t, "orderly").Vectors[0]
	owner := venuetest.WalletOf(t, vector.PrivateKey)
	body := strings.TrimSuffix(vector.Body, "}") + `,"signature":"` + vector.Signature + `","userAddress":"` + owner.Address() + `"}`
	r, err := readRegistration([]byte(body))
	require.NoError(t, err)
	require.Equal(t, vector.StringToSign, "0x"+hex.EncodeToString(r.digest()))
	require.Equal(t, owner.Address(), r.signer())
	for _, spoilt := range []string{"", "0x", vector.Signature[:130], vector.Signature[:130] + "1d"} {
		r.Signature = spoilt
		require.Empty(t, r.signer())
	}
}

// call is a vector as a call to its venue, acting for an account.
func call(k *venue.Key, v venuetest.Vector, acting string) *venue.Call {
	contentType := map[string]string{http.MethodGet: "application/x-www-form-urlencoded", http.MethodPost: "application/json"}[v.Method]
	c := v.CallTo(k, time.UnixMilli(vectorTime),
		"orderly-account-id", acting, "orderly-key", k.APIKey, "orderly-timestamp", v.Timestamp,
		"orderly-signature", v.Signature, "Content-Type", contentType)
	c.Books.Accounts = []*venue.Account{k.Account, {ID: "sub", Parent: k.Account}, {ID: "foreign"}}
	return c
}

// newManager is the key that signed the vectors.
func newManager(file venuetest.VectorFile) *venue.Key {
	public := ed25519.NewKeyFromSeed(unbase58(file.Vectors[1].PrivateKey)).Public().(ed25519.PublicKey)
	return &venue.Key{APIKey: keyText(public), Public: public, Account: &venue.Account{ID: file.SubAccount}}
}

func TestHeaderVectors(t *testing.T) {
	file := venuetest.ReadVectors(t, "orderly")
	require.Len(t, file.Vectors, 3)
	for _, v := range file.Vectors[1:] {
		k := newManager(file)
		require.Equal(t, "ed25519:FVdnakemjhcemfWUgNR2AERbk5Pog7zJ1UF2LjbocBUj", k.APIKey)
		authenticate := func(change func(*venue.Call)) int {
			c := call(k, v, file.SubAccount)
			change(c)
			caller, refusal := (&exchange{}).Authenticate(c)
			if refusal == nil {
				require.Same(t, k, caller)
				return 0
			}
			var body struct {
				Code int `json:"code"`
			}
			require.NoError(t, json.Unmarshal(refusal.Body, &body))
			return body.Code
		}
		for name, test := range map[string]struct {
			change func(*venue.Call)
			want   int
		}{
			"as it is":          {func(*venue.Call) {}, 0},
			"without padding":   {func(c *venue.Call) { c.Header.Set("orderly-signature", strings.TrimRight(v.Signature, "=")) }, 0},
			"for a sub-account": {func(c *venue.Call) { c.Header.Set("orderly-account-id", "sub") }, 0},
			"for a foreign one": {func(c *venue.Call) { c.Header.Set("orderly-account-id", "foreign") }, unauthorized},
			"for nobody":        {func(c *venue.Call) { c.Header.Del("orderly-account-id") }, unauthorized},
			"in time":           {func(c *venue.Call) { c.Now = c.Now.Add(window) }, 0},
			"too late":          {func(c *venue.Call) { c.Now = c.Now.Add(window + time.Millisecond) }, invalid},
			"too early":         {func(c *venue.Call) { c.Now = c.Now.Add(-window - time.Millisecond) }, invalid},
			"another body":      {func(c *venue.Call) { c.Body = []byte("{}") }, badSignature},
			"another path":      {func(c *venue.Call) { c.RequestURI += "x" }, badSignature},
			"no signature":      {func(c *venue.Call) { c.Header.Del("orderly-signature") }, badSignature},
			"no key":            {func(c *venue.Call) { c.Header.Set("orderly-key", "ed25519:") }, badSignature},
			"removed":           {func(c *venue.Call) { c.Books.Keys = nil }, unauthorized},
			"content type":      {func(c *venue.Call) { c.Header.Set("Content-Type", "text/plain") }, invalid},
		} {
			require.Equal(t, test.want, authenticate(test.change), "%s %s", v.Name, name)
		}
		k.Expires = time.UnixMilli(vectorTime)
		require.Equal(t, unauthorized, authenticate(func(*venue.Call) {}), "expired to the millisecond")
		k.Expires, k.IPs = time.Time{}, []string{"203.0.113.7"}
		require.Equal(t, unauthorized, authenticate(func(*venue.Call) {}), "from elsewhere")
		k.IPs = []string{"203.0.113.7", "126.0.0.0-128.0.0.0"}
		require.Zero(t, authenticate(func(*venue.Call) {}), "from within a range")
	}
}

// FuzzAuthenticate checks that only what the key signed is accepted.
func FuzzAuthenticate(f *testing.F) {
	file := venuetest.ReadVectors(f, "orderly")
	for _, v := range file.Vectors[1:] {
		f.Add(v.Method, v.Target(), v.Body, v.Timestamp, v.Signature)
	}
	k := newManager(file)
	f.Fuzz(func(t *testing.T, method, target, body, timestamp, signature string) {
		v := venuetest.Vector{Method: method, Path: target, Body: body, Timestamp: timestamp, Signature: signature}
		caller, refusal := (&exchange{}).Authenticate(call(k, v, file.SubAccount))
		if caller == nil {
			require.NotNil(t, refusal)
			return
		}
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(signature, "="))
		require.NoError(t, err)
		require.True(t, ed25519.Verify(k.Public.(ed25519.PublicKey), []byte(timestamp+method+target+body), raw))
	})
}

package simulator

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deribitVectors are signatures computed outside of this project.
type deribitVectors struct {
	APIKey  string `json:"api_key"`
	Secret  string `json:"secret"`
	Vectors []struct {
		Name         string `json:"name"`
		Method       string `json:"method"`
		Path         string `json:"path"`
		Query        string `json:"query"`
		Body         string `json:"body"`
		PrivateKey   string `json:"private_key"`
		StringToSign string `json:"string_to_sign"`
		Signature    string `json:"signature"`
	} `json:"vectors"`
}

func TestDeribitVectors(t *testing.T) {
	data, err := os.ReadFile("../../testdata/deribit/vectors.json")
	require.NoError(t, err)
	var file deribitVectors
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Vectors)

	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			d := newDeribit().(*deribit)
			k := &key{apiKey: file.APIKey, secret: file.Secret, account: &account{id: "1"}}
			if vector.PrivateKey != "" {
				block, _ := pem.Decode([]byte(vector.PrivateKey))
				private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
				require.NoError(t, err)
				k.secret, k.signer = "", func() crypto.Signer { return private.(ed25519.PrivateKey) }
			}
			if strings.HasPrefix(vector.Name, "login") {
				require.True(t, d.verifies(k, vector.StringToSign, vector.Signature))
				require.False(t, d.verifies(k, vector.StringToSign+"x", vector.Signature))
				return
			}
			parts := strings.SplitN(vector.StringToSign, "\n", 3)
			request := func(body string) *call {
				target := vector.Path
				if vector.Query != "" {
					target += "?" + vector.Query
				}
				r := httptest.NewRequest(vector.Method, target, nil)
				r.Header.Set("Authorization", "deri-hmac-sha256 id="+file.APIKey+",ts="+parts[0]+",sig="+vector.Signature+",nonce="+parts[1])
				return &call{
					Request: r, body: []byte(body), caller: netip.MustParseAddr("127.0.0.1"),
					now: time.UnixMilli(1760000000000), books: &books{keys: []*key{k}},
				}
			}
			caller, refusal := d.authenticate(request(vector.Body))
			require.Nil(t, refusal)
			require.Equal(t, k, caller)
			_, refusal = d.authenticate(request(vector.Body))
			require.Equal(t, http.StatusUnauthorized, refusal.status, "a nonce serves once")
			_, refusal = d.authenticate(request(vector.Body + " "))
			require.Equal(t, http.StatusBadRequest, refusal.status, "another body")
		})
	}
}

func TestDeribitCode(t *testing.T) {
	require.Equal(t, "885822", oneTimeCode("JBSWY3DPEHPK3PXP", time.Unix(1760000000, 0)))
}

func TestDeribitFingerprint(t *testing.T) {
	public := newEd25519()().Public()
	require.Regexp(t, `^([0-9a-f]{2}:){15}[0-9a-f]{2}$`, deribitFingerprint(publicPEM(public)))
}

package orderly

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

const (
	walletKey   = exchanges.Secret("0x1111111111111111111111111111111111111111111111111111111111111111")
	mainAccount = "0xd7e83be2bfc1af7dc6180aa350126e31fab4a8b9f9f4f83913f8b904cf1995aa"
	leaseSecret = exchanges.Secret("4Ss5JMkXAD9Z7cktFEdrqeMuT6jGMF1pVozTyPHZ6zT4")
	leasePublic = "ed25519:2btLJAAb1S3x6hZYdVyAePjqtQYi2ZBSRGy4569RZu8h"
)

func signerOf(t testing.TB, file exchangetest.Vectors, private exchanges.Secret) *signer {
	s, err := newSigner(exchanges.Credential{PrivateKey: private, Broker: file.Broker, SubAccount: file.SubAccount}, "")
	require.NoError(t, err)
	return s
}

// The body of a registration is sent byte for byte as Orderly's SDK sends it.
func TestSignRegistration(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "orderly")
	vector := file.Vectors[0]
	request := &rest.Request{Method: vector.Method, Path: vector.Path, Header: http.Header{}, Body: []byte(vector.Body)}
	require.NoError(t, signerOf(t, file, vector.PrivateKey).sign(request, at))
	require.Equal(t, strings.TrimSuffix(vector.Body, "}")+`,"signature":"`+vector.Signature+
		`","userAddress":"0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"}`, string(request.Body))
	require.Equal(t, vector.Signature, request.Signature)
	require.Empty(t, request.Header)
}

func TestSignHeaders(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "orderly")
	for _, vector := range file.Vectors[1:] {
		request := &rest.Request{Method: vector.Method, Path: vector.Path, Query: vector.Query, Header: http.Header{}, Body: []byte(vector.Body)}
		require.NoError(t, signerOf(t, file, vector.PrivateKey).sign(request, at))
		want := http.Header{}
		want.Set("orderly-account-id", file.SubAccount)
		want.Set("orderly-key", "ed25519:FVdnakemjhcemfWUgNR2AERbk5Pog7zJ1UF2LjbocBUj")
		want.Set("orderly-timestamp", "1790000000000")
		want.Set("orderly-signature", vector.Signature)
		if vector.Method == http.MethodGet {
			want.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		require.Equal(t, want, request.Header, vector.Name)
		require.Equal(t, vector.Signature, request.Signature)
	}
}

// Public calls are sent as is, whoever makes them.
func TestSignLeavesPublicCallsAlone(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "orderly")
	for _, private := range []exchanges.Secret{walletKey, leaseSecret} {
		for _, path := range []string{"/v1/public/system_info", "/v1/get_account", "/v1/get_orderly_key"} {
			request := &rest.Request{Method: http.MethodGet, Path: path, Header: http.Header{}}
			require.NoError(t, signerOf(t, file, private).sign(request, at))
			require.Empty(t, request.Header)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "orderly")
	s := signerOf(t, file, walletKey)
	require.ErrorContains(t, s.sign(&rest.Request{Method: http.MethodPost, Path: "/v1/order", Header: http.Header{}}, at), "signs no requests")
	require.ErrorContains(t, s.sign(&rest.Request{Method: http.MethodPost, Path: pathAddKey, Body: []byte("[]")}, at), "not a registration")
}

func TestNewSigner(t *testing.T) {
	const address = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
	for name, test := range map[string]struct {
		credential exchanges.Credential
		want       string
	}{
		"nothing":               {exchanges.Credential{}, "private_key: missing"},
		"broker alone":          {exchanges.Credential{Broker: "woofi_pro"}, "private_key: missing"},
		"wallet alone":          {exchanges.Credential{PrivateKey: walletKey}, "broker: missing"},
		"no key":                {exchanges.Credential{PrivateKey: "canary", Broker: "woofi_pro"}, "private_key: not a wallet's private key"},
		"secret":                {exchanges.Credential{PrivateKey: walletKey, Broker: "woofi_pro", APISecret: "x"}, "leave out api_secret"},
		"another's address":     {exchanges.Credential{PrivateKey: walletKey, Broker: "woofi_pro", APIKey: "0x1563915e194D8CfBA1943570603F7606A3115508"}, "api_key: "},
		"another's Orderly key": {exchanges.Credential{PrivateKey: leaseSecret, APIKey: "ed25519:FVdnakemjhcemfWUgNR2AERbk5Pog7zJ1UF2LjbocBUj"}, "api_key: "},
	} {
		_, err := newSigner(test.credential, "")
		require.ErrorContains(t, err, test.want, name)
		require.NotContains(t, err.Error(), "canary", name)
	}
	for _, environment := range []string{"", testnet} {
		s, err := newSigner(exchanges.Credential{PrivateKey: walletKey, Broker: "woofi_pro", APIKey: address}, environment)
		require.NoError(t, err)
		require.Equal(t, mainAccount, s.account)
		require.Equal(t, map[string]uint64{"": 42161, testnet: 421614}[environment], s.owner.chainID)
		require.Nil(t, s.key.Load())
	}
	s, err := newSigner(exchanges.Credential{PrivateKey: leaseSecret, APIKey: leasePublic, SubAccount: mainAccount}, "")
	require.NoError(t, err)
	require.Equal(t, mainAccount, s.account)
	require.Nil(t, s.owner)
}

func TestParseSecret(t *testing.T) {
	for _, text := range []exchanges.Secret{leaseSecret, "ed25519:" + leaseSecret, " " + leaseSecret + "\n"} {
		key, err := parseSecret(text)
		require.NoError(t, err)
		require.Equal(t, leasePublic, key.public)
		require.Equal(t, leaseSecret.Reveal(), key.secret().Reveal())
	}
	for _, text := range []exchanges.Secret{"", "0OIl", leaseSecret[:40], leaseSecret + "4Ss5", walletKey, walletKey[2:]} {
		_, err := parseSecret(text)
		require.ErrorIs(t, err, errNotSecret)
	}
}

func TestIsKey(t *testing.T) {
	require.True(t, isKey(leasePublic))
	for _, text := range []string{"", "ed25519:", leasePublic[8:], leasePublic + "x", "ed25519:0OIl", "-----BEGIN PUBLIC KEY-----"} {
		require.False(t, isKey(text), text)
	}
}

// A minted pair signs and has the form that Orderly's SDKs take.
func TestNewKeyPair(t *testing.T) {
	public, private, err := New().NewKeyPair(exchanges.KeyEd25519)
	require.NoError(t, err)
	require.True(t, isKey(public))
	key, err := parseSecret(private)
	require.NoError(t, err)
	require.Equal(t, public, key.public)
}

func TestScopeIsAlwaysWrittenTheSameWay(t *testing.T) {
	require.Equal(t, "read,trading,asset", encode([]string{"asset", "read", "trading"}))
	require.Equal(t, "read", encode([]string{"read"}))
	variant := New().Describe().Variants[0]
	grant, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeFutures), nil)
	require.NoError(t, err)
	require.Equal(t, "read,trading", encode(grant.Permissions))
}

// FuzzSign checks that whatever is signed carries a matching signature, and that
// nothing from a user leads to a panic.
func FuzzSign(f *testing.F) {
	file, at := exchangetest.ReadVectors(f, "orderly")
	for _, vector := range file.Vectors {
		f.Add(vector.Method, vector.Path, vector.Query, []byte(vector.Body), at.UnixMilli())
	}
	key, err := parseSecret(leaseSecret)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte, ms int64) {
		request := &rest.Request{Method: method, Path: path, Query: query, Header: http.Header{}, Body: body}
		require.NoError(t, signerOf(t, file, leaseSecret).sign(request, time.UnixMilli(ms)))
		if request.Signature != "" {
			if query != "" {
				path += "?" + query
			}
			require.Equal(t, key.sign(request.Header.Get("orderly-timestamp")+method+path+string(body)), request.Header.Get("orderly-signature"))
		}
		registering := &rest.Request{Method: http.MethodPost, Path: pathAddKey, Header: http.Header{}, Body: body}
		if err := signerOf(t, file, walletKey).sign(registering, time.UnixMilli(ms)); err == nil {
			require.Regexp(t, `^0x[0-9a-f]{130}$`, registering.Signature)
		}
	})
}

// FuzzUnwrap checks that every answer is either a success or a failure with a
// kind.
func FuzzUnwrap(f *testing.F) {
	f.Add(200, []byte(`{"success":true,"timestamp":1790000000123,"data":{"rows":[]}}`))
	f.Add(401, []byte(`{"success":false,"code":-1002,"message":"orderly key error"}`))
	f.Add(502, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		payload, err := unwrapper{}.unwrap(rest.Answer{Status: status, Header: http.Header{}, Body: body})
		if err == nil {
			require.Equal(t, body, payload)
			return
		}
		var failure *exchanges.Error
		require.ErrorAs(t, err, &failure)
		require.Contains(t, exchanges.Kinds(), failure.Kind)
	})
}

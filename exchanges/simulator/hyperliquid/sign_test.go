package hyperliquid

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

const vectorNonce = 1790000000000

// bodyOf is a vector's body with nonce and signature.
func bodyOf(v venuetest.Vector) string {
	return strings.TrimSuffix(v.Body, "}") + `,"nonce":1790000000000,"signature":` + v.Signature + `}`
}

func TestVectors(t *testing.T) {
	for _, vector := range venuetest.ReadVectors(t, "hyperliquid").Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			var request request
			require.NoError(t, json.Unmarshal([]byte(bodyOf(vector)), &request))
			chain, source := "Mainnet", "a"
			if vector.Environment == "testnet" {
				chain, source = "Testnet", "b"
			}
			digest, err := l1Digest(request, source)
			if strings.Contains(vector.Body, "approveAgent") {
				digest, err = userDigest(request.Action, *request.Nonce, chain)
			}
			require.NoError(t, err)
			require.Equal(t, vector.StringToSign, "0x"+hex.EncodeToString(digest))

			owner := venuetest.WalletOf(t, vector.PrivateKey)
			e := newRules().(*exchange)
			k := &venue.Key{APIKey: owner.Address(), Permissions: []string{ownerKey}, Account: &venue.Account{}}
			c := &venue.Call{Body: []byte(bodyOf(vector)), Now: time.UnixMilli(vectorNonce), Books: &venue.Books{Keys: []*venue.Key{k}}}
			caller, refusal := e.Authenticate(c)
			if vector.Environment == "testnet" {
				require.NotNil(t, refusal, "a signature for another chain leads to another address")
				return
			}
			require.Nil(t, refusal)
			require.Same(t, k, caller)
			_, refusal = e.Authenticate(c)
			require.Contains(t, string(refusal.Body), "nonce", "a nonce can be used once")
		})
	}
}

// signed signs an action as the documentation says.
func signed(t testing.TB, w *venue.Wallet, action string, nonce int64, more string) string {
	request := request{Action: json.RawMessage(action), Nonce: &nonce}
	require.NoError(t, json.Unmarshal([]byte("{"+strings.TrimPrefix(more, ",")+"}"), &request))
	digest, err := l1Digest(request, "a")
	if strings.Contains(action, "signatureChainId") {
		digest, err = userDigest(request.Action, nonce, "Mainnet")
	}
	require.NoError(t, err)
	compact := ecdsa.SignCompact(w.Key, digest, false)
	encoded, err := json.Marshal(map[string]any{
		"r": "0x" + hex.EncodeToString(compact[1:33]), "s": "0x" + hex.EncodeToString(compact[33:]), "v": compact[0],
	})
	require.NoError(t, err)
	number, err := json.Marshal(nonce)
	require.NoError(t, err)
	return `{"action":` + action + `,"nonce":` + string(number) + `,"signature":` + string(encoded) + more + `}`
}

// A nonce may be two days old, and one day ahead.
func TestNonces(t *testing.T) {
	now := time.UnixMilli(vectorNonce)
	e := newRules().(*exchange)
	for offset, good := range map[time.Duration]bool{
		0: true, -48*time.Hour + time.Millisecond: true, 24*time.Hour - time.Millisecond: true,
		-48 * time.Hour: false, 24 * time.Hour: false,
	} {
		require.Equal(t, good, e.useNonce("signer", now.Add(offset).UnixMilli(), now), offset)
	}
	require.False(t, e.useNonce("signer", now.UnixMilli(), now), "used")
	require.True(t, e.useNonce("other", now.UnixMilli(), now), "each signer has its own")
	for i := range int64(nonces) {
		require.True(t, e.useNonce("busy", now.UnixMilli()+2*i, now))
	}
	require.False(t, e.useNonce("busy", now.UnixMilli()-1, now), "smaller than every nonce that is kept")
	require.True(t, e.useNonce("busy", now.UnixMilli()+1, now), "between nonces that are kept")
	require.Len(t, e.nonces["busy"], nonces)
}

func TestPack(t *testing.T) {
	for text, want := range map[string]string{
		`{ "b" : 1, "a" : [true, false, null] }`: "82a16201a16193c3c2c0",
		`[128,256,65536,4294967296]`:             "94cc80cd0100ce00010000cf0000000100000000",
		`[-32,-33,-129,-32769,-2147483649]`:      "95e0d0dfd1ff7fd2ffff7fffd3ffffffff7fffffff",
		`"` + strings.Repeat("x", 32) + `"`:      "d920" + strings.Repeat("78", 32),
		`"` + strings.Repeat("x", 256) + `"`:     "da0100" + strings.Repeat("78", 256),
		`[` + strings.Repeat("0,", 15) + `0]`:    "dc0010" + strings.Repeat("00", 16),
	} {
		packed, err := pack([]byte(text))
		require.NoError(t, err)
		require.Equal(t, want, hex.EncodeToString(packed))
	}
	for _, text := range []string{``, `{`, `{"a":}`, `[1`, `[1.5]`, `{"a":1.5}`, `{1:2}`, `"x`} {
		_, err := pack([]byte(text))
		require.Error(t, err, text)
	}
}

// FuzzAuthenticate checks that no request panics, and that only the owner of
// the key is let in.
func FuzzAuthenticate(f *testing.F) {
	vectors := venuetest.ReadVectors(f, "hyperliquid").Vectors
	for _, vector := range vectors {
		f.Add(bodyOf(vector))
	}
	f.Add(`{"action":{"type":"noop"},"nonce":1,"signature":{"r":"0x","s":"0x","v":27}}`)
	owner := venuetest.WalletOf(f, vectors[0].PrivateKey)
	plain := map[string]bool{}
	for _, vector := range vectors {
		plain[vector.Signature] = true
	}
	f.Fuzz(func(t *testing.T, body string) {
		e := newRules().(*exchange)
		k := &venue.Key{APIKey: owner.Address(), Permissions: []string{ownerKey}, Account: &venue.Account{}}
		c := &venue.Call{Body: []byte(body), Now: time.UnixMilli(vectorNonce), Books: &venue.Books{Keys: []*venue.Key{k}}}
		caller, refusal := e.Authenticate(c)
		if caller == nil {
			require.NotNil(t, refusal)
			return
		}
		var request struct {
			Signature struct {
				R string `json:"r"`
				S string `json:"s"`
				V int    `json:"v"`
			} `json:"signature"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &request))
		encoded, err := json.Marshal(request.Signature)
		require.NoError(t, err)
		require.True(t, plain[string(encoded)], "a signature that the owner never made")
	})
}

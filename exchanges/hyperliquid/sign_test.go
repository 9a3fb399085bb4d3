package hyperliquid

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
	"vault-plugin-secrets-exchange/exchanges/wallet"
)

const agentKey = exchanges.Secret("0x2222222222222222222222222222222222222222222222222222222222222222")

func signerOf(t testing.TB, key exchanges.Secret, environment string) signer {
	s, err := newSigner(exchanges.Credential{PrivateKey: key}, environment)
	require.NoError(t, err)
	return s
}

// signed signs a body and returns it.
func signed(s signer, body string, at time.Time) (string, error) {
	request := &rest.Request{Method: http.MethodPost, Path: pathExchange, Header: http.Header{}, Body: []byte(body)}
	err := s.sign(request, at)
	return string(request.Body), err
}

// The body is sent byte for byte as other software sends it.
func TestSignVectors(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "hyperliquid")
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			body, err := signed(signerOf(t, vector.PrivateKey, vector.Environment), vector.Body, at)
			require.NoError(t, err)
			action := vector.Body[len(`{"action":`) : len(vector.Body)-1]
			require.Equal(t, `{"action":`+action+`,"signature":`+vector.Signature+`,"nonce":1790000000000}`, body)
		})
	}
}

// The digests of the vectors, so that a wrong signature can be told from a
// wrong hash.
func TestDigests(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "hyperliquid")
	for _, vector := range file.Vectors {
		s := signerOf(t, vector.PrivateKey, vector.Environment)
		var body envelope
		require.NoError(t, json.Unmarshal([]byte(vector.Body), &body))
		body.Nonce = at.UnixMilli()
		digest, err := s.actionDigest(body)
		if bytes.Contains(body.Action, []byte(typeApproval)) {
			digest, err = s.fillApproval(&body)
		}
		require.NoError(t, err)
		require.Equal(t, vector.StringToSign, "0x"+hex.EncodeToString(digest[:]), vector.Name)
	}
}

// What else is signed for an action, compared with hashes that were put together by
// hand.
func TestActionDigestBounds(t *testing.T) {
	s := signerOf(t, agentKey, "")
	const vault = "0x1719884eb866cb12b2287399b15f7db5e7d775ea"
	expires := int64(1790000005000)
	noop, err := hex.DecodeString("81a474797065a46e6f6f70" + "000001a0c4506c00")
	require.NoError(t, err)
	rawVault, err := hex.DecodeString(vault[2:])
	require.NoError(t, err)
	rawExpires, err := hex.DecodeString("00" + "000001a0c4507f88")
	require.NoError(t, err)
	for name, test := range map[string]struct {
		body envelope
		want []byte
	}{
		"vault":          {envelope{VaultAddress: vault}, bytes.Join([][]byte{noop, {1}, rawVault}, nil)},
		"end":            {envelope{ExpiresAfter: &expires}, bytes.Join([][]byte{noop, {0}, rawExpires}, nil)},
		"vault and end":  {envelope{VaultAddress: vault, ExpiresAfter: &expires}, bytes.Join([][]byte{noop, {1}, rawVault, rawExpires}, nil)},
		"nothing beyond": {envelope{}, bytes.Join([][]byte{noop, {0}}, nil)},
	} {
		test.body.Action, test.body.Nonce = []byte(`{"type":"noop"}`), 1790000000000
		digest, err := s.actionDigest(test.body)
		require.NoError(t, err, name)
		want := wallet.Digest(wallet.Domain{Name: "Exchange", Version: "1", ChainID: 1337},
			"Agent(string source,bytes32 connectionId)", wallet.Text("a"), wallet.Keccak(test.want))
		require.Equal(t, want, digest, name)
	}
}

func TestSignRefuses(t *testing.T) {
	s := signerOf(t, agentKey, "")
	for body, want := range map[string]string{
		``:                                    "the body must be",
		`{}`:                                  "the action must be an object",
		`{"action":[]}`:                       "the action must be an object",
		`{"action":{"type":"order","p":1.5}}`: "takes decimals as text",
		`{"action":{"type":"noop"},"vaultAddress":"0x1"}`:              "vaultAddress",
		`{"action":{"type":"approveAgent","agentAddress":"nobody"}}`:   "agentAddress",
		`{"action":{"type":"approveAgent","agentName":1}}`:             "the approval is incomplete",
		`{"action":{"type":"withdraw3","signatureChainId":"0x66eee"}}`: "may only be signed by the owner's wallet",
	} {
		_, err := signed(s, body, time.UnixMilli(1))
		require.ErrorContains(t, err, want, body)
	}
	info := &rest.Request{Path: pathInfo, Body: []byte("{}")}
	require.NoError(t, s.sign(info, time.Now()))
	require.Equal(t, "{}", string(info.Body), "information is public")
}

func TestNewSigner(t *testing.T) {
	const address = "0x1563915e194D8CfBA1943570603F7606A3115508"
	for name, test := range map[string]struct {
		credential exchanges.Credential
		want       string
	}{
		"nothing":           {exchanges.Credential{}, "private_key: "},
		"address alone":     {exchanges.Credential{APIKey: address}, "private_key: "},
		"secret":            {exchanges.Credential{PrivateKey: agentKey, APISecret: "x"}, "private_key: "},
		"passphrase":        {exchanges.Credential{PrivateKey: agentKey, Passphrase: "x"}, "private_key: "},
		"one-time codes":    {exchanges.Credential{PrivateKey: agentKey, TOTPSecret: "x"}, "private_key: "},
		"another's address": {exchanges.Credential{PrivateKey: agentKey, APIKey: "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"}, "api_key: "},
	} {
		_, err := newSigner(test.credential, "")
		require.ErrorContains(t, err, test.want, name)
	}
	s, err := newSigner(exchanges.Credential{PrivateKey: agentKey, APIKey: address}, "")
	require.NoError(t, err)
	require.Equal(t, address, s.key.Address().Checksummed())
}

func TestNonces(t *testing.T) {
	var n nonces
	at := time.UnixMilli(1790000000000)
	require.EqualValues(t, 1790000000000, n.next(at))
	require.EqualValues(t, 1790000000001, n.next(at), "never the same one twice")
	require.EqualValues(t, 1790000000002, n.next(at.Add(-time.Minute)), "never a smaller one")
	require.EqualValues(t, 1790000060000, n.next(at.Add(time.Minute)))
	require.EqualValues(t, 1789996400000, n.next(at.Add(-time.Hour)), "unless the clock was corrected")
}

// The pieces of MessagePack, from https://github.com/msgpack/msgpack/blob/master/spec.md.
func TestPack(t *testing.T) {
	for action, want := range map[string]string{
		`{}`:                            "80",
		`[]`:                            "90",
		`{"b":1,"a":[true,false,null]}`: "82a16201a16193c3c2c0",
		`[127,128,255,256,65535,65536,4294967295,4294967296]`: "98" + "7f" + "cc80" + "ccff" + "cd0100" + "cdffff" + "ce00010000" + "ceffffffff" + "cf0000000100000000",
		`[-1,-32,-33,-128,-129]`:                              "95" + "ff" + "e0" + "d0df" + "d080" + "d1ff7f",
		`"0123456789012345678901234567890"`:                   "bf" + hex.EncodeToString([]byte("0123456789012345678901234567890")),
		`"01234567890123456789012345678901"`:                  "d920" + hex.EncodeToString([]byte("01234567890123456789012345678901")),
		`"é"`:                                                 "a2c3a9",
	} {
		packed, err := pack([]byte(action))
		require.NoError(t, err, action)
		require.Equal(t, want, hex.EncodeToString(packed), action)
	}
	for _, action := range []string{``, `{`, `[1`, `{"a"`, `1.5`, `1e99`, `18446744073709551615`, string(bytes.Repeat([]byte("["), 100))} {
		_, err := pack([]byte(action))
		require.ErrorContains(t, err, "action: ", action)
	}
}

// FuzzPack checks that the packed form holds the values of the JSON.
func FuzzPack(f *testing.F) {
	f.Add([]byte(`{"type":"order","orders":[{"a":0,"b":true,"p":"1","t":{"limit":{"tif":"Gtc"}}}],"grouping":"na"}`))
	f.Add([]byte(`[-1,null,"é",{"a":[]}]`))
	f.Fuzz(func(t *testing.T, action []byte) {
		packed, err := pack(action)
		if err != nil || !json.Valid(action) {
			return
		}
		decoder := json.NewDecoder(bytes.NewReader(action))
		decoder.UseNumber()
		var want, got any
		require.NoError(t, decoder.Decode(&want))
		unpacker := msgpack.NewDecoder(bytes.NewReader(packed))
		unpacker.UseLooseInterfaceDecoding(true)
		require.NoError(t, unpacker.Decode(&got))
		wantText, err := json.Marshal(want)
		require.NoError(t, err)
		gotText, err := json.Marshal(got)
		require.NoError(t, err)
		require.JSONEq(t, string(wantText), string(gotText))
	})
}

// FuzzSign checks that no body from a user leads to a panic, and that what is
// signed is the user's action.
func FuzzSign(f *testing.F) {
	file, at := exchangetest.ReadVectors(f, "hyperliquid")
	for _, vector := range file.Vectors {
		f.Add(vector.Body, at.UnixMilli())
	}
	s := signerOf(f, agentKey, "")
	f.Fuzz(func(t *testing.T, body string, ms int64) {
		out, err := signed(s, body, time.UnixMilli(ms))
		if err != nil {
			return
		}
		var sent, given envelope
		require.NoError(t, json.Unmarshal([]byte(out), &sent))
		require.NoError(t, json.Unmarshal([]byte(body), &given))
		require.Regexp(t, "^0x[0-9a-f]{64}$", sent.Signature.R)
		require.Regexp(t, "^0x[0-9a-f]{64}$", sent.Signature.S)
		if !bytes.Contains(sent.Action, []byte(typeApproval)) {
			require.JSONEq(t, string(given.Action), string(sent.Action))
		}
	})
}

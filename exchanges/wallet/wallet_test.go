package wallet

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

const (
	hexKey     = "0x1111111111111111111111111111111111111111111111111111111111111111"
	hexAddress = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
)

func parse(t testing.TB, text string) Key {
	key, err := ParseKey(exchanges.Secret(text))
	require.NoError(t, err)
	return key
}

func TestParseKey(t *testing.T) {
	for _, text := range []string{hexKey, hexKey[2:], " " + hexKey + "\n"} {
		key := parse(t, text)
		require.Equal(t, strings.ToLower(hexAddress), key.Address().String())
		require.Equal(t, hexAddress, key.Address().Checksummed())
		require.Equal(t, hexKey, key.Secret().Reveal())
	}
	for name, text := range map[string]string{
		"empty": "", "short": hexKey[:64], "long": hexKey + "11", "no hex": strings.Replace(hexKey, "1", "g", 1),
		"zero": "0x" + strings.Repeat("0", 64),
		// The order of the curve's group, which is one more than the largest key.
		"too large":  "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
		"an address": hexAddress, "PEM": "-----BEGIN PRIVATE KEY-----\n",
	} {
		_, err := ParseKey(exchanges.Secret(text))
		require.ErrorContains(t, err, "private_key: ", name)
		if len(text) > 4 {
			require.NotContains(t, err.Error(), text[2:], name)
		}
	}
}

func TestNewKey(t *testing.T) {
	one, err := NewKey()
	require.NoError(t, err)
	other, err := NewKey()
	require.NoError(t, err)
	require.NotEqual(t, one.Address(), other.Address())
	require.Equal(t, one.Address(), parse(t, one.Secret().Reveal()).Address())
}

func TestKeyPrintsNothing(t *testing.T) {
	key := parse(t, hexKey)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		text := fmt.Sprintf(verb, struct{ key any }{key})
		require.NotContains(t, text, hexKey[2:], verb)
		require.NotContains(t, text, "17 17 17 17", verb)
	}
}

func TestParseAddress(t *testing.T) {
	for _, text := range []string{hexAddress, strings.ToLower(hexAddress)} {
		address, err := ParseAddress(text)
		require.NoError(t, err)
		require.Equal(t, hexAddress, address.Checksummed())
	}
	for _, text := range []string{"", "0x", hexAddress[2:], hexAddress + "00", hexKey, "0x" + strings.Repeat("g", 40)} {
		_, err := ParseAddress(text)
		require.ErrorContains(t, err, "is not an address")
	}
}

// The samples of EIP-55.
func TestChecksummed(t *testing.T) {
	for _, text := range []string{
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
		"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
		"0x52908400098527886E0F7030069857D2E4169EE7", "0xde709f2102306220921060314715629080e2fb77",
	} {
		address, err := ParseAddress(strings.ToLower(text))
		require.NoError(t, err)
		require.Equal(t, text, address.Checksummed())
	}
}

// The sample of EIP-712, with its nested types hashed as the document shows.
func TestDigest(t *testing.T) {
	contract, err := ParseAddress("0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC")
	require.NoError(t, err)
	domain := Domain{Name: "Ether Mail", Version: "1", ChainID: 1, Contract: contract}
	person := func(name, address string) Word {
		wallet, err := ParseAddress(address)
		require.NoError(t, err)
		return structHash("Person(string name,address wallet)", Text(name), wallet.Word())
	}
	digest := Digest(domain, "Mail(Person from,Person to,string contents)Person(string name,address wallet)",
		person("Cow", "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"),
		person("Bob", "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"), Text("Hello, Bob!"))
	require.Equal(t, "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2", hex.EncodeToString(digest[:]))

	cow := Keccak([]byte("cow"))
	signature := parse(t, hex.EncodeToString(cow[:])).Sign(digest)
	require.Equal(t, "0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"+
		"07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c", signature.Hex())
}

// FuzzSign checks that every signature leads back to its signer.
func FuzzSign(f *testing.F) {
	f.Add([]byte("message"))
	f.Fuzz(func(t *testing.T, message []byte) {
		key, digest := parse(t, hexKey), Keccak(message)
		signature := key.Sign(digest)
		compact := append([]byte{signature.V}, append(signature.R[:], signature.S[:]...)...)
		public, _, err := ecdsa.RecoverCompact(compact, digest[:])
		require.NoError(t, err)
		require.Equal(t, key.Address(), addressOf(public))
		require.Contains(t, []byte{27, 28}, signature.V)
		require.Len(t, signature.Hex(), 2+130)
	})
}

package orderly

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// keyPrefix stands in front of a public key's text.
const keyPrefix = "ed25519:"

func keyText(public ed25519.PublicKey) string { return keyPrefix + base58(public) }

// publicKeyOf reads a public key's text. It returns nil if the text is not one.
func publicKeyOf(text string) ed25519.PublicKey {
	encoded, prefixed := strings.CutPrefix(text, keyPrefix)
	raw := unbase58(encoded)
	if !prefixed || len(raw) != ed25519.PublicKeySize {
		return nil
	}
	return raw
}

// base58Alphabet leaves out the characters that are easily mistaken for
// another.
const base58Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// base58 writes bytes as a number in base 58, with a 1 for each leading zero
// byte.
func base58(raw []byte) string {
	var text []byte
	rest, digit := new(big.Int).SetBytes(raw), new(big.Int)
	for rest.Sign() > 0 {
		rest.DivMod(rest, big.NewInt(58), digit)
		text = append(text, base58Alphabet[digit.Int64()])
	}
	for _, b := range raw {
		if b != 0 {
			break
		}
		text = append(text, base58Alphabet[0])
	}
	slices.Reverse(text)
	return string(text)
}

// unbase58 is the reverse of base58. It returns nil if the text is not in base
// 58.
func unbase58(text string) []byte {
	number := new(big.Int)
	for _, c := range []byte(text) {
		digit := strings.IndexByte(base58Alphabet, c)
		if digit < 0 || len(text) > 64 {
			return nil
		}
		number.Add(number.Mul(number, big.NewInt(58)), big.NewInt(int64(digit)))
	}
	zeros := len(text) - len(strings.TrimLeft(text, base58Alphabet[:1]))
	return append(make([]byte, zeros), number.Bytes()...)
}

// Authenticate checks the Orderly key that signed a request, and whether it may
// act for the account that the request names.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	public, timestamp := c.Header.Get("orderly-key"), c.Header.Get("orderly-timestamp")
	// With padding or without: the documentation's own sample leaves it out.
	signature, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(c.Header.Get("orderly-signature"), "="))
	at, badTime := strconv.ParseInt(timestamp, 10, 64)
	switch {
	case publicKeyOf(public) == nil || err != nil || len(signature) != ed25519.SignatureSize:
		return nil, e.refuse(badSignature, "signature error")
	case badTime != nil || time.UnixMilli(at).Sub(c.Now).Abs() > window:
		return nil, e.badTime(c)
	case c.Method == "POST" && !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json"),
		c.Method == "GET" && c.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
		return nil, e.refuse(invalid, "wrong content type")
	case !ed25519.Verify(publicKeyOf(public), []byte(timestamp+c.Method+c.RequestURI+string(c.Body)), signature):
		return nil, e.refuse(badSignature, "signature error")
	}
	k, acting := c.Books.Key(public), e.acting(c)
	if k != nil && k.Kind == ownKey && delayed(c, ownKeyLate, k.Created) {
		return nil, e.unauthorized()
	}
	if k == nil || k.Expired(c.Now) || acting == nil || acting != k.Account && acting.Parent != k.Account || !e.allows(k, c.Caller) {
		return nil, e.unauthorized()
	}
	return k, nil
}

// registration is the body of the call that adds a key.
type registration struct {
	Message struct {
		BrokerID     string  `json:"brokerId"`
		ChainID      *uint64 `json:"chainId"`
		ChainType    string  `json:"chainType"`
		OrderlyKey   string  `json:"orderlyKey"`
		Scope        string  `json:"scope"`
		Timestamp    *int64  `json:"timestamp"`
		Expiration   *int64  `json:"expiration"`
		Tag          string  `json:"tag"`
		SubAccountID string  `json:"subAccountId"`
	} `json:"message"`
	Signature   string `json:"signature"`
	UserAddress string `json:"userAddress"`
}

func readRegistration(body []byte) (registration, error) {
	var r registration
	return r, venue.DecodeStrictly(body, &r)
}

// complete reports whether every signed member is there.
func (r registration) complete() bool {
	return r.Message.ChainID != nil && r.Message.Timestamp != nil && r.Message.Expiration != nil
}

// digest is what the wallet signs.
func (r registration) digest() []byte {
	m := r.Message
	return venue.TypedDigest(
		venue.TypedDomain{Name: "Orderly", ChainID: *m.ChainID, Contract: "0x" + strings.Repeat("c", 40)},
		"AddOrderlyKey(string brokerId,uint256 chainId,string orderlyKey,string scope,uint64 timestamp,uint64 expiration)",
		m.BrokerID, *m.ChainID, m.OrderlyKey, m.Scope, uint64(*m.Timestamp), uint64(*m.Expiration),
	)
}

// signer is the address of the wallet that signed, empty if none did.
func (r registration) signer() string {
	raw, err := hex.DecodeString(strings.TrimPrefix(r.Signature, "0x"))
	if err != nil || len(raw) != 65 {
		return ""
	}
	return venue.RecoverSigner(r.digest(), raw[:32], raw[32:64], raw[64])
}

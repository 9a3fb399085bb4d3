package venue

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// Alphabets of the identifiers and secrets that exchanges hand out.
const (
	Digits       = "0123456789"
	LowerHex     = "0123456789abcdef"
	UpperHex     = "0123456789ABCDEF"
	UpperCase    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	LowerCase    = "abcdefghijklmnopqrstuvwxyz"
	Letters      = UpperCase + LowerCase
	Alphanumeric = Letters + Digits
)

// RandomText draws n characters of the alphabet, each equally likely.
func RandomText(n int, alphabet string) string {
	// Bytes from here on would make the first characters of the alphabet more likely.
	end := 256 - 256%len(alphabet)
	text := make([]byte, 0, n)
	for drawn := make([]byte, n); len(text) < n; {
		_, _ = rand.Read(drawn[:n-len(text)]) // It never fails, as documented.
		for _, b := range drawn[:n-len(text)] {
			if int(b) < end {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text)
}

// RandomNumber draws a decimal number of n digits without a leading zero.
func RandomNumber(n int) string {
	return RandomText(1, Digits[1:]) + RandomText(n-1, Digits)
}

// RandomUUID draws a version 4 UUID in lower case.
func RandomUUID() string {
	text := RandomText(32, LowerHex)
	return fmt.Sprintf("%s-%s-4%s-%s%s-%s", text[:8], text[8:12], text[13:16], RandomText(1, "89ab"), text[17:20], text[20:])
}

// NewEd25519 makes a key pair for a root that signs with Ed25519.
func NewEd25519() func() crypto.Signer {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return func() crypto.Signer { return private }
}

// NewRSA makes a 2048-bit key pair for roots that sign with RSA.
func NewRSA() crypto.Signer {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return private
}

// privatePEM encodes a private key as PKCS#8.
func privatePEM(private crypto.Signer) string {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// PublicPEM encodes a public key as SubjectPublicKeyInfo.
func PublicPEM(public crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

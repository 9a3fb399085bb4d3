package simulator

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
)

// Alphabets of the identifiers and secrets that exchanges hand out.
const (
	digits       = "0123456789"
	lowerHex     = "0123456789abcdef"
	upperHex     = "0123456789ABCDEF"
	upperCase    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lowerCase    = "abcdefghijklmnopqrstuvwxyz"
	letters      = upperCase + lowerCase
	alphanumeric = letters + digits
)

// randomText draws n characters of the alphabet, each equally likely.
func randomText(n int, alphabet string) string {
	text := make([]byte, n)
	size := big.NewInt(int64(len(alphabet)))
	for i := range text {
		index, err := rand.Int(rand.Reader, size)
		if err != nil {
			panic(err) // crypto/rand documents that its Reader never fails
		}
		text[i] = alphabet[index.Int64()]
	}
	return string(text)
}

// randomNumber draws a decimal number of n digits without a leading zero.
func randomNumber(n int) string {
	return randomText(1, digits[1:]) + randomText(n-1, digits)
}

// randomUUID draws a version 4 UUID in lower case.
func randomUUID() string {
	text := randomText(32, lowerHex)
	return fmt.Sprintf("%s-%s-4%s-%s%s-%s", text[:8], text[8:12], text[13:16], randomText(1, "89ab"), text[17:20], text[20:])
}

// newEd25519 makes a key pair for a root that signs with Ed25519.
func newEd25519() func() crypto.Signer {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return func() crypto.Signer { return private }
}

// newRSA makes a 2048-bit key pair for roots that sign with RSA.
func newRSA() crypto.Signer {
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

// publicPEM encodes a public key as SubjectPublicKeyInfo.
func publicPEM(public crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

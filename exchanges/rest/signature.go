package rest

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"

	"vault-plugin-secrets-exchange/exchanges"
)

// Signature signs a text in the encoding that an exchange takes.
type Signature func(text string) (string, error)

// HexHMAC signs with HMAC-SHA256, in lower-case hex.
func HexHMAC(secret exchanges.Secret) Signature {
	return hmacWith(sha256.New, secret, hex.EncodeToString)
}

// HexHMAC384 signs with HMAC-SHA384, in lower-case hex.
func HexHMAC384(secret exchanges.Secret) Signature {
	return hmacWith(sha512.New384, secret, hex.EncodeToString)
}

// HexHMAC512 signs with HMAC-SHA512, in lower-case hex.
func HexHMAC512(secret exchanges.Secret) Signature {
	return hmacWith(sha512.New, secret, hex.EncodeToString)
}

// Base64HMAC signs with HMAC-SHA256, in standard base64.
func Base64HMAC(secret exchanges.Secret) Signature {
	return hmacWith(sha256.New, secret, base64.StdEncoding.EncodeToString)
}

func hmacWith(newHash func() hash.Hash, secret exchanges.Secret, encode func([]byte) string) Signature {
	return func(text string) (string, error) {
		mac := hmac.New(newHash, []byte(secret.Reveal()))
		mac.Write([]byte(text))
		return encode(mac.Sum(nil)), nil
	}
}

// RSA signs with PKCS #1 v1.5 over SHA-256, in standard base64.
func RSA(key *rsa.PrivateKey) Signature {
	return func(text string) (string, error) {
		digest := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
		return base64.StdEncoding.EncodeToString(signature), err
	}
}

// Ed25519 signs with Ed25519, in standard base64.
func Ed25519(key ed25519.PrivateKey) Signature {
	return func(text string) (string, error) {
		return base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(text))), nil
	}
}

package exchanges

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// PairMaker is an [Exchange] whose users do not take key pairs as PEM: it makes
// them in its own form.
type PairMaker interface {
	// NewKeyPair makes a pair for a key type: the public half as
	// [KeyRequest.PublicKey], the private half as the key's user gets it.
	NewKeyPair(KeyType) (public string, private Secret, err error)
}

// MakeKeyPair makes a pair in the form that the exchange's users take.
func MakeKeyPair(exchange Exchange, t KeyType) (public string, private Secret, err error) {
	if maker, ok := exchange.(PairMaker); ok {
		return maker.NewKeyPair(t)
	}
	return NewKeyPair(t)
}

// rsaBits is the smaller of the two sizes that exchanges take (2048, 4096).
const rsaBits = 2048

// NewKeyPair makes a pair for an asymmetric key type and returns both halves
// as PEM: the public one as PKIX, the private one as PKCS #8.
func NewKeyPair(t KeyType) (public string, private Secret, err error) {
	var signer crypto.Signer
	switch t {
	case KeyEd25519:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	case KeyRSA:
		signer, err = rsa.GenerateKey(rand.Reader, rsaBits)
	default:
		return "", "", fmt.Errorf("key type %q has no key pair", t)
	}
	if err != nil {
		return "", "", fmt.Errorf("making a key pair: %w", err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return "", "", fmt.Errorf("encoding the public key: %w", err)
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return "", "", fmt.Errorf("encoding the private key: %w", err)
	}
	return encodePEM("PUBLIC KEY", publicDER), Secret(encodePEM("PRIVATE KEY", privateDER)), nil
}

// ParsePrivateKey reads a PEM private key (PKCS #8, or PKCS #1 for RSA). Its
// errors say nothing of the key's content.
func ParsePrivateKey(text Secret) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(text.Reveal()))
	if block == nil {
		return nil, fmt.Errorf("private_key: not PEM; give the whole file, with its BEGIN and END lines")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("private_key: not an unencrypted PKCS #8 private key")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("private_key: a %T cannot sign", key)
	}
	return signer, nil
}

func encodePEM(blockType string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der}))
}

package exchanges

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// PairMaker is an [Exchange] that makes key pairs in a form of its own, because its
// users do not take them as PEM.
type PairMaker interface {
	// NewKeyPair makes a pair for a key type: the public half as
	// [KeyRequest.PublicKey], the private half in the form the key's user needs.
	NewKeyPair(KeyType) (public string, private Secret, err error)
}

// MakeKeyPair makes a pair in the form that users of the exchange take.
func MakeKeyPair(exchange Exchange, t KeyType) (public string, private Secret, err error) {
	if maker, ok := exchange.(PairMaker); ok {
		return maker.NewKeyPair(t)
	}
	return NewKeyPair(t)
}

// rsaBits is the smaller of the two sizes that exchanges accept (2048, 4096).
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

// ParsePrivateKey reads a PEM private key: Ed25519 or RSA, as PKCS #8, or PKCS #1
// for RSA. Its errors name what is wrong and reveal nothing of the key.
func ParsePrivateKey(text Secret) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(text.Reveal()))
	if block == nil {
		return nil, fmt.Errorf("private_key: %s", notPEM(text.Reveal()))
	}
	switch block.Type {
	case "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE":
		return nil, fmt.Errorf("private_key: this is a public key or certificate; give the private key that belongs to it")
	case "EC PRIVATE KEY":
		return nil, errCurve
	case "ENCRYPTED PRIVATE KEY":
		return nil, fmt.Errorf("private_key: encrypted with a password; decrypt it first: openssl pkey -in key.pem")
	case "OPENSSH PRIVATE KEY":
		return nil, fmt.Errorf("private_key: in OpenSSH's own format; convert it first: ssh-keygen -p -m PKCS8 -f key")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("private_key: not an unencrypted PKCS #8 private key")
	}
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return key, nil
	case *rsa.PrivateKey:
		return key, nil
	}
	return nil, errCurve
}

// errCurve refuses a key on a curve that no exchange accepts.
var errCurve = errors.New("private_key: an elliptic-curve key; exchanges accept Ed25519 or RSA, such as: openssl genpkey -algorithm ed25519")

// notPEM says why a text is not PEM.
func notPEM(text string) string {
	const begin = "-----BEGIN "
	switch {
	case !strings.Contains(text, begin):
		return "not PEM; give the whole file, with its BEGIN and END lines"
	case !strings.Contains(text, "\n"):
		return "PEM without its line breaks; give the file unchanged, such as private_key=@key.pem"
	case !strings.Contains(text, "-----END "):
		return "PEM without its END line; give the whole file"
	case !strings.HasPrefix(strings.TrimSpace(text), begin):
		return "PEM in quotation marks, or with text before it; give the file unchanged, such as private_key=@key.pem"
	}
	return "PEM with indented or damaged lines; give the file unchanged, such as private_key=@key.pem"
}

func encodePEM(blockType string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der}))
}

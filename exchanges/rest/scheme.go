package rest

import (
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// Schemes are the ways in which an exchange takes signatures. One that it does
// not take is nil.
type Schemes struct {
	// HMAC signs with an api_secret.
	HMAC func(exchanges.Secret) Signature
	// RSA and Ed25519 sign with a private_key.
	RSA     func(*rsa.PrivateKey) Signature
	Ed25519 func(ed25519.PrivateKey) Signature
	// Passphrase says that a credential has one besides.
	Passphrase bool
}

// Signature returns how the holder of a credential signs. What the credential
// lacks, or has too much, is an [exchanges.ErrInvalid] that names the field.
func (s Schemes) Signature(c exchanges.Credential) (Signature, error) {
	keys := s.keyTypes()
	switch {
	case c.APIKey == "":
		return nil, refusal("api_key: missing; give the root key")
	case c.PrivateKey != "" && len(keys) == 0:
		return nil, refusal("private_key: the exchange has no key pairs; give api_secret")
	case c.PrivateKey != "" && c.APISecret != "":
		return nil, refusal("private_key: give either api_secret (HMAC) or private_key (%s), not both", keys)
	case c.PrivateKey == "" && c.APISecret == "" && len(keys) > 0:
		return nil, refusal("api_secret: missing; give api_secret (HMAC) or private_key (%s)", keys)
	case c.PrivateKey == "" && c.APISecret == "":
		return nil, refusal("api_secret: missing; give the secret of the root key")
	case c.Passphrase == "" && s.Passphrase:
		return nil, refusal("passphrase: missing; it was chosen when the API key was made, and the exchange cannot show it again")
	case c.APISecret != "":
		return s.HMAC(c.APISecret), nil
	}
	key, err := exchanges.ParsePrivateKey(c.PrivateKey)
	if err != nil {
		return nil, refusal("%s", err)
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if s.RSA != nil {
			return s.RSA(key), nil
		}
	case ed25519.PrivateKey:
		if s.Ed25519 != nil {
			return s.Ed25519(key), nil
		}
	}
	return nil, refusal("private_key: the exchange takes %s keys only", keys)
}

// keyTypes names the kinds of private keys that the exchange takes.
func (s Schemes) keyTypes() words {
	var types words
	if s.Ed25519 != nil {
		types = append(types, "Ed25519")
	}
	if s.RSA != nil {
		types = append(types, "RSA")
	}
	return types
}

// words reads like "Ed25519 or RSA".
type words []string

func (w words) String() string { return strings.Join(w, " or ") }

func refusal(format string, args ...any) error {
	return &exchanges.Error{Kind: exchanges.ErrInvalid, Message: fmt.Sprintf(format, args...)}
}

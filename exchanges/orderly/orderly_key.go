package orderly

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/mr-tron/base58"

	"vault-plugin-secrets-exchange/exchanges"
)

// keyPrefix comes before every public key.
const keyPrefix = "ed25519:"

// orderlyKey is a key that signs requests. Printing it reveals nothing of its
// private half.
type orderlyKey struct {
	// public is the key's name: the prefix, and the public half in base58.
	public string
	// sign and secret are functions, so that printing a struct that holds the key
	// does not reveal the private half.
	sign   func(text string) string
	secret func() exchanges.Secret
}

func newOrderlyKey() (orderlyKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return orderlyKey{}, fmt.Errorf("making a key pair: %w", err)
	}
	return keyOf(private), nil
}

// errNotSecret reveals nothing of what was given.
var errNotSecret = errors.New("private_key: not the secret of an Orderly key; give its 32 bytes in base58")

// parseSecret reads the private half of a key: 32 bytes in base58, with or
// without the prefix.
func parseSecret(text exchanges.Secret) (orderlyKey, error) {
	seed, err := base58.Decode(strings.TrimPrefix(strings.TrimSpace(text.Reveal()), keyPrefix))
	if err != nil || len(seed) != ed25519.SeedSize {
		return orderlyKey{}, errNotSecret
	}
	return keyOf(ed25519.NewKeyFromSeed(seed)), nil
}

func keyOf(private ed25519.PrivateKey) orderlyKey {
	return orderlyKey{
		public: keyPrefix + base58.Encode(private.Public().(ed25519.PublicKey)),
		sign: func(text string) string {
			return base64.URLEncoding.EncodeToString(ed25519.Sign(private, []byte(text)))
		},
		secret: func() exchanges.Secret { return exchanges.Secret(base58.Encode(private.Seed())) },
	}
}

// isKey reports whether a text has the form of a public key.
func isKey(text string) bool {
	encoded, prefixed := strings.CutPrefix(text, keyPrefix)
	raw, err := base58.Decode(encoded)
	return prefixed && err == nil && len(raw) == ed25519.PublicKeySize
}

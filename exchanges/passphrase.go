package exchanges

import (
	"crypto/rand"
	"fmt"
	"math/big"
)

// passphraseClasses are the kinds of character that exchanges require of a
// passphrase, one of each. Users put it into shells, URLs and environment files,
// where $, %, # and ! mean something: of the special characters that exchanges name,
// only @ is safe there.
func passphraseClasses() []string {
	return []string{"abcdefghijkmnopqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "@"}
}

// NewPassphrase makes a random passphrase of the rule's length with a lower and an
// upper case letter, a digit and, unless the rule wants it alphanumeric, a special
// character.
func NewPassphrase(rule PassphraseRule) (Secret, error) {
	classes := passphraseClasses()
	letters := classes[0] + classes[1] + classes[2]
	if rule.Alphanumeric {
		classes = classes[:3]
	}
	text := make([]byte, rule.Length)
	for i := range text {
		alphabet := letters
		if i < len(classes) {
			alphabet = classes[i]
		}
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			return "", fmt.Errorf("making a passphrase: %w", err)
		}
		text[i] = alphabet[n.Int64()]
	}
	return Secret(text), nil
}

package bitfinex

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// form is that of a token: a UUID, which is its secret, and what it may do, as in
// "pub:api:88888888-4444-4444-4444-121212121212-caps:o:w-write".
var form = regexp.MustCompile(`^pub:[a-z]+:([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})(?:-caps:([a-z]+(?::[a-z]+)*))?-(read|write)$`)

// grant is what a token says it may do.
type grant struct {
	caps  []string
	write bool
}

func (g grant) mode() string {
	if g.write {
		return modeWrite
	}
	return modeRead
}

// errForm shows nothing of the token.
var errForm = errors.New("the token is not in the documented form, so its permissions are unknown")

// parse reads what a token says about itself.
func parse(token exchanges.Secret) (grant, error) {
	parts := form.FindStringSubmatch(token.Reveal())
	if parts == nil {
		return grant{}, errForm
	}
	var caps []string
	if parts[2] != "" {
		caps = strings.Split(parts[2], ":")
	}
	return grant{caps: caps, write: parts[3] == modeWrite}, nil
}

// fingerprint names a token without giving it away: the beginning of its
// SHA-256.
func fingerprint(token exchanges.Secret) string {
	sum := sha256.Sum256([]byte(token.Reveal()))
	return "tok_" + hex.EncodeToString(sum[:16])
}

// secretsOf lists what must never be shown of a token.
func secretsOf(token exchanges.Secret) []exchanges.Secret {
	if parts := form.FindStringSubmatch(token.Reveal()); parts != nil {
		return []exchanges.Secret{token, exchanges.Secret(parts[1])}
	}
	return []exchanges.Secret{token}
}

package ledger

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
)

// The id of a key that was made for a request is the request's own part, its stem, and
// then a hash of where the key counts: in which sub-account, and of which role. A list of
// ids therefore says how many keys there are of each, before any entry is read. An id
// without hashes, of a key that was entered otherwise or by an older version, is a stem and
// nothing else.
const (
	stemEnd    = "-"
	hashLength = 6
)

var hashEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// hash is that of a sub-account or a role on a connection. Two of one hash are counted as
// one until their entries are read: that can make a caller wait, and nothing else.
func hash(kind, connection, name string) string {
	// Quoted, so that no two lists of parts read alike.
	digest := sha256.Sum256(fmt.Appendf(nil, "%q", []string{kind, connection, name}))
	return strings.ToLower(hashEncoding.EncodeToString(digest[:]))[:hashLength]
}

func placeHash(connection, subAccount string) string { return hash("place", connection, subAccount) }
func roleHash(connection, role string) string        { return hash("role", connection, role) }

// idOf is the id of a request's key that counts there.
func idOf(stem, connection, subAccount, role string) string {
	return stem + stemEnd + placeHash(connection, subAccount) + roleHash(connection, role)
}

// parseID takes an id apart. The hashes are empty if it has none.
func parseID(id string) (stem, place, role string) {
	stem, hashes, found := strings.Cut(id, stemEnd)
	if !found || len(hashes) != 2*hashLength {
		return id, "", ""
	}
	return stem, hashes[:hashLength], hashes[hashLength:]
}

// Stem is the request's own part of a key's id, which is in the key's label too.
func (e Entry) Stem() string {
	stem, _, _ := parseID(e.ID)
	return stem
}

package exchanges

import "strings"

// hidden is what exchanges put in place of the parts of a key they hide.
const hidden = "*"

// IsMasked reports whether part of a key's id, or of an address, is hidden behind
// asterisks.
func IsMasked(id string) bool { return strings.Contains(id, hidden) }

// MayBe reports whether the listed key may be the one with that id: what the
// exchange shows of it does not say otherwise.
func (k KeyInfo) MayBe(id string) bool {
	if !IsMasked(k.ID) {
		return k.ID == id
	}
	start, end := k.ID[:strings.Index(k.ID, hidden)], k.ID[strings.LastIndex(k.ID, hidden)+len(hidden):]
	return len(start)+len(end) <= len(id) && strings.HasPrefix(id, start) && strings.HasSuffix(id, end)
}

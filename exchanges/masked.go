package exchanges

import (
	"context"
	"slices"
	"strings"
)

// hidden is what exchanges put in place of what they do not show of a key.
const hidden = "*"

// IsMasked reports whether part of a key's id is hidden behind asterisks.
func IsMasked(id string) bool { return strings.Contains(id, hidden) }

// MayBe reports whether the listed key is the one with that id, as far as what
// is shown of it lets tell.
func (k KeyInfo) MayBe(id string) bool {
	if !IsMasked(k.ID) {
		return k.ID == id
	}
	start, end := k.ID[:strings.Index(k.ID, hidden)], k.ID[strings.LastIndex(k.ID, hidden)+len(hidden):]
	return len(start)+len(end) <= len(id) && strings.HasPrefix(id, start) && strings.HasSuffix(id, end)
}

// KeyQuery lists the keys of a sub-account, or only the one that is named.
type KeyQuery func(ctx context.Context, subAccount, id string) ([]KeyInfo, error)

// SettleMaskedDeletion is [SettleDeletion] for an exchange that may list keys
// masked. It proves the deletion by asking for that key alone, and takes a
// masked key that could be it, or one that bears its label, for it. A key that
// is itself known by its mask only is an [ErrUnsupported].
func SettleMaskedDeletion(ctx context.Context, ref KeyRef, query KeyQuery, deleteKey func(context.Context) error) error {
	if IsMasked(ref.ID) {
		return &Error{
			Kind: ErrUnsupported, Operation: OpDeleteKey,
			Message: "the exchange shows only " + ref.ID + " of the key", Remedy: "delete it on the exchange's website",
		}
	}
	return settle(ctx, 0, deleteKey, func(ctx context.Context) (bool, error) {
		keys, err := query(ctx, ref.SubAccount, ref.ID)
		return slices.ContainsFunc(keys, func(key KeyInfo) bool {
			return key.MayBe(ref.ID) || ref.Label != "" && key.Label == ref.Label
		}), err
	})
}

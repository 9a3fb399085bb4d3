package exchanges

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Settle deletes keys and proves that they are gone. The exchange's answer to a
// deletion proves nothing, whether it confirms or refuses. The i-th error is nil
// only if the i-th key is certainly gone or never existed; where
// [Variant.NoDeletion] is set, only if the key can certainly do nothing any more.
// One list proves this for several keys of one sub-account.
//
// An exchange may go on listing deleted keys ([Variant.ListingDelay]). The wait for
// it ends with the context. An exchange may also not list a new key yet: unless it
// confirmed the deletion, a key that it does not show counts as gone only after
// [Variant.Staleness]. Before that, the error wraps [ErrUnseen].
func Settle(ctx context.Context, account Account, variant Variant, refs ...KeyRef) []error {
	all := make([]*deletion, len(refs))
	for i, ref := range refs {
		all[i] = &deletion{ref: ref, evidence: evidence{unlisted: variant.Unlisted != ""}}
	}
	left := lookAgain(ctx, account, variant, byWholeIDs(all))
	for _, d := range left {
		d.answer = account.DeleteKey(ctx, d.ref)
		d.fresh = d.ref.fresh(variant)
		if errors.Is(d.answer, ErrOutcomeUnknown) {
			d.fresh = variant.Staleness()
		}
	}
	settle(ctx, account, variant, left)
	errs := make([]error, len(all))
	for i, d := range all {
		errs[i] = d.err
	}
	return errs
}

// SettleOne is [Settle] for a single key.
func SettleOne(ctx context.Context, account Account, variant Variant, ref KeyRef) error {
	return Settle(ctx, account, variant, ref)[0]
}

// fresh is for how much longer the exchange may not show what it was last asked to
// do with the key; not positive if it must.
func (r KeyRef) fresh(variant Variant) time.Duration {
	return variant.Staleness() - max(r.Age, 0) // A clock may have been set back.
}

// lookAgain looks for the keys that the exchange did not show the last time, and
// returns those that must be deleted: all but these, and of these the ones that are
// there after all, or about which nothing can be learnt. It does not ask for another
// deletion before that, since the wait would begin anew if its answer were lost too.
func lookAgain(ctx context.Context, account Account, variant Variant, all []*deletion) (left []*deletion) {
	var before []*deletion
	for _, d := range all {
		if d.ref.Unseen {
			d.answer = ErrUnseen
			before = append(before, d)
		}
	}
	look(ctx, account, variant, before)
	for _, d := range all {
		gone := d.looked && d.failure == nil && !d.listed
		if wait := d.ref.fresh(variant); gone && wait > 0 {
			d.err = unseen(nil, wait)
		}
		if !gone {
			left = append(left, d)
		}
		d.looked, d.listed, d.failure = false, false, nil
	}
	return left
}

// byWholeIDs refuses the keys of which only part of the id is known, for which not even a
// list is proof, and returns the others.
func byWholeIDs(all []*deletion) (named []*deletion) {
	for _, d := range all {
		if !IsMasked(d.ref.ID) {
			named = append(named, d)
			continue
		}
		d.err = &Error{
			Kind: ErrUnsupported, Operation: OpDeleteKey,
			Message: "the exchange shows only " + d.ref.ID + " of the key", Remedy: "delete it on the exchange's website",
		}
	}
	return named
}

// deletion is one key on its way out.
type deletion struct {
	ref KeyRef
	evidence
	err error
}

// settle looks for the keys until the fate of each is settled.
func settle(ctx context.Context, account Account, variant Variant, all []*deletion) {
	left := undecided(all)
	// Ask again after 1, 3 and 7 sevenths of the delay.
	for wait := variant.ListingDelay / 7; len(left) > 0; wait *= 2 {
		look(ctx, account, variant, left)
		for _, d := range left {
			d.late = wait == 0 || wait > variant.ListingDelay
		}
		if left = undecided(left); len(left) == 0 {
			return
		}
		if err := Sleep(ctx, wait); err != nil {
			for _, d := range left {
				d.err = &Error{Kind: ErrUnavailable, Operation: OpDeleteKey, Message: "the exchange still lists the key", Err: err}
			}
			return
		}
	}
}

// undecided decides about each key and returns those that need more evidence.
func undecided(all []*deletion) []*deletion {
	var left []*deletion
	for _, d := range all {
		settled, err := d.decide()
		if d.err = err; !settled {
			left = append(left, d)
		}
	}
	return left
}

// look asks the exchange for the keys: one by one where it can be asked for a
// single key, else by listing them all.
func look(ctx context.Context, account Account, variant Variant, keys []*deletion) {
	checker, can := account.(KeyChecker)
	type answer struct {
		listed []KeyInfo
		err    error
	}
	lists := map[string]answer{}
	for _, d := range keys {
		var found answer
		if can && (len(keys) == 1 || variant.Unlisted != "") {
			found.listed, found.err = checker.CheckKey(ctx, d.ref, d.answer == nil)
		} else {
			var asked bool
			if found, asked = lists[d.ref.SubAccount]; !asked {
				found.listed, found.err = account.ListKeys(ctx, d.ref.SubAccount)
				lists[d.ref.SubAccount] = found
			}
		}
		d.looked, d.failure = true, found.err
		d.listed = slices.ContainsFunc(found.listed, func(key KeyInfo) bool { return variant.mayBe(key, d.ref) })
	}
}

// mayBe reports whether a listed key may be the one that ref names. Where the
// exchange shows only part of an id, an equal label counts too.
func (v Variant) mayBe(key KeyInfo, ref KeyRef) bool {
	return key.MayBe(ref.ID) || v.MaskedIDs && ref.Label != "" && key.Label == ref.Label
}

package deribit

import (
	"errors"
	"sync/atomic"

	"vault-plugin-secrets-exchange/exchanges"
)

// unscoped is what an account knows of whether Deribit makes keys without any scope,
// of which the documentation says nothing.
type unscoped struct{ known atomic.Int32 }

// What there is to know.
const (
	unscopedUntried int32 = iota
	// unscopedAccepted: Deribit has made such a key, so that it refuses one for
	// another reason.
	unscopedAccepted
	// unscopedRefused: Deribit refused such a key and then made the same with a scope.
	unscopedRefused
	// unscopedInDoubt: Deribit refused both, so the scope was not the reason, or not
	// the only one.
	unscopedInDoubt
)

// worthTrying reports whether the next key is to be made without any scope. In doubt
// it is not, so that what is refused for another reason is not sent twice each time.
func (u *unscoped) worthTrying() bool {
	known := u.known.Load()
	return known == unscopedUntried || known == unscopedAccepted
}

// mayBeRefused takes the outcome of making a key without any scope, and reports
// whether the lack of a scope may be why Deribit refused it. Deribit documents no code
// for that, so it may be any but those that are about the caller. A key that may have
// been made was not refused.
func (u *unscoped) mayBeRefused(err error) bool {
	if err == nil {
		u.known.Store(unscopedAccepted)
		return false
	}
	return u.known.Load() != unscopedAccepted && isRefusal(err)
}

// refusedThen takes the outcome of making the refused key with its scope.
func (u *unscoped) refusedThen(err error) {
	switch {
	case err == nil:
		u.known.Store(unscopedRefused)
	case isRefusal(err):
		u.known.CompareAndSwap(unscopedUntried, unscopedInDoubt)
	}
}

// madeScoped takes the outcome of making a key with its scope. Whatever was refused
// before is not refused any more, so the next key may be without a scope.
func (u *unscoped) madeScoped(err error) {
	if err == nil {
		u.known.CompareAndSwap(unscopedInDoubt, unscopedUntried)
	}
}

// isRefusal reports whether Deribit itself has refused a call for what was asked:
// neither the key, the login or the one-time code of the caller, nor the rate, nor a
// failure of the exchange.
func isRefusal(err error) bool {
	var refusal *exchanges.Error
	var wanted *demand
	if !errors.As(err, &refusal) || refusal.Code == "" || errors.As(err, &wanted) {
		return false
	}
	switch refusal.Kind {
	case exchanges.ErrAuth, exchanges.ErrRateLimited, exchanges.ErrUnavailable, exchanges.ErrOutcomeUnknown:
		return false
	}
	return true
}

package exchanges

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDecide(t *testing.T) {
	failed := func(kind Kind) error { return &Error{Kind: kind} }
	invalid, unknown, denied, down, none := failed(ErrInvalid), failed(ErrOutcomeUnknown), failed(ErrPermission), failed(ErrUnavailable), failed(ErrNotFound)
	for _, test := range []struct {
		name     string
		evidence evidence
		settled  bool
		want     error
	}{
		{"confirmed", evidence{}, false, nil},
		{"refused", evidence{answer: invalid}, false, nil},
		{"in doubt", evidence{answer: unknown}, false, nil},
		{"said not to be there", evidence{answer: none}, false, nil},
		{"denied", evidence{answer: denied}, false, nil},
		{"not accepted", evidence{answer: failed(ErrAuth)}, false, nil},
		{"too fast", evidence{answer: failed(ErrRateLimited)}, true, ErrRateLimited},
		{"not reached", evidence{answer: down}, true, down},
		{"said to be out of service", evidence{answer: &Error{Kind: ErrUnavailable, Code: "503"}}, false, nil},
		{"cannot be done", evidence{answer: failed(ErrUnsupported)}, false, nil},
		{"not begun, for lack of the list", evidence{answer: &Error{Kind: ErrInvalid, Operation: OpListKeys}}, true, ErrInvalid},

		{"confirmed, gone", evidence{looked: true}, true, nil},
		{"refused, gone", evidence{answer: invalid, looked: true}, true, nil},
		{"in doubt, gone", evidence{answer: unknown, looked: true}, true, nil},
		{"confirmed, listed", evidence{looked: true, listed: true}, false, nil},
		{"confirmed, listed too long", evidence{looked: true, listed: true, late: true}, true, ErrUnavailable},
		{"refused, listed", evidence{answer: invalid, looked: true, listed: true}, true, invalid},
		{"in doubt, listed", evidence{answer: unknown, looked: true, listed: true}, true, unknown},
		{"confirmed, no list", evidence{looked: true, failure: down}, true, down},
		{"refused, no list for now", evidence{answer: invalid, looked: true, failure: down}, true, down},
		{"refused, too fast for the list", evidence{answer: denied, looked: true, failure: failed(ErrRateLimited)}, true, ErrRateLimited},
		{"refused, the list is refused", evidence{answer: invalid, looked: true, failure: denied}, true, invalid},
		{"said not to be there, the list is refused", evidence{answer: none, looked: true, failure: denied}, true, denied},
		{"denied, gone", evidence{answer: denied, looked: true}, true, nil},
		{"denied, listed", evidence{answer: denied, looked: true, listed: true}, true, denied},
		{"confirmed, gone at once", evidence{looked: true, fresh: time.Second}, true, nil},
		{"refused, gone so soon", evidence{answer: denied, looked: true, fresh: time.Second}, true, ErrUnseen},
		{"in doubt, gone so soon", evidence{answer: unknown, looked: true, fresh: time.Second}, true, ErrUnseen},
		{"refused, listed so soon", evidence{answer: invalid, looked: true, listed: true, fresh: time.Second}, true, invalid},
		{"refused, no sub-account so soon", evidence{answer: invalid, looked: true, failure: none, fresh: time.Second}, true, nil},
		{"confirmed, no sub-account", evidence{looked: true, failure: none}, true, nil},
		{"refused, no sub-account", evidence{answer: invalid, looked: true, failure: none}, true, nil},

		{"denied, the key must be asked", evidence{answer: denied, unlisted: true}, false, nil},
		{"denied, the key is dead", evidence{answer: denied, unlisted: true, looked: true}, true, nil},
		{"denied, the key works", evidence{answer: denied, unlisted: true, looked: true, listed: true}, true, denied},
		{"denied, the key cannot be asked", evidence{answer: denied, unlisted: true, looked: true, failure: down}, true, denied},
		{"confirmed, the key cannot be asked", evidence{unlisted: true, looked: true, failure: none}, true, none},
		{"denied, the key is dead so soon", evidence{answer: denied, unlisted: true, looked: true, fresh: time.Second}, true, ErrUnseen},
		{"confirmed, the key works", evidence{unlisted: true, looked: true, listed: true, late: true}, true, ErrUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			settled, err := test.evidence.decide()
			require.Equal(t, test.settled, settled)
			require.ErrorIs(t, err, test.want)
		})
	}
}

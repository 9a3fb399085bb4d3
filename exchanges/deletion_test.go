package exchanges_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// deleting is an account that answers deletions, lists keys and records what it was
// asked.
type deleting struct {
	exchanges.Account
	answer error
	// refused maps the ids of keys whose deletion is refused to the error.
	refused map[string]error
	list    func() ([]exchanges.KeyInfo, error)
	deleted []string
	asked   int
}

func (d *deleting) DeleteKey(_ context.Context, ref exchanges.KeyRef) error {
	d.deleted = append(d.deleted, ref.ID)
	if err := d.refused[ref.ID]; err != nil {
		return err
	}
	return d.answer
}

func (d *deleting) ListKeys(_ context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	d.asked++
	if subAccount != "desk" {
		return nil, &exchanges.Error{Kind: exchanges.ErrInvalid, Message: "the wrong sub-account was listed"}
	}
	return d.list()
}

// checking is such an account that can also be asked for a single key.
type checking struct {
	*deleting
	check     func(ref exchanges.KeyRef) ([]exchanges.KeyInfo, error)
	confirmed []bool
}

func (c *checking) CheckKey(_ context.Context, ref exchanges.KeyRef, confirmed bool) ([]exchanges.KeyInfo, error) {
	c.confirmed = append(c.confirmed, confirmed)
	return c.check(ref)
}

func listing(keys []exchanges.KeyInfo, err error) func() ([]exchanges.KeyInfo, error) {
	return func() ([]exchanges.KeyInfo, error) { return keys, err }
}

func failed(kind exchanges.Kind) error { return &exchanges.Error{Kind: kind} }

// keyRef names a key that every list shows if it is there.
func keyRef(id string) exchanges.KeyRef {
	return exchanges.KeyRef{SubAccount: "desk", ID: id, Age: time.Hour}
}

func TestSettle(t *testing.T) {
	gone := []exchanges.KeyInfo{{ID: "other"}}
	there := []exchanges.KeyInfo{{ID: "other"}, {ID: "key"}}
	for _, test := range []struct {
		name    string
		deleted error
		keys    []exchanges.KeyInfo
		listed  error
		want    error
		asks    int
	}{
		{"confirmed and gone", nil, gone, nil, nil, 1},
		{"confirmed and the last one", nil, nil, nil, nil, 1},
		{"confirmed and still there", nil, there, nil, exchanges.ErrUnavailable, 1},
		{"confirmed without proof", nil, nil, failed(exchanges.ErrUnavailable), exchanges.ErrUnavailable, 1},
		{"confirmed, and the sub-account is gone", nil, nil, failed(exchanges.ErrNotFound), nil, 1},
		{"not found and gone", failed(exchanges.ErrNotFound), gone, nil, nil, 1},
		{"not found and still there", failed(exchanges.ErrNotFound), there, nil, exchanges.ErrNotFound, 1},
		{"lost answer and gone", failed(exchanges.ErrOutcomeUnknown), gone, nil, exchanges.ErrUnseen, 1},
		{"lost answer and still there", failed(exchanges.ErrOutcomeUnknown), there, nil, exchanges.ErrOutcomeUnknown, 1},
		{"lost answer without proof", failed(exchanges.ErrOutcomeUnknown), nil, failed(exchanges.ErrRateLimited), exchanges.ErrRateLimited, 1},
		{"refused parameters and gone", failed(exchanges.ErrInvalid), gone, nil, nil, 1},
		{"refused parameters and still there", failed(exchanges.ErrInvalid), there, nil, exchanges.ErrInvalid, 1},
		{"root refused and gone", failed(exchanges.ErrAuth), gone, nil, nil, 1},
		{"root refused and still there", failed(exchanges.ErrAuth), there, nil, exchanges.ErrAuth, 1},
		{"root refused for both", failed(exchanges.ErrAuth), nil, failed(exchanges.ErrPermission), exchanges.ErrAuth, 1},
		{"no permission and gone", failed(exchanges.ErrPermission), gone, nil, nil, 1},
		{"cannot be done and gone", failed(exchanges.ErrUnsupported), gone, nil, nil, 1},
		{"refused for rate", failed(exchanges.ErrRateLimited), gone, nil, exchanges.ErrRateLimited, 0},
		{"not reached", failed(exchanges.ErrUnavailable), gone, nil, exchanges.ErrUnavailable, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			account := &deleting{answer: test.deleted, list: listing(test.keys, test.listed)}
			err := exchanges.SettleOne(t.Context(), account, exchanges.Variant{}, keyRef("key"))
			require.ErrorIs(t, err, test.want)
			require.Equal(t, []string{"key"}, account.deleted)
			require.Equal(t, test.asks, account.asked, "how often the keys were listed")
		})
	}
}

// A key that is not listed is not known to be gone while the list may not show yet
// that it was made, unless the exchange has confirmed the deletion.
func TestSettleAYoungKey(t *testing.T) {
	young := func(age time.Duration) exchanges.KeyRef {
		return exchanges.KeyRef{SubAccount: "desk", ID: "key", Age: age}
	}
	for _, test := range []struct {
		name    string
		variant exchanges.Variant
		deleted error
		age     time.Duration
		want    error
		wait    time.Duration
	}{
		{"confirmed", exchanges.Variant{}, nil, 0, nil, 0},
		{"refused", exchanges.Variant{}, failed(exchanges.ErrNotFound), 10 * time.Second, exchanges.ErrUnseen, 20 * time.Second},
		{"refused, after a while", exchanges.Variant{}, failed(exchanges.ErrNotFound), 30 * time.Second, nil, 0},
		{"refused, where deleted keys leave the list soon", exchanges.Variant{ListingDelay: 4 * time.Second}, failed(exchanges.ErrNotFound), 5 * time.Second, exchanges.ErrUnseen, 25 * time.Second},
		{"refused, where a longer delay is documented", exchanges.Variant{ListingDelay: time.Minute}, failed(exchanges.ErrNotFound), 50 * time.Second, exchanges.ErrUnseen, 10 * time.Second},
		{"refused, after the documented delay", exchanges.Variant{ListingDelay: time.Minute}, failed(exchanges.ErrNotFound), time.Minute, nil, 0},
		{"lost answer, however old", exchanges.Variant{}, failed(exchanges.ErrOutcomeUnknown), time.Hour, exchanges.ErrUnseen, 30 * time.Second},
		{"refused, and the clock was set back", exchanges.Variant{}, failed(exchanges.ErrNotFound), -time.Hour, exchanges.ErrUnseen, 30 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			account := &deleting{answer: test.deleted, list: listing(nil, nil)}
			err := exchanges.SettleOne(t.Context(), account, test.variant, young(test.age))
			require.ErrorIs(t, err, test.want)
			if test.wait > 0 {
				var failure *exchanges.Error
				require.ErrorAs(t, err, &failure)
				require.Equal(t, test.wait, failure.RetryAfter)
				require.ErrorIs(t, err, test.deleted, "the exchange's own answer can be found out")
			}
		})
	}
}

// A key that was not shown is looked for before its deletion is asked for again, or
// the wait would begin anew with each answer that is lost.
func TestSettleLooksAgain(t *testing.T) {
	lost := failed(exchanges.ErrOutcomeUnknown)
	for _, test := range []struct {
		name    string
		age     time.Duration
		keys    []exchanges.KeyInfo
		listed  error
		want    error
		deleted []string
		asked   int
	}{
		{"still not shown", 30 * time.Second, nil, nil, nil, nil, 1},
		{"asked too soon", 29 * time.Second, nil, nil, exchanges.ErrUnseen, nil, 1},
		{"shown after all", 30 * time.Second, []exchanges.KeyInfo{{ID: "key"}}, nil, lost, []string{"key"}, 2},
		{"no list", 30 * time.Second, nil, failed(exchanges.ErrUnavailable), exchanges.ErrUnavailable, []string{"key"}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			account := &deleting{answer: lost, list: listing(test.keys, test.listed)}
			ref := keyRef("key")
			ref.Unseen, ref.Age = true, test.age
			require.ErrorIs(t, exchanges.SettleOne(t.Context(), account, exchanges.Variant{}, ref), test.want)
			require.Equal(t, test.deleted, account.deleted)
			require.Equal(t, test.asked, account.asked, "how often the keys were listed")
		})
	}
}

// until lists the key up to a certain time, like an exchange whose list lags
// behind.
func until(end time.Time) func() ([]exchanges.KeyInfo, error) {
	return func() ([]exchanges.KeyInfo, error) {
		if time.Now().Before(end) {
			return []exchanges.KeyInfo{{ID: "key"}}, nil
		}
		return nil, nil
	}
}

func TestSettleWaitsForTheList(t *testing.T) {
	const delay = 7 * time.Second
	slow := exchanges.Variant{ListingDelay: delay}
	for _, test := range []struct {
		name    string
		deleted error
		listed  time.Duration
		want    error
		took    time.Duration
	}{
		{"gone at once", nil, 0, nil, 0},
		{"gone after a while", nil, 2 * time.Second, nil, 3 * time.Second},
		{"gone at the last moment", nil, delay, nil, delay},
		{"still there after the delay", nil, time.Hour, exchanges.ErrUnavailable, delay},
		{"not confirmed", &exchanges.Error{Kind: exchanges.ErrInvalid}, time.Hour, exchanges.ErrInvalid, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				account := &deleting{answer: test.deleted, list: until(start.Add(test.listed))}
				err := exchanges.SettleOne(t.Context(), account, slow, keyRef("key"))
				require.ErrorIs(t, err, test.want)
				require.Equal(t, test.took, time.Since(start))
			})
		})
	}
	t.Run("the caller leaves", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			start := time.Now()
			err := exchanges.SettleOne(ctx, &deleting{list: until(start.Add(time.Hour))}, slow, keyRef("key"))
			require.ErrorIs(t, err, exchanges.ErrUnavailable)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 2*time.Second, time.Since(start))
		})
	})
}

// Keys of one sub-account are settled one by one but looked up together.
func TestSettleSeveral(t *testing.T) {
	account := &deleting{
		refused: map[string]error{"denied": failed(exchanges.ErrPermission), "lost": failed(exchanges.ErrOutcomeUnknown), "unknown": failed(exchanges.ErrNotFound)},
		list:    listing([]exchanges.KeyInfo{{ID: "denied"}, {ID: "lie"}, {ID: "lost"}, {ID: "other"}}, nil),
	}
	errs := exchanges.Settle(t.Context(), account, exchanges.Variant{}, keyRef("gone"), keyRef("denied"), keyRef("lie"), keyRef("lost"), keyRef("unknown"))
	require.Len(t, errs, 5)
	assert.NoError(t, errs[0])
	assert.ErrorIs(t, errs[1], exchanges.ErrPermission)
	assert.ErrorIs(t, errs[2], exchanges.ErrUnavailable)
	assert.ErrorIs(t, errs[3], exchanges.ErrOutcomeUnknown)
	assert.NoError(t, errs[4])
	assert.Equal(t, 1, account.asked)

	account = &deleting{list: listing(nil, failed(exchanges.ErrUnavailable))}
	for _, err := range exchanges.Settle(t.Context(), account, exchanges.Variant{}, keyRef("a"), keyRef("b")) {
		assert.ErrorIs(t, err, exchanges.ErrUnavailable)
	}
	assert.Equal(t, 1, account.asked, "a list that failed is not requested again")

	assert.Empty(t, exchanges.Settle(t.Context(), account, exchanges.Variant{}))
}

// The list of one sub-account proves nothing about another.
func TestSettleInSeveralSubAccounts(t *testing.T) {
	account := &deleting{list: listing(nil, nil)}
	elsewhere := exchanges.KeyRef{SubAccount: "elsewhere", ID: "key", Age: time.Hour}
	errs := exchanges.Settle(t.Context(), account, exchanges.Variant{}, keyRef("key"), elsewhere)
	assert.NoError(t, errs[0])
	assert.ErrorIs(t, errs[1], exchanges.ErrInvalid)
	assert.Equal(t, 2, account.asked)
}

// Only keys that are still listed are waited for and looked up again.
func TestSettleSeveralThatGoOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		account := &deleting{list: func() ([]exchanges.KeyInfo, error) {
			if time.Since(start) < 2*time.Second {
				return []exchanges.KeyInfo{{ID: "slow"}}, nil
			}
			// A key that was gone once is not looked up again.
			return []exchanges.KeyInfo{{ID: "fast"}}, nil
		}}
		errs := exchanges.Settle(t.Context(), account, exchanges.Variant{ListingDelay: 7 * time.Second}, keyRef("fast"), keyRef("slow"))
		require.Equal(t, []error{nil, nil}, errs)
		require.Equal(t, 3*time.Second, time.Since(start))
		require.Equal(t, 3, account.asked)
	})
}

// An account that can be asked for a single key is asked for it when there is one
// key, and for the list when there are several.
func TestSettleChecksOneKey(t *testing.T) {
	there := func(ref exchanges.KeyRef) ([]exchanges.KeyInfo, error) { return []exchanges.KeyInfo{{ID: ref.ID}}, nil }
	account := &checking{deleting: &deleting{answer: failed(exchanges.ErrInvalid), list: listing(nil, nil)}, check: there}
	require.ErrorIs(t, exchanges.SettleOne(t.Context(), account, exchanges.Variant{}, keyRef("key")), exchanges.ErrInvalid)
	account.answer = nil
	require.ErrorIs(t, exchanges.SettleOne(t.Context(), account, exchanges.Variant{}, keyRef("key")), exchanges.ErrUnavailable)
	require.Equal(t, []bool{false, true}, account.confirmed)
	require.Zero(t, account.asked)

	require.Equal(t, []error{nil, nil}, exchanges.Settle(t.Context(), account, exchanges.Variant{}, keyRef("key"), keyRef("other")))
	require.Len(t, account.confirmed, 2)
	require.Equal(t, 1, account.asked)
}

// Where no list shows a key, only the key itself proves that it is gone, whatever
// the exchange answered to its deletion.
func TestSettleUnlisted(t *testing.T) {
	variant := exchanges.Variant{Unlisted: "it ends by itself"}
	for _, test := range []struct {
		name            string
		deleted, failed error
		works           bool
		want            error
	}{
		{"gone", nil, nil, false, nil},
		{"the root key is refused, gone", failed(exchanges.ErrAuth), nil, false, nil},
		{"the call did not run, gone", failed(exchanges.ErrUnavailable), nil, false, nil},
		{"confirmed, still works", nil, nil, true, exchanges.ErrUnavailable},
		{"refused, still works", failed(exchanges.ErrInvalid), nil, true, exchanges.ErrInvalid},
		{"confirmed without proof", nil, failed(exchanges.ErrRateLimited), false, exchanges.ErrRateLimited},
		{"refused without proof", failed(exchanges.ErrAuth), failed(exchanges.ErrRateLimited), false, exchanges.ErrAuth},
		{"no sub-account that could be gone", nil, failed(exchanges.ErrNotFound), false, exchanges.ErrNotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			account := &checking{deleting: &deleting{answer: test.deleted}, check: func(ref exchanges.KeyRef) ([]exchanges.KeyInfo, error) {
				if !test.works {
					return nil, test.failed
				}
				return []exchanges.KeyInfo{{ID: ref.ID}}, nil
			}}
			for _, err := range exchanges.Settle(t.Context(), account, variant, keyRef("a"), keyRef("b")) {
				require.ErrorIs(t, err, test.want)
			}
			require.Len(t, account.confirmed, 2, "each key is asked")
		})
	}
}

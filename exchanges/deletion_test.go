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

func keyRef(id string) exchanges.KeyRef { return exchanges.KeyRef{SubAccount: "desk", ID: id} }

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
		{"lost answer and gone", failed(exchanges.ErrOutcomeUnknown), gone, nil, nil, 1},
		{"lost answer and still there", failed(exchanges.ErrOutcomeUnknown), there, nil, exchanges.ErrOutcomeUnknown, 1},
		{"lost answer without proof", failed(exchanges.ErrOutcomeUnknown), nil, failed(exchanges.ErrRateLimited), exchanges.ErrRateLimited, 1},
		{"refused parameters and gone", failed(exchanges.ErrInvalid), gone, nil, nil, 1},
		{"refused parameters and still there", failed(exchanges.ErrInvalid), there, nil, exchanges.ErrInvalid, 1},
		{"root refused", failed(exchanges.ErrAuth), gone, nil, exchanges.ErrAuth, 0},
		{"no permission", failed(exchanges.ErrPermission), gone, nil, exchanges.ErrPermission, 0},
		{"refused for rate", failed(exchanges.ErrRateLimited), gone, nil, exchanges.ErrRateLimited, 0},
		{"not reached", failed(exchanges.ErrUnavailable), gone, nil, exchanges.ErrUnavailable, 0},
		{"cannot be done", failed(exchanges.ErrUnsupported), gone, nil, exchanges.ErrUnsupported, 0},
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
	elsewhere := exchanges.KeyRef{SubAccount: "elsewhere", ID: "key"}
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

package deribit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/pace"
	"vault-plugin-secrets-exchange/exchanges/rest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// A key takes one code, a key with addresses two, 30 seconds apart. Deleting
// them takes none.
func TestCodesPerKey(t *testing.T) {
	atVenue(t, func(v *venue) {
		guarded, subAccount := v.root("totp")
		var free, bound exchanges.Key
		var err error
		freeRequest, boundRequest := v.request(subAccount, "vlt_free"), v.request(subAccount, "vlt_bound", "203.0.113.7")
		assert.Less(t, took(func() {
			free, err = guarded.CreateKey(v.Context(), freeRequest)
			require.NoError(t, err)
		}), rest.OneTimeCodePeriod)
		assert.InDelta(t, 60, took(func() {
			bound, err = guarded.CreateKey(v.Context(), boundRequest)
			require.NoError(t, err)
		}).Seconds(), 1, "one code after the one just used, and one more")
		assert.Equal(t, []string{"203.0.113.7"}, bound.Addresses)
		assert.Equal(t, []string{"trade:read", "wallet:read"}, bound.Permissions)

		assert.Less(t, took(func() {
			require.NoError(t, exchangetest.Settle(v.Context(), guarded, ref(freeRequest, free)))
			require.NoError(t, exchangetest.Settle(v.Context(), guarded, ref(boundRequest, bound)))
		}), 2*time.Second)
		assert.Empty(t, v.Keys())
	})
}

// A key can do nothing until it is bound to its addresses.
func TestUnboundKeyIsInert(t *testing.T) {
	atVenue(t, func(v *venue) {
		guarded, subAccount := v.root("totp")
		var minting sync.WaitGroup
		minting.Go(func() {
			_, err := guarded.CreateKey(v.Context(), v.request(subAccount, "vlt1", "203.0.113.7"))
			assert.NoError(t, err)
		})
		synctest.Wait()
		time.Sleep(rest.OneTimeCodePeriod / 2)
		half := v.Keys()
		require.Len(t, half, 1)
		assert.Empty(t, half[0].IPs)
		assert.Empty(t, half[0].Permissions)
		minting.Wait()
		assert.NotEmpty(t, v.Keys()[0].Permissions)
	})
}

// A caller that cannot wait for as many codes as its key takes is told so
// before anything is made.
func TestTooLittlePatience(t *testing.T) {
	atVenue(t, func(v *venue) {
		guarded, subAccount := v.root("totp")
		impatient := exchanges.WithPatience(v.Context(), 20*time.Second)
		_, err := guarded.CreateKey(impatient, v.request(subAccount, "vlt1", "203.0.113.7"))
		require.ErrorIs(t, err, exchanges.ErrRateLimited)
		assert.ErrorContains(t, err, "set the role's max_wait to 60s")
		assert.Empty(t, v.Keys())

		_, err = guarded.CreateKey(impatient, v.request(subAccount, "vlt2"))
		require.NoError(t, err, "a key without addresses takes one code")
		patient := exchanges.WithPatience(v.Context(), time.Minute)
		_, err = guarded.CreateKey(patient, v.request(subAccount, "vlt3", "203.0.113.7"))
		require.NoError(t, err)
	})
}

// Callers queue for codes, and one that would have to wait too long is told its
// place. A half-made key is completed before another is begun.
func TestQueue(t *testing.T) {
	atVenue(t, func(v *venue) {
		guarded, subAccount := v.root("totp")
		var mu sync.Mutex
		var finished []time.Duration
		var minting sync.WaitGroup
		start := time.Now()
		for i := range 3 {
			minting.Go(func() {
				_, err := guarded.CreateKey(v.Context(), v.request(subAccount, fmt.Sprintf("vlt%d", i), "203.0.113.7"))
				assert.NoError(t, err)
				mu.Lock()
				defer mu.Unlock()
				finished = append(finished, time.Since(start).Round(time.Second))
			})
		}
		synctest.Wait()
		_, err := guarded.CreateKey(exchanges.WithPatience(v.Context(), 45*time.Second), v.request(subAccount, "vlt9"))
		require.ErrorIs(t, err, exchanges.ErrRateLimited)
		assert.Regexp(t, `leaves no room for \S+ \(place [34] in the queue\)`, err.Error())
		var failure *exchanges.Error
		require.ErrorAs(t, err, &failure)
		assert.Greater(t, failure.RetryAfter, 45*time.Second)

		minting.Wait()
		assert.Equal(t, []time.Duration{30 * time.Second, 90 * time.Second, 150 * time.Second}, finished)
	})
}

// A revocation normally needs no code; where it does, it goes first.
func TestRevocationsFirst(t *testing.T) {
	atVenue(t, func(v *venue) {
		guarded, subAccount := v.root("totp")
		request := v.request(subAccount, "vlt0")
		key, err := guarded.CreateKey(v.Context(), request)
		require.NoError(t, err)
		var minting sync.WaitGroup
		for i := range 3 {
			minting.Go(func() {
				_, err := guarded.CreateKey(v.Context(), v.request(subAccount, fmt.Sprintf("vlt1%d", i)))
				assert.NoError(t, err)
			})
		}
		synctest.Wait()
		revoking := exchanges.WithRevoking(v.Context())
		assert.Less(t, took(func() { require.NoError(t, exchangetest.Settle(revoking, guarded, ref(request, key))) }), 2*time.Second)
		assert.LessOrEqual(t, took(func() {
			_, err := guarded.ListKeys(revoking, subAccount)
			require.NoError(t, err)
		}), rest.OneTimeCodePeriod, "the next code is the revocation's")
		minting.Wait()
	})
}

// Without a code, a rename proves the deletion; where the rename proves nothing, a
// list with a code does.
func TestProofOfDeletion(t *testing.T) {
	for _, test := range []struct {
		name   string
		spoil  func(v *venue, r *exchanges.KeyRef)
		code   bool // the codes that the proof takes
		remain bool
	}{
		{"a plain deletion", func(*venue, *exchanges.KeyRef) {}, false, false},
		{"without label", func(_ *venue, r *exchanges.KeyRef) { r.Label = "" }, true, false},
		{"gone before", func(v *venue, _ *exchanges.KeyRef) { v.RemoveKey(name, v.Keys()[0].APIKey) }, true, false},
		{"the rename fails", func(v *venue, _ *exchanges.KeyRef) { v.inject(exchanges.OpEditKey, simulator.Error5xx, 0) }, true, false},
		{"a lie", func(v *venue, _ *exchanges.KeyRef) { v.inject(exchanges.OpDeleteKey, simulator.DeleteLies, 0) }, false, true},
		{"a lie that the rename does not uncover", func(v *venue, _ *exchanges.KeyRef) {
			v.inject(exchanges.OpDeleteKey, simulator.DeleteLies, 0)
			v.inject(exchanges.OpEditKey, simulator.Outage, 0)
		}, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			atVenue(t, func(v *venue) {
				guarded, subAccount := v.root("totp")
				request := v.request(subAccount, "vlt1")
				key, err := guarded.CreateKey(v.Context(), request)
				require.NoError(t, err)
				used := ref(request, key)
				test.spoil(v, &used)
				listed := v.Calls(name, exchanges.OpListKeys)
				err = exchangetest.Settle(v.Context(), guarded, used)
				assert.Equal(t, test.remain, err != nil, "%v", err)
				assert.Equal(t, test.remain, len(v.Keys()) == 1)
				lists := 1 // without code
				if test.code {
					lists = 3 // one more that asks for a code, and one with it
				}
				assert.Equal(t, lists, v.Calls(name, exchanges.OpListKeys)-listed)
			})
		})
	}
}

// A list tells of all keys where it takes no code.
func TestKeysAreCheckedTogether(t *testing.T) {
	for kind, want := range map[string]error{"main": nil, "totp": exchanges.ErrUnsupported} {
		t.Run(kind, func(t *testing.T) {
			atVenue(t, func(v *venue) {
				var opened exchanges.Account
				opened, subAccount := v.root(kind)
				for _, label := range []string{"vlt1", "vlt2"} {
					_, err := opened.CreateKey(v.Context(), v.request(subAccount, label))
					require.NoError(t, err)
				}
				keys, err := opened.(exchanges.KeysChecker).CheckKeys(v.Context(), subAccount)
				require.ErrorIs(t, err, want)
				if want == nil {
					require.Len(t, keys, 2)
				}
			})
		})
	}
}

// A code that somebody else has used is followed by the next one.
func TestCodeUsedByAnother(t *testing.T) {
	atVenue(t, func(v *venue) {
		guarded, subAccount := v.root("totp")
		other, _ := v.root("totp")
		_, err := other.CreateKey(v.Context(), v.request(subAccount, "vlt1"))
		require.NoError(t, err)
		assert.InDelta(t, 30, took(func() {
			_, err = guarded.CreateKey(v.Context(), v.request(subAccount, "vlt2"))
			require.NoError(t, err)
		}).Seconds(), 1)

		_, err = other.CreateKey(v.Context(), v.request(subAccount, "vlt3"))
		require.NoError(t, err)
		impatient := exchanges.WithPatience(v.Context(), rest.OneTimeCodePeriod-time.Second)
		time.Sleep(time.Until(time.Now().Truncate(rest.OneTimeCodePeriod).Add(rest.OneTimeCodePeriod)))
		_, err = other.CreateKey(v.Context(), v.request(subAccount, "vlt4"))
		require.NoError(t, err)
		_, err = guarded.CreateKey(impatient, v.request(subAccount, "vlt5"))
		require.ErrorIs(t, err, exchanges.ErrRateLimited)
		assert.Len(t, v.Keys(), 4)
	})
}

// A key that cannot be bound is deleted without a code.
func TestRollBackTakesNoCode(t *testing.T) {
	atVenue(t, func(v *venue) {
		guarded, subAccount := v.root("totp")
		ctx, cancel := context.WithTimeout(v.Context(), rest.OneTimeCodePeriod+5*time.Second)
		defer cancel()
		v.inject(exchanges.OpEditKey, simulator.Error5xx, 3)
		_, err := guarded.CreateKey(ctx, v.request(subAccount, "vlt1", "203.0.113.7"))
		require.ErrorIs(t, err, exchanges.ErrUnavailable)
		assert.Empty(t, v.Keys())
		assert.Equal(t, 1, len(v.Deletions(name)))
	})
}

func TestNoTOTPSecret(t *testing.T) {
	atVenue(t, func(v *venue) {
		access, _ := v.Root(name, "totp")
		c := exchanges.Credential{APIKey: access.APIKey, APISecret: exchanges.Secret(access.APISecret)}
		without := v.open(c, variantMain)
		identity, err := without.Inspect(v.Context())
		require.NoError(t, err)
		assert.False(t, identity.CanMint)
		assert.Contains(t, identity.Problem, "set the connection's totp_secret")
		_, err = without.CreateKey(v.Context(), v.request(access.SubAccounts[0], "vlt1"))
		require.ErrorIs(t, err, exchanges.ErrPermission)
		assert.ErrorContains(t, err, "totp_secret")

		c.TOTPSecret = "JBSWY3DPEHPK3PXP"
		wrong := v.open(c, variantMain)
		identity, err = wrong.Inspect(v.Context())
		require.NoError(t, err)
		assert.True(t, identity.CanMint, "codes are for minting, so none is tried out")
		assert.Nil(t, identity.Addresses)
		_, err = wrong.CreateKey(v.Context(), v.request(access.SubAccounts[0], "vlt1"))
		require.ErrorIs(t, err, exchanges.ErrAuth)
		assert.ErrorContains(t, err, "tfa_code_not_matched")
		assert.Equal(t, 3, v.Calls(name, exchanges.OpCreateKey), "a wrong code is not retried")
		assert.Empty(t, v.Keys())
	})
}

func TestTooManyWrongCodes(t *testing.T) {
	atVenue(t, func(v *venue) {
		guarded, subAccount := v.root("totp")
		guarded.Pause(exchanges.OpOneTimeCode, time.Hour)
		_, err := guarded.CreateKey(exchanges.WithPatience(v.Context(), time.Minute), v.request(subAccount, "vlt1"))
		var failure *exchanges.Error
		require.True(t, errors.As(err, &failure))
		assert.Equal(t, exchanges.ErrRateLimited, failure.Kind)
		assert.Equal(t, pace.MaxPause, failure.RetryAfter.Round(time.Minute), "no pause is longer")
	})
}

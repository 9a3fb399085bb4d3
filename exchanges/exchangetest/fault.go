package exchangetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// answerless are the faults in which the exchange itself does not answer and
// nothing is done.
func answerless() []simulator.FaultKind {
	return []simulator.FaultKind{
		simulator.DropBeforeCommit, simulator.Error5xx, simulator.HTMLError, simulator.Outage,
	}
}

func (s *suite) testFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range answerless() {
		t.Run(string(fault), func(t *testing.T) {
			s.bubble(t, hurried, func(t *testing.T, b *bubble) {
				account := b.account(t)
				for _, operation := range s.reads() {
					s.testReadFault(t, b.venue, account, fault, operation)
				}
				b.inject(t, exchanges.OpCreateKey, fault, 0, 0)
				s.failedCreation(t.Context(), t, b.venue, account)
			})
		})
	}
	t.Run("no answer in time", func(t *testing.T) {
		s.bubble(t, hurried, func(t *testing.T, b *bubble) {
			b.options.Timeout = time.Second
			account := b.account(t)
			b.leaveUnanswered(t, exchanges.OpCreateKey)
			ctx := deadline(t)
			err := s.failedCreation(ctx, t, b.venue, account)
			assert.ErrorIs(t, err, exchanges.ErrOutcomeUnknown)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.NoError(t, ctx.Err(), "the account's own timeout must end the call, not the caller's deadline")
		})
	})
	t.Run("no answer before the caller's deadline", func(t *testing.T) {
		s.bubble(t, hurried, func(t *testing.T, b *bubble) {
			account := b.account(t)
			b.leaveUnanswered(t, exchanges.OpCreateKey)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := s.failedCreation(ctx, t, b.venue, account)
			assert.ErrorIs(t, err, exchanges.ErrOutcomeUnknown)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
	})
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		venue := s.start(t)
		options := venue.options(t)
		// This is the port of tcpmux, which no other test running meanwhile can be
		// given.
		options.BaseURL = "http://127.0.0.1:1"
		account := venue.open(t, credentialOf(venue.root(t).Credential), options)
		_, err := account.CreateKey(deadline(t), s.order(t, venue.root(t).SubAccounts[0], s.readGrant(t)).KeyRequest)
		assert.ErrorIs(t, err, exchanges.ErrUnavailable, "what could not be sent did not run")
		assert.ErrorContains(t, err, "base_url")
		assertKind(t, err)
	})
}

// testReadFault checks that a read recovers from a passing fault and fails plainly
// under a lasting one.
func (s *suite) testReadFault(t *testing.T, venue *venue, account exchanges.Account, fault simulator.FaultKind, operation exchanges.Operation) {
	o := s.order(t, venue.root(t).SubAccounts[0], s.readGrant(t))
	venue.inject(t, operation, fault, 1, 0)
	assert.NoError(t, perform(deadline(t), account, operation, o), "%s under one %s", operation, fault)

	before := venue.calls(operation)
	venue.inject(t, operation, fault, 0, 0)
	err := perform(deadline(t), account, operation, o)
	assert.ErrorIs(t, err, exchanges.ErrUnavailable, operation)
	assertKind(t, err)
	sent := venue.calls(operation) - before
	assert.Greater(t, sent, 1, "%s is safe to repeat", operation)
	// There are three tries, and net/http may send each of them twice if the
	// connection it reused turns out to be closed.
	assert.LessOrEqual(t, sent, 6, "%s must not be repeated for ever", operation)
	venue.ClearFaults()
}

// failedCreation creates a key where that must fail, and checks that it was
// tried once and that no key is left.
func (s *suite) failedCreation(ctx context.Context, t *testing.T, venue *venue, account exchanges.Account) error {
	o := s.order(t, venue.root(t).SubAccounts[0], s.readGrant(t))
	_, err := account.CreateKey(ctx, o.KeyRequest)
	require.Error(t, err)
	assertKind(t, err)
	if !errors.Is(err, exchanges.ErrUnavailable) {
		assert.ErrorIs(t, err, exchanges.ErrOutcomeUnknown)
	}
	assert.Equal(t, 1, venue.calls(exchanges.OpCreateKey), "a call that makes a key must not be repeated")
	assert.Empty(t, venue.live(o.SubAccount))
	return err
}

// testLostAnswer checks that a key whose creation was not confirmed is found
// and can be deleted.
func (s *suite) testLostAnswer(t *testing.T) {
	t.Parallel()
	venue := s.start(t)
	account := venue.account(t)
	o := s.order(t, venue.root(t).SubAccounts[0], s.readGrant(t))
	before := venue.list(deadline(t), t, account, o.SubAccount)

	venue.inject(t, exchanges.OpCreateKey, simulator.DropAfterCommit, 0, 0)
	_, err := account.CreateKey(deadline(t), o.KeyRequest)
	require.ErrorIs(t, err, exchanges.ErrOutcomeUnknown)
	assertKind(t, err)
	assert.Equal(t, 1, venue.calls(exchanges.OpCreateKey), "a lost answer must not lead to a second key")
	require.Len(t, venue.live(o.SubAccount), 1)

	if s.variant.Unlisted != "" {
		// Nobody can find it, so it must expire by itself, with its lease.
		venue.advance(time.Until(o.Expires) + time.Minute)
		assert.Empty(t, venue.live(o.SubAccount))
		return
	}
	orphan := o.find(deadline(t), t, venue, account, before)
	require.Len(t, orphan, 1)
	if orphan[0].Masked {
		// What cannot be addressed must be left to a person, and never be
		// taken for gone. Nobody holds its secret.
		err := o.delete(deadline(t), account, exchanges.Key{ID: orphan[0].ID})
		require.ErrorIs(t, err, exchanges.ErrUnsupported)
		assert.ErrorContains(t, err, orphan[0].ID)
		require.Len(t, venue.live(o.SubAccount), 1)
		return
	}
	require.NoError(t, o.delete(deadline(t), account, exchanges.Key{ID: orphan[0].ID}))
	venue.assertGone(t, o.SubAccount)
}

// testRollBack checks, where it takes several calls to make a key, that a failure
// after the first leaves no key behind.
func (s *suite) testRollBack(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) (*venue, exchanges.Account, order) {
		venue := s.start(t)
		return venue, venue.account(t), s.order(t, venue.root(t).SubAccounts[0], s.grants(t)[0])
	}
	venue, account, o := start(t)
	o.create(deadline(t), t, account)
	// These come after the call that makes a key: it is completed, asked for its
	// permissions, or looked up in the list.
	after := []exchanges.Operation{exchanges.OpEditKey, exchanges.OpInspect, exchanges.OpListKeys}
	i := slices.IndexFunc(after, func(o exchanges.Operation) bool { return venue.calls(o) > 0 })
	if i < 0 {
		return // One call makes the complete key.
	}
	second := after[i]
	t.Run("the key is known before", func(t *testing.T) {
		t.Parallel()
		venue, account, o := start(t)
		noted := errors.New("the key cannot be recorded")
		o.Made = func(_ context.Context, ref exchanges.KeyRef) error {
			assert.Zero(t, venue.calls(second))
			assert.Len(t, venue.live(o.SubAccount), 1)
			assert.NotEmpty(t, ref.ID)
			return noted
		}
		_, err := account.CreateKey(deadline(t), o.KeyRequest)
		require.ErrorIs(t, err, noted)
		assert.Empty(t, venue.live(o.SubAccount), "what cannot be recorded must not stay")
	})
	for _, fault := range append(answerless(), simulator.DropAfterCommit) {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			venue, account, o := start(t)
			venue.inject(t, second, fault, 0, 0)
			_, err := account.CreateKey(deadline(t), o.KeyRequest)
			require.Error(t, err)
			assertKind(t, err)
			assert.Equal(t, 1, venue.calls(exchanges.OpCreateKey))
			assert.Empty(t, venue.live(o.SubAccount))
		})
	}
	t.Run("the caller has gone", func(t *testing.T) {
		s.bubble(t, hurried, func(t *testing.T, b *bubble) {
			account, o := b.account(t), s.order(t, b.root(t).SubAccounts[0], s.grants(t)[0])
			b.leaveUnanswered(t, second)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			// The exchange answers again before the key is to be deleted.
			time.AfterFunc(time.Second/2, b.ClearFaults)
			_, err := account.CreateKey(ctx, o.KeyRequest)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Empty(t, b.live(o.SubAccount))
		})
	})
	t.Run("the deletion fails too", func(t *testing.T) {
		t.Parallel()
		venue, account, o := start(t)
		before := venue.list(deadline(t), t, account, o.SubAccount)
		venue.inject(t, second, simulator.Error5xx, 0, 0)
		venue.inject(t, exchanges.OpDeleteKey, simulator.Error5xx, 0, 0)
		_, err := account.CreateKey(deadline(t), o.KeyRequest)
		require.ErrorIs(t, err, exchanges.ErrOutcomeUnknown, "so that the caller settles it later")
		venue.ClearFaults()
		assert.Len(t, venue.live(o.SubAccount), 1)
		assert.Len(t, o.find(deadline(t), t, venue, account, before), 1)
	})
}

// testSurplusAndLack checks that a key which got more or less than was asked
// for shows it.
func (s *suite) testSurplusAndLack(t *testing.T) {
	t.Parallel()
	if len(s.variant.Permissions) == 1 {
		return // All keys hold the same, and no answer mentions it.
	}
	widest := s.grant(t, s.variant.Offered())
	for _, test := range []struct {
		fault simulator.FaultKind
		grant exchanges.Grant
	}{
		{simulator.GrantMore, s.readGrant(t)},
		{simulator.GrantLess, widest},
	} {
		t.Run(string(test.fault), func(t *testing.T) {
			venue := s.start(t)
			account := venue.account(t)
			venue.inject(t, exchanges.OpAny, test.fault, 0, 0)
			o := s.order(t, venue.root(t).SubAccounts[0], test.grant)
			key, err := account.CreateKey(deadline(t), o.KeyRequest)
			if err != nil {
				assert.Empty(t, venue.live(o.SubAccount), "a refused key must be deleted")
				return
			}
			assert.Error(t, s.variant.CheckGrant(test.grant, key.Permissions))
			for _, listed := range o.find(deadline(t), t, venue, account, nil) {
				if listed.Permissions != nil {
					assert.Error(t, s.variant.CheckGrant(test.grant, listed.Permissions))
				}
			}
			require.NoError(t, o.delete(deadline(t), account, key))
			venue.assertGone(t, o.SubAccount)
		})
	}
}

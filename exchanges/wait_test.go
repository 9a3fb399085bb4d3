package exchanges_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestSleepEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		assert.NoError(t, exchanges.Sleep(t.Context(), time.Minute))
		assert.Equal(t, time.Minute, time.Since(began))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, exchanges.Sleep(ctx, time.Minute), context.DeadlineExceeded)
		assert.Equal(t, time.Minute+time.Second, time.Since(began))
	})
}

func TestDoubling(t *testing.T) {
	for n, want := range map[int]time.Duration{
		-1: 15 * time.Second, 0: 15 * time.Second, 1: 15 * time.Second, 2: 30 * time.Second, 3: time.Minute,
		6: 8 * time.Minute, 7: 10 * time.Minute, 1_000_000: 10 * time.Minute,
	} {
		assert.Equal(t, want, exchanges.Doubling(15*time.Second, 10*time.Minute, n), n)
	}
	assert.Equal(t, time.Second, exchanges.Doubling(time.Minute, time.Second, 1))
}

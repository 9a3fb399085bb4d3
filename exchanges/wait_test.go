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

func TestPatiently(t *testing.T) {
	for name, test := range map[string]struct {
		doneAt, within, took time.Duration
		tries                int
		want                 error
	}{
		"at once":            {0, time.Hour, 0, 1, nil},
		"after a while":      {3 * time.Second, time.Hour, 3500 * time.Millisecond, 4, nil},
		"never":              {time.Hour, time.Hour, 31500 * time.Millisecond, 7, nil},
		"the caller leaves":  {time.Hour, 5 * time.Second, 5 * time.Second, 4, context.DeadlineExceeded},
		"not past the close": {31500 * time.Millisecond, time.Hour, 31500 * time.Millisecond, 7, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.within)
				defer cancel()
				began, tries := time.Now(), 0
				err := exchanges.Patiently(ctx, func() bool {
					tries++
					return time.Since(began) >= test.doneAt
				})
				assert.ErrorIs(t, err, test.want)
				assert.Equal(t, test.took, time.Since(began))
				assert.Equal(t, test.tries, tries)
			})
		})
	}
}

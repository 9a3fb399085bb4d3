package ledger

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClaimsLetOneInAtATime(t *testing.T) {
	c := &claims{held: map[string]chan struct{}{}}
	require.NoError(t, c.take(t.Context(), "key"))
	require.NotNil(t, c.try("key"))
	require.Nil(t, c.try("other key"))
	c.release("other key")

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.take(gone, "key"), context.Canceled)

	var waiting sync.WaitGroup
	inside, most := 0, 0
	for range 20 {
		waiting.Go(func() {
			if c.take(t.Context(), "key") != nil {
				return
			}
			inside++
			most = max(most, inside)
			inside--
			c.release("key")
		})
	}
	c.release("key")
	waiting.Wait()
	require.Equal(t, 1, most)
	require.Zero(t, c.count())
}

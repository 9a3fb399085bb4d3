package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/store"
)

// slowStorage stops each call until it is let go, if it is told to, and counts reads.
type slowStorage struct {
	logical.Storage
	mu    sync.Mutex
	reads int
	// begun is told of each call once storage has done its work, and goOn lets the
	// answer go; nil for neither.
	begun, goOn chan struct{}
	fail        error
}

func (s *slowStorage) stop() {
	s.mu.Lock()
	begun, goOn := s.begun, s.goOn
	s.begun, s.goOn = nil, nil
	s.mu.Unlock()
	if begun != nil {
		close(begun)
		<-goOn
	}
}

// hold stops the next call and returns what tells of it, and what lets it go.
func (s *slowStorage) hold() (begun <-chan struct{}, goOn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun, s.goOn = make(chan struct{}), make(chan struct{})
	free := s.goOn
	return s.begun, func() { close(free) }
}

func (s *slowStorage) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	entry, err := s.Storage.Get(ctx, key)
	s.mu.Lock()
	s.reads++
	s.mu.Unlock()
	s.stop()
	return entry, err
}

func (s *slowStorage) Put(ctx context.Context, entry *logical.StorageEntry) error {
	err := s.Storage.Put(ctx, entry)
	s.stop()
	return errors.Join(err, s.fail)
}

func keeping(most int) (*store.Table[counter], *slowStorage) {
	return store.New[counter]("counter/", nil).Keeping(most), &slowStorage{Storage: &logical.InmemStorage{}}
}

// value is what the table says of the one entry.
func value(t *testing.T, table *store.Table[counter], s logical.Storage) int {
	t.Helper()
	found, err := table.Get(t.Context(), s, "a")
	require.NoError(t, err)
	require.NotNil(t, found)
	return found.N
}

func TestWhatIsKeptNeedsNoRead(t *testing.T) {
	table, storage := keeping(2)
	require.NoError(t, table.Put(t.Context(), storage, "a", counter{1}))
	require.Equal(t, 1, value(t, table, storage))
	require.Zero(t, storage.reads)

	// What is changed starts from what is stored.
	require.NoError(t, table.Update(t.Context(), storage, "a", func(c *counter) (*counter, error) { return &counter{c.N + 1}, nil }))
	require.Equal(t, 1, storage.reads)
	require.Equal(t, 2, value(t, table, storage))
	require.Equal(t, 1, storage.reads)

	// A caller has an entry of its own.
	found, err := table.Get(t.Context(), storage, "a")
	require.NoError(t, err)
	found.N = 9
	require.Equal(t, 2, value(t, table, storage))

	// Those that were used last are kept.
	require.NoError(t, table.Put(t.Context(), storage, "b", counter{1}))
	require.NoError(t, table.Put(t.Context(), storage, "c", counter{1}))
	value(t, table, storage)
	require.Equal(t, 2, storage.reads)

	require.NoError(t, table.Delete(t.Context(), storage, "a"))
	found, err = table.Get(t.Context(), storage, "a")
	require.NoError(t, err)
	require.Nil(t, found)
}

func TestWhatAnotherNodeWroteIsRead(t *testing.T) {
	table, storage := keeping(2)
	require.NoError(t, table.Put(t.Context(), storage, "a", counter{1}))
	require.NoError(t, store.New[counter]("counter/", nil).Put(t.Context(), storage, "a", counter{2}))
	require.False(t, table.Invalidate("other/a"))
	require.Equal(t, 1, value(t, table, storage))
	require.True(t, table.Invalidate("counter/a"))
	require.Equal(t, 2, value(t, table, storage))
}

// A write that failed may have taken effect.
func TestAWriteThatFailedIsNotKept(t *testing.T) {
	table, storage := keeping(2)
	require.NoError(t, table.Put(t.Context(), storage, "a", counter{1}))
	storage.fail = errors.New("the answer was lost")
	require.Error(t, table.Put(t.Context(), storage, "a", counter{2}))
	require.Equal(t, 2, value(t, table, storage))
	require.Equal(t, 1, storage.reads)
}

// What was read before a write, and is answered after it, is not kept.
func TestASlowReadIsNotKeptOverAWrite(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *store.Table[counter], logical.Storage){
		"written": func(t *testing.T, table *store.Table[counter], s logical.Storage) {
			require.NoError(t, table.Put(t.Context(), s, "a", counter{2}))
		},
		"written elsewhere": func(t *testing.T, table *store.Table[counter], s logical.Storage) {
			require.NoError(t, store.New[counter]("counter/", nil).Put(t.Context(), s, "a", counter{2}))
			table.Invalidate("counter/a")
		},
	} {
		t.Run(name, func(t *testing.T) {
			table, storage := keeping(2)
			require.NoError(t, store.New[counter]("counter/", nil).Put(t.Context(), storage, "a", counter{1}))
			begun, goOn := storage.hold()
			var reading sync.WaitGroup
			reading.Go(func() { value(t, table, storage) })
			<-begun
			change(t, table, storage)
			goOn()
			reading.Wait()
			require.Equal(t, 2, value(t, table, storage))
		})
	}
}

// While an entry is being written, nobody is shown the older one from memory once
// storage has the new one.
func TestASlowWriteIsSeenAtOnce(t *testing.T) {
	table, storage := keeping(2)
	require.NoError(t, table.Put(t.Context(), storage, "a", counter{1}))
	begun, goOn := storage.hold()
	var writing sync.WaitGroup
	writing.Go(func() { assertNoError(t, table.Put(t.Context(), storage, "a", counter{2})) })
	<-begun
	require.Equal(t, 2, value(t, table, storage))
	goOn()
	writing.Wait()
	require.Equal(t, 2, value(t, table, storage))
}

func assertNoError(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}

// TestWhatIsKeptIsWhatIsStored: whatever reads, writes and deletes at the same time.
func TestWhatIsKeptIsWhatIsStored(t *testing.T) {
	table, storage := keeping(3)
	var work sync.WaitGroup
	for worker := range 8 {
		work.Go(func() {
			for i := range 200 {
				name := fmt.Sprint((worker + i) % 5)
				switch i % 4 {
				case 0:
					assertNoError(t, table.Update(t.Context(), storage, name, func(*counter) (*counter, error) { return &counter{i}, nil }))
				case 1:
					assertNoError(t, table.Delete(t.Context(), storage, name))
				default:
					_, err := table.Get(t.Context(), storage, name)
					assertNoError(t, err)
				}
			}
		})
	}
	work.Wait()
	for i := range 5 {
		stored, err := store.New[counter]("counter/", nil).Get(t.Context(), storage, fmt.Sprint(i))
		require.NoError(t, err)
		found, err := table.Get(t.Context(), storage, fmt.Sprint(i))
		require.NoError(t, err)
		require.Equal(t, stored, found)
	}
}

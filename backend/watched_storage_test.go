package backend

import (
	"context"
	"sync"

	"github.com/hashicorp/vault/sdk/logical"
)

// watchedStorage counts calls, and fails the ones that fail is asked for.
type watchedStorage struct {
	logical.Storage
	mu            sync.Mutex
	reads, writes int
	// fail, if set, is asked before each call and may fail it: by one caller at a
	// time, so that it must be set to nil before it calls storage itself.
	fail   func(call, key string) error
	asking sync.Mutex
}

func (s *watchedStorage) note(call, key string, counter *int) error {
	s.mu.Lock()
	*counter++
	idle := s.fail == nil
	s.mu.Unlock()
	if idle {
		return nil
	}
	// The sweeper and its like call from several goroutines, and what fail counts is
	// its own.
	s.asking.Lock()
	defer s.asking.Unlock()
	s.mu.Lock()
	fail := s.fail
	s.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(call, key)
}

// failing sets what fails; nil for nothing.
func (s *watchedStorage) failing(fail func(call, key string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

// counted returns the calls made by the function.
func (s *watchedStorage) counted(work func()) (reads, writes int) {
	s.mu.Lock()
	reads, writes = s.reads, s.writes
	s.mu.Unlock()
	work()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads - reads, s.writes - writes
}

func (s *watchedStorage) List(ctx context.Context, prefix string) ([]string, error) {
	if err := s.note("list", prefix, &s.reads); err != nil {
		return nil, err
	}
	return s.Storage.List(ctx, prefix)
}

func (s *watchedStorage) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	if err := s.note("get", key, &s.reads); err != nil {
		return nil, err
	}
	return s.Storage.Get(ctx, key)
}

func (s *watchedStorage) Put(ctx context.Context, entry *logical.StorageEntry) error {
	if err := s.note("put", entry.Key, &s.writes); err != nil {
		return err
	}
	return s.Storage.Put(ctx, entry)
}

func (s *watchedStorage) Delete(ctx context.Context, key string) error {
	if err := s.note("delete", key, &s.writes); err != nil {
		return err
	}
	return s.Storage.Delete(ctx, key)
}

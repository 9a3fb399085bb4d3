package store

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// cache keeps entries in memory, those that were used last. One rule keeps it true:
// who writes an entry, or hears that somebody else has, drops it first, and what is
// read or written meanwhile is kept only if nobody has done so since. A nil cache keeps
// nothing.
type cache[T any] struct {
	mu      sync.Mutex
	entries *simplelru.LRU[string, *kept[T]]
}

// kept is one entry in the cache. Its identity tells whether the entry was dropped since.
type kept[T any] struct {
	// value is the entry as it lies in storage; nil while it is being read or written.
	value []byte
	// entry is the value decoded, once somebody has asked for it.
	entry *T
}

func newCache[T any](most int) *cache[T] {
	entries, err := simplelru.NewLRU[string, *kept[T]](most, nil)
	if err != nil {
		panic(err) // The size is a constant.
	}
	return &cache[T]{entries: entries}
}

// get returns what is known of an entry; nil if nothing is.
func (c *cache[T]) get(name string) (value []byte, entry *T) {
	if c == nil {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known, _ := c.entries.Get(name)
	if known == nil {
		return nil, nil
	}
	return known.value, known.entry
}

// write drops an entry that is about to be written or deleted. The result is for put.
func (c *cache[T]) write(name string) *kept[T] {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	mine := &kept[T]{}
	c.entries.Add(name, mine)
	return mine
}

// read is write for an entry that is about to be read. It drops nothing, and returns nil
// if somebody else is at it.
func (c *cache[T]) read(name string) *kept[T] {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries.Contains(name) {
		return nil
	}
	mine := &kept[T]{}
	c.entries.Add(name, mine)
	return mine
}

// put keeps what lies in storage for sure, unless the entry was dropped since; with no
// value it keeps nothing.
func (c *cache[T]) put(name string, mine *kept[T], value []byte) {
	if c == nil || mine == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now, _ := c.entries.Peek(name); now != mine {
		return
	}
	if value == nil {
		c.entries.Remove(name)
		return
	}
	mine.value = value
}

// decoded keeps what a value was decoded to.
func (c *cache[T]) decoded(name string, value []byte, entry *T) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now, _ := c.entries.Peek(name); now != nil && len(now.value) > 0 && &now.value[0] == &value[0] {
		now.entry = entry
	}
}

// drop forgets an entry.
func (c *cache[T]) drop(name string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Remove(name)
}

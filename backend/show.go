package backend

import (
	"fmt"
	"slices"
	"time"
)

// seconds shows a duration in Vault's way.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// timestamp shows a time; empty for none.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// list shows a list, never null.
func list[T ~string](items []T) []string {
	shown := make([]string, len(items))
	for i, item := range items {
		shown[i] = string(item)
	}
	return shown
}

// namesOf shows a list by the name of each item, never null.
func namesOf[T any](items []T, nameOf func(T) string) []string {
	shown := make([]string, len(items))
	for i, item := range items {
		shown[i] = nameOf(item)
	}
	return shown
}

// keyCount writes how many keys there are.
func keyCount(n int) string {
	if n == 1 {
		return "1 key"
	}
	return fmt.Sprintf("%d keys", n)
}

// each shows every item.
func each[T any](items []T, show func(T) map[string]any) []map[string]any {
	shown := make([]map[string]any, len(items))
	for i, item := range items {
		shown[i] = show(item)
	}
	return shown
}

// without returns the items that are not among the others.
func without[T comparable](items []T, others ...T) []T {
	var rest []T
	for _, item := range items {
		if !slices.Contains(others, item) {
			rest = append(rest, item)
		}
	}
	return rest
}

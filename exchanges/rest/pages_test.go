package rest

import (
	"errors"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestPages(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name  string
		next  map[string]string // cursor by cursor
		fails string            // at this cursor
		want  []string
		err   error
	}{
		{"one page", nil, "none", []string{""}, nil},
		{"three pages", map[string]string{"": "a", "a": "b"}, "none", []string{"", "a", "b"}, nil},
		{"a failure", map[string]string{"": "a", "a": "b"}, "a", []string{"", "a"}, broken},
		{"a cursor that repeats", map[string]string{"": "a", "a": "b", "b": "a"}, "none", []string{"", "a", "b"}, exchanges.ErrUnavailable},
		{"a cursor that stays", map[string]string{"": "a", "a": "a"}, "none", []string{"", "a"}, exchanges.ErrUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked []string
			err := Pages(func(cursor string) (string, error) {
				asked = append(asked, cursor)
				if cursor == test.fails {
					return "ignored", broken
				}
				return test.next[cursor], nil
			})
			require.ErrorIs(t, err, test.err)
			require.Equal(t, test.want, asked)
		})
	}
	t.Run("without end", func(t *testing.T) {
		pages := 0
		err := Pages(func(string) (string, error) {
			pages++
			return strconv.Itoa(pages), nil
		})
		require.ErrorIs(t, err, exchanges.ErrUnavailable)
		require.ErrorContains(t, err, "does not end")
		require.Equal(t, maxPages, pages)
	})
}

func TestNumberedPages(t *testing.T) {
	sizes := map[string]int{"1": 2, "2": 2, "3": 1}
	var asked []string
	require.NoError(t, NumberedPages(2, func(number string) (int, error) {
		asked = append(asked, number)
		return sizes[number], nil
	}))
	require.Equal(t, []string{"1", "2", "3"}, asked)

	broken := errors.New("broken")
	require.ErrorIs(t, NumberedPages(2, func(string) (int, error) { return 0, broken }), broken)
	require.ErrorIs(t, NumberedPages(2, func(string) (int, error) { return 2, nil }), exchanges.ErrUnavailable)
}

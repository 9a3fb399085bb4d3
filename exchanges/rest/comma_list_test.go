package rest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCommaList(t *testing.T) {
	for text, want := range map[string]CommaList{
		`null`:                      nil,
		`""`:                        {},
		`" "`:                       {},
		`"1.1.1.1"`:                 {"1.1.1.1"},
		`"1.1.1.1, 2001:db8::/32,"`: {"1.1.1.1", "2001:db8::/32"},
	} {
		var list CommaList
		require.NoError(t, json.Unmarshal([]byte(text), &list))
		require.Equal(t, want, list, text)
	}
	var list CommaList
	require.Error(t, json.Unmarshal([]byte(`["1.1.1.1"]`), &list))
}

func FuzzCommaList(f *testing.F) {
	f.Add(`"a,b"`)
	f.Add(`"read_only, trade"`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, text string) {
		var list CommaList
		if json.Unmarshal([]byte(text), &list) != nil {
			return
		}
		for _, item := range list {
			require.NotEmpty(t, item)
			require.NotContains(t, item, ",")
			require.Equal(t, strings.TrimSpace(item), item)
		}
	})
}

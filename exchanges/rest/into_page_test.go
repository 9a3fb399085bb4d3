package rest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIntoPage(t *testing.T) {
	type rows struct {
		Rows List[int] `json:"rows"`
		Next string    `json:"next"`
	}
	for payload, want := range map[string]rows{
		`{"rows":[1,2],"next":"b"}`: {Rows: List[int]{Items: []int{1, 2}, Present: true}, Next: "b"},
		`{"rows":null}`:             {Rows: List[int]{Present: true}},
		`{}`:                        {},
		`null`:                      {},
		`[1,2]`:                     {Rows: List[int]{Items: []int{1, 2}, Present: true}},
		" \n[]":                     {Rows: List[int]{Items: []int{}, Present: true}},
	} {
		page := rows{Rows: List[int]{Items: []int{9}, Present: true}, Next: "left by an earlier try"}
		require.NoError(t, IntoPage(&page, &page.Rows, 3)([]byte(payload)), payload)
		require.Equal(t, want, page, payload)
	}
	for _, payload := range []string{`[1,2,3]`, `[1,2,3,4]`, `["a"]`, `[1`, ``, `"text"`, `1`} {
		var page rows
		require.Error(t, IntoPage(&page, &page.Rows, 3)([]byte(payload)), payload)
	}
}

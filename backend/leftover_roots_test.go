package backend

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLeftoverRootsAreReadInBothForms(t *testing.T) {
	since := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	several := leftoverRoots{{APIKey: "a", Account: "1", Since: since}, {Label: "b"}}
	text, err := json.Marshal(several)
	require.NoError(t, err)
	for stored, want := range map[string]leftoverRoots{
		`""`:         nil,
		`"a"`:        {{APIKey: "a"}},
		`[]`:         {},
		string(text): several,
	} {
		read := leftoverRoots{{APIKey: "x"}}
		require.NoError(t, json.Unmarshal([]byte(stored), &read))
		require.Equal(t, want, read, stored)
	}
	var none leftoverRoots
	require.Error(t, json.Unmarshal([]byte(`{}`), &none))
	require.Equal(t, "a, label b", several.String())
}

// What becomes of leftover root keys when a connection is written.
func TestInherit(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	left := leftoverRoot{APIKey: "left", Account: "1"}
	made := connection{Exchange: "e", Account: "1", Made: true, Credential: credential{APIKey: "made"}, Leftovers: leftoverRoots{left}}
	retired := leftoverRoot{APIKey: "made", Account: "1", Fingerprint: made.Credential.fingerprint(), Since: at}
	for name, test := range map[string]struct {
		change        func(*connection)
		force         bool
		want, givenUp leftoverRoots
		refused       string
	}{
		"a guard rail":                    {func(c *connection) { c.MaxTTL = time.Hour }, false, leftoverRoots{left}, nil, ""},
		"of the same account":             {func(c *connection) { c.Credential.APIKey = "new" }, false, leftoverRoots{left, retired}, nil, ""},
		"of no known account":             {func(c *connection) { c.Credential.APIKey, c.Account = "new", "" }, false, leftoverRoots{left, retired}, nil, ""},
		"of another account":              {func(c *connection) { c.Credential.APIKey, c.Account = "new", "2" }, false, nil, nil, "left"},
		"of another account, forced":      {func(c *connection) { c.Credential.APIKey, c.Account = "new", "2" }, true, leftoverRoots{}, leftoverRoots{left, retired}, ""},
		"elsewhere":                       {func(c *connection) { c.Credential.APIKey, c.Environment = "new", "test" }, false, nil, nil, "left"},
		"elsewhere, with the same key":    {func(c *connection) { c.BaseURL = "https://x" }, true, leftoverRoots{}, leftoverRoots{left}, ""},
		"one that is being deleted":       {func(c *connection) { c.Credential.APIKey = "left" }, true, nil, nil, "deleting it"},
		"verified to be of another":       {func(c *connection) { c.Account = "2" }, false, leftoverRoots{left}, nil, ""},
		"verified to be of another, gone": {func(c *connection) { c.Account = "2" }, true, leftoverRoots{}, leftoverRoots{left}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			written := made
			test.change(&written)
			givenUp, err := written.inherit(made, test.force, at)
			if test.refused != "" {
				require.ErrorContains(t, err, test.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, written.Leftovers)
			require.ElementsMatch(t, test.givenUp, givenUp)
			require.Equal(t, written.Credential.APIKey == "made", written.Made)
			require.Equal(t, leftoverRoots{left}, made.Leftovers, "what was is left alone")
		})
	}
}

// A write goes by what it was checked against.
func TestStale(t *testing.T) {
	old := func() *connection { return &connection{Exchange: "e", Credential: credential{APIKey: "a"}} }
	with := func(key string, more func(*connection)) *connection {
		c := old()
		c.Credential.APIKey = key
		if more != nil {
			more(c)
		}
		return c
	}
	elsewhere := func(c *connection) { c.Environment = "test" }
	capped := func(c *connection) { c.MaxTTL = time.Hour }
	for name, test := range map[string]struct {
		old, now, checked, written *connection
		want                       bool
	}{
		"a new one":                                {nil, nil, old(), old(), false},
		"a new one, written by another too":        {nil, old(), old(), old(), true},
		"one that was deleted":                     {old(), nil, old(), old(), true},
		"a guard rail":                             {old(), old(), with("a", capped), with("a", capped), false},
		"a guard rail, after a rotation":           {old(), with("b", nil), with("a", capped), with("b", capped), false},
		"a guard rail, after a move":               {old(), with("b", elsewhere), with("a", capped), with("b", elsewhere), true},
		"the same credential, after a rotation":    {old(), with("b", nil), old(), old(), true},
		"a credential":                             {old(), old(), with("c", nil), with("c", nil), false},
		"a credential, after another guard rail":   {old(), with("a", capped), with("c", nil), with("c", capped), false},
		"a credential, after a rotation":           {old(), with("b", nil), with("c", nil), with("c", nil), true},
		"a credential that was not checked":        {old(), old(), with("c", nil), with("d", nil), true},
		"an environment, after another credential": {old(), with("b", nil), with("a", elsewhere), with("b", elsewhere), true},
	} {
		require.Equal(t, test.want, stale(test.old, test.now, test.checked, test.written), name)
	}
}

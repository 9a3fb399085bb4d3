package venue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// whole is the forecast of an exchange that can have every condition.
func whole() Forecast {
	return Forecast{
		Shape:     Shape{KeyList: "page.keys", Page: "page", KeyName: "key", KeyAddresses: "ips", Optional: []string{"label"}, Permissions: "rights"},
		Grants:    true,
		Refusable: map[string]exchanges.Operation{"size": exchanges.OpListKeys},
		Sources:   map[string]string{VanishesLate: "The page on keys."},
		Own:       []Condition{{Name: "own", Values: []string{On}}},
	}
}

func TestConditions(t *testing.T) {
	all := conditionNames(whole().conditions())
	require.Equal(t, []string{
		AppearsLate, VanishesLate, WorksLate, NullList, MissingList, BareList, MaskedKeys, MaskedAddresses, CreateAnswer, AddsPermission, Refuses, "own",
	}, all)
	require.Equal(t, []string{WorksLate}, conditionNames(Forecast{Unlisted: true}.conditions()), "what cannot be is not offered")
	for _, c := range whole().conditions()[:len(all)-1] {
		require.NotEmpty(t, c.Values, c.Name)
		require.NotEmpty(t, c.Operations, c.Name)
		require.NotEmpty(t, c.Source, c.Name)
	}
	require.Equal(t, "The page on keys.", whole().conditions()[1].Source)
}

func TestWeatherIsSetAndCalmed(t *testing.T) {
	w := weather{}
	conditions := whole().conditions()
	require.NoError(t, w.set(conditions, AppearsLate, "20s"))
	require.Equal(t, 20*time.Second, w.delay(AppearsLate))
	require.NoError(t, w.set(conditions, AppearsLate, ""))
	require.Zero(t, w.delay(AppearsLate))
	require.ErrorContains(t, w.set(conditions, "rain", On), `"rain" is unknown`)
	require.ErrorContains(t, w.set(conditions, AppearsLate, "4s"), `"3s", "20s"`)
	require.Empty(t, w)
}

func TestListsAreOutOfDate(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := &Books{}
	sub := b.AddAccount(&Account{ID: "1"})
	old := b.AddKey(&Key{APIKey: "old", Account: sub, Created: now.Add(-time.Hour)})
	b.AddKey(&Key{APIKey: "new", Account: sub, Created: now.Add(-2 * time.Second)})
	b.AddKey(&Key{APIKey: "elsewhere", Account: b.AddAccount(&Account{ID: "2"}), Created: now})
	b.AddKey(&Key{Kind: MainRoot, APIKey: "root", Account: sub, Created: now})
	b.RemoveKey(old, now.Add(-5*time.Second))
	shown := func(w weather) (shown []string) {
		for _, k := range (&Call{Books: b, Now: now, weather: w}).Listed(sub) {
			shown = append(shown, k.APIKey)
		}
		return shown
	}
	require.Equal(t, []string{"new", "root"}, shown(nil))
	require.Equal(t, []string{"root"}, shown(weather{AppearsLate: "3s"}), "a root has been there for ever")
	require.Equal(t, []string{"new", "root"}, shown(weather{VanishesLate: "3s"}))
	require.Equal(t, []string{"old", "new", "root"}, shown(weather{VanishesLate: "20s"}))

	before := &Call{Books: b, Now: now.Add(-time.Hour)}
	require.Len(t, before.Listed(sub), 2, "a clock that runs behind delays nothing")
	before.weather = weather{AppearsLate: "3s", VanishesLate: "3s"}
	require.Len(t, before.Listed(sub), 2, "nor does it in any weather, or the delay would be an hour")

	c := &Call{Books: b, Now: now, weather: weather{WorksLate: "3s"}}
	require.Nil(t, c.known().Key("new"))
	require.NotNil(t, c.known().Key("root"))
	require.NotNil(t, b.Key("new"), "the books themselves are as they were")
}

func TestReshape(t *testing.T) {
	s := whole().Shape
	for _, test := range []struct {
		w            weather
		operation    exchanges.Operation
		answer, want string
	}{
		{nil, exchanges.OpListKeys, `{"page":{"keys":[]}}`, `{"page":{"keys":[]}}`},
		{weather{NullList: On}, exchanges.OpListKeys, `{"page":{"keys":[],"n":1}}`, `{"page":{"keys":null,"n":1}}`},
		{weather{NullList: On}, exchanges.OpListKeys, `{"page":{"keys":[1]}}`, `{"page":{"keys":[1]}}`},
		{weather{NullList: On}, exchanges.OpSubAccounts, `{"page":{"keys":[]}}`, `{"page":{"keys":[]}}`},
		{weather{MissingList: On}, exchanges.OpListKeys, `{"page":{"keys":[],"n":1}}`, `{"page":{"n":1}}`},
		{weather{BareList: On}, exchanges.OpListKeys, `{"page":{"keys":[1]}}`, `{"page":[1]}`},
		{weather{BareList: On}, exchanges.OpListKeys, `{"code":7}`, `{"code":7}`},
		{weather{MaskedKeys: On}, exchanges.OpListKeys, `{"page":{"keys":[{"key":"abcdefghij","n":12345678901234567890}]}}`,
			`{"page":{"keys":[{"key":"abc*******hij","n":12345678901234567890}]}}`},
		{weather{MaskedAddresses: On}, exchanges.OpListKeys, `{"page":{"keys":[{"ips":"10.0.0.1,2001:db8::7"},{"ips":["10.0.0.0"]},{"ips":["*"]},{}]}}`,
			`{"page":{"keys":[{"ips":"10.**.1,2001:**:7"},{"ips":["10.**.0"]},{"ips":["*"]},{}]}}`},
		{weather{CreateAnswer: "bare"}, exchanges.OpCreateKey, `{"label":"x","rights":[]}`, `{"rights":[]}`},
		{weather{CreateAnswer: "fewer_permissions"}, exchanges.OpCreateKey, `{"rights":["a","b"]}`, `{"rights":["a"]}`},
		{weather{CreateAnswer: "fewer_permissions"}, exchanges.OpCreateKey, `{"rights":"a,b"}`, `{"rights":"a"}`},
		{weather{CreateAnswer: "fewer_permissions"}, exchanges.OpEditKey, `{"rights":{"x":["a"],"y":[]}}`, `{"rights":{"x":[],"y":[]}}`},
		{weather{CreateAnswer: "bare"}, exchanges.OpCreateKey, `no JSON`, `no JSON`},
	} {
		a := TextAnswer(200, "application/json", test.answer)
		s.reshape(test.w, test.operation, a)
		require.Equal(t, test.want, string(a.Body), "%v %s", test.w, test.answer)
	}
	for answer, want := range map[string]string{`{"a":{"keys":[]}}`: `{"a":{"keys":null}}`, `{"b":[]}`: `{"b":null}`, `{"c":[]}`: `{"c":[]}`} {
		a := TextAnswer(200, "application/json", answer)
		Shape{KeyList: "a.keys|b"}.reshape(weather{NullList: On}, exchanges.OpListKeys, a)
		require.Equal(t, want, string(a.Body), "a list in one of two forms")
	}
	for answer, want := range map[string]string{`{"data":[{"ips":1,"key":2}]}`: `{"data":[{"key":2}]}`, `{"data":[{"ips":1},{"ips":1}]}`: `{"data":[{"ips":1},{"ips":1}]}`} {
		a := TextAnswer(200, "application/json", answer)
		Shape{Optional: []string{"data.ips"}}.reshape(weather{CreateAnswer: "bare"}, exchanges.OpCreateKey, a)
		require.Equal(t, want, string(a.Body), "a single object in a list")
	}
	for answer, want := range map[string]string{`[{"ips":"10.0.0.1"}]`: `[{"ips":"10.**.1"}]`, `[{"ipList":["10.0.0.1"]},{}]`: `[{"ipList":["10.**.1"]},{}]`} {
		a := TextAnswer(200, "application/json", answer)
		Shape{KeyList: ".", KeyAddresses: "ips|ipList"}.reshape(weather{MaskedAddresses: On}, exchanges.OpListKeys, a)
		require.Equal(t, want, string(a.Body), "addresses with one of two names")
	}
	a := TextAnswer(200, "application/json", `[]`)
	Shape{KeyList: "."}.reshape(weather{NullList: On}, exchanges.OpListKeys, a)
	require.Equal(t, `null`, string(a.Body), "the answer itself is the list")
}

// A condition may be one of some variants only, also one of the kit's.
func TestConditionOfAVariant(t *testing.T) {
	f := Forecast{Shape: Shape{KeyList: "keys", Page: "."}, Variants: map[string][]string{BareList: {"paged"}}}
	for _, c := range f.conditions() {
		require.True(t, c.In("paged"), c.Name)
		require.Equal(t, c.Name != BareList, c.In("other"), c.Name)
	}
}

func TestGives(t *testing.T) {
	v := newVisit(t)
	for body, want := range map[string]bool{`{"size":1}`: true, `{"params":[{"size":null}]}`: true, `{"a":"size"}`: false, `size=1`: true, `a=size`: false, ``: false} {
		c := &Call{Request: v.request(t.Context(), ""), Body: []byte(body)}
		require.Equal(t, want, c.gives("size"), body)
	}
}

// BenchmarkListed lists the keys of an account at an exchange that has deleted many.
func BenchmarkListed(b *testing.B) {
	books, now := &Books{}, time.Unix(1_700_000_000, 0)
	account := books.AddAccount(&Account{ID: "1"})
	for range 100_000 {
		books.RemoveKey(books.AddKey(&Key{Account: account, Created: now}), now)
	}
	call := &Call{Books: books, Now: now.Add(time.Hour)}
	b.ReportAllocs()
	for b.Loop() {
		call.Listed(account)
	}
}

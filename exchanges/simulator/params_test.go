package simulator

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParams(t *testing.T) {
	read := func(p *params) {
		p.require("name", "size")
		p.text("name")
		p.integer("size", 7)
		p.flag("open", true)
		var list []string
		p.value("list", &list)
	}
	tests := []struct {
		name   string
		params *params
		want   *complaint
	}{
		{"json", jsonParams([]byte(`{"name":"a","size":1,"open":false,"list":["x"]}`)), nil},
		{"form", formParams("name=a&size=1&open=false"), nil},
		{"query and body", formParams("name=a", "size=1"), nil},
		{"the first part wins", formParams("name=a&size=1", "size=many"), nil},
		{"empty body", jsonParams(nil), &complaint{"name", missing}},
		{"null", jsonParams([]byte("null")), &complaint{"name", missing}},
		{"one missing", formParams("name=a"), &complaint{"size", missing}},
		{"unknown", formParams("name=a&size=1&note=b"), &complaint{"note", unknown}},
		{"twice", formParams("name=a&name=b&size=1"), &complaint{"name", duplicate}},
		{"not JSON", jsonParams([]byte(`{"name"`)), &complaint{"the body", malformed}},
		{"an array", jsonParams([]byte(`[1]`)), &complaint{"the body", malformed}},
		{"something after it", jsonParams([]byte(`{"name":"a","size":1} {}`)), &complaint{"the body", malformed}},
		{"bad escape", formParams("name=%zz&size=1"), &complaint{"the query", malformed}},
		{"number for text", jsonParams([]byte(`{"name":1,"size":1}`)), &complaint{"name", wrongType}},
		{"null for text", jsonParams([]byte(`{"name":null,"size":1}`)), &complaint{"name", wrongType}},
		{"text for number", jsonParams([]byte(`{"name":"a","size":"1"}`)), &complaint{"size", wrongType}},
		{"fraction for number", jsonParams([]byte(`{"name":"a","size":1.5}`)), &complaint{"size", wrongType}},
		{"word for number", formParams("name=a&size=ten"), &complaint{"size", wrongType}},
		{"number for flag", jsonParams([]byte(`{"name":"a","size":1,"open":1}`)), &complaint{"open", wrongType}},
		{"word for flag", formParams("name=a&size=1&open=yes"), &complaint{"open", wrongType}},
		{"text for list", jsonParams([]byte(`{"name":"a","size":1,"list":"x"}`)), &complaint{"list", wrongType}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			read(test.params)
			require.Equal(t, test.want, test.params.strictComplaint())
		})
	}
}

func TestParamsValues(t *testing.T) {
	p := jsonParams([]byte(`{"name":"a","size":9007199254740993,"open":false}`))
	require.Equal(t, "a", p.text("name"))
	require.Equal(t, int64(9007199254740993), p.integer("size", 0), "numbers keep all their digits")
	require.False(t, p.flag("open", true))

	form := formParams("name=a+b%2Bc&open=true")
	require.Equal(t, "a b+c", form.text("name"))
	require.True(t, form.flag("open", false))

	absent := jsonParams([]byte(`{}`))
	require.Empty(t, absent.text("name"))
	require.Equal(t, int64(7), absent.integer("size", 7))
	require.True(t, absent.flag("open", true))
	require.False(t, absent.value("list", new([]string)))
	require.Nil(t, absent.complaint())

	lenient := jsonParams([]byte(`{"tag":"x"}`))
	require.Nil(t, lenient.complaint(), "what nobody read is tolerated")
	require.EqualError(t, lenient.strictComplaint(), "tag is unknown")
}

// FuzzParams checks that whatever a request holds, reading it never panics and
// what passes as an object is one.
func FuzzParams(f *testing.F) {
	f.Add(`{"name":"a","size":1}`, "name=a&size=1")
	f.Add(`{"name":"a"} trailing`, "name=a&name=b&size=%zz")
	f.Add(`null`, ";")
	f.Fuzz(func(t *testing.T, body, query string) {
		p := jsonParams([]byte(body))
		if p.text("name") != "" && p.complaint() == nil {
			require.True(t, json.Valid([]byte(body)))
		}
		p.integer("size", 0)
		p.flag("open", false)
		p.strictComplaint()

		form := formParams(query)
		form.text("name")
		form.integer("size", 0)
		form.flag("open", false)
		form.strictComplaint()
	})
}

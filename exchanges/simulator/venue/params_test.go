package venue

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParams(t *testing.T) {
	read := func(p *Params) {
		p.Require("name", "size")
		p.Text("name")
		p.Integer("size", 7)
		p.Flag("open", true)
		var list []string
		p.Value("list", &list)
	}
	tests := []struct {
		name   string
		params *Params
		want   *Complaint
	}{
		{"json", JSONParams([]byte(`{"name":"a","size":1,"open":false,"list":["x"]}`)), nil},
		{"form", FormParams("name=a&size=1&open=false"), nil},
		{"query and body", FormParams("name=a", "size=1"), nil},
		{"the first part wins", FormParams("name=a&size=1", "size=many"), nil},
		{"empty body", JSONParams(nil), &Complaint{"name", Missing}},
		{"null", JSONParams([]byte("null")), &Complaint{"name", Missing}},
		{"one missing", FormParams("name=a"), &Complaint{"size", Missing}},
		{"unknown", FormParams("name=a&size=1&note=b"), &Complaint{"note", Unknown}},
		{"twice", FormParams("name=a&name=b&size=1"), &Complaint{"name", Duplicate}},
		{"not JSON", JSONParams([]byte(`{"name"`)), &Complaint{"the body", Malformed}},
		{"an array", JSONParams([]byte(`[1]`)), &Complaint{"the body", Malformed}},
		{"something after it", JSONParams([]byte(`{"name":"a","size":1} {}`)), &Complaint{"the body", Malformed}},
		{"bad escape", FormParams("name=%zz&size=1"), &Complaint{"the query", Malformed}},
		{"number for text", JSONParams([]byte(`{"name":1,"size":1}`)), &Complaint{"name", WrongType}},
		{"null for text", JSONParams([]byte(`{"name":null,"size":1}`)), &Complaint{"name", WrongType}},
		{"text for number", JSONParams([]byte(`{"name":"a","size":"1"}`)), &Complaint{"size", WrongType}},
		{"fraction for number", JSONParams([]byte(`{"name":"a","size":1.5}`)), &Complaint{"size", WrongType}},
		{"word for number", FormParams("name=a&size=ten"), &Complaint{"size", WrongType}},
		{"number for flag", JSONParams([]byte(`{"name":"a","size":1,"open":1}`)), &Complaint{"open", WrongType}},
		{"word for flag", FormParams("name=a&size=1&open=yes"), &Complaint{"open", WrongType}},
		{"text for list", JSONParams([]byte(`{"name":"a","size":1,"list":"x"}`)), &Complaint{"list", WrongType}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			read(test.params)
			require.Equal(t, test.want, test.params.StrictComplaint())
		})
	}
}

func TestParamsValues(t *testing.T) {
	p := JSONParams([]byte(`{"name":"a","size":9007199254740993,"open":false}`))
	require.Equal(t, "a", p.Text("name"))
	require.Equal(t, int64(9007199254740993), p.Integer("size", 0), "numbers keep all their digits")
	require.False(t, p.Flag("open", true))

	form := FormParams("name=a+b%2Bc&open=true")
	require.Equal(t, "a b+c", form.Text("name"))
	require.True(t, form.Flag("open", false))

	typed := FormParams("price=20000.5&list=[%22a%22]&name=a&size=much")
	var price, size float64
	var list []string
	var name string
	require.True(t, typed.Value("price", &price))
	require.InDelta(t, 20000.5, price, 0)
	require.True(t, typed.Value("list", &list))
	require.Equal(t, []string{"a"}, list)
	require.True(t, typed.Value("name", &name))
	require.Equal(t, "a", name)
	require.Nil(t, typed.Complaint())
	require.False(t, typed.Value("size", &size))
	require.EqualError(t, typed.Complaint(), "size has the wrong type")

	absent := JSONParams([]byte(`{}`))
	require.Empty(t, absent.Text("name"))
	require.Equal(t, int64(7), absent.Integer("size", 7))
	require.True(t, absent.Flag("open", true))
	require.False(t, absent.Value("list", new([]string)))
	require.Nil(t, absent.Complaint())

	lenient := JSONParams([]byte(`{"tag":"x"}`))
	require.Nil(t, lenient.Complaint(), "parameters that nobody read are tolerated")
	require.EqualError(t, lenient.StrictComplaint(), "tag is unknown")
}

// FuzzParams checks that reading a request never panics, whatever it holds, and
// that what passes as an object is one.
func FuzzParams(f *testing.F) {
	f.Add(`{"name":"a","size":1}`, "name=a&size=1")
	f.Add(`{"name":"a"} trailing`, "name=a&name=b&size=%zz")
	f.Add(`null`, ";")
	f.Fuzz(func(t *testing.T, body, query string) {
		p := JSONParams([]byte(body))
		if p.Text("name") != "" && p.Complaint() == nil {
			require.True(t, json.Valid([]byte(body)))
		}
		p.Integer("size", 0)
		p.Flag("open", false)
		p.StrictComplaint()

		form := FormParams(query)
		form.Text("name")
		form.Integer("size", 0)
		form.Flag("open", false)
		form.StrictComplaint()
	})
}

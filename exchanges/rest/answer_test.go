package rest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestStatusError(t *testing.T) {
	for _, test := range []struct {
		status int
		want   exchanges.Kind
		remedy string
	}{
		{200, exchanges.ErrOutcomeUnknown, ""},
		{302, exchanges.ErrUnavailable, "base_url"},
		{400, exchanges.ErrInvalid, "base_url"},
		{401, exchanges.ErrAuth, ""},
		{403, exchanges.ErrPermission, ""},
		{404, exchanges.ErrInvalid, "base_url"},
		{429, exchanges.ErrRateLimited, ""},
		{500, exchanges.ErrOutcomeUnknown, ""},
		{503, exchanges.ErrOutcomeUnknown, ""},
	} {
		failure := StatusError(Answer{Status: test.status, Header: http.Header{"Retry-After": {"7"}}, Body: []byte("canary")})
		require.Equal(t, test.want, failure.Kind, "HTTP %d", test.status)
		require.Contains(t, failure.Remedy, test.remedy, "HTTP %d", test.status)
		require.NotContains(t, failure.Error(), "canary")
		want := time.Duration(0)
		if test.status == http.StatusTooManyRequests {
			want = 7 * time.Second
		}
		require.Equal(t, want, failure.RetryAfter, "HTTP %d", test.status)
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "3": 3 * time.Second, "-1": 0, "soon": 0, "Wed, 21 Oct 2026 07:28:00 GMT": 0,
		"9223372036854775807": maxRetryAfter * time.Second,
	} {
		require.Equal(t, want, RetryAfter(http.Header{"Retry-After": {text}}), text)
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]Text{
		`"abc"`: "abc", `""`: "", `"7"`: "7", `7`: "7", `9007199254740993`: "9007199254740993", `-1.50`: "-1.50", `null`: "", `"A\n"`: "A\n",
	} {
		var got Text
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{`true`, `{}`, `[1]`} {
		var got Text
		require.Error(t, json.Unmarshal([]byte(text), &got), text)
	}
}

func TestFlag(t *testing.T) {
	for text, want := range map[string]Flag{
		`true`: true, `1`: true, `"true"`: true, `"1"`: true, `"TRUE"`: true,
		`false`: false, `0`: false, `"false"`: false, `"0"`: false, `""`: false, `null`: false,
	} {
		got := !want
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{`2`, `"yes"`, `{}`, `[]`, `-1`} {
		var got Flag
		require.Error(t, json.Unmarshal([]byte(text), &got), text)
	}
}

func TestMilliseconds(t *testing.T) {
	at := time.Date(2025, 7, 24, 13, 34, 56, 123e6, time.UTC)
	for text, want := range map[string]time.Time{
		`1753364096123`: at, `"1753364096123"`: at, `""`: {}, `null`: {}, `0`: time.UnixMilli(0).UTC(),
	} {
		var got Milliseconds
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got.Time, text)
	}
	for _, text := range []string{`"soon"`, `1.5`, `true`, `{}`} {
		var got Milliseconds
		require.Error(t, json.Unmarshal([]byte(text), &got), text)
	}
}

func TestSeconds(t *testing.T) {
	at := time.Date(2022, 9, 20, 14, 15, 30, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`1663683330`: at, `"1663683330"`: at, `1663683330.5`: at.Add(500 * time.Millisecond), `"1663683330.0"`: at, `""`: {}, `null`: {},
	} {
		var got Seconds
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got.Time, text)
	}
	for _, text := range []string{`"soon"`, `"NaN"`, `1663683330000`, `1e300`, `true`, `{}`} {
		var got Seconds
		require.Error(t, json.Unmarshal([]byte(text), &got), text)
	}
}

func TestList(t *testing.T) {
	for text, want := range map[string]List[int]{
		`{"items":[1,2]}`: {Items: []int{1, 2}, Present: true},
		`{"items":[]}`:    {Items: []int{}, Present: true},
		`{"items":null}`:  {Present: true},
		`{}`:              {},
	} {
		var got struct{ Items List[int] }
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got.Items, text)
	}
	var got struct{ Items List[int] }
	require.Error(t, json.Unmarshal([]byte(`{"items":{}}`), &got))
}

func TestListIsWhole(t *testing.T) {
	name := func(item string) string { return item }
	for whole, lists := range map[bool][]List[string]{
		true:  {{Present: true}, {Items: []string{"a", "b"}, Present: true}},
		false: {{}, {Items: []string{"a", ""}, Present: true}},
	} {
		for _, list := range lists {
			require.Equal(t, whole, list.Whole(name), "%v", list)
		}
	}
}

// Whatever an exchange sends, the lenient types neither panic nor quote it.
func FuzzLenientTypes(f *testing.F) {
	for _, text := range []string{`"abc"`, `7`, `true`, `null`, `""`, `"1753364096123"`, `1e400`, `{"a":[1]}`, `"\ud800"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var text Text
		var flag Flag
		var at Milliseconds
		var since Seconds
		var list List[Text]
		for _, target := range []any{&text, &flag, &at, &since, &list} {
			err := json.Unmarshal(data, target)
			if err == nil {
				require.True(t, json.Valid(data))
			} else if content := strings.Trim(string(data), `" `); len(content) > 24 {
				require.NotContains(t, err.Error(), content)
			}
		}
		var plain string
		if json.Unmarshal(data, &plain) == nil && len(data) > 0 && data[0] == '"' {
			require.Equal(t, plain, string(text))
		}
	})
}

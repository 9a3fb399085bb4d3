package backend

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// TestInputIsBoundedOnEveryPath: no field of any path takes more than anybody needs,
// and what is too much is refused before it is read.
func TestInputIsBoundedOnEveryPath(t *testing.T) {
	d := newDesk(t)
	long := strings.Repeat("x,", 1<<20)
	tried := 0
	for _, path := range d.engine.Paths {
		for field, schema := range path.Fields {
			var values []any
			switch schema.Type {
			case framework.TypeString:
				values = []any{long}
			case framework.TypeCommaStringSlice:
				values = []any{long, make([]any, maxItems+1), []any{strings.Repeat("x", maxItem+1)}}
			}
			for _, value := range values {
				tried++
				req := d.request(logical.UpdateOperation, pathOf(path), map[string]any{field: value})
				resp, err := d.engine.HandleRequest(t.Context(), req)
				require.NoError(t, err, "%s %s", path.Pattern, field)
				require.ErrorContains(t, resp.Error(), field, path.Pattern)
				require.Less(t, len(resp.Error().Error()), 400)
				_, _, err = d.engine.HandleExistenceCheck(t.Context(), req)
				require.ErrorContains(t, err, field)
			}
		}
	}
	require.Greater(t, tried, 40)
}

// pathOf is a request's path that a pattern matches.
func pathOf(path *framework.Path) string {
	named := regexp.MustCompile(`\(\?P<\w+>\[\^/\]\+\)`).ReplaceAllString(path.Pattern, "x")
	return strings.NewReplacer("^", "", "/?$", "/", "$", "").Replace(named)
}

func TestMalformedListsAreRefused(t *testing.T) {
	d := newDesk(t)
	d.trader()
	for name, value := range map[string]any{
		"blanks":           "desk-a-* desk-b-*",
		"a blank":          "A B",
		"JSON in a string": `["A"]`,
		"braces":           "{A}",
		"quotes":           `"A","B"`,
		"commas in items":  []any{"A,B"},
		"semicolons":       "A;B",
		"a line break":     []any{"A\nB"},
		"twice":            "A,B,A",
		"twice, as a list": []any{"A", "A"},
		"no strings":       []any{map[string]any{}},
		"no UTF-8":         "A\xff",
		"an escape code":   "A\x1b[2J",
		"invisible":        "A\u200b",
	} {
		t.Run(name, func(t *testing.T) {
			d := *d
			d.TB = t
			d.refused(logical.UpdateOperation, "config/bybit", map[string]any{"allowed_roles": value}, "allowed_roles")
			d.refused(logical.PatchOperation, "roles/trader", map[string]any{"sub_accounts": value}, "sub_accounts")
			d.refused(logical.UpdateOperation, "creds/trader", map[string]any{"scopes": value}, "scopes")
		})
	}
	d.write("config/bybit", map[string]any{"allowed_roles": " desk-a-* , trader,"})
	require.Equal(t, []string{"desk-a-*", "trader"}, d.read("config/bybit")["allowed_roles"])
}

// TestEveryPermissionCanBeNamed: nothing that an exchange calls a permission looks
// like several items.
func TestEveryPermissionCanBeNamed(t *testing.T) {
	for _, exchange := range catalog.All() {
		for _, variant := range exchange.Describe().Variants {
			for _, permission := range variant.Permissions {
				require.NoError(t, checkList("native_permissions", []any{permission.Name}), exchange.Describe().Name)
			}
		}
	}
}

// TestFreeTextForgesNoLine: what a caller writes is shown on an auditor's screen.
func TestFreeTextForgesNoLine(t *testing.T) {
	d := newDesk(t)
	d.trader()
	for name, text := range map[string]string{
		"a newline": "a\nb", "a carriage return": "a\rb", "an escape code": "a\x1b[2Jb", "a NUL": "a\x00b",
		"no UTF-8": "a\xffb", "a bell": "a\x07b", "a direction": "a\u202eb", "a line separator": "a\u2028b",
	} {
		t.Run(name, func(t *testing.T) {
			d := *d
			d.TB = t
			d.refused(logical.UpdateOperation, "creds/trader", map[string]any{"reason": text}, "reason")
			d.refused(logical.PatchOperation, "roles/trader", map[string]any{"label_template": text}, "label_template")
		})
	}
	require.Empty(t, d.sim.Keys())
	resp := d.must(logical.UpdateOperation, "creds/trader", map[string]any{"reason": strings.Repeat("ü", maxReason)})
	require.Equal(t, strings.Repeat("ü", maxReason), d.entry(resp.Data["key_id"].(string)).Requester.Reason)
}

func TestDamagedCredentialsAreNamed(t *testing.T) {
	d := newDesk(t)
	access := d.sim.Exchange("bybit")
	good := map[string]any{"exchange": "bybit", "base_url": access.BaseURL, "api_key": access.APIKey, "api_secret": access.APISecret}
	for name, test := range map[string]struct {
		field, value string
		words        []string
	}{
		"byte order mark":     {"api_secret", "\ufeff" + access.APISecret, []string{"byte order mark", "UTF-8"}},
		"UTF-16":              {"api_secret", "\xff\xfea\x00b\x00", []string{"UTF-16", "UTF-8"}},
		"a zero-width blank":  {"api_key", access.APIKey[:4] + "\u200b" + access.APIKey[4:], []string{"invisible", "U+200B"}},
		"a line break inside": {"api_key", access.APIKey[:4] + "\n" + access.APIKey[4:], []string{"control character", "U+000A"}},
		"quotes":              {"api_secret", `"` + access.APISecret + `"`, []string{"quotation marks"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := *d
			d.TB = t
			data := merge(map[string]any{}, good)
			data[test.field] = test.value
			d.refused(logical.UpdateOperation, "config/x", data, append(test.words, test.field)...)
			require.NotContains(t, d.said.String(), access.APISecret[4:])
		})
	}
	d.write("config/x", merge(map[string]any{}, map[string]any{
		"exchange": "bybit", "base_url": access.BaseURL + "/", "api_key": " " + access.APIKey + "\n", "api_secret": access.APISecret + "\r\n",
	}))
	require.Equal(t, access.BaseURL, d.read("config/x")["base_url"], "harmless slips are mended")
}

// TestAPrivateKeyWithWrittenLineBreaksIsMended: a shell or a JSON file keeps them as
// text.
func TestAPrivateKeyWithWrittenLineBreaksIsMended(t *testing.T) {
	d := newDesk(t)
	rsa, ok := d.sim.Root("bybit", "rsa")
	require.True(t, ok)
	d.write("config/x", map[string]any{
		"exchange": "bybit", "base_url": rsa.BaseURL, "api_key": rsa.APIKey,
		"private_key": strings.ReplaceAll(rsa.PrivateKey, "\n", `\n`),
	})
	require.Equal(t, true, d.read("config/x/check")["can_mint"])
}

func TestWordsForTrueAndFalse(t *testing.T) {
	d := newDesk(t)
	d.trader()
	for word, want := range map[string]bool{"yes": true, "No": false, "on": true, "OFF": false, "true": true, "0": false} {
		d.must(logical.PatchOperation, "roles/trader", map[string]any{"require_reason": word})
		require.Equal(t, want, d.read("roles/trader")["require_reason"], word)
	}
}

func TestDurationsThatRoundToNothingAreRefused(t *testing.T) {
	d := newDesk(t)
	d.trader()
	for _, value := range []string{"500ms", "1500ms", "10us"} {
		d.refused(logical.PatchOperation, "roles/trader", map[string]any{"ttl": value}, "ttl", "whole number of seconds")
		d.refused(logical.UpdateOperation, "creds/trader", map[string]any{"ttl": value}, "ttl", "whole number of seconds")
		d.refused(logical.UpdateOperation, "config/bybit", map[string]any{"max_ttl": value}, "max_ttl", "whole number of seconds")
	}
	require.Empty(t, d.sim.Keys())
}

func TestNames(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	role := map[string]any{"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "read"}
	for _, name := range []string{"alice@example.com", "a+b@example.com", "a", "A.b-c_d", strings.Repeat("x", 128)} {
		d.write("roles/"+name, role)
		require.Equal(t, "bybit", d.read("roles/" + name)["connection"])
		d.mint(name)
	}
	for _, name := range []string{"a..b", "..", ".a", "a.", "-a", "a b", "ä", strings.Repeat("x", 129), "a\x00"} {
		d.refused(logical.UpdateOperation, "roles/"+name, role, "name", "without two dots in a row")
		d.refused(logical.ReadOperation, "creds/"+name, nil, "name", "without two dots in a row")
	}
}

package gate

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
)

// credential has the two parts that Gate asks for.
func credential() exchanges.Credential {
	return exchanges.Credential{APIKey: "c5dcfbf1f3a7aaaaaaaaaaaaaaaaaaaa", APISecret: "secret"}
}

// stub opens an account at a server that gives each path its prepared answer, and
// every other path an empty object; the server's time is ours.
func stub(t *testing.T, answers map[string]string) exchanges.Account {
	return exchangetest.OpenStub(t, New(), credential(), func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == prefix+"/spot/time" {
			fmt.Fprintf(w, `{"server_time":%d}`, time.Now().UnixMilli())
			return
		}
		answer, ok := answers[r.Method+" "+strings.TrimPrefix(r.URL.Path, prefix)]
		if !ok {
			answer = "{}"
		}
		fmt.Fprint(w, answer)
	})
}

// The keys of the main account are documented in two forms. Any other form says
// nothing, and neither does a key that is not certainly the root key.
func TestRootPermissions(t *testing.T) {
	const row = `{"state":1,"key":"c5dcfbf1f3a7*****","perms":[{"name":"wallet","read_only":true},{"name":"account","read_only":false}]}`
	for name, test := range map[string]struct {
		keys string
		want []string
	}{
		"an array":          {`[{"state":1,"key":"aaaaaaaaaaaa*****"},` + row + `]`, []string{"account:write", "wallet:read"}},
		"one object":        {row, []string{"account:write", "wallet:read"}},
		"two that fit":      {`[` + row + `,` + row + `]`, nil},
		"none that fits":    {`[]`, nil},
		"a frozen key":      {strings.Replace(row, `"state":1`, `"state":2`, 1), nil},
		"all of it hidden":  {strings.Replace(row, `c5dcfbf1f3a7`, ``, 1), nil},
		"the clients' form": {`{"state":1,"name":["a"],"key":{"mode":1},"created_at":"1663683330"}`, nil},
		"something else":    {`"no"`, nil},
		"an empty answer":   {`null`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			identity, err := stub(t, map[string]string{
				"GET /account/detail":    `{"user_id":10000001,"ip_whitelist":["192.0.2.10"]}`,
				"GET /account/main_keys": test.keys,
				"GET /sub_accounts":      `[]`,
			}).Inspect(t.Context())
			require.NoError(t, err)
			require.Equal(t, test.want, identity.Permissions)
			require.Equal(t, "10000001", identity.Account)
			require.True(t, identity.CanMint)
		})
	}
}

func TestSubAccounts(t *testing.T) {
	account := stub(t, map[string]string{"GET /sub_accounts": `[
		{"user_id":10001,"login_name":"desk_1","state":1,"type":1},{"user_id":"10002","login_name":"desk_2","state":2,"type":3}]`})
	found, err := account.SubAccounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []exchanges.SubAccount{{Name: "10001", Alias: "desk_1"}, {Name: "10002", Alias: "desk_2", Frozen: true}}, found)
}

// Times come in several forms.
func TestListKeys(t *testing.T) {
	account := stub(t, map[string]string{"GET /sub_accounts/10001/keys": `[
		{"key":"k1","name":"vlt-1","perms":[{"name":"spot","read_only":false}],"ip_whitelist":[],"created_at":1663683330},
		{"key":"k2","name":"vlt-2","perms":null,"created_at":"1663683330.5"}]`})
	keys, err := account.ListKeys(t.Context(), "10001")
	require.NoError(t, err)
	require.Equal(t, []exchanges.KeyInfo{
		{ID: "k1", Label: "vlt-1", Permissions: []string{"spot:write"}, Addresses: []string{}, CreatedAt: time.Unix(1663683330, 0).UTC()},
		{ID: "k2", Label: "vlt-2", Permissions: []string{}, CreatedAt: time.UnixMilli(1663683330500).UTC()},
	}, keys)
}

// The read-only flag is always sent; a list of addresses is sent only if there are
// any.
func TestCreateKeyAsSent(t *testing.T) {
	var sent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(err)
			}
			sent = r.URL.Path + " " + string(body)
		}
		fmt.Fprintf(w, `{"server_time":%d,"key":"k","secret":"s","perms":[{"name":"spot"}]}`, time.Now().UnixMilli())
	}))
	defer server.Close()
	account, err := New().Open(credential(), exchanges.Options{BaseURL: server.URL})
	require.NoError(t, err)
	defer account.Close()
	request := exchanges.KeyRequest{SubAccount: "10001", Label: "vlt-1", Permissions: []string{"account:read", "spot:write"}}
	key, err := account.CreateKey(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, `/api/v4/sub_accounts/10001/keys {"mode":1,"name":"vlt-1",`+
		`"perms":[{"name":"account","read_only":true},{"name":"spot","read_only":false}]}`, sent)
	require.Equal(t, []string{"spot:write"}, key.Permissions, "an absent flag counts as the wider meaning")
	require.Nil(t, key.Addresses, "the answer does not say")

	request.Addresses = []string{"192.0.2.10"}
	_, err = account.CreateKey(t.Context(), request)
	require.NoError(t, err)
	require.Contains(t, sent, `,"ip_whitelist":["192.0.2.10"]}`)
}

// Older documentation shows the answer to a creation as an array.
func TestFormsOfTheCreateAnswer(t *testing.T) {
	const made = `{"key":"k","secret":"s","perms":[{"name":"spot","read_only":true}],"ip_whitelist":["192.0.2.10"]}`
	for answer, accepted := range map[string]bool{
		made: true, `[` + made + `]`: true,
		`[]`: false, `[` + made + `,` + made + `]`: false, `null`: false, `[null]`: false, `{}`: false, `[{"key":"k"}]`: false, `["k"]`: false,
	} {
		account := stub(t, map[string]string{"POST /sub_accounts/10001/keys": answer})
		key, err := account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "10001", Label: "vlt-1"})
		if !accepted {
			require.ErrorIs(t, err, exchanges.ErrOutcomeUnknown, answer)
			continue
		}
		require.NoError(t, err, answer)
		require.Equal(t, exchanges.Key{
			ID: "k", APIKey: "k", APISecret: "s", Permissions: []string{"spot:read"}, Addresses: []string{"192.0.2.10"},
		}, key, answer)
	}
}

// A null or empty list has no rows; anything else but a list says nothing.
func TestFormsOfLists(t *testing.T) {
	for answer, listed := range map[string]bool{`null`: true, `[]`: true, `{}`: false, `{"keys":[]}`: false, `"null"`: false} {
		t.Run(answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				account := exchangetest.OpenInside(t, New(), credential(), exchanges.Options{}, func(w http.ResponseWriter, _ *http.Request) {
					fmt.Fprint(w, answer)
				})
				subAccounts, subErr := account.SubAccounts(t.Context())
				keys, keyErr := account.ListKeys(t.Context(), "10001")
				if !listed {
					require.ErrorIs(t, subErr, exchanges.ErrUnavailable)
					require.ErrorIs(t, keyErr, exchanges.ErrUnavailable)
					return
				}
				require.NoError(t, subErr)
				require.NoError(t, keyErr)
				require.Empty(t, subAccounts)
				require.Empty(t, keys)
			})
		})
	}
}

func FuzzCreatedKey(f *testing.F) {
	f.Add(`[{"key":"k","secret":"s"}]`)
	f.Add(`{"key":"k","perms":[{"name":"spot"}]}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, text string) {
		var created createdKey
		if err := json.Unmarshal([]byte(text), &created); err == nil {
			require.Len(t, decode(created.Perms), len(created.Perms))
		}
	})
}

func FuzzRootKeys(f *testing.F) {
	f.Add(`[{"key":"a*"}]`)
	f.Add(`{"key":"a*"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var keys rootKeys
		require.Equal(t, json.Valid([]byte(text)), json.Unmarshal([]byte(text), &keys) == nil)
	})
}

package bybit

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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
)

// openAt opens an account at a server that answers every signed call with the
// result.
func openAt(t *testing.T, result string, see func(*http.Request, string)) exchanges.Account {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v5/market/time" {
			_, _ = fmt.Fprintf(w, `{"retCode":0,"result":{"timeNano":"%d"}}`, time.Now().UnixNano())
			return
		}
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		if see != nil {
			see(r, string(body))
		}
		_, _ = io.WriteString(w, `{"retCode":0,"retMsg":"","result":`+result+`,"retExtInfo":{},"time":1753364096300}`)
	}))
	t.Cleanup(server.Close)
	account, err := New().Open(exchanges.Credential{APIKey: "key", APISecret: "secret"}, exchanges.Options{BaseURL: server.URL})
	require.NoError(t, err)
	t.Cleanup(account.Close)
	return account
}

// rootKey is an answer of query-api, modelled on the example in Bybit's
// documentation (https://bybit-exchange.github.io/docs/v5/user/apikey-info).
func rootKey(changes map[string]any) string {
	root := map[string]any{
		"id": "13770001", "note": "vault root", "apiKey": "FAKEmasterKey0001AB", "readOnly": 0, "secret": "",
		"permissions": map[string][]string{"ContractTrade": {}, "Wallet": {"AccountTransfer", "SubMemberTransfer"}, "Earn": {}},
		"ips":         []string{"203.0.113.5"}, "deadlineDay": -2, "expiredAt": "1970-01-01T00:00:00Z", "createdAt": "2026-05-13T03:20:45Z",
		"userID": 24600001, "isMaster": true, "parentUid": "0",
	}
	for name, value := range changes {
		root[name] = value
	}
	encoded, err := json.Marshal(root)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

func TestInspectRoot(t *testing.T) {
	soon := time.Now().Add(expiryWarning - time.Hour).UTC().Truncate(time.Second)
	late := time.Now().Add(expiryWarning + time.Hour).UTC().Truncate(time.Second)
	for _, test := range []struct {
		name    string
		changes map[string]any
		problem string
		warning string
		expires time.Time
	}{
		{"as it should be", nil, "", "", time.Time{}},
		{"of a sub-account", map[string]any{"isMaster": false}, "use a key of the master account", "", time.Time{}},
		{"read-only", map[string]any{"readOnly": 1}, "use a read-write key", "", time.Time{}},
		{"without Wallet right", map[string]any{"permissions": map[string][]string{"Spot": {"SpotTrade"}}}, "give it Account Transfer", "", time.Time{}},
		{"with a Wallet right that does not help", map[string]any{"permissions": map[string][]string{"Wallet": {"Other"}}}, "no Wallet right", "", time.Time{}},
		{"that can withdraw", map[string]any{"permissions": map[string][]string{"Wallet": {"Withdraw"}}}, "", "can withdraw, which minting never needs", time.Time{}},
		{"unbound", map[string]any{"ips": []string{"*"}}, "", "bound to no address", time.Time{}},
		{"about to expire", map[string]any{"expiredAt": soon.Format(time.RFC3339)}, "", "expires at " + soon.Format(time.RFC3339), soon},
		{"expiring one day", map[string]any{"expiredAt": late.Format(time.RFC3339)}, "", "", late},
	} {
		t.Run(test.name, func(t *testing.T) {
			identity, err := openAt(t, rootKey(test.changes), nil).Inspect(t.Context())
			require.NoError(t, err)
			require.Equal(t, "24600001", identity.Account)
			require.Equal(t, test.expires, identity.ExpiresAt)
			require.Equal(t, test.problem == "", identity.CanMint)
			require.Contains(t, identity.Problem, test.problem)
			if test.warning == "" {
				require.Empty(t, identity.Warnings)
				return
			}
			require.Len(t, identity.Warnings, 1)
			require.Contains(t, identity.Warnings[0], test.warning)
		})
	}
}

func TestSubAccountsThatAreFrozen(t *testing.T) {
	account := openAt(t, `{"subMembers":[{"uid":"53888000","username":"desk01","status":1},{"uid":53888001,"username":"desk02","status":4}],"nextCursor":"0"}`, nil)
	subAccounts, err := account.SubAccounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []exchanges.SubAccount{
		{Name: "53888000", Alias: "desk01"}, {Name: "53888001", Alias: "desk02", Frozen: true},
	}, subAccounts)
}

// The body of a create call, byte for byte.
func TestCreateKeyBody(t *testing.T) {
	for _, test := range []struct {
		name    string
		request exchanges.KeyRequest
		want    string
	}{
		{
			"trading, bound", exchanges.KeyRequest{
				SubAccount: "53888000", Label: "vlt-7f3a9c", Addresses: []string{"203.0.113.7", "203.0.113.8"},
				Permissions: []string{"ContractTrade.Order", "ContractTrade.Position", "Spot.SpotTrade"},
			},
			`{"subuid":53888000,"note":"vlt-7f3a9c","readOnly":0,"ips":"203.0.113.7,203.0.113.8","permissions":{"ContractTrade":["Order","Position"],"Spot":["SpotTrade"]}}`,
		},
		{
			"reading, unbound", exchanges.KeyRequest{SubAccount: "53888000", Label: "vlt-7f3a9d", Permissions: []string{"ReadOnly"}},
			`{"subuid":53888000,"note":"vlt-7f3a9d","readOnly":1,"permissions":{"ContractTrade":["Order","Position"],"Options":["OptionsTrade"],"Spot":["SpotTrade"]}}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			sent := ""
			account := openAt(t, `{"apiKey":"FAKEsubKey0002CDEF","secret":"FAKEsecret","readOnly":0,"permissions":{}}`, func(r *http.Request, body string) {
				assert.Equal(t, "/v5/user/create-sub-api", r.URL.Path)
				assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
				sent = body
			})
			key, err := account.CreateKey(t.Context(), test.request)
			require.NoError(t, err)
			require.Equal(t, test.want, sent)
			require.Equal(t, "FAKEsubKey0002CDEF", key.ID)
			require.Equal(t, exchanges.Secret("FAKEsecret"), key.APISecret)
			require.Nil(t, key.Addresses, "the answer does not say")
		})
	}
}

func TestCreateKeyInASubAccountThatIsNoNumber(t *testing.T) {
	account := openAt(t, `{}`, func(*http.Request, string) { t.Error("the request was sent") })
	for _, name := range []string{"desk", "", "53888000 ", "9223372036854775808"} {
		_, err := account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: name})
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		require.ErrorContains(t, err, "named by number")
	}
}

func TestListedKey(t *testing.T) {
	account := openAt(t, `{"result":[{"id":"16651283","ips":["*"],"apiKey":"FAKEsubKey0002CDEF","note":"vlt-7f3a9c","status":3,`+
		`"expiredAt":"2026-10-22T13:34:56Z","createdAt":"2026-07-24T13:34:56Z","type":1,"permissions":{"ContractTrade":["Order","Position"],"Wallet":[]},`+
		`"secret":"******","readOnly":false,"deadlineDay":89,"flag":"hmac"}],"nextPageCursor":""}`, nil)
	keys, err := account.ListKeys(t.Context(), "53888000")
	require.NoError(t, err)
	require.Equal(t, []exchanges.KeyInfo{{
		ID: "FAKEsubKey0002CDEF", Label: "vlt-7f3a9c", Permissions: []string{"ContractTrade.Order", "ContractTrade.Position"}, Addresses: []string{},
		CreatedAt: time.Date(2026, 7, 24, 13, 34, 56, 0, time.UTC), ExpiresAt: time.Date(2026, 10, 22, 13, 34, 56, 0, time.UTC),
	}}, keys)
}

func TestServerTimeThatIsNone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v5/market/time" {
			_, _ = io.WriteString(w, `{"retCode":0,"result":{"timeNano":"soon"}}`)
			return
		}
		_, _ = io.WriteString(w, `{"retCode":0,"result":`+rootKey(nil)+`}`)
	}))
	defer server.Close()
	account, err := New().Open(exchanges.Credential{APIKey: "key", APISecret: "secret"}, exchanges.Options{BaseURL: server.URL})
	require.NoError(t, err)
	defer account.Close()
	identity, err := account.Inspect(t.Context())
	require.NoError(t, err, "our own clock must do")
	require.Zero(t, identity.ClockOffset)
}

// On a unified account every key that can write has Derivatives, which is told apart
// from any other surplus. A read-only key can only read it.
func TestDerivativesAreAdded(t *testing.T) {
	s := inWeather(t, "derivatives", "every_key")
	account, subAccount := s.OpenRoot("main", exchanges.Options{}), s.subAccount()
	variant := New().Describe().Variants[0]
	for _, test := range []struct {
		scope exchanges.Scope
		added []string
	}{
		{exchanges.ScopeRead, nil}, {exchanges.ScopeSpot, []string{derivatives}}, {exchanges.ScopeOptions, []string{derivatives}},
		{exchanges.ScopeTransfer, []string{derivatives}}, {exchanges.ScopeFutures, nil},
	} {
		grant, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead, test.scope), nil)
		require.NoError(t, err)
		key, err := account.CreateKey(s.Context(), exchanges.KeyRequest{SubAccount: subAccount, Label: "vlt-7f3a9c", Permissions: grant.Permissions})
		require.NoError(t, err)
		listed, err := account.ListKeys(s.Context(), subAccount)
		require.NoError(t, err)
		require.Len(t, listed, 1)
		for _, shown := range [][]string{key.Permissions, listed[0].Permissions} {
			addition := variant.Addition(grant, shown)
			require.Equal(t, test.added, addition.Permissions, test.scope)
			require.Equal(t, len(test.added) == 0, variant.CheckGrant(grant, shown) == nil, test.scope)
			if test.added != nil {
				require.Equal(t, exchanges.NewScopes(exchanges.ScopeFutures), addition.Scopes)
			}
		}
		require.NoError(t, exchangetest.Settle(s.Context(), account, exchanges.KeyRef{SubAccount: subAccount, ID: key.ID}))
	}
}

// A sample of Bybit's shows Earn in the answer to a request that did not name it. The
// refusal says how to accept that.
func TestEarnThatWasNotAskedFor(t *testing.T) {
	variant := New().Describe().Variants[0]
	account := openAt(t, `{"apiKey":"k","secret":"s","readOnly":0,"permissions":{"ContractTrade":[],"Spot":[],"Wallet":["AccountTransfer"],"Earn":["Earn"]}}`, nil)
	grant, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeTransfer), nil)
	require.NoError(t, err)
	key, err := account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "53888000", Permissions: grant.Permissions})
	require.NoError(t, err)
	require.Empty(t, variant.Addition(grant, key.Permissions).Permissions)
	require.ErrorContains(t, variant.CheckGrant(grant, key.Permissions), "a role that accepts this can name it: native_permissions=Earn.Earn")

	named, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeTransfer), []string{earn})
	require.NoError(t, err)
	require.NoError(t, variant.CheckGrant(named, key.Permissions))
}

// A null or empty list has no rows, and a bare list is the only page. An answer
// without its list says nothing.
func TestFormsOfLists(t *testing.T) {
	bare := func(row string, rows int) string { return "[" + strings.Repeat(row+",", rows-1) + row + "]" }
	const sub, row = `{"uid":"1","status":1}`, `{"apiKey":"k"}`
	for _, test := range []struct {
		name, subAccounts, keys string
		rows                    int
		refused                 bool
	}{
		{"null", `{"subMembers":null,"nextCursor":"0"}`, `{"result":null,"nextPageCursor":""}`, 0, false},
		{"empty", `{"subMembers":[],"nextCursor":"0"}`, `{"result":[],"nextPageCursor":""}`, 0, false},
		{"a bare empty list", `[]`, `[]`, 0, false},
		{"a bare list", `[` + sub + `]`, `[` + row + `]`, 1, false},
		{"a bare list that fills a page", bare(sub, subAccountsPage), bare(row, keysPage), 0, true},
		{"no list", `{}`, `{"nextPageCursor":""}`, 0, true},
		{"nothing", `null`, `null`, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				account := exchangetest.OpenInside(t, New(), exchanges.Credential{APIKey: "key", APISecret: "secret"}, exchanges.Options{}, func(w http.ResponseWriter, r *http.Request) {
					result := test.keys
					if r.URL.Path == "/v5/user/submembers" {
						result = test.subAccounts
					}
					fmt.Fprintf(w, `{"retCode":0,"result":%s}`, result)
				})
				subAccounts, subErr := account.SubAccounts(t.Context())
				keys, keyErr := account.ListKeys(t.Context(), "1")
				if test.refused {
					require.ErrorIs(t, subErr, exchanges.ErrUnavailable)
					require.ErrorIs(t, keyErr, exchanges.ErrUnavailable)
					return
				}
				require.NoError(t, subErr)
				require.NoError(t, keyErr)
				require.Len(t, subAccounts, test.rows)
				require.Len(t, keys, test.rows)
			})
		})
	}
}

// TestListedPermissions: each key of a list has its own, however many have the same, and
// a list with permissions that cannot be read proves nothing.
func TestListedPermissions(t *testing.T) {
	const spot, options = `{"Spot":["SpotTrade"],"Wallet":[]}`, `{"Options":["OptionsTrade"]}`
	list := func(each ...string) ([][]string, error) {
		var rows []string
		for i, sent := range each {
			rows = append(rows, fmt.Sprintf(`{"apiKey":"key %d"%s}`, i, sent))
		}
		account := openAt(t, `{"result":[`+strings.Join(rows, ",")+`],"nextPageCursor":""}`, nil)
		keys, err := account.ListKeys(t.Context(), "53888000")
		var listed [][]string
		for _, k := range keys {
			listed = append(listed, k.Permissions)
		}
		return listed, err
	}
	listed, err := list(
		`,"permissions":`+spot, `,"permissions":`+options, `,"permissions":`+spot, ``, `,"permissions":null`,
		`,"readOnly":true,"permissions":{"ContractTrade":["Order","Position"],"Options":["OptionsTrade"],"Spot":["SpotTrade"]}`,
		`,"readOnly":false,"permissions":{"ContractTrade":["Order","Position"],"Options":["OptionsTrade"],"Spot":["SpotTrade"]}`,
	)
	require.NoError(t, err)
	require.Equal(t, [][]string{
		{"Spot.SpotTrade"}, {"Options.OptionsTrade"}, {"Spot.SpotTrade"}, nil, nil, {readOnly},
		{"ContractTrade.Order", "ContractTrade.Position", "Options.OptionsTrade", "Spot.SpotTrade"},
	}, listed)
	_, err = list(`,"permissions":`+spot, `,"permissions":["Spot"]`)
	require.ErrorIs(t, err, exchanges.ErrUnavailable)
}

package mexc

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/mexc"
)

// Paths, with their methods, that stubs answer.
const (
	getAccount = "GET /api/v3/account"
	getSubs    = "GET /api/v3/sub-account/list"
	getKeys    = "GET " + keysPath
	createKey  = "POST " + keysPath
	removeKey  = "DELETE " + keysPath
)

const accountAnswer = `{"canTrade":true,"accountType":"SPOT","permissions":["SPOT"]}`

// stub opens an account at a server that gives each path its prepared answer with
// HTTP 200, and every other path an empty object; the server's time is ours.
func stub(t *testing.T, answers map[string]string, see func(*http.Request)) exchanges.Account {
	return exchangetest.OpenStub(t, New(), exchanges.Credential{APIKey: "key", APISecret: "secret"}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v3/time" {
			fmt.Fprintf(w, `{"serverTime":%d}`, time.Now().UnixMilli())
			return
		}
		if see != nil {
			see(r)
		}
		answer, ok := answers[r.Method+" "+r.URL.Path]
		if !ok {
			answer = "{}"
		}
		fmt.Fprint(w, answer)
	})
}

func TestInspect(t *testing.T) {
	const (
		desks  = `{"subAccounts":[{"subAccount":"desk0002","isFreeze":true,"createTime":1767225600002,"uid":"2"},{"subAccount":"desk0001","isFreeze":false,"createTime":1767225600001,"uid":"9"}]}`
		frozen = `{"subAccounts":[{"subAccount":"desk0002","isFreeze":true,"uid":"2"}]}`
		noKeys = `{"subAccount":[]}`
	)
	for _, test := range []struct {
		name, subs, keys string
		account          string
		problem          string
		warnings         int
		listed           string
		err              error
	}{
		{"good", desks, noKeys, "master of sub-account 9", "", 1, "desk0001", nil},
		{"all sub-accounts frozen", frozen, "", "master of sub-account 2", "", 1, "", nil},
		{"no sub-account", `{"subAccounts":[]}`, "", "", "", 2, "", nil},
		{"without number", `{"subAccounts":[{"subAccount":"desk0001"}]}`, noKeys, "master of sub-account desk0001", "", 1, "desk0001", nil},
		{"of a sub-account", `{"code":700007,"msg":"no permission"}`, "", "", "SPOT_ACCOUNT_WRITE", 1, "", nil},
		{"sub-accounts not opened", `{"code":10099,"msg":"not open"}`, "", "", "open it on MEXC's website", 1, "", nil},
		{"may not list keys", desks, `{"code":700007,"msg":"no permission"}`, "master of sub-account 9", "SPOT_ACCOUNT_WRITE", 1, "desk0001", nil},
		{"sub-accounts cannot be listed", `{"code":700008,"msg":"x"}`, "", "", "", 0, "", exchanges.ErrInvalid},
		{"keys cannot be listed", desks, `{"code":700008,"msg":"x"}`, "", "", 0, "desk0001", exchanges.ErrInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			listed := ""
			account := stub(t, map[string]string{getAccount: accountAnswer, getSubs: test.subs, getKeys: test.keys}, func(r *http.Request) {
				if r.URL.Path == keysPath {
					listed = r.URL.Query().Get("subAccount")
				}
			})
			identity, err := account.Inspect(t.Context())
			require.ErrorIs(t, err, test.err)
			require.Equal(t, test.listed, listed)
			if test.err != nil {
				require.Zero(t, identity)
				return
			}
			require.Equal(t, test.account, identity.Account)
			require.Equal(t, test.problem == "", identity.CanMint)
			require.Contains(t, identity.Problem, test.problem)
			require.Len(t, identity.Warnings, test.warnings)
			require.Equal(t, []string{"SPOT_ACCOUNT_READ"}, identity.Permissions)
			require.Nil(t, identity.Addresses, "MEXC does not show them")
		})
	}
	_, err := stub(t, map[string]string{getAccount: `{"code":10072,"msg":"x"}`}, nil).Inspect(t.Context())
	require.ErrorIs(t, err, exchanges.ErrAuth)
}

func TestSubAccounts(t *testing.T) {
	const subs = `{"subAccounts":[{"subAccount":"desk0001","isFreeze":false,"uid":"1"},{"subAccount":"desk0002","isFreeze":true,"uid":2}]}`
	found, err := stub(t, map[string]string{getSubs: subs}, nil).SubAccounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []exchanges.SubAccount{{Name: "desk0001", Alias: "1"}, {Name: "desk0002", Alias: "2", Frozen: true}}, found)
}

// The list of sub-accounts may be null where it is empty, or a bare array. An answer
// without it is none.
func TestFormsOfSubAccounts(t *testing.T) {
	for _, test := range []struct {
		subs  string
		found int
		err   error
	}{
		{`{"subAccounts":[]}`, 0, nil},
		{`{"subAccounts":null}`, 0, nil},
		{`[]`, 0, nil},
		{`[{"subAccount":"desk0001","uid":"1"}]`, 1, nil},
		{`{}`, 0, exchanges.ErrUnavailable},
		{`null`, 0, exchanges.ErrUnavailable},
		{`{"subAccounts":{}}`, 0, exchanges.ErrUnavailable},
		{`[{"uid":"1"}]`, 0, exchanges.ErrUnavailable},
	} {
		t.Run(test.subs, func(t *testing.T) {
			t.Parallel()
			found, err := stub(t, map[string]string{getSubs: test.subs}, nil).SubAccounts(t.Context())
			require.ErrorIs(t, err, test.err)
			if test.err == nil {
				require.Len(t, found, test.found)
			}
		})
	}
}

// A time that MEXC does not accept is measured again, and the call, which did not run,
// is repeated once.
func TestTimeRefused(t *testing.T) {
	var sent int
	answers := map[string]string{createKey: `{"code":10073,"msg":"invalid Request-Time"}`}
	account := stub(t, answers, func(*http.Request) {
		if sent++; sent == 2 {
			answers[createKey] = `{"apiKey":"mx0","secretKey":"s","permissions":"SPOT_ACCOUNT_READ","ip":""}`
		}
	})
	key, err := account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "vaultsub0001", Label: "vlt-1", Permissions: []string{"SPOT_ACCOUNT_READ"}})
	require.NoError(t, err)
	require.Equal(t, "mx0", key.ID)
	require.Equal(t, 2, sent)
}

// A refusal leaves no doubt about a key, so that nothing has to be looked for.
func TestRefusalsOfAKey(t *testing.T) {
	for code, kind := range map[int]exchanges.Kind{
		730000: exchanges.ErrInvalid, 730001: exchanges.ErrInvalid, 730002: exchanges.ErrInvalid,
		730003: exchanges.ErrPermission, 730100: exchanges.ErrPermission,
	} {
		account := stub(t, map[string]string{createKey: fmt.Sprintf(`{"code":%d,"msg":"x"}`, code)}, nil)
		_, err := account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "vaultsub0001", Label: "vlt-1", Permissions: []string{"SPOT_ACCOUNT_READ"}})
		require.ErrorIs(t, err, kind, code)
	}
}

// A key is made by one call with everything in its query, signed as sent.
func TestCreateKeyQuery(t *testing.T) {
	for _, test := range []struct {
		name      string
		addresses []string
		answer    string
		want      []string
		query     string
	}{
		{
			"bound", []string{"203.0.113.10", "203.0.113.11"}, `"ip":"203.0.113.10,203.0.113.11"`, []string{"203.0.113.10", "203.0.113.11"},
			"&ip=203.0.113.10%2C203.0.113.11",
		},
		{"unbound", nil, `"ip":""`, []string{}, ""},
		{"unbound, and the answer does not say", nil, `"ip":null`, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			query, body := "", int64(-1)
			account := stub(t, map[string]string{
				createKey: `{"apiKey":"mx0","secretKey":"s","permissions":"SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_DEAL_WRITE",` + test.answer + `}`,
			}, func(r *http.Request) { query, body = r.URL.RawQuery, r.ContentLength })
			key, err := account.CreateKey(t.Context(), exchanges.KeyRequest{
				SubAccount: "vaultsub0001", Label: "vlt-a1b2c3d4e5f6", Permissions: []string{"SPOT_ACCOUNT_READ", "SPOT_DEAL_WRITE"}, Addresses: test.addresses,
			})
			require.NoError(t, err)
			require.Equal(t, exchanges.Key{
				ID: "mx0", APIKey: "mx0", APISecret: "s", Permissions: []string{"SPOT_ACCOUNT_READ", "SPOT_DEAL_WRITE"}, Addresses: test.want,
			}, key)
			require.Regexp(t, `^subAccount=vaultsub0001&note=vlt-a1b2c3d4e5f6&permissions=SPOT_ACCOUNT_READ%2CSPOT_DEAL_READ%2CSPOT_DEAL_WRITE`+
				test.query+`&recvWindow=5000&timestamp=\d{13}&signature=[0-9a-f]{64}$`, query)
			require.Zero(t, body)
		})
	}
}

// The time of creation is spelt in two ways in MEXC's documents.
func TestListedKeys(t *testing.T) {
	const row = `{"note":"vlt-1","apiKey":"mx0","permissions":"SPOT_ACCOUNT_READ","ip":"203.0.113.10","%s":1767225600000}`
	for _, spelling := range []string{"creatTime", "createTime"} {
		keys, err := stub(t, map[string]string{getKeys: `{"subAccount":[` + fmt.Sprintf(row, spelling) + `]}`}, nil).ListKeys(t.Context(), "desk0001")
		require.NoError(t, err)
		require.Equal(t, []exchanges.KeyInfo{{
			ID: "mx0", Label: "vlt-1", Permissions: []string{"SPOT_ACCOUNT_READ"}, Addresses: []string{"203.0.113.10"},
			CreatedAt: time.UnixMilli(1767225600000).UTC(),
		}}, keys)
	}
}

// Only a certain answer that there are no more keys proves a deletion; the answer
// that this master does not have the sub-account proves nothing.
func TestDeletionNeedsProof(t *testing.T) {
	ref := exchanges.KeyRef{SubAccount: "desk0001", ID: "mx0"}
	for name, test := range map[string]struct {
		deleted, listed string
		want            error
	}{
		"gone":                              {`{"subAccount":"desk0001"}`, `{"subAccount":[]}`, nil},
		"it was gone before":                {`{"code":730706,"msg":"x"}`, `{"subAccount":[]}`, nil},
		"still there":                       {`{"subAccount":"desk0001"}`, `{"subAccount":[{"apiKey":"mx0"}]}`, exchanges.ErrUnavailable},
		"said to be gone, still there":      {`{"code":730706,"msg":"x"}`, `{"subAccount":[{"apiKey":"mx0"}]}`, exchanges.ErrNotFound},
		"another master's sub-account":      {`{"code":140001,"msg":"x"}`, `{"code":140001,"msg":"x"}`, exchanges.ErrInvalid},
		"a frozen sub-account":              {`{"code":140002,"msg":"x"}`, `{"subAccount":[{"apiKey":"mx0"}]}`, exchanges.ErrPermission},
		"a frozen sub-account, gone":        {`{"code":140002,"msg":"x"}`, `{"subAccount":[]}`, nil},
		"null for the list, which is empty": {`{"subAccount":"desk0001"}`, `{"subAccount":null}`, nil},
		"a bare list":                       {`{"subAccount":"desk0001"}`, `[]`, nil},
		"a bare list with the key":          {`{"subAccount":"desk0001"}`, `[{"apiKey":"mx0"}]`, exchanges.ErrUnavailable},
		"null":                              {`{"subAccount":"desk0001"}`, `null`, exchanges.ErrUnavailable},
		"another list":                      {`{"subAccount":"desk0001"}`, `{"subAccounts":[]}`, exchanges.ErrUnavailable},
		"a bare list without names":         {`{"subAccount":"desk0001"}`, `[{}]`, exchanges.ErrUnavailable},
		"unusual status":                    {`{"code":730100,"msg":"x"}`, `{"subAccount":[{"apiKey":"mx0"}]}`, exchanges.ErrPermission},
		"a parameter refused, and gone":     {`{"code":730002,"msg":"x"}`, `{"subAccount":[]}`, nil},
		"no list":                           {`{"subAccount":"desk0001"}`, `{}`, exchanges.ErrUnavailable},
		"the sub-account's name for list":   {`{"subAccount":"desk0001"}`, `{"subAccount":"desk0001"}`, exchanges.ErrUnavailable},
		"a key without its name":            {`{"subAccount":"desk0001"}`, `{"subAccount":[{"note":"x"}]}`, exchanges.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := exchangetest.Settle(t.Context(), stub(t, map[string]string{removeKey: test.deleted, getKeys: test.listed}, nil), ref)
			require.ErrorIs(t, err, test.want)
		})
	}
}

// A read-only root key passes the check, since MEXC does not say what it may do.
// The first key that it should make shows it.
func TestReadOnlyRoot(t *testing.T) {
	s := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
	account := s.OpenRoot("reader", exchanges.Options{})
	identity, err := account.Inspect(t.Context())
	require.NoError(t, err)
	require.True(t, identity.CanMint)
	require.Contains(t, identity.Warnings[0], "check on MEXC's website that the key has SPOT_ACCOUNT_WRITE")
	_, err = account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: s.Access("reader").SubAccounts[0], Label: "vlt-1", Permissions: []string{"SPOT_ACCOUNT_READ"}})
	require.ErrorIs(t, err, exchanges.ErrPermission)
	require.ErrorContains(t, err, "SPOT_ACCOUNT_WRITE")
}

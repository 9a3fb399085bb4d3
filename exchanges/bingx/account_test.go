package bingx

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/bingx"
)

// What stubs answer: calls by the end of their path, and the query by whether it
// is for one key.
const (
	askRights = "apiPermissions"
	askUID    = "uid"
	listSubs  = "list"
	listKeys  = "query"
	queryKey  = "query one"
	createKey = "create"
	removeKey = "del"
)

// stub gives each call its prepared answer with HTTP 200, and every other call an
// empty object, without a network, so that tests can run in a bubble. BingX's time is
// ours.
type stub struct {
	exchanges.Account
	answers map[string]string
	mu      sync.Mutex
	calls   []string
	bodies  map[string]string
}

func newStub(t *testing.T, answers map[string]string) *stub {
	s := &stub{answers: answers, bodies: map[string]string{}}
	var err error
	s.Account, err = New().Open(exchanges.Credential{APIKey: "key", APISecret: "secret"},
		exchanges.Options{BaseURL: "http://127.0.0.1", RateMultiplier: 1000, Transport: s})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// RoundTrip answers one call.
func (s *stub) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(s.answer(r, string(body)))),
	}, nil
}

func (s *stub) answer(r *http.Request, body string) string {
	name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	if name == "time" {
		return fmt.Sprintf(`{"code":0,"data":{"serverTime":%d}}`, time.Now().UnixMilli())
	}
	if r.URL.Query().Has("apiKey") {
		name = queryKey
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.bodies[name] = append(s.calls, name), body
	if answer, ok := s.answers[name]; ok {
		return answer
	}
	return "{}"
}

func good(data string) string { return `{"code":0,"timestamp":1767225600000,"data":` + data + `}` }

func refusal(code int) string {
	return fmt.Sprintf(`{"code":%d,"msg":"x","timestamp":1767225600000}`, code)
}

func TestInspect(t *testing.T) {
	const (
		manager  = "Manage Subaccounts"
		withdraw = "may withdraw"
		unbound  = "14 days"
		noSubs   = "no sub-account"
	)
	some := good(`{"result":[{"subUid":"16477999"}]}`)
	for _, test := range []struct {
		name, rights, subs string
		permissions        []string
		addresses          []string
		problem            string
		warnings           []string
	}{
		{
			"numbers", `{"apiKey":"k","permissions":[1,2,3,4,6,7],"ipAddresses":["203.0.113.1"],"note":"root"}`, some,
			[]string{"1-spot", "2-read", "3-perpetual-futures", "4-universal-transfer", "6", "7-internal-transfer"}, []string{"203.0.113.1"}, "", []string{manager},
		},
		{"numbers in the envelope", good(`{"permissions":[2],"ipAddresses":["203.0.113.1"]}`), some, []string{"2-read"}, []string{"203.0.113.1"}, "", []string{manager}},
		{"numbers, unbound", `{"permissions":[2,5],"ipAddresses":[""]}`, some, []string{"2-read", "5-withdraw"}, []string{}, "", []string{withdraw, unbound, manager}},
		{"addresses not shown", `{"permissions":[2]}`, some, []string{"2-read"}, nil, "", []string{manager}},
		{
			"flags", good(`{"ipRestrict":true,"createTime":1767225600000,"enableReading":true,"enableFutures":false}`), some,
			[]string{"enableReading"}, nil, "", []string{manager},
		},
		{
			"flags without the envelope, unbound", `{"ipRestrict":false,"enableReading":true,"enableWithdrawals":true}`, some,
			[]string{"enableReading", "enableWithdrawals"}, []string{}, "", []string{withdraw, unbound, manager},
		},
		{"no sub-account", `{"permissions":[2]}`, good(`{"result":[]}`), []string{"2-read"}, nil, "", []string{manager, noSubs}},
		{"of a sub-account", `{"permissions":[2]}`, refusal(100403), []string{"2-read"}, nil, "main account", []string{manager}},
		{"may not list", `{"permissions":[2]}`, refusal(100004), []string{"2-read"}, nil, manager, []string{manager}},
	} {
		t.Run(test.name, func(t *testing.T) {
			identity, err := newStub(t, map[string]string{askRights: test.rights, askUID: good(`{"uid":16477000}`), listSubs: test.subs}).Inspect(t.Context())
			require.NoError(t, err)
			require.Equal(t, "16477000", identity.Account)
			require.Equal(t, test.permissions, identity.Permissions)
			require.Equal(t, test.addresses, identity.Addresses)
			require.Equal(t, test.problem == "", identity.CanMint)
			require.Contains(t, identity.Problem, test.problem)
			require.Len(t, identity.Warnings, len(test.warnings))
			for i, words := range test.warnings {
				require.Contains(t, identity.Warnings[i], words)
			}
		})
	}
	for name, answers := range map[string]map[string]string{
		"rights not shown":  {askRights: good(`{"note":"root"}`), askUID: good(`{"uid":1}`), listSubs: some},
		"no rights":         {askRights: refusal(100004), askUID: good(`{"uid":1}`), listSubs: some},
		"account not shown": {askRights: `{"permissions":[2]}`, askUID: good(`{}`), listSubs: some},
		"no list":           {askRights: `{"permissions":[2]}`, askUID: good(`{"uid":1}`), listSubs: good(`{}`)},
		"unnamed in a list": {askRights: `{"permissions":[2]}`, askUID: good(`{"uid":1}`), listSubs: good(`{"result":[{}]}`)},
	} {
		t.Run(name, func(t *testing.T) {
			identity, err := newStub(t, answers).Inspect(t.Context())
			require.Error(t, err)
			require.Zero(t, identity)
		})
	}
}

// The names of either document, with numbers as such or in quotes.
func TestSubAccounts(t *testing.T) {
	want := []exchanges.SubAccount{{Name: "16477999", Alias: "vaultsub01"}, {Name: "16478000", Alias: "vaultsub02", Frozen: true}}
	for _, list := range []string{
		`{"result":[{"subUid":"16477999","subAccountString":"vaultsub01","freeze":false},{"subUid":16478000,"subAccountString":"vaultsub02","freeze":true}]}`,
		`{"subAccountList":[{"uid":16477999,"subAccountString":"vaultsub01","isFreeze":false},{"uid":"16478000","subAccountString":"vaultsub02","isFreeze":true}]}`,
	} {
		found, err := newStub(t, map[string]string{listSubs: good(list)}).SubAccounts(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, found)
	}
}

// order asks for the key that most of the tests below use.
func order() exchanges.KeyRequest {
	return exchanges.KeyRequest{
		SubAccount: "16477999", Label: "vlt-a1b2c3d4e5f6", Permissions: []string{"2-read", "3-perpetual-futures"}, Addresses: []string{"203.0.113.10"},
	}
}

const (
	newKey = `{"apiKey":"fakeBingxSubKey0005","apiSecret":"s","permissions":[],"ipAddresses":[]}`
	row    = `{"apiKey":"fak*******05","note":"vlt-a1b2c3d4e5f6","permissions":[3,2],"ipAddresses":["203.0.113.10"],"status":0,"createTime":1767225600000}`
)

func keysOf(rows ...string) string { return good(`{"apiInfos":[` + strings.Join(rows, ",") + `]}`) }

// A new key holds what BingX then shows of it, whatever the answer to the creation
// says.
func TestCreateKey(t *testing.T) {
	for name, test := range map[string]struct{ created, listed string }{
		"as documented": {good(newKey), keysOf(row)},
		"other names":   {good(`{"apiKey":"fakeBingxSubKey0005","secretKey":"s"}`), good(`{"apiKeyList":[` + row + `]}`)},
		"whole":         {good(newKey), keysOf(strings.Replace(row, "fak*******05", "fakeBingxSubKey0005", 1))},
		"the filter has no effect": {good(newKey), keysOf(
			`{"apiKey":"abc*******de","note":"vlt-a1b2c3d4e5f6"}`, `{"apiKey":"fak*******05","note":"another"}`, row)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStub(t, map[string]string{createKey: test.created, queryKey: test.listed})
			key, err := s.CreateKey(t.Context(), order())
			require.NoError(t, err)
			require.Equal(t, exchanges.Key{
				ID: "fakeBingxSubKey0005", APIKey: "fakeBingxSubKey0005", APISecret: "s",
				Permissions: []string{"2-read", "3-perpetual-futures"}, Addresses: []string{"203.0.113.10"},
			}, key)
			require.Equal(t, []string{createKey, queryKey}, s.calls)
			require.Regexp(t, `^{"ipAddresses":\["203.0.113.10"\],"note":"vlt-a1b2c3d4e5f6","permissions":\[2,3\],"subUid":16477999,`+
				`"timestamp":\d{13},"signature":"[0-9a-f]{64}"}$`, s.bodies[createKey])
		})
	}
}

func TestUnboundKey(t *testing.T) {
	request := order()
	request.Addresses = nil
	s := newStub(t, map[string]string{createKey: good(newKey), queryKey: keysOf(strings.Replace(row, "203.0.113.10", "", 1))})
	key, err := s.CreateKey(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, []string{}, key.Addresses)
	require.NotContains(t, s.bodies[createKey], "ipAddresses")
}

// A key that is not as it must be is deleted at once, by its full name.
func TestCreateKeyRollsBack(t *testing.T) {
	none := keysOf()
	for name, test := range map[string]struct {
		created, listed string
		kind            exchanges.Kind
		says            string
	}{
		"no secret":           {good(`{"apiKey":"fakeBingxSubKey0005"}`), keysOf(row), exchanges.ErrOutcomeUnknown, "could neither be completed"},
		"not shown":           {good(newKey), none, exchanges.ErrUnavailable, "does not show the new key"},
		"no secret and gone":  {good(`{"apiKey":"fakeBingxSubKey0005"}`), none, exchanges.ErrUnavailable, "contains no secret"},
		"under another label": {good(newKey), keysOf(strings.Replace(row, "vlt-a1b2c3d4e5f6", "vlt", 1)), exchanges.ErrOutcomeUnknown, "could neither be completed"},
		"cannot be asked for": {good(newKey), refusal(100004), exchanges.ErrOutcomeUnknown, "could neither be completed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStub(t, map[string]string{createKey: test.created, queryKey: test.listed, removeKey: good(`{}`)})
				_, err := s.CreateKey(t.Context(), order())
				require.ErrorIs(t, err, test.kind)
				require.ErrorContains(t, err, test.says)
				require.Regexp(t, `^{"apiKey":"fakeBingxSubKey0005","subUid":16477999,"timestamp":`, s.bodies[removeKey])
			})
		})
	}
}

// BingX may take a while to show a new key. The caller's deadline ends the wait, and
// the key with it.
func TestCreateKeyWaitsForTheNewKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStub(t, map[string]string{createKey: good(newKey), queryKey: keysOf(), removeKey: good(`{}`)})
		go func() {
			time.Sleep(25 * time.Second)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.answers[queryKey] = keysOf(row)
		}()
		key, err := s.CreateKey(t.Context(), order())
		require.NoError(t, err)
		require.Equal(t, []string{"203.0.113.10"}, key.Addresses)
	})
	synctest.Test(t, func(t *testing.T) {
		s := newStub(t, map[string]string{createKey: good(newKey), queryKey: keysOf(), removeKey: good(`{}`)})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		_, err := s.CreateKey(ctx, order())
		require.ErrorIs(t, err, exchanges.ErrUnavailable)
		require.Equal(t, 5*time.Second, time.Since(began).Truncate(time.Second))
		require.Contains(t, s.calls, removeKey)
	})
}

// An answer without a key, or with a key that has no name, leaves open what was
// made.
func TestCreateAnswerWithoutTheKey(t *testing.T) {
	for _, created := range []string{"{}", good(`{}`), good(`{"apiSecret":"s"}`), good(`{"apiKey":"fak*******05","apiSecret":"s"}`)} {
		s := newStub(t, map[string]string{createKey: created})
		_, err := s.CreateKey(t.Context(), order())
		require.ErrorIs(t, err, exchanges.ErrOutcomeUnknown, created)
		require.Equal(t, []string{createKey}, s.calls)
	}
}

// BingX documents no code for an account that is full.
func TestCreateKeyRefused(t *testing.T) {
	other := `{"apiKey":"abc*******de","note":"other"}`
	full := make([]string, keysPerSubAccount)
	for i := range full {
		full[i] = other
	}
	withOurs := append([]string{row}, full[1:]...)
	for name, test := range map[string]struct {
		code   int
		listed string
		want   exchanges.Kind
		says   string
	}{
		"full":                                {100400, keysOf(full...), exchanges.ErrKeyCap, "another sub-account"},
		"full, by an unknown code":            {123456, keysOf(full...), exchanges.ErrKeyCap, "another sub-account"},
		"room":                                {100400, keysOf(other), exchanges.ErrInvalid, "x"},
		"room, by an unknown code":            {123456, keysOf(other), exchanges.ErrOutcomeUnknown, "x"},
		"cannot be counted":                   {100400, refusal(100004), exchanges.ErrInvalid, "x"},
		"cannot be counted, code not known":   {123456, refusal(100004), exchanges.ErrOutcomeUnknown, "x"},
		"refused and made, which fills it up": {100400, keysOf(withOurs...), exchanges.ErrOutcomeUnknown, "x"},
		"not for its parameters":              {100004, keysOf(full...), exchanges.ErrPermission, "Manage Subaccounts"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newStub(t, map[string]string{createKey: refusal(test.code), listKeys: test.listed}).CreateKey(t.Context(), order())
			var failure *exchanges.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, test.want, failure.Kind)
			require.Equal(t, fmt.Sprint(test.code), failure.Code)
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestSubAccountIsANumber(t *testing.T) {
	s := newStub(t, nil)
	request := order()
	request.SubAccount = "vaultsub01"
	_, err := s.CreateKey(t.Context(), request)
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, `"vaultsub01" is not a sub-account`)
	require.ErrorIs(t, exchangetest.Settle(t.Context(), s.Account, exchanges.KeyRef{SubAccount: "vaultsub01", ID: "k"}), exchanges.ErrInvalid)
	require.Empty(t, s.calls)
}

// Whatever hides part of a key, the rest says which it may be.
func TestMasked(t *testing.T) {
	for shown, want := range map[string]string{
		"fak*******05": "fak*******05", "fak...05": "fak***05", "fak…05": "fak*05", "••••05": "****05", "fake-Key_05": "fake-Key_05",
	} {
		require.Equal(t, want, masked(shown))
	}
}

func TestListKeys(t *testing.T) {
	for _, list := range []string{keysOf(row), good(`{"apiKeyList":[` + row + `]}`)} {
		keys, err := newStub(t, map[string]string{listKeys: list}).ListKeys(t.Context(), "16477999")
		require.NoError(t, err)
		require.Equal(t, []exchanges.KeyInfo{{
			ID: "fak*******05", Masked: true, Label: "vlt-a1b2c3d4e5f6", Permissions: []string{"2-read", "3-perpetual-futures"},
			Addresses: []string{"203.0.113.10"}, CreatedAt: time.UnixMilli(1767225600000).UTC(),
		}}, keys)
	}
}

// A deletion is proved by asking for that key alone. Only a certain answer that the
// key is not there is proof; the answer that this main account does not have the
// sub-account is none.
func TestDeletionNeedsProof(t *testing.T) {
	ref := exchanges.KeyRef{SubAccount: "16477999", ID: "fakeBingxSubKey0005"}
	other := `{"apiKey":"abc*******de","note":"other"}`
	for name, test := range map[string]struct {
		deleted, one, all string
		want              error
	}{
		"gone":                                  {good(`{}`), keysOf(), "", nil},
		"gone, answered without data":           {`{"code":0,"timestamp":1}`, keysOf(), "", nil},
		"it was gone before":                    {refusal(100400), keysOf(), "", nil},
		"gone, and the filter has no effect":    {good(`{}`), keysOf(other), "", nil},
		"still there":                           {good(`{}`), keysOf(row), "", exchanges.ErrUnavailable},
		"still there, shown as asterisks":       {good(`{}`), keysOf(`{"apiKey":"****"}`), "", exchanges.ErrUnavailable},
		"refused, still there":                  {refusal(100400), keysOf(row), "", exchanges.ErrInvalid},
		"no list":                               {good(`{}`), good(`{}`), "", exchanges.ErrUnavailable},
		"a key without its name":                {good(`{}`), keysOf(`{"note":"x"}`), "", exchanges.ErrUnavailable},
		"asking for it is refused, gone":        {good(`{}`), refusal(123456), keysOf(other), nil},
		"asking for it is refused, still there": {good(`{}`), refusal(100400), keysOf(row), exchanges.ErrUnavailable},
		"another main account's":                {refusal(100450), refusal(100450), refusal(100450), exchanges.ErrInvalid},
		"not permitted, gone":                   {refusal(100004), keysOf(), "", nil},
		"not permitted, still there":            {refusal(100004), keysOf(row), "", exchanges.ErrPermission},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := exchangetest.Settle(t.Context(), newStub(t, map[string]string{removeKey: test.deleted, queryKey: test.one, listKeys: test.all}).Account, ref)
			require.ErrorIs(t, err, test.want)
		})
	}
}

// A read-only root key passes the check, since BingX does not say whether it may
// manage sub-accounts. The first key that it should make shows it.
func TestReadOnlyRoot(t *testing.T) {
	s := simulator.New(simulator.Options{RateMultiplier: 1000}, standin.Venue())
	require.NoError(t, s.Start("127.0.0.1", 0))
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	access, ok := s.Root("bingx", "reader")
	require.True(t, ok)
	account, err := New().Open(exchanges.Credential{APIKey: access.APIKey, APISecret: exchanges.Secret(access.APISecret)},
		exchanges.Options{BaseURL: access.BaseURL, RateMultiplier: 1000})
	require.NoError(t, err)
	t.Cleanup(account.Close)

	identity, err := account.Inspect(t.Context())
	require.NoError(t, err)
	require.True(t, identity.CanMint)
	require.Contains(t, identity.Warnings[0], "Manage Subaccounts")
	_, err = account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: access.SubAccounts[0], Label: "vlt-1", Permissions: []string{"2-read"}})
	require.ErrorIs(t, err, exchanges.ErrPermission)
	require.ErrorContains(t, err, "Manage Subaccounts")
}

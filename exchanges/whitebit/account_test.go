package whitebit

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
)

// reply is what a stub answers.
type reply struct {
	status int
	body   string
}

// stub gives each path its prepared answers, and records what is sent.
type stub struct {
	*testing.T
	answers map[string][]reply // by path below /api/v4/; the last one stays

	mu    sync.Mutex // guards what follows, and answers
	paths []string
	sent  map[string]string // the last body by path
}

// newStub opens an account at a stub; paths without answers get an empty
// object.
func newStub(t *testing.T, answers map[string][]reply) (*stub, exchanges.Account) {
	s := &stub{T: t, answers: answers, sent: map[string]string{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	account, err := New().Open(credential(), exchanges.Options{BaseURL: server.URL, RateMultiplier: 1000})
	require.NoError(t, err)
	t.Cleanup(account.Close)
	return s, account
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, prefix)
	if path == "public/time" {
		fmt.Fprintf(w, `{"time":%d}`, time.Now().Unix())
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths = append(s.paths, path)
	s.sent[path] = string(body)
	answer := reply{200, "{}"}
	if left := s.answers[path]; len(left) > 0 {
		answer = left[0]
		if len(left) > 1 {
			s.answers[path] = left[1:]
		}
	}
	w.WriteHeader(answer.status)
	fmt.Fprint(w, answer.body)
}

const (
	createPath  = "sub-account/api-key/create"
	editPath    = "sub-account/api-key/edit"
	keysPath    = "sub-account/api-key/list"
	deletePath  = "sub-account/api-key/delete"
	addPath     = "sub-account/api-key/ip-address/create"
	addressPath = "sub-account/api-key/ip-address/list"

	empty = `{"limit":100,"offset":0,"data":[]}`
)

// whole are the answers that make a key which reads and trades spot.
func whole() map[string][]reply {
	return map[string][]reply{
		createPath: {{201, `{"id":"k1","title":"vlt-1","apiKey":"public","apiSecret":"hidden","type":1,"restrictAccess":false,"accessEndpoints":[
			{"name":"/api/v4/orders"},{"name":"/api/v4/order/new"},{"name":"/api/v4/main-account/withdraw"}]}`}},
		addPath:     {{201, `{"data":["203.0.113.7"]}`}},
		addressPath: {{200, `{"data":["203.0.113.8","203.0.113.7"]}`}},
		keysPath:    {{200, `{"limit":100,"offset":0,"data":[` + listed("true", "/api/v4/order/new", "/api/v4/orders") + `]}`}, {200, empty}},
	}
}

func listed(restricted string, endpoints ...string) string {
	return `{"id":"k1","title":"vlt-1","type":"1","apiSecret":"","restrictAccess":` + restricted +
		`,"accessEndpoints":[{"name":"` + strings.Join(endpoints, `"},{"name":"`) + `"}]}`
}

func request() exchanges.KeyRequest {
	return exchanges.KeyRequest{
		SubAccount: "sub", Label: "vlt-1", Permissions: []string{permRead, permSpot}, Addresses: []string{"203.0.113.7", "203.0.113.8"},
	}
}

func TestCreateKeyAsSent(t *testing.T) {
	s, account := newStub(t, whole())
	key, err := account.CreateKey(t.Context(), request())
	require.NoError(t, err)
	require.Equal(t, "hidden", key.APISecret.Reveal())
	key.APISecret = ""
	require.Equal(t, exchanges.Key{
		ID: "k1", APIKey: "public", Permissions: []string{permRead, permSpot}, Addresses: request().Addresses,
	}, key)
	require.Equal(t, []string{createPath, addPath, addPath, addressPath, editPath, keysPath}, s.paths,
		"a key is bound before anything else happens to it")
	require.Contains(t, s.sent[createPath], `"subAccountId":"sub","title":"vlt-1","type":1}`)
	require.Contains(t, s.sent[addPath], `"apiKeyId":"k1","ip":"203.0.113.8",`)
	require.Contains(t, s.sent[editPath], `"apiKeyId":"k1",`)
	require.Contains(t, s.sent[editPath], `"title":"vlt-1","urls":[{"url":"/api/v4/orders","enable":true},`+
		`{"url":"/api/v4/order/new","enable":true},{"url":"/api/v4/main-account/withdraw","enable":false}]}`, "every endpoint is named")
	require.Contains(t, s.sent[keysPath], `"subAccountId":"sub"`)
}

func TestCreateKeyWithoutAddresses(t *testing.T) {
	s, account := newStub(t, whole())
	open := request()
	open.Addresses = nil
	_, err := account.CreateKey(t.Context(), open)
	require.NoError(t, err)
	require.Equal(t, []string{createPath, editPath, keysPath}, s.paths)
}

// An address that is already there, from a call whose answer was lost, is not
// missing.
func TestAddressAddedBefore(t *testing.T) {
	answers := whole()
	answers[addPath] = []reply{{502, ""}, {400, `{"code":5,"message":"IP address is already in allowlist"}`}}
	_, account := newStub(t, answers)
	_, err := account.CreateKey(t.Context(), request())
	require.NoError(t, err)
}

// A key that cannot be completed, or comes out otherwise than requested, is
// deleted.
func TestRollBack(t *testing.T) {
	page := func(rows string) []reply {
		return []reply{{200, `{"limit":100,"offset":0,"data":[` + rows + `]}`}, {200, empty}}
	}
	for _, test := range []struct {
		name    string
		answers map[string][]reply
		kind    exchanges.Kind
		says    string
	}{
		{"address refused", map[string][]reply{
			addPath: {{400, `{"code":0,"message":"Invalid IP address."}`}}, keysPath: {{200, empty}},
		}, exchanges.ErrInvalid, "Invalid IP"},
		{"bound to less", map[string][]reply{
			addressPath: {{200, `{"data":["203.0.113.7"]}`}}, keysPath: {{200, empty}},
		}, exchanges.ErrUnsupported, "other addresses"},
		{"addresses not shown", map[string][]reply{addressPath: {{200, `{}`}}, keysPath: {{200, empty}}}, exchanges.ErrUnavailable, ""},
		{"an endpoint on that is not documented", map[string][]reply{
			createPath: {{201, `{"id":"k1","apiKey":"public","apiSecret":"hidden"}`}},
			keysPath:   page(listed("true", append(documentedFor(permRead, permSpot), "/api/v4/something/new")...)),
		}, exchanges.ErrUnsupported, "left endpoints on that should be off: /api/v4/something/new"},
		{"a documented endpoint off", map[string][]reply{
			createPath: {{201, `{"id":"k1","apiKey":"public","apiSecret":"hidden"}`}},
			keysPath:   page(listed("true", slices.DeleteFunc(documentedFor(permRead, permSpot), func(path string) bool { return path == "/api/v4/orders" })...)),
		}, exchanges.ErrUnsupported, "off that should be on: /api/v4/orders"},
		{"switches refused", map[string][]reply{
			editPath: {{400, `{"code":5,"message":"not allowed"}`}}, keysPath: {{200, empty}},
		}, exchanges.ErrInvalid, "switch endpoints"},
		{"not restricted", map[string][]reply{
			keysPath: page(listed("false", "/api/v4/order/new", "/api/v4/orders")),
		}, exchanges.ErrUnsupported, "every endpoint"},
		{"more left on", map[string][]reply{
			keysPath: page(listed("true", "/api/v4/order/new", "/api/v4/orders", "/api/v4/main-account/withdraw")),
		}, exchanges.ErrUnsupported, "left endpoints on that should be off: /api/v4/main-account/withdraw"},
		{"more switched off", map[string][]reply{keysPath: page(listed("true", "/api/v4/orders"))},
			exchanges.ErrUnsupported, "off that should be on: /api/v4/order/new"},
		{"not listed", map[string][]reply{keysPath: {{200, empty}}}, exchanges.ErrUnsupported, "does not list the new key"},
		{"not deleted either", map[string][]reply{
			editPath: {{400, `{"code":5,"message":"not allowed"}`}}, keysPath: {{200, `{"limit":100,"data":[` + listed("false") + `]}`}},
		}, exchanges.ErrOutcomeUnknown, "delete key k1 of sub-account sub"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answers := whole()
			for path, replies := range test.answers {
				answers[path] = replies
			}
			synctest.Test(t, func(t *testing.T) {
				s := &stub{T: t, answers: answers, sent: map[string]string{}}
				account := exchangetest.OpenInside(t, New(), credential(), exchanges.Options{}, s.ServeHTTP)
				_, err := account.CreateKey(t.Context(), request())
				require.ErrorIs(t, err, test.kind)
				require.ErrorContains(t, err, test.says)
				require.Contains(t, s.sent[deletePath], `"apiKeyId":"k1"`)
			})
		})
	}
}

// documentedFor returns the documented endpoints that a key with the permissions may
// use.
func documentedFor(held ...string) []string {
	var paths []string
	for _, endpoint := range documented() {
		if wanted(held, endpoint.Name) {
			paths = append(paths, endpoint.Name)
		}
	}
	return paths
}

// switches returns what the last edit switched on and off.
func (s *stub) switches() (on, off []string) {
	var edit struct {
		URLs []toggle `json:"urls"`
	}
	require.NoError(s, json.Unmarshal([]byte(s.sent[editPath]), &edit))
	for _, t := range edit.URLs {
		if t.Enable {
			on = append(on, t.URL)
		} else {
			off = append(off, t.URL)
		}
	}
	return on, off
}

// A key that may use every endpoint need not list any. Then each documented one is
// switched.
func TestEndpointsNotListed(t *testing.T) {
	for _, endpoints := range []string{``, `,"accessEndpoints":[]`, `,"accessEndpoints":null`} {
		answers := whole()
		answers[createPath] = []reply{{201, `{"id":"k1","apiKey":"public","apiSecret":"hidden","restrictAccess":false` + endpoints + `}`}}
		answers[keysPath] = []reply{{200, `{"limit":100,"offset":0,"data":[` + listed("true", documentedFor(permRead, permSpot)...) + `]}`}}
		s, account := newStub(t, answers)
		key, err := account.CreateKey(t.Context(), request())
		require.NoError(t, err, endpoints)
		require.Equal(t, []string{permRead, permSpot}, key.Permissions)
		on, off := s.switches()
		require.Equal(t, documentedFor(permRead, permSpot), on)
		require.Len(t, append(on, off...), len(documented()), "every documented endpoint is named")
		require.Contains(t, on, "/api/v4/order/new")
		require.Contains(t, off, "/api/v4/main-account/withdraw")
		require.Contains(t, off, "/api/v4/order/collateral/limit")
	}
}

// Every path that permissions name is documented, and none twice.
func TestDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, endpoint := range documented() {
		require.False(t, seen[endpoint.Name], endpoint.Name)
		require.Regexp(t, `^/api/v4/[a-z_/-]+[a-z]$`, endpoint.Name)
		seen[endpoint.Name] = true
	}
	for _, path := range []string{
		"orders", "market/fee", "main-account/balance", "trade-account/order", "collateral-account/positions/open", "order/cancel",
		"order/modify", "order/kill-switch", "main-account/transfer", "profile/websocket_token", "order/collateral/limit",
	} {
		require.True(t, seen[prefix+path], path)
	}
}

// barred is how WhiteBIT begins to refuse endpoints that no key of a sub-account can
// use.
const barred = "The following URLs are restricted for sub-account API keys: "

// What no key of a sub-account can use is not switched a second time.
func TestBarredEndpoints(t *testing.T) {
	for _, message := range []string{
		`"` + barred + `/api/v4/main-account/withdraw"`,
		`"` + barred + `/api/v4/main-account/address, /api/v4/main-account/withdraw."`,
		`"` + barred + `/api/v4/main-account/address,/api/v4/main-account/withdraw"`,
		`[["` + barred + `/api/v4/main-account/withdraw"]]`,
		`"` + barred + strings.Repeat("/api/v4/main-account/some/long/path, ", 100) + `/api/v4/main-account/withdraw"`,
	} {
		answers := whole()
		answers[editPath] = []reply{{400, `{"code":5,"message":` + message + `}`}, {200, `{}`}}
		s, account := newStub(t, answers)
		key, err := account.CreateKey(t.Context(), request())
		require.NoError(t, err, message)
		require.Equal(t, []string{permRead, permSpot}, key.Permissions)
		require.Equal(t, []string{createPath, addPath, addPath, addressPath, editPath, editPath, keysPath}, s.paths)
		on, off := s.switches()
		require.Equal(t, []string{"/api/v4/orders", "/api/v4/order/new"}, on)
		require.Empty(t, off)
	}

	answers := whole()
	answers[editPath] = []reply{{400, `{"code":5,"message":"` + barred + `/api/v4/order/new"}`}, {200, `{}`}}
	answers[keysPath] = []reply{{200, `{"limit":100,"data":[` + listed("true", "/api/v4/orders") + `]}`}}
	_, account := newStub(t, answers)
	key, err := account.CreateKey(t.Context(), request())
	require.NoError(t, err)
	require.Equal(t, []string{permRead}, key.Permissions, "what is lacking shows, so that the mint is refused")
}

// A second refusal is not answered by a third try.
func TestBarredTwice(t *testing.T) {
	answers := whole()
	answers[editPath] = []reply{{400, `{"code":5,"message":"` + barred + `/api/v4/main-account/withdraw"}`}}
	answers[keysPath] = []reply{{200, empty}}
	s, account := newStub(t, answers)
	_, err := account.CreateKey(t.Context(), request())
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.Equal(t, []string{createPath, addPath, addPath, addressPath, editPath, editPath, deletePath, keysPath}, s.paths)
}

// A list may be an object with the window or a bare array, and null where it is
// empty. An answer without a list is none.
func TestFormsOfLists(t *testing.T) {
	one := listed("true", "/api/v4/orders")
	for _, test := range []struct {
		body string
		keys int
		err  error
	}{
		{`{"limit":100,"offset":0,"data":[` + one + `]}`, 1, nil},
		{`[` + one + `]`, 1, nil},
		{"\n [" + one + "]", 1, nil},
		{`{"limit":100,"offset":0,"data":[]}`, 0, nil},
		{`{"limit":100,"offset":0,"data":null}`, 0, nil},
		{`[]`, 0, nil},
		{`null`, 0, exchanges.ErrUnavailable},
		{`{}`, 0, exchanges.ErrUnavailable},
		{`{"limit":100,"offset":0}`, 0, exchanges.ErrUnavailable},
		{`{"limit":100,"offset":0,"data":{}}`, 0, exchanges.ErrUnavailable},
		{`"text"`, 0, exchanges.ErrUnavailable},
		{`[{}]`, 0, exchanges.ErrUnavailable},
		{`[1]`, 0, exchanges.ErrUnavailable},
	} {
		t.Run(test.body, func(t *testing.T) {
			t.Parallel()
			_, account := newStub(t, map[string][]reply{keysPath: {{200, test.body}}})
			keys, err := account.ListKeys(t.Context(), "sub")
			require.ErrorIs(t, err, test.err)
			require.Len(t, keys, test.keys)
			err = exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: "sub", ID: "k1"})
			require.Equal(t, test.err == nil && test.keys == 0, err == nil, "%v", err)
		})
	}
	_, account := newStub(t, map[string][]reply{"sub-account/list": {{200, `[{"id":"a","alias":"desk","status":"active"}]`}}, keysPath: {{200, `[]`}}})
	found, err := account.SubAccounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []exchanges.SubAccount{{Name: "a", Alias: "desk"}}, found)
	identity, err := account.Inspect(t.Context())
	require.NoError(t, err)
	require.True(t, identity.CanMint)

	answers := whole()
	answers[addressPath] = []reply{{200, `["203.0.113.8","203.0.113.7"]`}}
	_, account = newStub(t, answers)
	_, err = account.CreateKey(t.Context(), request())
	require.NoError(t, err)
}

// A bare array does not say how many rows it has at most: it is the last part if it
// has fewer than were requested.
func TestPagesThatAreArrays(t *testing.T) {
	rows := func(n int) string { return `[` + strings.TrimSuffix(strings.Repeat(`{"id":"k1"},`, n), ",") + `]` }
	s, account := newStub(t, map[string][]reply{keysPath: {{200, rows(pageSize)}, {200, rows(2)}}})
	keys, err := account.ListKeys(t.Context(), "sub")
	require.NoError(t, err)
	require.Len(t, keys, pageSize+2)
	require.Contains(t, s.sent[keysPath], `"offset":100`)
}

// A page may be smaller than requested, and is then not the last.
func TestPagesOfAnotherSize(t *testing.T) {
	s, account := newStub(t, map[string][]reply{"sub-account/list": {
		{200, `{"limit":2,"offset":0,"data":[{"id":"a","alias":"desk","status":"active"},{"id":"b","status":"blocked"}]}`},
		{200, `{"limit":2,"offset":2,"data":[{"id":"c","status":"active"}]}`},
	}})
	found, err := account.SubAccounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []exchanges.SubAccount{{Name: "a", Alias: "desk"}, {Name: "b", Frozen: true}, {Name: "c"}}, found)
	require.Contains(t, s.sent["sub-account/list"], `"offset":2`)
}

// Inspect shows that the key may list sub-accounts and keys, or what it lacks.
func TestInspect(t *testing.T) {
	const refused = `{"code":4,"message":"You don't have permission to use this endpoint."}`
	for name, answers := range map[string]map[string][]reply{
		"sub-accounts refused": {"sub-account/list": {{403, refused}}},
		"keys refused":         {"sub-account/list": {{200, empty}}, keysPath: {{403, refused}}},
	} {
		_, account := newStub(t, answers)
		identity, err := account.Inspect(t.Context())
		require.NoError(t, err, name)
		require.False(t, identity.CanMint, name)
		require.Contains(t, identity.Problem, "use a root key of the main account", name)
	}
	_, account := newStub(t, map[string][]reply{"sub-account/list": {{401, `{"code":2,"message":"This action is unauthorized. Enable your key in API settings"}`}}})
	_, err := account.Inspect(t.Context())
	require.ErrorIs(t, err, exchanges.ErrPermission, "a key that is disabled, or used from elsewhere, does not work")

	_, account = newStub(t, map[string][]reply{"sub-account/list": {{200, empty}}, keysPath: {{200, empty}}})
	identity, err := account.Inspect(t.Context())
	require.NoError(t, err)
	require.True(t, identity.CanMint)
	require.Nil(t, identity.Addresses, "WhiteBIT does not say")
}

// A key counts as gone only if the list of its own sub-account says so.
func TestDeletionIsProved(t *testing.T) {
	gone := reply{404, `{"message":"API key not found"}`}
	for _, test := range []struct {
		name    string
		deleted reply
		listed  reply
		gone    bool
	}{
		{"not listed", reply{200, `{}`}, reply{200, empty}, true},
		{"unknown and not listed", gone, reply{200, empty}, true},
		{"still listed", reply{200, `{}`}, reply{200, `{"limit":100,"data":[` + listed("true") + `]}`}, false},
		{"unknown and listed", gone, reply{200, `{"limit":100,"data":[` + listed("true") + `]}`}, false},
		{"sub-account of another main account", gone, reply{400, `{"code":0,"message":"Validation failed"}`}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, account := newStub(t, map[string][]reply{deletePath: {test.deleted}, keysPath: {test.listed}})
			err := exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: "sub", ID: "k1"})
			require.Equal(t, test.gone, err == nil, "%v", err)
		})
	}
}

package deribit

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
)

// stub answers in place of Deribit, for answers that the simulator never gives.
// Where a method has several answers, each is given once, and the last one for
// ever.
type stub struct {
	answers map[string][]string

	mu   sync.Mutex
	sent []message
}

func newStub(t *testing.T, answers map[string][]string) (*stub, *account) {
	s := &stub{answers: answers}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	opened, err := New().Open(exchanges.Credential{APIKey: "root", APISecret: "secret", TOTPSecret: "JBSWY3DPEHPK3PXP"}, exchanges.Options{
		Variant: variantDirect, BaseURL: server.URL,
	})
	require.NoError(t, err)
	t.Cleanup(opened.Close)
	return s, opened.(*account)
}

func (s *stub) serve(w http.ResponseWriter, request *http.Request) {
	var m message
	_ = json.NewDecoder(request.Body).Decode(&m) // every request is a message
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, m)
	result := strconv.FormatInt(time.Now().UnixMilli(), 10)
	if all := s.answers[m.Method]; len(all) > 0 {
		result = all[0]
		if len(all) > 1 {
			s.answers[m.Method] = all[1:]
		}
	}
	switch result {
	case stubCut:
		panic(http.ErrAbortHandler)
	case stubNoResult:
		_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":1}`))
		return
	}
	member := "result"
	if strings.HasPrefix(result, `{"code"`) {
		member = "error"
	}
	_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":1,"` + member + `":` + result + `}`))
}

// messages lists the calls of a method.
func (s *stub) messages(method string) []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.sent), func(m message) bool { return m.Method != method })
}

// scopes lists the max_scope of each call of a method.
func (s *stub) scopes(method string) []string {
	var scopes []string
	for _, m := range s.messages(method) {
		scopes = append(scopes, m.Params["max_scope"].(string))
	}
	return scopes
}

const (
	// stubCut stands for a cut connection.
	stubCut = "cut"
	// stubNoResult stands for an answer with neither result nor error.
	stubNoResult = "none"
	// stubScope is what stubRequest asks for.
	stubScope   = "trade:read wallet:read"
	stubDemand  = `{"security_keys":[{"type":"tfa","name":"tfa"}],"security_key_authorization_required":true,"challenge":"ZmFrZQ=="}`
	stubSummary = `{"id":7,"type":"subaccount","username":"desk"}`
	stubKey     = `{"id":11,"timestamp":1721816749587,"client_id":"GgXXjYUj","client_secret":"s","name":"vlt1","max_scope":"trade:read wallet:read"}`
	stubBound   = `{"id":11,"timestamp":1721816749587,"client_id":"GgXXjYUj","client_secret":"s","max_scope":"trade:read wallet:read","ip_whitelist":["203.0.113.7"]}`
)

func stubRequest() exchanges.KeyRequest {
	return exchanges.KeyRequest{
		SubAccount: "7", Label: "vlt1", Permissions: []string{"trade:read", "wallet:read"}, Addresses: []string{"203.0.113.7"},
	}
}

// Whether Deribit makes keys without any scope is not documented, nor is how it would
// refuse to. If it does, in whatever way, keys get their scope at once, and Deribit is
// asked only once.
func TestUnscopedKeyRefused(t *testing.T) {
	for _, refused := range []string{
		`{"code":-32602,"message":"Invalid params","data":{"param":"max_scope","reason":"no scope"}}`,
		`{"code":-32602,"message":"Invalid params","data":{"param":"scope"}}`,
		`{"code":-32602,"message":"Invalid params"}`,
		`{"code":11029,"message":"invalid_arguments"}`,
		`{"code":11050,"message":"bad_request"}`,
		`{"code":13008,"message":"request_failed"}`,
		`{"code":13010,"message":"value_required"}`,
		`{"code":13021,"message":"forbidden"}`,
		`{"code":99999,"message":"something_new"}`,
	} {
		s, a := newStub(t, map[string][]string{
			"private/get_account_summary": {stubSummary}, "private/create_api_key": {refused, stubKey}, "private/edit_api_key": {stubBound},
			"private/list_api_keys": {"[]"},
		})
		for range 2 {
			key, err := a.CreateKey(t.Context(), stubRequest())
			require.NoError(t, err, refused)
			assert.Equal(t, []string{"203.0.113.7"}, key.Addresses)
		}
		assert.Equal(t, []string{noScope, stubScope, stubScope}, s.scopes("private/create_api_key"), refused)
		assert.Equal(t, []string{stubScope, stubScope}, s.scopes("private/edit_api_key"))
	}
}

// Refusals that are not for the scope are not answered by another try: those of the
// caller, for rate and for want of a second factor, and above all an answer that may
// have been lost after a key was made.
func TestUnscopedKeyNotRefused(t *testing.T) {
	for _, test := range []struct {
		answer string
		kind   exchanges.Kind
		tries  int
	}{
		{stubCut, exchanges.ErrOutcomeUnknown, 1},
		{`{"code":11094,"message":"internal_server_error"}`, exchanges.ErrOutcomeUnknown, 1},
		{`{"code":13888,"message":"timed_out"}`, exchanges.ErrOutcomeUnknown, 1},
		{`null`, exchanges.ErrOutcomeUnknown, 1},
		{`{}`, exchanges.ErrOutcomeUnknown, 1},
		{`{"code":13004,"message":"invalid_credentials"}`, exchanges.ErrAuth, 2}, // The clock was measured again.
		{`{"code":13668,"message":"security_key_authorization_error","data":{"reason":"tfa_code_not_matched"}}`, exchanges.ErrAuth, 1},
		{`{"security_keys":[{"type":"u2f"}],"security_key_authorization_required":true,"challenge":"x"}`, exchanges.ErrPermission, 1},
	} {
		s, a := newStub(t, map[string][]string{
			"private/get_account_summary": {stubSummary}, "private/create_api_key": {test.answer}, "private/list_api_keys": {"[]"},
		})
		_, err := a.CreateKey(t.Context(), stubRequest())
		require.ErrorIs(t, err, test.kind, test.answer)
		scopes := s.scopes("private/create_api_key")
		assert.Len(t, scopes, test.tries, test.answer)
		assert.NotContains(t, scopes, stubScope, test.answer)
	}
}

// Once Deribit has made a key without any scope, a refusal has another reason.
func TestUnscopedKeyAccepted(t *testing.T) {
	s, a := newStub(t, map[string][]string{
		"private/get_account_summary": {stubSummary}, "private/create_api_key": {stubKey, `{"code":11050,"message":"bad_request"}`, stubKey},
		"private/edit_api_key": {stubBound}, "private/list_api_keys": {"[]"},
	})
	_, err := a.CreateKey(t.Context(), stubRequest())
	require.NoError(t, err)
	_, err = a.CreateKey(t.Context(), stubRequest())
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	_, err = a.CreateKey(t.Context(), stubRequest())
	require.NoError(t, err)
	assert.Equal(t, []string{noScope, noScope, noScope}, s.scopes("private/create_api_key"))
}

// Where Deribit refuses the key with its scope too, the scope is not to blame: the
// request is not sent twice again, and once Deribit makes keys, they are without a
// scope at first, as they should be.
func TestUnscopedKeyInDoubt(t *testing.T) {
	const refused = `{"code":13403,"message":"scope_exceeded"}`
	s, a := newStub(t, map[string][]string{
		"private/get_account_summary": {stubSummary}, "private/create_api_key": {refused, refused, refused, stubKey},
		"private/edit_api_key": {stubBound}, "private/list_api_keys": {"[]"},
	})
	for range 2 {
		_, err := a.CreateKey(t.Context(), stubRequest())
		require.ErrorIs(t, err, exchanges.ErrPermission)
	}
	assert.Equal(t, []string{noScope, stubScope, stubScope}, s.scopes("private/create_api_key"))
	for range 3 {
		_, err := a.CreateKey(t.Context(), stubRequest())
		require.NoError(t, err)
	}
	assert.Equal(t, []string{stubScope, noScope, noScope}, s.scopes("private/create_api_key")[3:])
}

// A full account is not asked twice for a key.
func TestUnscopedKeyInAFullAccount(t *testing.T) {
	s, a := newStub(t, map[string][]string{
		"private/get_account_summary": {stubSummary}, "private/create_api_key": {`{"code":11050,"message":"bad_request"}`},
		"private/list_api_keys": {"[" + strings.TrimSuffix(strings.Repeat(stubKey+",", maxKeys), ",") + "]"},
	})
	_, err := a.CreateKey(t.Context(), stubRequest())
	require.ErrorIs(t, err, exchanges.ErrKeyCap)
	assert.Equal(t, []string{noScope}, s.scopes("private/create_api_key"))
}

// A token that was revoked is replaced once, as one that has ended.
func TestRevokedToken(t *testing.T) {
	public, private, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
	require.NoError(t, err)
	require.NotEmpty(t, public)
	s := &stub{answers: map[string][]string{
		"public/auth":                 {`{"access_token":"one","refresh_token":"r","expires_in":900,"scope":"account:read_write"}`, `{"access_token":"two","refresh_token":"r","expires_in":900}`},
		"private/get_subaccounts":     {`{"code":13010,"message":"token_revoked"}`, `[{"id":7,"type":"subaccount","username":"desk"}]`},
		"private/get_account_summary": {stubSummary},
	}}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	opened, err := New().Open(exchanges.Credential{APIKey: "root", PrivateKey: private}, exchanges.Options{Variant: variantDirect, BaseURL: server.URL})
	require.NoError(t, err)
	t.Cleanup(opened.Close)
	subs, err := opened.SubAccounts(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []exchanges.SubAccount{{Name: "7", Alias: "desk"}}, subs)
	assert.Len(t, s.messages("public/auth"), 2)
	assert.Len(t, s.messages("private/get_subaccounts"), 2)
}

// A list that is null is empty; an answer without a list is none.
func TestEmptyLists(t *testing.T) {
	for _, test := range []struct {
		result string
		err    error
	}{
		{`[]`, nil}, {`null`, nil}, {`{}`, exchanges.ErrUnavailable}, {`"ok"`, exchanges.ErrUnavailable}, {`[{}]`, exchanges.ErrUnavailable},
		{stubNoResult, exchanges.ErrUnavailable},
	} {
		t.Run(test.result, func(t *testing.T) {
			t.Parallel()
			_, a := newStub(t, map[string][]string{
				"private/get_account_summary": {stubSummary}, "private/remove_api_key": {`"ok"`},
				"private/list_api_keys": {test.result}, "private/get_subaccounts": {test.result},
			})
			keys, err := a.ListKeys(t.Context(), "7")
			require.ErrorIs(t, err, test.err)
			assert.Empty(t, keys)
			subs, err := a.SubAccounts(t.Context())
			require.ErrorIs(t, err, test.err)
			assert.Empty(t, subs)
			err = exchangetest.Settle(t.Context(), a, exchanges.KeyRef{SubAccount: "7", ID: "11", Label: "vlt1"})
			require.ErrorIs(t, err, test.err)
		})
	}
}

// An answer without the members that are not guaranteed says nothing about them.
func TestSparseAnswers(t *testing.T) {
	_, a := newStub(t, map[string][]string{
		"private/get_account_summary": {stubSummary}, "private/create_api_key": {stubKey}, "private/list_api_keys": {"[" + stubKey + "]"},
	})
	request := stubRequest()
	request.Addresses = nil
	key, err := a.CreateKey(t.Context(), request)
	require.NoError(t, err)
	assert.Nil(t, key.Addresses)
	listed, err := a.ListKeys(t.Context(), "7")
	require.NoError(t, err)
	require.Len(t, listed, 1)
	assert.Equal(t, "11", listed[0].ID)
	assert.Equal(t, "vlt1", listed[0].Label)
	assert.Nil(t, listed[0].Addresses)
	assert.Equal(t, int64(1721816749587), listed[0].CreatedAt.UnixMilli())
}

// A call whose answer is lost is not repeated with the same code, nor with another
// one if a key may have been made.
func TestLostAnswerWithCode(t *testing.T) {
	s, a := newStub(t, map[string][]string{
		"private/get_account_summary": {stubSummary}, "private/create_api_key": {stubDemand, stubCut},
	})
	request := stubRequest()
	request.Addresses = nil
	_, err := a.CreateKey(t.Context(), request)
	require.ErrorIs(t, err, exchanges.ErrOutcomeUnknown)
	sent := s.messages("private/create_api_key")
	require.Len(t, sent, 2)
	assert.Regexp(t, `^\d{6}$`, sent[1].Params["authorization_data"])
	assert.Equal(t, "ZmFrZQ==", sent[1].Params["challenge"])

	s, a = newStub(t, map[string][]string{
		"private/get_account_summary": {stubSummary}, "private/list_api_keys": {stubDemand, stubCut},
	})
	_, err = a.ListKeys(t.Context(), "7")
	require.ErrorIs(t, err, exchanges.ErrUnavailable, "a list changes nothing")
	assert.Len(t, s.messages("private/list_api_keys"), 2)
}

// If the roll-back fails as well, the key is in doubt.
func TestRollBackFails(t *testing.T) {
	fault := `{"code":13021,"message":"forbidden"}`
	_, a := newStub(t, map[string][]string{
		"private/get_account_summary": {stubSummary}, "private/create_api_key": {stubKey}, "private/edit_api_key": {fault},
		"private/remove_api_key": {`"ok"`}, "private/list_api_keys": {"[" + stubKey + "]"},
	})
	_, err := a.CreateKey(t.Context(), stubRequest())
	require.ErrorIs(t, err, exchanges.ErrOutcomeUnknown)
	assert.ErrorContains(t, err, "delete key 11 at the exchange")
}

// The fingerprint of a key pair is not a secret to hand out.
func TestPairHasNoSecret(t *testing.T) {
	public, _, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
	require.NoError(t, err)
	_, a := newStub(t, map[string][]string{"private/get_account_summary": {stubSummary}, "private/create_api_key": {stubKey}})
	request := stubRequest()
	request.Addresses, request.PublicKey = nil, public
	key, err := a.CreateKey(t.Context(), request)
	require.NoError(t, err)
	assert.Empty(t, key.APISecret)
}

func TestRootIsMissing(t *testing.T) {
	_, a := newStub(t, map[string][]string{"private/list_api_keys": {"[]"}})
	_, err := a.RotateRoot(t.Context(), "vlt1")
	require.ErrorIs(t, err, exchanges.ErrNotFound)
}

package binance

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
)

// sent returns a form without what signing adds.
func sent(form url.Values) map[string]string {
	flat := map[string]string{}
	for name := range form {
		flat[name] = form.Get(name)
	}
	return flat
}

func TestCreateMasterKey(t *testing.T) {
	public, _, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
	require.NoError(t, err)
	base := exchanges.KeyRequest{SubAccount: "sub+1_virtual@example.com", Label: "vlt-1", Permissions: []string{canTrade, reading}}
	bound := base
	bound.Addresses = []string{"203.0.113.7", "203.0.113.8"}
	ours := base
	ours.KeyType, ours.PublicKey = exchanges.KeyEd25519, public
	fix := ours
	fix.Permissions = []string{"canFixApiTrading", canTrade, reading}

	for _, test := range []struct {
		name    string
		request exchanges.KeyRequest
		route   string
		answer  string
		form    map[string]string // beyond what every request has
		key     exchanges.Key
	}{
		{
			name: "hmac, any address", request: base, route: routeCreate,
			answer: `{"apiName":"vlt-1","apiKey":"k","secretKey":"s","canTrade":true,"canFuturesTrade":false,"status":1,"ipList":[]}`,
			form:   map[string]string{"status": "1"},
			key:    exchanges.Key{APISecret: "s", Permissions: []string{canTrade, reading}, Addresses: []string{}},
		},
		{
			name: "hmac, two addresses", request: bound, route: routeCreate,
			answer: `{"apiName":"vlt-1","apiKey":"k","secretKey":"s","canTrade":true,"status":2,"ipList":["203.0.113.7","203.0.113.8"]}`,
			form:   map[string]string{"status": "2", "ipAddress": "203.0.113.7,203.0.113.8"},
			key:    exchanges.Key{APISecret: "s", Permissions: []string{canTrade, reading}, Addresses: bound.Addresses},
		},
		{
			name: "ed25519, no secret in the answer", request: ours, route: routeCreateV2,
			answer: `{"apiKey":"k","canTrade":true,"status":"1"}`,
			form:   map[string]string{"status": "1", "publicKey": public},
			key:    exchanges.Key{Permissions: []string{canTrade, reading}, Addresses: []string{}},
		},
		{
			name: "ed25519, secret null", request: ours, route: routeCreateV2,
			answer: `{"apiKey":"k","secretKey":null,"canTrade":true}`,
			form:   map[string]string{"status": "1", "publicKey": public},
			key:    exchanges.Key{Permissions: []string{canTrade, reading}},
		},
		{
			name: "ed25519, secret empty", request: ours, route: routeCreateV2,
			answer: `{"apiKey":"k","secretKey":"","canTrade":true}`,
			form:   map[string]string{"status": "1", "publicKey": public},
			key:    exchanges.Key{Permissions: []string{canTrade, reading}},
		},
		{
			name: "FIX, not mentioned in the answer", request: fix, route: routeCreateV2,
			answer: `{"apiKey":"k","canTrade":true}`,
			form:   map[string]string{"status": "1", "publicKey": public, "canFixApiTrading": "true"},
			key:    exchanges.Key{Permissions: []string{canTrade, reading, "canFixApiTrading"}},
		},
		{
			name: "FIX, not granted", request: fix, route: routeCreateV2,
			answer: `{"apiKey":"k","canTrade":true,"canFixApiTrading":false}`,
			form:   map[string]string{"status": "1", "publicKey": public, "canFixApiTrading": "true"},
			key:    exchanges.Key{Permissions: []string{canTrade, reading}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStub(t, map[string]reply{test.route: {200, test.answer}})
			key, err := s.open(t, variantMaster).CreateKey(t.Context(), test.request)
			require.NoError(t, err)
			test.key.ID, test.key.APIKey = "k", "k"
			assert.Equal(t, test.key, key)

			form := map[string]string{
				"email": test.request.SubAccount, "apiName": "vlt-1", "canTrade": "true", "canMarginLoanRepay": "false",
				"canFuturesTrade": "false", "canUniversalTransfer": "false", "canVanillaOptions": "false",
			}
			for name, value := range test.form {
				form[name] = value
			}
			assert.Equal(t, form, sent(s.last(t, test.route).form))
		})
	}
}

func TestFIXNeedsAPublicKey(t *testing.T) {
	s := newStub(t, nil)
	_, err := s.open(t, variantMaster).CreateKey(t.Context(), exchanges.KeyRequest{Permissions: []string{"canFixApiReading"}})
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	assert.ErrorContains(t, err, "key_type")
	assert.Empty(t, s.routes())
}

// FIX permissions are granted by name, whatever the scopes.
func TestFIXGrants(t *testing.T) {
	account, access, sim := simulated(t, "main", variantMaster)
	variant, err := New().Describe().Variant(variantMaster)
	require.NoError(t, err)
	public, _, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
	require.NoError(t, err)
	for _, native := range [][]string{{"canFixApiReading"}, {"canFixApiTrading"}, fixFlags()} {
		grant, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead), native)
		require.NoError(t, err)
		key, err := account.CreateKey(t.Context(), exchanges.KeyRequest{
			SubAccount: access.SubAccounts[0], Label: "vlt-fix", Permissions: grant.Permissions,
			KeyType: exchanges.KeyEd25519, PublicKey: public,
		})
		require.NoError(t, err)
		assert.NoError(t, variant.CheckGrant(grant, key.Permissions))
		live := sim.Keys()
		assert.Equal(t, native, live[len(live)-1].Permissions)
	}
}

// A masked id names no key, so asking for it would prove nothing.
func TestMaskedKeyIsNotDeleted(t *testing.T) {
	s := newStub(t, nil)
	for _, variant := range []string{variantMaster, variantLink} {
		err := exchangetest.Settle(t.Context(), s.open(t, variant), exchanges.KeyRef{SubAccount: "1", ID: "AbC****"})
		require.ErrorIs(t, err, exchanges.ErrUnsupported)
		assert.ErrorContains(t, err, "website")
	}
	assert.Empty(t, s.routes())
}

func TestCreateAnswerWithoutTheKey(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing": `{}`, "no secret": `{"apiKey":"k"}`, "no key": `{"secretKey":"s"}`, "no object": `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStub(t, map[string]reply{routeCreate: {200, answer}})
			_, err := s.open(t, variantMaster).CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "a@b.c"})
			assert.ErrorIs(t, err, exchanges.ErrOutcomeUnknown)
			assert.Equal(t, []string{routeCreate}, s.routes(), "a key may exist, so the call is not repeated")
		})
	}
}

func TestListMasterKeys(t *testing.T) {
	for _, name := range []string{"rows", "list"} {
		t.Run(name, func(t *testing.T) {
			s := newStub(t, map[string]reply{routeList: {200, `{"total":2,"` + name + `":[
				{"email":"a@b.c","apiName":"one","apikey":"k1","canTrade":true,"canFuturesTrade":false,"timestamp":1640000000000},
				{"email":"a@b.c","apiName":"two","apikey":"Ab****","canTrade":false,"timestamp":1640000000000}]}`}})
			keys, err := s.open(t, variantMaster).ListKeys(t.Context(), "a@b.c")
			require.NoError(t, err)
			require.Len(t, keys, 2)
			assert.Equal(t, "k1", keys[0].ID)
			assert.Equal(t, "one", keys[0].Label)
			assert.Equal(t, []string{canTrade, reading}, keys[0].Permissions)
			assert.EqualValues(t, 1640000000, keys[0].CreatedAt.Unix())
			assert.False(t, keys[0].Masked)
			assert.Equal(t, []string{reading}, keys[1].Permissions)
			assert.True(t, keys[1].Masked)
			assert.Equal(t, []string{routeList}, s.routes())
			assert.Empty(t, s.last(t, routeList).query["subAccountApiKey"])
		})
	}
}

// A null or empty list has no rows, and a bare list is the only page. An answer
// without its list says nothing.
func TestFormsOfMasterLists(t *testing.T) {
	full := func(row string, rows int) string { return "[" + strings.Repeat(row+",", rows-1) + row + "]" }
	for _, test := range []struct {
		name, subAccounts, keys string
		rows                    int
		refused                 bool
	}{
		{"null", `{"subAccounts":null}`, `{"total":0,"rows":null}`, 0, false},
		{"empty", `{"subAccounts":[]}`, `{"total":0,"rows":[]}`, 0, false},
		{"a bare empty list", `[]`, `[]`, 0, false},
		{"a bare list", `[{"email":"a@b.c"}]`, `[{"apikey":"k"}]`, 1, false},
		{"a bare list that fills a page", full(`{"email":"a@b.c"}`, masterSubAccountsPage), full(`{"apikey":"k"}`, masterKeysPage), 0, true},
		{"no list", `{}`, `{"total":0}`, 0, true},
		{"nothing", `null`, `null`, 0, true},
	} {
		bubble(t, test.name, func(t *testing.T) {
			s := &stub{answers: map[string]reply{routeProbeMaster: {200, test.subAccounts}, routeList: {200, test.keys}}}
			account := s.openInside(t, variantMaster)
			subAccounts, subErr := account.SubAccounts(t.Context())
			keys, keyErr := account.ListKeys(t.Context(), "a@b.c")
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
	}
}

// Binance documents the cap on keys, but not the code for one too many.
func TestMasterKeyCap(t *testing.T) {
	full := strings.Repeat(`{"apikey":"k"},`, keysPerSubAccount-1) + `{"apikey":"k"}`
	for _, refusal := range []string{`{"code":-9000,"msg":"x"}`, `{"code":-12024,"msg":"x"}`} {
		for _, test := range []struct {
			rows string
			full bool
		}{{full, true}, {`{"apikey":"k"}`, false}} {
			s := newStub(t, map[string]reply{routeCreate: {400, refusal}, routeList: {200, `{"rows":[` + test.rows + `]}`}})
			_, err := s.open(t, variantMaster).CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "a@b.c", Label: "l"})
			require.Error(t, err)
			assert.Equal(t, test.full, errors.Is(err, exchanges.ErrKeyCap), "%v", err)
			assert.ErrorContains(t, err, "x", "Binance's own text stays")
			assert.Equal(t, []string{routeCreate, routeList}, s.routes())
		}
	}
}

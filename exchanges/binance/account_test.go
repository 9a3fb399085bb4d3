package binance

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/binance"
)

// stub answers in place of Binance, for answers that the simulator never gives.
type stub struct {
	url string
	// answers by method and path; a request without one gets 404.
	answers map[string]reply

	mu    sync.Mutex
	calls []call
}

type reply struct {
	status int
	body   string
}

type call struct {
	route string
	query url.Values
	form  url.Values
}

// The routes of the two surfaces.
const (
	routeRestrictions = "GET /sapi/v1/account/apiRestrictions"
	routeProbeMaster  = "GET " + masterSubAccounts
	routeProbeLink    = "GET " + linkInfo
	routeCreate       = "POST " + masterKeys
	routeCreateV2     = "POST " + masterKeysV2
	routeList         = "GET " + masterKeys
	routeCreateLink   = "POST " + linkKeys
	routeListLink     = "GET " + linkKeys
	routeDeleteLink   = "DELETE " + linkKeys
	routeRestrictLink = "POST " + linkRestriction
)

func newStub(t *testing.T, answers map[string]reply) *stub {
	s := &stub{answers: answers}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *stub) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	s.mu.Lock()
	defer s.mu.Unlock()
	route := r.Method + " " + r.URL.Path
	if route == "GET /api/v3/time" {
		_, _ = io.WriteString(w, `{"serverTime":1760000000123}`)
		return
	}
	s.calls = append(s.calls, call{route, r.URL.Query(), form})
	answer, ok := s.answers[route]
	if !ok {
		answer = reply{http.StatusNotFound, "not found"}
	}
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, answer.body)
}

// routes lists the calls in the order in which they came.
func (s *stub) routes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var routes []string
	for _, c := range s.calls {
		routes = append(routes, c.route)
	}
	return routes
}

// last returns the last call of a route.
func (s *stub) last(t *testing.T, route string) call {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range slices.Backward(s.calls) {
		if c.route == route {
			return c
		}
	}
	require.Fail(t, "not called: "+route)
	return call{}
}

func (s *stub) open(t *testing.T, variant string) exchanges.Account {
	account, err := New().Open(exchanges.Credential{APIKey: "root", APISecret: "secret"},
		exchanges.Options{BaseURL: s.url, Variant: variant, RateMultiplier: 1000})
	require.NoError(t, err)
	t.Cleanup(account.Close)
	return account
}

// bubble runs a part of a test in a bubble of its own.
func bubble(t *testing.T, name string, test func(*testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// openInside opens an account in a bubble.
func (s *stub) openInside(t *testing.T, variant string) exchanges.Account {
	credential := exchanges.Credential{APIKey: "root", APISecret: "secret"}
	return exchangetest.OpenInside(t, New(), credential, exchanges.Options{Variant: variant}, s.serve)
}

// simulated opens a root of the simulated exchange, in a variant that need not
// be its own.
func simulated(t *testing.T, root, variant string) (exchanges.Account, simulator.Access, *simulator.Simulator) {
	s := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
	return s.OpenRoot(root, exchanges.Options{Variant: variant}), s.Access(root), s.Simulator
}

const restrictionsOfRoot = `{"ipRestrict":true,"createTime":1698645219000,"enableReading":true,"enableSpotAndMarginTrading":true,"enableWithdrawals":false}`

func TestInspectSaysWhenTheVariantIsWrong(t *testing.T) {
	for _, test := range []struct{ root, variant, problem string }{
		{"main", variantMaster, ""},
		{"link", variantLink, ""},
		{"link", variantMaster, "set the connection's variant to link"},
		{"main", variantLink, "set the connection's variant to master"},
	} {
		t.Run(test.root+" as "+test.variant, func(t *testing.T) {
			account, _, _ := simulated(t, test.root, test.variant)
			identity, err := account.Inspect(t.Context())
			require.NoError(t, err)
			assert.Equal(t, test.problem == "", identity.CanMint)
			assert.Contains(t, identity.Problem, test.problem)
			assert.Empty(t, identity.Warnings)
		})
	}
}

func TestInspect(t *testing.T) {
	for _, test := range []struct {
		name         string
		restrictions string
		probe        reply
		canMint      bool
		problem      string
		warnings     []string
		addresses    []string
	}{
		{
			name: "good", restrictions: restrictionsOfRoot, probe: reply{200, `{"subAccounts":[]}`}, canMint: true,
		},
		{
			name: "sub-account function not enabled", restrictions: restrictionsOfRoot,
			probe:   reply{400, `{"code":-12022,"msg":"Sub-account function is not enabled."}`},
			problem: "the account's sub-account function is not enabled",
		},
		{
			name: "code without a reason", restrictions: restrictionsOfRoot,
			probe:   reply{401, `{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}`},
			problem: "the account's sub-account function is not enabled",
		},
		{
			name:         "rights that a root should not have",
			restrictions: `{"ipRestrict":false,"enableSpotAndMarginTrading":true,"enableWithdrawals":true,"permitsUniversalTransfer":true}`,
			probe:        reply{200, `{}`}, canMint: true, addresses: []string{},
			warnings: []string{
				"the root key is restricted to no address: it works from anywhere",
				"the root key has enableWithdrawals, which minting never needs; switch it off",
				"the root key has permitsUniversalTransfer, which minting never needs; switch it off",
			},
		},
		{
			name: "no trading option", restrictions: `{"ipRestrict":true,"enableReading":true}`, probe: reply{200, `{}`},
			problem: "the root key lacks the option Enable Spot & Margin Trading; switch it on",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStub(t, map[string]reply{routeRestrictions: {200, test.restrictions}, routeProbeMaster: test.probe})
			identity, err := s.open(t, variantMaster).Inspect(t.Context())
			require.NoError(t, err)
			assert.Equal(t, test.canMint, identity.CanMint)
			assert.Contains(t, identity.Problem, test.problem)
			assert.Equal(t, test.warnings, identity.Warnings)
			assert.Equal(t, test.addresses, identity.Addresses)
			assert.NotContains(t, identity.Permissions, "ipRestrict")
		})
	}
}

func TestInspectFailsIfTheProbeIsNotAnswered(t *testing.T) {
	s := newStub(t, map[string]reply{routeRestrictions: {200, restrictionsOfRoot}, routeProbeLink: {502, "bad gateway"}})
	_, err := s.open(t, variantLink).Inspect(t.Context())
	assert.ErrorIs(t, err, exchanges.ErrUnavailable)
}

// A page of Binance's firewall has no code, and says nothing of the account.
func TestInspectFailsIfAFirewallAnswersTheProbe(t *testing.T) {
	page := reply{403, "<html><body>403 Forbidden</body></html>"}
	for variant, probe := range map[string]string{variantMaster: routeProbeMaster, variantLink: routeProbeLink} {
		s := newStub(t, map[string]reply{routeRestrictions: {200, restrictionsOfRoot}, probe: page})
		_, err := s.open(t, variant).Inspect(t.Context())
		assert.ErrorIs(t, err, exchanges.ErrPermission, variant)
		assert.ErrorContains(t, err, "firewall", variant)
	}
}

// One code stands for both an unknown key and a missing permission.
func TestBadKeyIsToldApart(t *testing.T) {
	refusal := reply{401, `{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}`}
	for _, test := range []struct {
		name         string
		restrictions reply
		kind         exchanges.Kind
	}{
		{"the key is known", reply{200, restrictionsOfRoot}, exchanges.ErrPermission},
		{"the key is not known", refusal, exchanges.ErrAuth},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStub(t, map[string]reply{routeRestrictions: test.restrictions, routeCreate: refusal})
			_, err := s.open(t, variantMaster).CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "a@b.c", Label: "l"})
			require.ErrorIs(t, err, test.kind)
			assert.ErrorContains(t, err, "Spot & Margin Trading")
			assert.Equal(t, []string{routeCreate, routeRestrictions}, s.routes())
		})
	}
}

func TestUnknownFlagIsASurplus(t *testing.T) {
	s := newStub(t, map[string]reply{routeCreate: {200, `{"apiKey":"k","secretKey":"s","canTrade":false,"canWithdraw":true}`}})
	variant, err := New().Describe().Variant(variantMaster)
	require.NoError(t, err)
	grant, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead), nil)
	require.NoError(t, err)
	key, err := s.open(t, variantMaster).CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "a@b.c", Permissions: grant.Permissions})
	require.NoError(t, err)
	assert.ErrorContains(t, variant.CheckGrant(grant, key.Permissions), "canWithdraw")
}

package exchangetest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

const (
	// hurried multiplies rate limits on both sides, in tests that are not about
	// pace.
	hurried = 1000
	// limit bounds what must come to an end; it is far longer than anything takes.
	limit = 30 * time.Second
)

// venue is the simulated exchange, and how to reach it.
type venue struct {
	*simulator.Simulator
	suite *suite
	// ahead is by how much the venue's clock has been put forward.
	ahead atomic.Int64
}

// start starts a simulator with hurried limits that ends with the test.
func (s *suite) start(t *testing.T) *venue {
	return s.startWith(t, simulator.Options{RateMultiplier: hurried})
}

// startWith starts a simulator that ends with the test.
func (s *suite) startWith(t *testing.T, options simulator.Options) *venue {
	v := &venue{suite: s}
	if options.Now == nil {
		options.Now = v.now
	}
	v.Simulator = simulator.New(options, s.Venue)
	require.Equal(t, s.description.Name, s.Venue.Name, "the simulator has the exchange under the same name")
	require.NoError(t, v.Start("127.0.0.1", 0))
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	return v
}

// root returns how to reach the root that can do everything.
func (v *venue) root(t *testing.T) simulator.Access {
	kind := v.suite.Root
	if kind == "" {
		kind = simulator.MainRoot
	}
	access, ok := v.Root(v.suite.description.Name, kind)
	require.True(t, ok, "the simulator has no root %q", kind)
	return access
}

// otherRoot returns how to reach another root of the same variant, if there is one
// of that kind.
func (v *venue) otherRoot(kind string) (simulator.Access, bool) {
	if v.suite.Root != "" && v.suite.Root != simulator.MainRoot {
		kind = v.suite.Root + "_" + kind
	}
	return v.Root(v.suite.description.Name, kind)
}

// credentialOf converts the simulator's credential into ours.
func credentialOf(c simulator.Credential) exchanges.Credential {
	return exchanges.Credential{
		APIKey:     c.APIKey,
		APISecret:  exchanges.Secret(c.APISecret),
		Passphrase: exchanges.Secret(c.Passphrase),
		PrivateKey: exchanges.Secret(c.PrivateKey),
		TOTPSecret: exchanges.Secret(c.TOTPSecret),
		Broker:     c.Broker,
	}
}

// options returns those that reach the venue with hurried limits.
func (v *venue) options(t *testing.T) exchanges.Options {
	return exchanges.Options{
		Variant: v.suite.Variant, BaseURL: v.root(t).BaseURL, RateMultiplier: hurried, UserAgent: "exchangetest",
	}
}

// account opens the root that can do everything.
func (v *venue) account(t *testing.T) exchanges.Account {
	return v.open(t, credentialOf(v.root(t).Credential), v.options(t))
}

// open opens an account that is closed when the test ends.
func (v *venue) open(t *testing.T, c exchanges.Credential, options exchanges.Options) exchanges.Account {
	account, err := v.suite.Exchange.Open(c, options)
	require.NoError(t, err)
	t.Cleanup(account.Close)
	return account
}

// inject makes the venue misbehave for the next count requests of an
// operation; zero means all.
func (v *venue) inject(t *testing.T, operation exchanges.Operation, kind simulator.FaultKind, count int, delay time.Duration) {
	require.NoError(t, v.Inject(simulator.Fault{
		Exchange: v.suite.description.Name, Operation: operation, Kind: kind, Count: count, Delay: delay,
	}))
}

// calls returns how many requests of an operation have arrived.
func (v *venue) calls(operation exchanges.Operation) int {
	return v.Calls(v.suite.description.Name, operation)
}

// live returns the venue's own view of the minted keys of a sub-account.
func (v *venue) live(subAccount string) []simulator.KeyView {
	return slices.DeleteFunc(v.Keys(), func(k simulator.KeyView) bool {
		return k.Exchange != v.suite.description.Name || k.SubAccount != subAccount
	})
}

// list lists the keys of a sub-account with ListKeys. Where the exchange lists
// none, it checks that ListKeys says so and returns what the venue has.
func (v *venue) list(ctx context.Context, t *testing.T, account exchanges.Account, subAccount string) []exchanges.KeyInfo {
	keys, err := account.ListKeys(ctx, subAccount)
	if v.suite.variant.Unlisted == "" {
		require.NoError(t, err)
		return keys
	}
	require.ErrorIs(t, err, exchanges.ErrUnsupported)
	assertKind(t, err)
	for _, key := range v.live(subAccount) {
		keys = append(keys, exchanges.KeyInfo{ID: key.APIKey, Label: key.Label, CreatedAt: key.CreatedAt})
	}
	return keys
}

// assertGone checks that no minted key of a sub-account can do anything: there is
// none or, where keys cannot be deleted, none that holds a permission. It removes
// such keys, as a person would on the exchange's website.
func (v *venue) assertGone(t *testing.T, subAccount string) {
	t.Helper()
	left := v.live(subAccount)
	if v.suite.variant.NoDeletion == "" {
		assert.Empty(t, left)
		return
	}
	for _, key := range left {
		assert.Empty(t, key.Permissions)
		assert.True(t, v.RemoveKey(v.suite.description.Name, key.APIKey))
	}
}

// advance puts the venue's clock forward.
func (v *venue) advance(by time.Duration) { v.ahead.Add(int64(by)) }

// now is the time by the venue's clock.
func (v *venue) now() time.Time { return time.Now().Add(time.Duration(v.ahead.Load())) }

// accepts uses a minted key, with which the account was opened, for a probe and
// reports whether the venue does what is asked.
func (v *venue) accepts(t *testing.T, user exchanges.Account, probe Probe) bool {
	ctx := deadline(t)
	signer, ok := user.(exchanges.RequestSigner)
	require.True(t, ok, "the account must sign requests for the user of a minted key")
	request, err := signer.SignRequest(ctx, probe.Request)
	if errors.Is(err, exchanges.ErrAuth) {
		return false // The key must log in, and is already refused there.
	}
	require.NoError(t, err)

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if v.suite.Accepted != nil {
		return v.suite.Accepted(response.StatusCode, body)
	}
	return response.StatusCode/100 == 2
}

// deadline returns a context that ends with the test, or after the limit.
func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

package deribit

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// venue is a simulated Deribit in a synctest bubble: waits are exact and take
// no time.
type venue struct {
	*testing.T
	*simulator.Simulator
	options exchanges.Options
}

// atVenue runs a test at the venue.
func atVenue(t *testing.T, test func(v *venue)) {
	exchangetest.Bubble(t, subject(variantMain), func(t *testing.T, sim *simulator.Simulator, options exchanges.Options) {
		options.Variant = ""
		test(&venue{t, sim, options})
	})
}

// root opens one of the simulator's roots, and returns the sub-account to use.
func (v *venue) root(kind string) (a *account, subAccount string) {
	access, ok := v.Root(name, kind)
	require.True(v, ok)
	return v.open(exchanges.Credential{
		APIKey: access.APIKey, APISecret: exchanges.Secret(access.APISecret),
		PrivateKey: exchanges.Secret(access.PrivateKey), TOTPSecret: exchanges.Secret(access.TOTPSecret),
	}, access.Variant), access.SubAccounts[0]
}

func (v *venue) open(c exchanges.Credential, variant string) *account {
	options := v.options
	options.Variant = variant
	opened, err := New().Open(c, options)
	require.NoError(v, err)
	v.Cleanup(opened.Close)
	return opened.(*account)
}

// request asks for a read-only key, bound to the addresses.
func (v *venue) request(subAccount, label string, addresses ...string) exchanges.KeyRequest {
	return exchanges.KeyRequest{
		SubAccount: subAccount, Label: label, Permissions: []string{"trade:read", "wallet:read"}, Addresses: addresses,
		KeyType: exchanges.KeyHMAC,
	}
}

// ref names a key that was made for the request.
func ref(request exchanges.KeyRequest, key exchanges.Key) exchanges.KeyRef {
	return exchanges.KeyRef{SubAccount: request.SubAccount, ID: key.ID, Label: request.Label}
}

func (v *venue) inject(operation exchanges.Operation, kind simulator.FaultKind, count int) {
	require.NoError(v, v.Inject(simulator.Fault{Exchange: name, Operation: operation, Kind: kind, Count: count}))
}

// took runs the work and returns how long it took.
func took(work func()) time.Duration {
	start := time.Now()
	work()
	return time.Since(start)
}

func TestInspectRoots(t *testing.T) {
	atVenue(t, func(v *venue) {
		main, _ := v.root("main")
		identity, err := main.Inspect(v.Context())
		require.NoError(t, err)
		assert.True(t, identity.CanMint)
		assert.Contains(t, identity.Permissions, mainAccount)
		assert.Equal(t, []string{"127.0.0.1"}, identity.Addresses)
		require.Len(t, identity.Warnings, 1)
		assert.Contains(t, identity.Warnings[0], "can withdraw")

		for _, test := range []struct{ root, variant, problem string }{
			{"main", variantDirect, "set the connection's variant to main"},
			{"direct", variantMain, "set the connection's variant to direct"},
			{"read_only", variantMain, "lacks account:read_write"},
			{"direct_no_right", variantDirect, "lacks account:read_write"},
		} {
			access, _ := v.Root(name, test.root)
			root := v.open(exchanges.Credential{APIKey: access.APIKey, APISecret: exchanges.Secret(access.APISecret)}, test.variant)
			identity, err := root.Inspect(v.Context())
			require.NoError(t, err)
			assert.False(t, identity.CanMint, test.root)
			assert.Contains(t, identity.Problem, test.problem, test.root)
		}
	})
}

// Keys are minted only in sub-accounts: in the main account they could withdraw.
func TestNotInTheMainAccount(t *testing.T) {
	atVenue(t, func(v *venue) {
		main, _ := v.root("main")
		identity, err := main.Inspect(v.Context())
		require.NoError(t, err)
		_, err = main.CreateKey(v.Context(), v.request(identity.Account, "vlt1"))
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		assert.ErrorContains(t, err, "is the main account")

		access, _ := v.Root(name, "main")
		direct := v.open(exchanges.Credential{APIKey: access.APIKey, APISecret: exchanges.Secret(access.APISecret)}, variantDirect)
		_, err = direct.CreateKey(v.Context(), v.request(identity.Account, "vlt1"))
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		assert.ErrorContains(t, err, "variant to main")
		assert.Empty(t, v.Keys())
	})
}

func TestSubAccountNames(t *testing.T) {
	atVenue(t, func(v *venue) {
		main, known := v.root("main")
		_, err := main.CreateKey(v.Context(), v.request("desk_1", "vlt1"))
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		assert.ErrorContains(t, err, `"desk_1" is not a sub-account`)
		_, err = main.ListKeys(v.Context(), "4000000000")
		require.ErrorIs(t, err, exchanges.ErrNotFound)

		direct, own := v.root("direct")
		rows, err := direct.SubAccounts(v.Context())
		require.NoError(t, err)
		assert.Equal(t, []exchanges.SubAccount{{Name: own, Alias: "desk_" + own}}, rows)
		_, err = direct.CreateKey(v.Context(), v.request(known, "vlt1"))
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		assert.ErrorContains(t, err, "lives in account "+own)
		err = exchangetest.Settle(v.Context(), direct, exchanges.KeyRef{SubAccount: known, ID: "1"})
		require.ErrorIs(t, err, exchanges.ErrInvalid, "not nil: the key may be there")
	})
}

// The root key of a sub-account takes one of its slots and is not listed.
func TestDirectRootIsNotListed(t *testing.T) {
	atVenue(t, func(v *venue) {
		direct, own := v.root("direct")
		request := v.request(own, "vlt1")
		key, err := direct.CreateKey(v.Context(), request)
		require.NoError(t, err)
		listed, err := direct.ListKeys(v.Context(), own)
		require.NoError(t, err)
		require.Len(t, listed, 1)
		assert.Equal(t, key.ID, listed[0].ID)
	})
}

// logins counts the requests that no other operation counts, which are logins.
func (v *venue) logins() int {
	count := v.Calls(name, exchanges.OpAny)
	for _, operation := range []exchanges.Operation{
		exchanges.OpServerTime, exchanges.OpInspect, exchanges.OpSubAccounts, exchanges.OpCreateKey, exchanges.OpEditKey,
		exchanges.OpListKeys, exchanges.OpDeleteKey, exchanges.OpUseKey,
	} {
		count -= v.Calls(name, operation)
	}
	return count
}

func TestLoginsAreShared(t *testing.T) {
	atVenue(t, func(v *venue) {
		main, subAccount := v.root("main")
		list := func() {
			var running sync.WaitGroup
			for range 5 {
				running.Go(func() {
					_, err := main.ListKeys(v.Context(), subAccount)
					assert.NoError(t, err)
				})
			}
			running.Wait()
		}
		list()
		assert.Equal(t, 2, v.logins(), "one login, and one exchange of it")
		list()
		assert.Equal(t, 2, v.logins())
		time.Sleep(15*time.Minute - freshness)
		list()
		assert.Equal(t, 4, v.logins(), "tokens expire")
	})
}

// Accounts that are open at the same time with one root key leave each other's
// sessions alone.
func TestAccountsOfOneKeySideBySide(t *testing.T) {
	for _, kind := range []string{"main", "ed25519"} {
		t.Run(kind, func(t *testing.T) {
			atVenue(t, func(v *venue) {
				one, subAccount := v.root(kind)
				other, _ := v.root(kind)
				for range 3 {
					for _, a := range []*account{one, other} {
						_, err := a.ListKeys(v.Context(), subAccount)
						require.NoError(t, err)
					}
				}
				assert.Equal(t, 4, v.logins(), "one login for each of the two, and one exchange of it")
				assert.Equal(t, 6, v.Calls(name, exchanges.OpListKeys), "a token was ended")
			})
		})
	}
}

// Too many other logins end a session.
func TestEndedSession(t *testing.T) {
	atVenue(t, func(v *venue) {
		main, subAccount := v.root("main")
		_, err := main.ListKeys(v.Context(), subAccount)
		require.NoError(t, err)
		for range 8 {
			other, _ := v.root("main")
			_, err = other.ListKeys(v.Context(), subAccount)
			require.NoError(t, err)
		}

		before := v.Calls(name, exchanges.OpCreateKey)
		_, err = main.CreateKey(v.Context(), v.request(subAccount, "vlt1"))
		require.NoError(t, err)
		assert.Equal(t, 2, v.Calls(name, exchanges.OpCreateKey)-before, "what a dead token asked for did not run")
		assert.Len(t, v.Keys(), 1)
	})
}

// A caller that waits for another's login can leave at any time.
func TestWaitingForALogin(t *testing.T) {
	atVenue(t, func(v *venue) {
		main, _ := v.root("main")
		busy := main.sessions.of(here)
		busy.turn <- struct{}{}
		ctx, cancel := context.WithTimeout(v.Context(), time.Second)
		defer cancel()
		_, err := main.sessions.token(ctx, here, "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, exchanges.ErrUnavailable)
		<-busy.turn
		_, err = main.sessions.token(v.Context(), here, "")
		require.NoError(t, err)
	})
}

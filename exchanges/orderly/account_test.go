package orderly

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/orderly"
)

// venue is Orderly in a simulator.
type venue struct{ exchangetest.Simulated }

func newVenue(t *testing.T) venue {
	return venue{exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})}
}

func (v venue) open(credential exchanges.Credential) *account {
	return v.Open(credential, exchanges.Options{}).(*account)
}

func (v venue) root(kind string) *account {
	return v.OpenRoot(kind, exchanges.Options{}).(*account)
}

// request asks for a new key in the first sub-account.
func (v venue) request(scopes ...string) (exchanges.KeyRequest, exchanges.Secret) {
	public, private, err := New().NewKeyPair(exchanges.KeyEd25519)
	require.NoError(v, err)
	return exchanges.KeyRequest{
		SubAccount: v.Exchange("orderly").SubAccounts[0], Label: "vlt-1", Permissions: scopes, Addresses: []string{"127.0.0.1"},
		KeyType: exchanges.KeyEd25519, PublicKey: public, Expires: time.Now().Add(time.Hour),
	}, private
}

func TestInspectRoots(t *testing.T) {
	v := newVenue(t)
	owner, err := v.root("main").Inspect(v.Context())
	require.NoError(t, err)
	require.True(t, owner.CanMint)
	require.Len(t, owner.Account, 2+64)
	require.Len(t, owner.Warnings, 1)

	stranger, err := v.root("unregistered").Inspect(v.Context())
	require.NoError(t, err)
	require.False(t, stranger.CanMint)
	require.Contains(t, stranger.Problem, "register it on the broker's website")

	access := v.Exchange("orderly")
	elsewhere, err := v.open(exchanges.Credential{PrivateKey: exchanges.Secret(access.PrivateKey), Broker: "woofi_por"}).Inspect(v.Context())
	require.NoError(t, err)
	require.False(t, elsewhere.CanMint)
	require.Contains(t, elsewhere.Problem, `no account with broker "woofi_por"`)

	key, err := v.root("no_right").Inspect(v.Context())
	require.NoError(t, err)
	require.False(t, key.CanMint)
	require.Contains(t, key.Problem, "an Orderly key cannot make keys")
}

func TestInspectMintedKey(t *testing.T) {
	v := newVenue(t)
	root := v.root("main")
	request, private := v.request("read", "trading")
	key, err := root.CreateKey(v.Context(), request)
	require.NoError(t, err)
	user := v.open(exchanges.Credential{APIKey: key.APIKey, PrivateKey: private, SubAccount: request.SubAccount})
	identity, err := user.Inspect(v.Context())
	require.NoError(t, err)
	require.Equal(t, request.SubAccount, identity.Account)
	require.Equal(t, []string{"read", "trading"}, identity.Permissions)
	require.WithinDuration(t, request.Expires, identity.ExpiresAt, time.Millisecond)

	for name, call := range map[string]func() error{
		"create": func() error { _, failure := user.CreateKey(v.Context(), request); return failure },
		"list":   func() error { _, failure := user.ListKeys(v.Context(), request.SubAccount); return failure },
		"delete": func() error {
			return exchangetest.Settle(v.Context(), user, exchanges.KeyRef{SubAccount: request.SubAccount, ID: key.ID})
		},
	} {
		require.ErrorIs(t, call(), exchanges.ErrPermission, name)
	}
	require.NoError(t, exchangetest.Settle(v.Context(), root, exchanges.KeyRef{SubAccount: request.SubAccount, ID: key.ID}))
	_, err = user.Inspect(v.Context())
	require.ErrorIs(t, err, exchanges.ErrAuth)
}

// What cannot be minted is refused before Orderly is asked.
func TestRefusedRequests(t *testing.T) {
	v := newVenue(t)
	root := v.root("main")
	for name, test := range map[string]struct {
		spoil func(*exchanges.KeyRequest)
		kind  exchanges.Kind
		words string
	}{
		"main account":   {func(r *exchanges.KeyRequest) { r.SubAccount = root.signer.account }, exchanges.ErrPermission, "acts for all of its sub-accounts"},
		"no sub-account": {func(r *exchanges.KeyRequest) { r.SubAccount = "" }, exchanges.ErrInvalid, "no sub-account"},
		"PEM":            {func(r *exchanges.KeyRequest) { r.PublicKey = "-----BEGIN PUBLIC KEY-----" }, exchanges.ErrInvalid, "set key_type"},
		"no end":         {func(r *exchanges.KeyRequest) { r.Expires = time.Time{} }, exchanges.ErrInvalid, "needs an expiry"},
	} {
		request, _ := v.request("read")
		test.spoil(&request)
		_, err := root.CreateKey(v.Context(), request)
		require.ErrorIs(t, err, test.kind, name)
		require.ErrorContains(t, err, test.words, name)
	}
	require.Zero(t, v.Calls("orderly", exchanges.OpCreateKey))

	strange, _ := v.request("read")
	strange.SubAccount = "0x" + mainAccount[4:] + "00"
	_, err := root.CreateKey(v.Context(), strange)
	require.ErrorIs(t, err, exchanges.ErrNotFound)
	twice, _ := v.request("read")
	_, err = root.CreateKey(v.Context(), twice)
	require.NoError(t, err)
	_, err = root.CreateKey(v.Context(), twice)
	require.ErrorIs(t, err, exchanges.ErrConflict)
}

// managers counts the keys that the plugin made for itself.
func (v venue) managers(root *account) int {
	keys, err := root.ListKeys(v.Context(), root.signer.account)
	require.NoError(v, err)
	n := 0
	for _, key := range keys {
		if key.Label == managerTag {
			n++
			require.WithinDuration(v, time.Now().Add(managerLifetime), key.ExpiresAt, time.Minute)
		}
	}
	return n
}

// Callers that find no manager key share the making of one.
func TestOneManagerKey(t *testing.T) {
	v := newVenue(t)
	root := v.root("main")
	_, err := root.Inspect(v.Context())
	require.NoError(t, err)
	require.Nil(t, root.signer.key.Load(), "none is made before it is needed")
	var group errgroup.Group
	for range 20 {
		group.Go(func() error {
			_, err := root.SubAccounts(v.Context())
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.Equal(t, 1, v.managers(root))
}

// A manager key that somebody removes is replaced, and only then.
func TestManagerKeyRemoved(t *testing.T) {
	v := newVenue(t)
	root := v.root("main")
	require.Equal(t, 1, v.managers(root))
	removed := root.signer.key.Load().public
	require.True(t, v.RemoveKey("orderly", removed))
	require.Equal(t, 1, v.managers(root))
	require.NotEqual(t, removed, root.signer.key.Load().public)

	// A call that is still refused with a new key is refused for another reason.
	before := v.Calls("orderly", exchanges.OpListKeys)
	_, err := root.ListKeys(v.Context(), mainAccount)
	require.ErrorIs(t, err, exchanges.ErrAuth)
	require.Equal(t, before+2, v.Calls("orderly", exchanges.OpListKeys))
}

func TestManagerKeyIsReplacedBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &manager{}
		require.False(t, m.present())
		m.set(time.Now().Add(managerLifetime))
		require.True(t, m.present())
		time.Sleep(managerLifetime - managerReserve)
		require.False(t, m.present())
	})
}

// While somebody else is making the key, a caller can leave.
func TestManagerKeyIsWaitedForNoLongerThanWanted(t *testing.T) {
	v := newVenue(t)
	root := v.root("main")
	root.manager.making <- struct{}{}
	ctx, cancel := context.WithTimeout(v.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := root.SubAccounts(ctx)
	require.ErrorIs(t, err, exchanges.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	<-root.manager.making
	_, err = root.SubAccounts(v.Context())
	require.NoError(t, err)
}

// stub opens a wallet's account at a server that gives prepared answers, with a
// clock and a manager key in place.
func stub(t *testing.T, answers map[string]func(*http.Request) (status int, data string)) *account {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, known := answers[r.URL.Path]
		if !known {
			fmt.Fprintf(w, `{"success":true,"timestamp":%d,"data":{}}`, time.Now().UnixMilli())
			return
		}
		status, data := answer(r)
		w.WriteHeader(status)
		if status == http.StatusOK {
			data = `{"success":true,"timestamp":1,"data":` + data + `}`
		}
		fmt.Fprint(w, data)
	}))
	t.Cleanup(server.Close)
	opened, err := New().Open(exchanges.Credential{PrivateKey: walletKey, Broker: "woofi_pro"},
		exchanges.Options{BaseURL: server.URL, RateMultiplier: 1000})
	require.NoError(t, err)
	t.Cleanup(opened.Close)
	key, err := parseSecret(leaseSecret)
	require.NoError(t, err)
	a := opened.(*account)
	a.signer.key.Store(&key)
	a.manager.set(time.Now().Add(managerLifetime))
	return a
}

const notFound = `{"success":false,"code":-1006,"message":"The data is not found in server."}`

// A key that Orderly still knows for a while counts as gone once it no longer
// works.
func TestDeletionIsProvedByStatus(t *testing.T) {
	known := `{"orderly_key":"` + leasePublic + `","scope":"read","expiration":1790003600000,"tag":"vlt-1"}`
	listed := func(status string) string {
		return `{"rows":[{"orderly_key":"` + leasePublic + `","key_status":"` + status + `","scope":"read","expiration":1790003600000,"tag":"vlt-1"}]}`
	}
	for name, test := range map[string]struct {
		check, list string
		gone        bool
		lists       int32
	}{
		"not known":         {notFound, `{"rows":[]}`, true, 0},
		"known, not listed": {known, `{"rows":[]}`, true, 1},
		"being removed":     {known, listed("REMOVING"), true, 1},
		"removed":           {known, listed("REMOVED"), true, 1},
		"a useless status":  {known, listed(""), false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			var lists atomic.Int32
			a := stub(t, map[string]func(*http.Request) (int, string){
				pathCheckKey: func(*http.Request) (int, string) {
					if test.check == notFound {
						return http.StatusBadRequest, notFound
					}
					return http.StatusOK, test.check
				},
				"/v1/client/key_info": func(*http.Request) (int, string) {
					lists.Add(1)
					return http.StatusOK, test.list
				},
			})
			err := exchangetest.Settle(t.Context(), a, exchanges.KeyRef{SubAccount: mainAccount, ID: leasePublic})
			if test.gone {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, exchanges.ErrUnavailable)
			}
			require.Equal(t, test.lists, lists.Load())
		})
	}
}

// A key that does not appear at once is asked for again.
func TestNewKeyIsAwaited(t *testing.T) {
	var asked atomic.Int32
	public, _, err := New().NewKeyPair(exchanges.KeyEd25519)
	require.NoError(t, err)
	a := stub(t, map[string]func(*http.Request) (int, string){
		pathAddKey: func(r *http.Request) (int, string) {
			var body registration
			assert.NoError(t, json.NewDecoder(r.Body).Decode(&body))
			return http.StatusOK, `{"id":1,"orderly_key":"` + body.Message.OrderlyKey + `"}`
		},
		pathCheckKey: func(*http.Request) (int, string) {
			if asked.Add(1) == 1 {
				return http.StatusInternalServerError, `{"success":false,"code":-1000,"message":"The data does not exist"}`
			}
			return http.StatusOK, `{"orderly_key":"` + public + `","scope":"trading,read","expiration":1790003600000}`
		},
	})
	key, err := a.CreateKey(t.Context(), exchanges.KeyRequest{
		SubAccount: "0x01", Label: "vlt-1", Permissions: []string{"read", "trading"}, PublicKey: public, Expires: time.Now().Add(time.Hour),
	})
	require.NoError(t, err)
	require.Equal(t, []string{"read", "trading"}, key.Permissions)
	require.Nil(t, key.Addresses)
	require.EqualValues(t, 2, asked.Load())
}

// Nothing is minted on an account that is not the one that follows from wallet and
// broker.
func TestInspectAnotherAccount(t *testing.T) {
	a := stub(t, map[string]func(*http.Request) (int, string){
		pathAccount: func(*http.Request) (int, string) { return http.StatusOK, `{"user_id":24,"account_id":"0x01"}` },
	})
	identity, err := a.Inspect(t.Context())
	require.NoError(t, err)
	require.False(t, identity.CanMint)
	require.Contains(t, identity.Problem, "0x01")
	require.Equal(t, mainAccount, identity.Account)
}

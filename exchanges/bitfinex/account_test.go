package bitfinex

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/bitfinex"
)

// What Bitfinex answers.
const (
	deadToken = `["error",10100,"token: invalid"]`
	rootRows  = `[["account",1,0],["orders",1,1],["positions",1,1],["wallets",1,1],["withdraw",0,0]]`
	readRows  = `[["account",0,0],["orders",1,0],["positions",1,0],["wallets",1,0],["withdraw",0,0]]`
)

// venue answers in place of Bitfinex: for each path, and for "token " and the path
// if the header carries a token, the given answers in turn, the last one over and
// over.
type venue struct {
	account exchanges.Account
	mu      sync.Mutex
	answers map[string][]string
	seen    []*http.Request
	bodies  []string
}

func newVenue(t *testing.T, answers map[string][]string) *venue {
	v := &venue{answers: answers}
	account, err := New().Open(exchanges.Credential{APIKey: "key", APISecret: "secret"},
		exchanges.Options{BaseURL: "http://127.0.0.1", RateMultiplier: 1000, Transport: v})
	require.NoError(t, err)
	t.Cleanup(account.Close)
	v.account = account
	return v
}

// RoundTrip answers without a network, so that tests can run in a bubble.
func (v *venue) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	return w.Result(), nil
}

func (v *venue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	v.seen, v.bodies = append(v.seen, r), append(v.bodies, string(body))
	call := r.URL.Path
	if r.Header.Get("bfx-token") != "" {
		call = "token " + call
	}
	answers := v.answers[call]
	if len(answers) == 0 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if len(answers) > 1 {
		v.answers[call] = answers[1:]
	}
	if strings.HasPrefix(answers[0], `["error"`) {
		w.WriteHeader(http.StatusInternalServerError)
	}
	fmt.Fprint(w, answers[0])
}

// request asks for a token that lasts an hour.
func request(names ...string) exchanges.KeyRequest {
	return exchanges.KeyRequest{
		SubAccount: self, Permissions: names, KeyType: exchanges.KeyBearer, Expires: time.Now().Add(time.Hour),
	}
}

func TestInspect(t *testing.T) {
	for name, test := range map[string]struct {
		rows        string
		permissions []string
		problem     string
		warning     string
	}{
		"good":           {rootRows, []string{"account:read", "orders:write", "positions:write", "wallets:write"}, "", "bound to those of the Vault servers"},
		"only reads":     {readRows, []string{"orders:read", "positions:read", "wallets:read"}, "", ""},
		"only transfers": {`[["wallets",1,1]]`, []string{"wallets:write"}, "", ""},
		"withdraws":      {`[["orders",1,1],["withdraw",0,1]]`, []string{"orders:write", "withdraw:write"}, "", "the root key can withdraw"},
		"has no use":     {`[["account",1,1],["orders",0,0]]`, []string{"account:write"}, "no right to orders or wallets", ""},
	} {
		t.Run(name, func(t *testing.T) {
			identity, err := newVenue(t, map[string][]string{pathPermissions: {test.rows}}).account.Inspect(t.Context())
			require.NoError(t, err)
			require.Equal(t, test.permissions, identity.Permissions)
			require.Equal(t, test.problem == "", identity.CanMint)
			require.Contains(t, identity.Problem, test.problem)
			require.Contains(t, strings.Join(identity.Warnings, "\n"), test.warning)
			require.Nil(t, identity.Addresses, "Bitfinex does not show them")
		})
	}
}

func TestOneAccount(t *testing.T) {
	v := newVenue(t, nil)
	subs, err := v.account.SubAccounts(t.Context())
	require.NoError(t, err)
	require.Len(t, subs, 1)
	require.Equal(t, "self", subs[0].Name)
	_, err = v.account.ListKeys(t.Context(), self)
	require.ErrorIs(t, err, exchanges.ErrUnsupported)

	other := request("orders:read")
	other.SubAccount = "desk1"
	_, err = v.account.CreateKey(t.Context(), other)
	require.ErrorIs(t, err, exchanges.ErrPermission)
	require.ErrorContains(t, err, `name "self"`)
	endless := request("orders:read")
	endless.Expires = time.Time{}
	_, err = v.account.CreateKey(t.Context(), endless)
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	err = exchangetest.Settle(t.Context(), v.account, exchanges.KeyRef{SubAccount: self, ID: fingerprint(sample)})
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, "it expires with its lease")
	require.Empty(t, v.seen, "nothing of this is for Bitfinex")
}

func TestLifetime(t *testing.T) {
	now := time.Unix(1795326921, 5e8)
	for lasts, want := range map[time.Duration]int64{
		time.Hour: 3630, time.Hour + time.Nanosecond: 3631, time.Hour - time.Nanosecond: 3630, 0: 30, -time.Minute: 1, -time.Hour: 1,
		7*24*time.Hour - 30*time.Second: 604800, 7*24*time.Hour - time.Second: 604800, 7 * 24 * time.Hour: 604800, 365 * 24 * time.Hour: 604800,
	} {
		require.Equal(t, want, lifetime(now.Add(lasts), now), lasts)
	}
}

// A token is requested with all its bounds, and asked what it may do.
func TestCreateKey(t *testing.T) {
	v := newVenue(t, map[string][]string{
		pathToken:                  {`["` + sample.Reveal() + `"]`},
		"token " + pathPermissions: {rootRows},
	})
	key, err := v.account.CreateKey(t.Context(), request("orders:write", "wallets:write"))
	require.NoError(t, err)
	require.Regexp(t, `^\{"scope":"api","ttl":36[23]\d,"caps":\["o","w"\],"writePermission":true,"_cust_ip":"0"\}$`, v.bodies[0])
	require.Equal(t, exchanges.Key{
		ID: fingerprint(sample), APIKey: fingerprint(sample), Token: sample,
		// The root key's rows were sent here.
		Permissions: []string{"account:read", "orders:write", "wallets:write"},
	}, key)
	require.Len(t, v.seen, 2)
	check := v.seen[1].Header
	require.Equal(t, sample.Reveal(), check.Get("bfx-token"))
	require.Empty(t, check.Get("bfx-apikey")+check.Get("bfx-signature"), "the token alone is tried")
	require.Less(t, v.seen[0].Header.Get("bfx-nonce"), check.Get("bfx-nonce"))
}

// A token that cannot be checked is deleted; nobody would ever find it.
func TestCreateKeyRollsBack(t *testing.T) {
	const refused = `["error",10020,"token: wrong"]`
	for name, test := range map[string]struct {
		token   string
		check   []string
		deleted string
		kind    exchanges.Kind
		says    string
	}{
		"the check is refused":             {sample.Reveal(), []string{refused, deadToken}, `[1]`, exchanges.ErrInvalid, "check key"},
		"the token is dead":                {sample.Reveal(), []string{deadToken}, `[1]`, exchanges.ErrUnavailable, "refuses the token that it has just made"},
		"the token is of another form":     {"pub:api:" + uuid + "-admin", []string{deadToken}, `[1]`, exchanges.ErrUnavailable, "is not in the documented form"},
		"the answer to the check is wrong": {sample.Reveal(), []string{`[]`, `{}`, `[[]]`, deadToken}, `[1]`, exchanges.ErrUnavailable, "documented form"},
		"nor can it be deleted":            {sample.Reveal(), []string{refused}, refused, exchanges.ErrOutcomeUnknown, "the key expires by itself; nobody holds it"},
		"it may only not be known yet":     {sample.Reveal(), []string{refused, deadToken}, deadToken, exchanges.ErrOutcomeUnknown, "the key expires by itself; nobody holds it"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVenue(t, map[string][]string{
					pathToken: {`["` + test.token + `"]`}, "token " + pathPermissions: test.check, pathDeleteToken: {test.deleted},
				})
				_, err := v.account.CreateKey(t.Context(), request("orders:write"))
				require.ErrorIs(t, err, test.kind)
				require.ErrorContains(t, err, test.says)
				require.NotContains(t, err.Error(), uuid)
				require.Contains(t, v.bodies, `{"token":"`+test.token+`"}`)
			})
		})
	}
}

// A caller who does not wait for a creation does wait for the check of one that was
// made.
func TestCheckIsWaitedFor(t *testing.T) {
	exchangetest.Bubble(t, exchangetest.Subject{Exchange: New(), Venue: standin.Venue()}, func(t *testing.T, sim *simulator.Simulator, options exchanges.Options) {
		access := sim.Exchange("bitfinex")
		account, err := New().Open(exchanges.Credential{APIKey: access.APIKey, APISecret: exchanges.Secret(access.APISecret)}, options)
		require.NoError(t, err)
		defer account.Close()
		for range 20 {
			_, err = account.Inspect(t.Context())
			require.NoError(t, err)
		}
		impatient := exchanges.WithPatience(t.Context(), 500*time.Millisecond)
		_, err = account.Inspect(impatient)
		require.ErrorIs(t, err, exchanges.ErrRateLimited)
		_, err = account.CreateKey(impatient, request("orders:read"))
		require.NoError(t, err)
		require.Len(t, sim.Keys(), 1)
	})
}

// Only the token itself proves that it is gone, and no refusal outweighs that
// proof.
func TestDeletionNeedsProof(t *testing.T) {
	for name, test := range map[string]struct {
		deleted, asked string
		want           error
	}{
		"gone":                            {`[1]`, deadToken, nil},
		"it was gone before":              {deadToken, deadToken, nil},
		"the root key is gone too":        {`["error",10100,"apikey: invalid"]`, deadToken, nil},
		"the call is gone, the token too": {`["error",10020,"path: invalid"]`, deadToken, nil},
		"the call is gone":                {`["error",10020,"path: invalid"]`, readRows, exchanges.ErrInvalid},
		"still there":                     {`[1]`, readRows, exchanges.ErrUnavailable},
		"said to be gone, still there":    {deadToken, readRows, exchanges.ErrNotFound},
		"the root key is refused":         {`["error",10100,"apikey: invalid"]`, readRows, exchanges.ErrAuth},
		"no proof":                        {`[1]`, `["error",10100,"apikey: invalid"]`, exchanges.ErrAuth},
		"a token that may not ask":        {`[1]`, `["error",10001,"ERR_AUTH_UNAUTHORIZED"]`, exchanges.ErrPermission},
		"rows of no form":                 {`[1]`, `[]`, exchanges.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVenue(t, map[string][]string{pathDeleteToken: {test.deleted}, "token " + pathPermissions: {test.asked}})
			err := exchangetest.Settle(t.Context(), v.account, exchanges.KeyRef{SubAccount: self, ID: fingerprint(sample), Token: sample})
			require.ErrorIs(t, err, test.want)
			require.Equal(t, `{"token":"`+sample.Reveal()+`"}`, v.bodies[0])
		})
	}
}

// When Bitfinex says that a number is too small, a larger one is sent.
func TestNonceTooSmall(t *testing.T) {
	const small = `["error",10114,"nonce: small"]`
	v := newVenue(t, map[string][]string{pathPermissions: {small, rootRows}})
	_, err := v.account.Inspect(t.Context())
	require.NoError(t, err)
	require.Len(t, v.seen, 2)
	require.Less(t, v.seen[0].Header.Get("bfx-nonce"), v.seen[1].Header.Get("bfx-nonce"))

	v = newVenue(t, map[string][]string{pathToken: {small}})
	_, err = v.account.CreateKey(t.Context(), request("orders:read"))
	require.ErrorIs(t, err, exchanges.ErrUnavailable)
	require.ErrorContains(t, err, "something else uses the root key")
}

// Concurrent calls do not overtake each other, so their numbers arrive in order.
func TestNoncesArriveInOrder(t *testing.T) {
	v := newVenue(t, map[string][]string{pathPermissions: {rootRows}})
	var running sync.WaitGroup
	for range 20 {
		running.Go(func() {
			if _, err := v.account.Inspect(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	for i := range v.seen[1:] {
		require.Less(t, v.seen[i].Header.Get("bfx-nonce"), v.seen[i+1].Header.Get("bfx-nonce"))
	}
}

// The UUID alone is the secret of a token.
func TestSecretPartIsScrubbed(t *testing.T) {
	echo := `["error",10020,"bad: ` + strings.ToUpper(uuid) + `, ` + sample.Reveal() + `"]`
	for _, deleted := range []string{echo, `[1]`} {
		v := newVenue(t, map[string][]string{pathDeleteToken: {deleted}, "token " + pathPermissions: {echo}})
		err := exchangetest.Settle(t.Context(), v.account, exchanges.KeyRef{SubAccount: self, Token: sample})
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		require.ErrorContains(t, err, "bad: ")
		require.NotContains(t, strings.ToLower(err.Error()), uuid)
	}

	user, err := New().Open(exchanges.Credential{Token: sample}, exchanges.Options{BaseURL: serverOf(t, echo)})
	require.NoError(t, err)
	t.Cleanup(user.Close)
	_, err = user.Inspect(t.Context())
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.NotContains(t, strings.ToLower(err.Error()), uuid)
}

// serverOf gives the same answer to every request.
func serverOf(t *testing.T, answer string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }))
	t.Cleanup(server.Close)
	return server.URL
}

// A root key never gives more than it has, and a token gives nothing here.
func TestRoots(t *testing.T) {
	s := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
	reader := s.OpenRoot("reader", exchanges.Options{})
	identity, err := reader.Inspect(t.Context())
	require.NoError(t, err)
	require.True(t, identity.CanMint)
	_, err = reader.CreateKey(t.Context(), request("orders:write"))
	require.ErrorIs(t, err, exchanges.ErrPermission)
	require.ErrorContains(t, err, "give the root key the rights")
	key, err := reader.CreateKey(t.Context(), request("orders:read", "wallets:read"))
	require.NoError(t, err)

	token := s.Open(exchanges.Credential{APIKey: key.APIKey, Token: key.Token}, exchanges.Options{})
	identity, err = token.Inspect(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"history:read", "orders:read", "positions:read", "wallets:read"}, identity.Permissions)
	require.False(t, identity.CanMint)
	require.Contains(t, identity.Problem, "a token does not mint")
	_, err = token.CreateKey(t.Context(), request("orders:read"))
	require.ErrorIs(t, err, exchanges.ErrPermission)
	signed, err := token.(exchanges.RequestSigner).SignRequest(t.Context(), exchanges.UserRequest{Method: http.MethodPost, Path: pathPermissions, Body: []byte("{}")})
	require.NoError(t, err)
	require.Equal(t, key.Token.Reveal(), signed.Header.Get("bfx-token"))
	require.NotContains(t, signed.URL.String(), "pub:")
}

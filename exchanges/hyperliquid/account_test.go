package hyperliquid

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/hyperliquid"
)

// venue is Hyperliquid in a simulator.
type venue struct{ exchangetest.Simulated }

func newVenue(t *testing.T) venue {
	return venue{exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})}
}

// open opens the account of a private key.
func (v venue) open(key exchanges.Secret) exchanges.Account {
	return v.Open(exchanges.Credential{PrivateKey: key}, exchanges.Options{})
}

func (v venue) root(kind string) exchanges.Account { return v.OpenRoot(kind, exchanges.Options{}) }

// request asks for a new agent of the main account.
func (v venue) request(name string) (exchanges.KeyRequest, exchanges.Secret) {
	address, key, err := New().NewKeyPair(exchanges.KeySecp256k1)
	require.NoError(v, err)
	return exchanges.KeyRequest{
		SubAccount: v.Exchange("hyperliquid").SubAccounts[0], Label: name, Permissions: []string{agent},
		KeyType: exchanges.KeySecp256k1, PublicKey: address, Expires: time.Now().Add(time.Hour),
	}, key
}

func TestInspectRoles(t *testing.T) {
	v := newVenue(t)
	address := v.Exchange("hyperliquid").SubAccounts[0]

	owner, err := v.root("main").Inspect(v.Context())
	require.NoError(t, err)
	require.Equal(t, address, owner.Account)
	require.Equal(t, []string{"user"}, owner.Permissions)
	require.True(t, owner.CanMint)
	require.Len(t, owner.Warnings, 1)
	require.Contains(t, owner.Warnings[0], "can withdraw")

	unnamed, err := v.root("no_right").Inspect(v.Context())
	require.NoError(t, err)
	require.False(t, unnamed.CanMint)
	require.Equal(t, address, unnamed.Account, "an agent's account is its owner's")
	require.Contains(t, unnamed.Problem, "agents cannot approve agents")

	_, err = v.root("unfunded").Inspect(v.Context())
	require.ErrorIs(t, err, exchanges.ErrAuth)
	require.ErrorContains(t, err, "deposit USDC")
}

// The action, too, says when a wallet has never deposited.
func TestUnfunded(t *testing.T) {
	v := newVenue(t)
	access, _ := v.Root("hyperliquid", "unfunded")
	request, _ := v.request("vlt-1")
	request.SubAccount = access.SubAccounts[0]
	_, err := v.root("unfunded").CreateKey(v.Context(), request)
	require.ErrorIs(t, err, exchanges.ErrPermission)
	require.ErrorContains(t, err, "deposit USDC to the account first")
}

func TestSubAccountsSayWhatAgentsReach(t *testing.T) {
	v := newVenue(t)
	subs, err := v.root("main").SubAccounts(v.Context())
	require.NoError(t, err)
	require.Equal(t, []exchanges.SubAccount{{
		Name: v.Exchange("hyperliquid").SubAccounts[0], Alias: "the account and its 3 sub-accounts",
	}}, subs)
}

// Agents are made for, listed for and removed from the account itself, never
// anything else.
func TestOtherSubAccounts(t *testing.T) {
	v := newVenue(t)
	account := v.root("main")
	request, _ := v.request("vlt-1")
	key, err := account.CreateKey(v.Context(), request)
	require.NoError(t, err)
	elsewhere := v.AddSubAccounts("hyperliquid", 1)[0]
	other, _ := v.request("vlt-2")
	other.SubAccount = elsewhere
	_, err = account.CreateKey(v.Context(), other)
	require.ErrorIs(t, err, exchanges.ErrPermission)
	require.ErrorContains(t, err, "the whole account")
	_, err = account.ListKeys(v.Context(), elsewhere)
	require.ErrorIs(t, err, exchanges.ErrPermission)
	err = exchangetest.Settle(v.Context(), account, exchanges.KeyRef{SubAccount: elsewhere, ID: key.ID, Label: "vlt-1"})
	require.ErrorIs(t, err, exchanges.ErrPermission)
	require.Len(t, v.Keys(), 1)
}

func TestCreateNeedsNameAndAddress(t *testing.T) {
	v := newVenue(t)
	account := v.root("main")
	unnamed, _ := v.request("")
	_, err := account.CreateKey(v.Context(), unnamed)
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	pem, _ := v.request("vlt-1")
	pem.PublicKey = "-----BEGIN PUBLIC KEY-----"
	_, err = account.CreateKey(v.Context(), pem)
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.Zero(t, v.Calls("hyperliquid", exchanges.OpCreateKey))
}

// An agent never expires at the exchange before its lease does, and one without an
// expiry gets the exchange's default.
func TestExpiry(t *testing.T) {
	v := newVenue(t)
	account := v.root("main")
	bounded, _ := v.request("vlt-1")
	bounded.Expires = time.Now().Add(time.Hour).Truncate(time.Millisecond).Add(time.Microsecond)
	_, err := account.CreateKey(v.Context(), bounded)
	require.NoError(t, err)
	unbounded, _ := v.request("vlt-2")
	unbounded.Expires = time.Time{}
	_, err = account.CreateKey(v.Context(), unbounded)
	require.NoError(t, err)
	keys, err := account.ListKeys(v.Context(), bounded.SubAccount)
	require.NoError(t, err)
	require.Len(t, keys, 2)
	require.Equal(t, bounded.Expires.Truncate(time.Millisecond).Add(time.Millisecond).UTC(), keys[0].ExpiresAt)
	require.WithinDuration(t, time.Now().Add(90*24*time.Hour), keys[1].ExpiresAt, time.Minute)

	tooLong, _ := v.request("vlt-3")
	tooLong.Expires = time.Now().Add(maxLifetime + time.Hour)
	_, err = account.CreateKey(v.Context(), tooLong)
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, "at most 180 days")
}

// A name that by now leads to another agent is somebody else's.
func TestReplacedAgentIsLeftAlone(t *testing.T) {
	v := newVenue(t)
	account := v.root("main")
	first, _ := v.request("vlt-1")
	key, err := account.CreateKey(v.Context(), first)
	require.NoError(t, err)
	second, _ := v.request("vlt-1")
	replacement, err := account.CreateKey(v.Context(), second)
	require.NoError(t, err)
	require.NoError(t, exchangetest.Settle(v.Context(), account, exchanges.KeyRef{SubAccount: first.SubAccount, ID: key.ID, Label: "vlt-1"}))
	require.Len(t, v.Keys(), 1)
	require.Equal(t, replacement.ID, v.Keys()[0].APIKey)
	require.Zero(t, v.Calls("hyperliquid", exchanges.OpDeleteKey))
}

// An address that is already registered means that an earlier call worked.
func TestAddressUsedAlready(t *testing.T) {
	v := newVenue(t)
	account := v.root("main")
	request, _ := v.request("vlt-1")
	_, err := account.CreateKey(v.Context(), request)
	require.NoError(t, err)
	request.Label = "vlt-2"
	_, err = account.CreateKey(v.Context(), request)
	require.ErrorIs(t, err, exchanges.ErrConflict)
}

// A sub-account brings two more slots.
func TestSlots(t *testing.T) {
	v := newVenue(t)
	account := v.root("main")
	create := func() error {
		request, _ := v.request("vlt-" + string(rune('a'+len(v.Keys()))))
		_, err := account.CreateKey(v.Context(), request)
		return err
	}
	for range 3 + 2*3 {
		require.NoError(t, create())
	}
	require.ErrorIs(t, create(), exchanges.ErrKeyCap)
	v.AddSubAccounts("hyperliquid", 1)
	require.NoError(t, create())
	require.NoError(t, create())
	err := create()
	require.ErrorIs(t, err, exchanges.ErrKeyCap)
	require.ErrorContains(t, err, "no free agent slot")
}

// An agent acts for the account's sub-accounts as well.
func TestAgentActsForSubAccount(t *testing.T) {
	v := newVenue(t)
	request, key := v.request("vlt-1")
	_, err := v.root("main").CreateKey(v.Context(), request)
	require.NoError(t, err)
	sub := v.AddSubAccounts("hyperliquid", 1)[0]
	signer := v.open(key).(exchanges.RequestSigner)
	for body, accepted := range map[string]bool{
		`{"action":{"type":"noop"},"vaultAddress":"` + sub + `"}`:                                          true,
		`{"action":{"type":"noop"},"expiresAfter":1}`:                                                      false,
		`{"action":{"type":"subAccountTransfer","subAccountUser":"` + sub + `","isDeposit":true,"usd":1}}`: true,
	} {
		request, err := signer.SignRequest(v.Context(), exchanges.UserRequest{
			Method: http.MethodPost, Path: pathExchange, Body: []byte(body), ContentType: "application/json",
		})
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		var answer [256]byte
		n, _ := response.Body.Read(answer[:])
		require.NoError(t, response.Body.Close())
		if accepted {
			require.Contains(t, string(answer[:n]), `"ok"`, body)
		} else {
			require.Contains(t, string(answer[:n]), `"err"`, body)
		}
	}
}

// FuzzUnwrap checks that every answer is either JSON or a failure with a kind.
func FuzzUnwrap(f *testing.F) {
	f.Add(200, []byte(`{"status":"ok","response":{"type":"default"}}`))
	f.Add(200, []byte(`{"status":"err","response":"User has pending agent removal"}`))
	f.Add(200, []byte(`[{"name":"vlt-1","address":"0x1563915e194d8cfba1943570603f7606a3115508","validUntil":1790003600000}]`))
	f.Add(422, []byte(`Failed to deserialize the JSON body into the target type`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		payload, err := unwrapper{address: "0x1563915e194d8cfba1943570603f7606a3115508"}.unwrap(
			rest.Answer{Status: status, Header: http.Header{}, Body: body})
		if err == nil {
			require.Equal(t, body, payload)
			return
		}
		var failure *exchanges.Error
		require.ErrorAs(t, err, &failure)
		require.Contains(t, exchanges.Kinds(), failure.Kind)
	})
}

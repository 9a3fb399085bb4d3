package hyperliquid

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
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

// By a report, an account without an unnamed agent can have no named ones. The refusal
// says what to do, and never that something was not found.
func TestNoStandardAgent(t *testing.T) {
	v := newVenue(t)
	account := v.root("no_agent")
	identity, err := account.Inspect(v.Context())
	require.NoError(t, err)
	require.True(t, identity.CanMint)
	request, _ := v.request("vlt-1")
	request.SubAccount = identity.Account
	_, err = account.CreateKey(v.Context(), request)
	require.ErrorIs(t, err, exchanges.ErrPermission)
	require.NotErrorIs(t, err, exchanges.ErrNotFound)
	require.ErrorContains(t, err, "Extra agent does not exist")
	require.ErrorContains(t, err, "enable trading there")
	require.Empty(t, v.Keys())
}

// answers is an HTTP transport that answers in place of Hyperliquid, inside a bubble:
// each question with a body, each action with a sentence, empty for success.
type answers struct {
	info   func(question string) string
	action func() string
}

func (a answers) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	answer := `{"status":"ok","response":{"type":"default"}}`
	if request.URL.Path == pathInfo {
		var asked question
		if err := json.Unmarshal(body, &asked); err != nil {
			return nil, err
		}
		answer = a.info(asked.Type)
	} else if sentence := a.action(); sentence != "" {
		answer = `{"status":"err","response":"` + sentence + `"}`
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: request, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

// open opens the account of a new wallet there.
func (a answers) open(t *testing.T) (account exchanges.Account, address string) {
	address, key, err := New().NewKeyPair(exchanges.KeySecp256k1)
	require.NoError(t, err)
	account, err = New().Open(exchanges.Credential{PrivateKey: key}, exchanges.Options{Transport: a})
	require.NoError(t, err)
	t.Cleanup(account.Close)
	return account, address
}

// A removed agent may be listed for a while, and Hyperliquid then says that it does not
// exist. That is awaited, and only the list proves the removal.
func TestRemovedAgentStillListed(t *testing.T) {
	const agentAddress = "0x1563915e194d8cfba1943570603f7606a3115508"
	for _, test := range []struct {
		name   string
		listed time.Duration
		err    error
		least  time.Duration
	}{
		{"for a while", 1500 * time.Millisecond, nil, 1500 * time.Millisecond},
		{"for too long", time.Hour, exchanges.ErrUnavailable, listingDelay - time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var removals int
				account, owner := answers{
					info: func(question string) string {
						switch {
						case question != "extraAgents":
							return fmt.Sprintf(`{"time":%d}`, time.Now().UnixMilli())
						case time.Since(start) < test.listed:
							return `[{"name":"vlt-1","address":"` + agentAddress + `","validUntil":1790003600000}]`
						}
						return `[]`
					},
					action: func() string { removals++; return "Extra agent does not exist." },
				}.open(t)
				err := exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: owner, ID: agentAddress, Label: "vlt-1"})
				require.ErrorIs(t, err, test.err)
				require.NotErrorIs(t, err, exchanges.ErrNotFound)
				require.GreaterOrEqual(t, time.Since(start), test.least)
				require.Less(t, time.Since(start), 2*listingDelay)
				require.Equal(t, 1, removals)
			})
		})
	}
}

// A list is a bare array, or null where it is empty; anything else is no list.
func TestFormsOfLists(t *testing.T) {
	for _, test := range []struct {
		body      string
		agents    error
		subs      error
		subsAlias string
	}{
		{`[]`, nil, nil, "the account and its 0 sub-accounts"},
		{`null`, nil, nil, "the account and its 0 sub-accounts"},
		{`""`, exchanges.ErrUnavailable, exchanges.ErrUnavailable, ""},
		{`{}`, exchanges.ErrUnavailable, exchanges.ErrUnavailable, ""},
		{`[{}]`, exchanges.ErrUnavailable, nil, "the account and its 1 sub-accounts"},
	} {
		t.Run(test.body, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				account, owner := answers{info: func(question string) string {
					if question == "exchangeStatus" {
						return fmt.Sprintf(`{"time":%d}`, time.Now().UnixMilli())
					}
					return test.body
				}}.open(t)
				agents, err := account.ListKeys(t.Context(), owner)
				require.ErrorIs(t, err, test.agents)
				require.Empty(t, agents)
				subs, err := account.SubAccounts(t.Context())
				require.ErrorIs(t, err, test.subs)
				if test.subs == nil {
					require.Equal(t, []exchanges.SubAccount{{Name: owner, Alias: test.subsAlias}}, subs)
				}
			})
		})
	}
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

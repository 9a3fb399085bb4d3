package hyperliquid

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is the owner of an account, or an agent.
type client struct {
	*testing.T
	*simulator.Simulator
	wallet *venue.Wallet
	owner  string
	clock  *time.Time
	nonce  int64
}

func newClient(t *testing.T) *client {
	s, clock := venuetest.StartAt(t, Venue(), time.UnixMilli(vectorNonce))
	access := s.Exchange("hyperliquid")
	return &client{
		T: t, Simulator: s, wallet: venuetest.WalletOf(t, access.PrivateKey), owner: access.SubAccounts[0], clock: clock, nonce: vectorNonce,
	}
}

// as is the client with another key.
func (c *client) as(w *venue.Wallet) *client {
	other := *c
	other.wallet = w
	return &other
}

func (c *client) post(path, body string) (status int, answer string) {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), http.MethodPost, c.Exchange("hyperliquid").BaseURL+path, strings.NewReader(body))
	require.NoError(c, err)
	request.Header.Set("Content-Type", "application/json")
	return venuetest.Do(c.T, request)
}

func (c *client) info(question string) string {
	c.Helper()
	status, answer := c.post("/info", question)
	require.Equal(c, http.StatusOK, status, answer)
	return answer
}

// act signs and sends an action and returns the sentence of its refusal, empty
// if the action succeeded.
func (c *client) act(action, more string) string {
	c.Helper()
	c.nonce++
	action = strings.ReplaceAll(action, "NONCE", strconv.FormatInt(c.nonce, 10))
	status, answer := c.post("/exchange", signed(c.T, c.wallet, action, c.nonce, more))
	if status != http.StatusOK {
		return answer
	}
	var envelope struct {
		Status   string `json:"status"`
		Response any    `json:"response"`
	}
	require.NoError(c, json.Unmarshal([]byte(answer), &envelope))
	if envelope.Status == "ok" {
		return ""
	}
	return envelope.Response.(string)
}

func approvalOf(address, name string) string {
	return fmt.Sprintf(`{"type":"approveAgent","signatureChainId":"0x66eee","hyperliquidChain":"Mainnet","agentAddress":%q,"agentName":%q,"nonce":NONCE}`, address, name)
}

func (c *client) approve(address, name string) string {
	c.Helper()
	return c.act(approvalOf(address, name), "")
}

const (
	noop           = `{"type":"noop"}`
	coolDownPassed = coolDown
)

// By a report, an account without an unnamed agent can have no named ones.
func TestNoUnnamedAgent(t *testing.T) {
	c := newClient(t)
	access, ok := c.Root("hyperliquid", "no_agent")
	require.True(t, ok)
	owner := c.as(venuetest.WalletOf(t, access.PrivateKey))
	require.Equal(t, "Extra agent does not exist.", owner.approve(venue.NewWallet().Address(), "vlt-1"))
	require.JSONEq(t, `{"role":"user"}`, c.info(`{"type":"userRole","user":"`+access.SubAccounts[0]+`"}`))
	require.JSONEq(t, `[]`, c.info(`{"type":"extraAgents","user":"`+access.SubAccounts[0]+`"}`))
	require.Empty(t, c.approve(venue.NewWallet().Address(), "vlt-1"))
}

func TestAgentLife(t *testing.T) {
	c := newClient(t)
	agent := venue.NewWallet()
	end := c.clock.Add(time.Hour).UnixMilli()
	require.Equal(t, "User or API Wallet "+agent.Address()+" does not exist.", c.as(agent).act(noop, ""))
	require.Empty(t, c.approve(agent.Address(), fmt.Sprintf("vlt-1 valid_until %d", end)))
	require.JSONEq(t, fmt.Sprintf(`[{"name":"vlt-1","address":%q,"validUntil":%d}]`, agent.Address(), end),
		c.info(`{"type":"extraAgents","user":"`+c.owner+`"}`))
	require.JSONEq(t, `{"role":"agent","data":{"user":"`+c.owner+`"}}`, c.info(`{"type":"userRole","user":"`+agent.Address()+`"}`))

	user := c.as(agent)
	order := `{"type":"order","orders":[{"a":0,"b":true,"p":"1","s":"1","r":false,"t":{"limit":{"tif":"Gtc"}}}],"grouping":"na"}`
	for _, action := range []string{noop, order, `{"type":"agentSetAbstraction","abstraction":"p"}`} {
		require.Empty(t, user.act(action, ""), action)
	}
	require.Equal(t, "Must deposit before performing actions. User: "+agent.Address(), user.approve(venue.NewWallet().Address(), "vlt-2"),
		"agents cannot approve agents")
	require.Equal(t, "Must deposit before performing actions. User: "+agent.Address(), user.act(
		`{"type":"withdraw3","signatureChainId":"0x66eee","hyperliquidChain":"Mainnet","destination":"`+c.owner+`","amount":"1","time":NONCE}`, ""),
		"agents cannot withdraw")

	require.Empty(t, c.approve(zero, "vlt-1"))
	require.Contains(t, user.act(noop, ""), "does not exist")
	require.JSONEq(t, `{"role":"missing"}`, c.info(`{"type":"userRole","user":"`+agent.Address()+`"}`))
	require.Contains(t, c.info(`{"type":"extraAgents","user":"`+c.owner+`"}`), agent.Address(), "listed a little longer")
	*c.clock = c.clock.Add(listed)
	require.Equal(t, "[]", c.info(`{"type":"extraAgents","user":"`+c.owner+`"}`))
	require.Equal(t, []string{agent.Address()}, c.Deletions("hyperliquid"))
}

func TestCoolDown(t *testing.T) {
	c := newClient(t)
	first, second := venue.NewWallet().Address(), venue.NewWallet().Address()
	require.Empty(t, c.approve(first, "vlt-1"))
	require.Empty(t, c.approve(second, "vlt-1"), "another address replaces the agent of that name")
	require.Equal(t, "User has pending agent removal", c.approve(venue.NewWallet().Address(), "vlt-2"))
	require.Equal(t, "Agent valid_until already expired.", c.approve(venue.NewWallet().Address(), "vlt-2 valid_until 1"), "checked first")
	*c.clock = c.clock.Add(coolDownPassed)
	require.Empty(t, c.approve(zero, "vlt-1"))
	require.Equal(t, "User has pending agent removal", c.approve(zero, "vlt-1"))
	*c.clock = c.clock.Add(coolDownPassed)
	require.Equal(t, "Extra agent does not exist.", c.approve(zero, "vlt-1"))
	require.Equal(t, []string{first, second}, c.Deletions("hyperliquid"))
}

// An agent goes on working for a while after its end.
func TestLateExpiry(t *testing.T) {
	c := newClient(t)
	agent := venue.NewWallet()
	require.Empty(t, c.approve(agent.Address(), fmt.Sprintf("vlt-1 valid_until %d", c.clock.Add(time.Minute).UnixMilli())))
	*c.clock = c.clock.Add(time.Minute + late - time.Second)
	require.Empty(t, c.as(agent).act(noop, ""))
	*c.clock = c.clock.Add(time.Second)
	require.Contains(t, c.as(agent).act(noop, ""), "does not exist")
	require.Equal(t, "[]", c.info(`{"type":"extraAgents","user":"`+c.owner+`"}`))
	require.Empty(t, c.Keys())
}

func TestSlots(t *testing.T) {
	c := newClient(t)
	for i := range 9 {
		require.Empty(t, c.approve(venue.NewWallet().Address(), fmt.Sprintf("vlt-%d", i)))
	}
	require.Equal(t, "Too many extra agents for cumulative volume traded. Current limit is 9", c.approve(venue.NewWallet().Address(), "vlt-9"))
	c.AddSubAccounts("hyperliquid", 1)
	require.Empty(t, c.approve(venue.NewWallet().Address(), "vlt-9"))
}

func TestRefusals(t *testing.T) {
	c := newClient(t)
	taken := venue.NewWallet().Address()
	require.Empty(t, c.approve(taken, "vlt-1"))
	for name, test := range map[string]struct{ action, more, want string }{
		"address taken":    {approvalOf(taken, "vlt-2"), "", "Extra agent already used."},
		"the owner":        {approvalOf(c.owner, "vlt-2"), "", "Extra agent already used."},
		"long name":        {approvalOf(venue.NewWallet().Address(), "vlt-1234567890123"), "", "Invalid agent name."},
		"odd name":         {approvalOf(venue.NewWallet().Address(), "vlt 1"), "", "Invalid agent name."},
		"end too far":      {approvalOf(venue.NewWallet().Address(), fmt.Sprintf("vlt-2 valid_until %d", c.clock.Add(181*24*time.Hour).UnixMilli())), "", "already expired"},
		"end that is none": {approvalOf(venue.NewWallet().Address(), "vlt-2 valid_until soon"), "", "already expired"},
		"unnamed":          {approvalOf(venue.NewWallet().Address(), ""), "", "not simulated"},
		"for a vault":      {approvalOf(venue.NewWallet().Address(), "vlt-2"), `,"vaultAddress":"` + c.owner + `"`, "Vault may not perform this action."},
		"unknown action":   {`{"type":"evmUserModify","usingBigBlocks":true}`, "", "Failed to deserialize"},
		"order of nothing": {`{"type":"order","orders":[],"grouping":"na"}`, "", "Failed to deserialize"},
		"order of no size": {`{"type":"order","orders":[{"a":0,"b":true,"p":"1","s":"0","r":false,"t":{"limit":{"tif":"Gtc"}}}],"grouping":"na"}`, "", "Failed to deserialize"},
		"unknown mode":     {`{"type":"agentSetAbstraction","abstraction":"x"}`, "", "Failed to deserialize"},
		"foreign account":  {`{"type":"subAccountTransfer","subAccountUser":"` + taken + `","isDeposit":true,"usd":1}`, "", "Invalid sub-account transfer"},
		"transfer of none": {`{"type":"subAccountTransfer","subAccountUser":"` + taken + `","isDeposit":true,"usd":0}`, "", "Failed to deserialize"},
		"deposit nowhere":  {`{"type":"vaultTransfer","vaultAddress":"hlp","isDeposit":true,"usd":1}`, "", "Failed to deserialize"},
		"expired action":   {noop, `,"expiresAfter":1`, "Action expired."},
	} {
		require.Contains(t, c.act(test.action, test.more), test.want, name)
	}
	for _, body := range []string{
		``, `{`, `{"action":{"type":"noop"}}`, `{"action":1,"nonce":1,"signature":{"r":"0x","s":"0x","v":27}}`,
		strings.ReplaceAll(signed(t, c.wallet, noop, c.nonce+1, ""), `"0x`, `"`),
		strings.Replace(signed(t, c.wallet, noop, c.nonce+1, ""), `"v":2`, `"v":1`, 1),
		strings.Replace(signed(t, c.wallet, noop, c.nonce+1, ""), `"nonce"`, `"once"`, 1),
	} {
		status, answer := c.post("/exchange", body)
		require.Equal(t, http.StatusUnprocessableEntity, status, body)
		require.Contains(t, answer, "Failed to deserialize")
	}
	for _, question := range []string{`{}`, `{"type":"meta"}`, `{"type":"userRole"}`, `{"type":"extraAgents","user":"0x1"}`, `{"type":"subAccounts","user":1}`} {
		status, _ := c.post("/info", question)
		require.Equal(t, http.StatusUnprocessableEntity, status, question)
	}
	status, _ := c.post("/elsewhere", "")
	require.Equal(t, http.StatusNotFound, status)
}

func TestRoles(t *testing.T) {
	c := newClient(t)
	role := func(address string) string { return c.info(`{"type":"userRole","user":"` + address + `"}`) }
	require.JSONEq(t, `{"role":"user"}`, role(c.owner))
	sub := c.AddSubAccounts("hyperliquid", 1)[0]
	require.JSONEq(t, `{"role":"subAccount","data":{"master":"`+c.owner+`"}}`, role(sub))
	require.JSONEq(t, `{"role":"missing"}`, role(venue.RandomAddress()))
	unfunded, _ := c.Root("hyperliquid", "unfunded")
	require.JSONEq(t, `{"role":"missing"}`, role(unfunded.SubAccounts[0]))
	require.Contains(t, c.as(venuetest.WalletOf(t, unfunded.PrivateKey)).approve(venue.NewWallet().Address(), "vlt-1"), "Must deposit before performing actions. User: "+unfunded.SubAccounts[0])
	unnamed, _ := c.Root("hyperliquid", "no_right")
	require.JSONEq(t, `{"role":"agent","data":{"user":"`+c.owner+`"}}`, role(unnamed.APIKey))

	var subs []struct {
		Name string `json:"name"`
	}
	require.NoError(t, json.Unmarshal([]byte(c.info(`{"type":"subAccounts","user":"`+c.owner+`"}`)), &subs))
	require.Len(t, subs, 4)
	require.Equal(t, "null", c.info(`{"type":"subAccounts","user":"`+venue.RandomAddress()+`"}`))
}

// 1200 of weight in a minute: 20 questions about roles.
func TestWeights(t *testing.T) {
	c := newClient(t)
	question := `{"type":"userRole","user":"` + c.owner + `"}`
	for range 20 {
		c.info(question)
	}
	status, _ := c.post("/info", `{"type":"exchangeStatus"}`)
	require.Equal(t, http.StatusTooManyRequests, status)
	require.NotEmpty(t, c.act(noop, ""))
	*c.clock = c.clock.Add(time.Minute)
	c.info(question)
	c.Reset()
	require.Empty(t, c.act(noop, ""), "a reset forgets nonces as well")
}

package orderly

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is the owner of a main account, with one of its keys.
type client struct {
	*testing.T
	*simulator.Simulator
	wallet  *venue.Wallet
	main    string
	clock   *time.Time
	private ed25519.PrivateKey
	acting  string
}

func newClient(t *testing.T) *client {
	s, clock := venuetest.StartAt(t, Venue(), time.UnixMilli(vectorTime))
	c := &client{T: t, Simulator: s, wallet: venuetest.WalletOf(t, s.Exchange("orderly").PrivateKey), clock: clock}
	c.main = accountID(c.wallet.Address(), brokerID)
	c.acting = c.main
	c.private = c.pair()
	require.Zero(t, c.add(c.message(c.private, "read,trading,asset", "")).Code)
	return c
}

func (c *client) pair() ed25519.PrivateKey {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(c, err)
	return private
}

func textOf(private ed25519.PrivateKey) string {
	return keyText(private.Public().(ed25519.PublicKey))
}

// as is the client with another key, acting for the account that the key
// belongs to.
func (c *client) as(private ed25519.PrivateKey, acting string) *client {
	other := *c
	other.private, other.acting = private, acting
	return &other
}

// forAccount is the client acting for a sub-account.
func (c *client) forAccount(acting string) *client { return c.as(c.private, acting) }

type answer struct {
	status  int
	Success bool            `json:"success"`
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

func (c *client) do(request *http.Request) answer {
	c.Helper()
	status, body := venuetest.Do(c.T, request)
	a := answer{status: status}
	require.NoError(c, json.Unmarshal([]byte(body), &a), body)
	require.Equal(c, a.Success, a.Code == 0)
	return a
}

func (c *client) request(method, target, body string) *http.Request {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), method, c.Exchange("orderly").BaseURL+target, strings.NewReader(body))
	require.NoError(c, err)
	return request
}

// call makes a call signed by the key.
func (c *client) call(method, target, body string) answer {
	c.Helper()
	request := c.request(method, target, body)
	timestamp := strconv.FormatInt(c.clock.UnixMilli(), 10)
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodGet {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("orderly-account-id", c.acting)
	request.Header.Set("orderly-key", textOf(c.private))
	request.Header.Set("orderly-timestamp", timestamp)
	request.Header.Set("orderly-signature", base64.URLEncoding.EncodeToString(ed25519.Sign(c.private, []byte(timestamp+method+target+body))))
	return c.do(request)
}

func (c *client) get(target string) answer { return c.call(http.MethodGet, target, "") }
func (c *client) post(path, body string) answer {
	return c.call(http.MethodPost, path, body)
}

// message asks for a key of the account or a sub-account.
func (c *client) message(private ed25519.PrivateKey, scope, subAccount string) map[string]any {
	m := map[string]any{
		"brokerId": brokerID, "chainId": 42161, "orderlyKey": textOf(private), "scope": scope, "tag": "vlt-1",
		"timestamp": c.clock.UnixMilli(), "expiration": c.clock.Add(time.Hour).UnixMilli(),
	}
	if subAccount != "" {
		m["subAccountId"] = subAccount
	}
	return m
}

// add signs and sends a registration.
func (c *client) add(message map[string]any) answer {
	c.Helper()
	encoded, err := json.Marshal(map[string]any{"message": message, "signature": "", "userAddress": c.wallet.Address()})
	require.NoError(c, err)
	r, err := readRegistration(encoded)
	require.NoError(c, err)
	compact := ecdsa.SignCompact(c.wallet.Key, r.digest(), false)
	return c.send(message, "0x"+hex.EncodeToString(append(compact[1:], compact[0])))
}

func (c *client) send(message map[string]any, signature string) answer {
	c.Helper()
	body, err := json.Marshal(map[string]any{"message": message, "signature": signature, "userAddress": c.wallet.Address()})
	require.NoError(c, err)
	return c.do(c.request(http.MethodPost, "/v1/orderly_key", string(body)))
}

func (c *client) check(account, key string) answer {
	return c.do(c.request(http.MethodGet, "/v1/get_orderly_key?account_id="+account+"&orderly_key="+url.QueryEscape(key), ""))
}

// statuses lists the account's keys by status.
func (c *client) statuses(filter string) map[string]string {
	c.Helper()
	var data struct {
		Rows []struct {
			Key    string `json:"orderly_key"`
			Status string `json:"key_status"`
		} `json:"rows"`
	}
	require.NoError(c, json.Unmarshal(c.get("/v1/client/key_info"+filter).Data, &data))
	found := map[string]string{}
	for _, row := range data.Rows {
		found[row.Key] = row.Status
	}
	return found
}

func TestKeyLife(t *testing.T) {
	c := newClient(t)
	sub := c.Exchange("orderly").SubAccounts[0]
	private := c.pair()
	public := textOf(private)
	require.Zero(t, c.add(c.message(private, "read,trading", sub)).Code)
	require.JSONEq(t, fmt.Sprintf(`{"orderly_key":%q,"scope":"read,trading","expiration":%d,"tag":"vlt-1"}`,
		public, c.clock.Add(time.Hour).UnixMilli()), string(c.check(sub, public).Data))
	require.Equal(t, missing, c.check(c.main, public).Code, "it is not a key of the main account")
	require.Len(t, c.Keys(), 1, "the owner's own keys do not count as minted")

	user := c.as(private, sub)
	require.Zero(t, user.get("/v1/client/info").Code)
	require.Zero(t, user.get("/v1/client/holding").Code)
	require.Zero(t, user.post("/v1/client/leverage", `{"leverage":5}`).Code)
	require.Zero(t, user.post("/v1/order", `{"symbol":"PERP_ETH_USDC","order_type":"MARKET","order_quantity":0.01,"side":"BUY"}`).Code)
	transfer := `{"token":"USDC","receiver_list":[{"account_id":"` + c.main + `","amount":"1"}]}`
	require.Equal(t, unauthorized, user.post("/v1/internal_transfer", transfer).Code)
	require.Zero(t, c.post("/v1/internal_transfer", transfer).Code)
	require.Equal(t, invalid, c.post("/v1/withdraw_request", `{}`).Code, "not even with all scopes")
	require.Equal(t, unauthorized, user.forAccount(c.main).get("/v1/client/holding").Code)
	remove := `{"orderly_key":"` + public + `"}`
	require.Equal(t, unauthorized, user.post("/v1/client/remove_orderly_key", remove).Code)

	manager := c.forAccount(sub)
	require.Equal(t, map[string]string{public: "ACTIVE"}, manager.statuses(""))
	require.Equal(t, missing, c.post("/v1/client/remove_orderly_key", remove).Code, "not one of the main account's keys")
	require.Zero(t, manager.post("/v1/client/remove_orderly_key", remove).Code)
	require.Equal(t, unauthorized, user.get("/v1/client/holding").Code)
	require.Equal(t, map[string]string{public: "REMOVING"}, manager.statuses("?key_status=REMOVING"))
	require.Empty(t, manager.statuses("?key_status=ACTIVE"))
	require.Zero(t, c.check(sub, public).Code, "known until it is removed")
	*c.clock = c.clock.Add(removing)
	require.Equal(t, map[string]string{public: "REMOVED"}, manager.statuses(""))
	require.Equal(t, missing, c.check(sub, public).Code)
	require.Equal(t, missing, manager.post("/v1/client/remove_orderly_key", remove).Code)
	require.Equal(t, duplicate, c.add(c.message(private, "read", sub)).Code, "a key can be registered once")
	require.Equal(t, []string{public}, c.Deletions("orderly"))
}

func TestExpiry(t *testing.T) {
	c := newClient(t)
	sub, private := c.Exchange("orderly").SubAccounts[0], c.pair()
	require.Zero(t, c.add(c.message(private, "read", sub)).Code)
	*c.clock = c.clock.Add(time.Hour - time.Millisecond)
	require.Zero(t, c.as(private, sub).get("/v1/client/holding").Code)
	*c.clock = c.clock.Add(time.Millisecond)
	require.Equal(t, unauthorized, c.as(private, sub).get("/v1/client/holding").Code)
	require.Equal(t, missing, c.check(sub, textOf(private)).Code)
	require.Empty(t, c.Keys())
}

func TestRegistrationRefusals(t *testing.T) {
	c := newClient(t)
	sub := c.Exchange("orderly").SubAccounts[0]
	for name, test := range map[string]struct {
		spoil func(map[string]any)
		want  int
	}{
		"broker":              {func(m map[string]any) { m["brokerId"] = "nobody" }, noBroker},
		"stale":               {func(m map[string]any) { m["timestamp"] = c.clock.Add(-301 * time.Second).UnixMilli() }, invalid},
		"early":               {func(m map[string]any) { m["timestamp"] = c.clock.Add(301 * time.Second).UnixMilli() }, invalid},
		"chain":               {func(m map[string]any) { m["chainId"] = 1 }, invalid},
		"key":                 {func(m map[string]any) { m["orderlyKey"] = "ed25519:x" }, invalid},
		"scope":               {func(m map[string]any) { m["scope"] = "read, trading" }, invalid},
		"scope twice":         {func(m map[string]any) { m["scope"] = "read,read" }, invalid},
		"past":                {func(m map[string]any) { m["expiration"] = c.clock.UnixMilli() }, invalid},
		"more than a year":    {func(m map[string]any) { m["expiration"] = c.clock.Add(maxAge + time.Second).UnixMilli() }, invalid},
		"tag":                 {func(m map[string]any) { m["tag"] = strings.Repeat("x", 33) }, invalid},
		"foreign sub-account": {func(m map[string]any) { m["subAccountId"] = "0x01" }, missing},
	} {
		message := c.message(c.pair(), "read", sub)
		test.spoil(message)
		require.Equal(t, test.want, c.add(message).Code, name)
		*c.clock = c.clock.Add(time.Second)
	}
	require.Equal(t, invalid, c.send(c.message(c.pair(), "read", sub), "0x"+strings.Repeat("00", 65)).Code)
	require.Equal(t, invalid, c.do(c.request(http.MethodPost, "/v1/orderly_key", `{"message":{"brokerID":1}}`)).Code)
	unregistered, _ := c.Root("orderly", "unregistered")
	c.wallet = venuetest.WalletOf(t, unregistered.PrivateKey)
	require.Equal(t, missing, c.add(c.message(c.pair(), "read", "")).Code)
	require.Empty(t, c.Keys())
}

func TestAddresses(t *testing.T) {
	c := newClient(t)
	sub, private := c.Exchange("orderly").SubAccounts[0], c.pair()
	require.Zero(t, c.add(c.message(private, "read", sub)).Code)
	manager, user := c.forAccount(sub), c.as(private, sub)
	set := func(list string) answer {
		return manager.post("/v1/client/set_orderly_key_ip_restriction", fmt.Sprintf(`{"orderly_key":%q,"ip_restriction_list":%q}`, textOf(private), list))
	}
	for _, list := range []string{"", "203.0.113.0/24", "2001:db8::7", "10.0.0.9-10.0.0.1", "anywhere"} {
		require.Equal(t, invalid, set(list).Code, list)
	}
	require.JSONEq(t, `{"ip_restriction_list":["203.0.113.7"]}`, string(set("203.0.113.7").Data))
	require.Equal(t, unauthorized, user.get("/v1/client/holding").Code)
	*c.clock = c.clock.Add(time.Minute)
	require.Zero(t, set("203.0.113.7,127.0.0.1").Code)
	require.Zero(t, user.get("/v1/client/holding").Code)
	reset := func(mode string) int {
		return manager.post("/v1/client/reset_orderly_key_ip_restriction", fmt.Sprintf(`{"orderly_key":%q,"reset_mode":%q}`, textOf(private), mode)).Code
	}
	require.Equal(t, invalid, reset("SOME"))
	require.Zero(t, reset("DISALLOW_ALL_IPS"))
	require.Equal(t, unauthorized, user.get("/v1/client/holding").Code)
	require.Zero(t, reset("ALLOW_ALL_IPS"))
	require.Zero(t, user.get("/v1/client/holding").Code)
}

func TestAccounts(t *testing.T) {
	c := newClient(t)
	account := func(query string) answer { return c.do(c.request(http.MethodGet, "/v1/get_account?"+query, "")) }
	require.Contains(t, string(account("address="+c.wallet.Address()+"&broker_id=woofi_pro").Data), c.main)
	var found struct {
		UserID int64 `json:"user_id"` // a string is not one
	}
	require.NoError(t, json.Unmarshal(account("address="+c.wallet.Address()+"&broker_id=woofi_pro").Data, &found))
	require.Positive(t, found.UserID)
	require.Equal(t, missing, account("address="+venue.RandomAddress()+"&broker_id=woofi_pro&chain_type=EVM").Code)
	require.Equal(t, noBroker, account("address="+c.wallet.Address()+"&broker_id=nobody").Code)
	require.Equal(t, invalid, account("broker_id=woofi_pro").Code)
	require.Equal(t, unknownParam, account("address="+c.wallet.Address()+"&broker_id=woofi_pro&x=1").Code)

	require.Zero(t, c.post("/v1/client/add_sub_account", `{"description":"desk9"}`).Code)
	require.Contains(t, string(c.get("/v1/client/sub_account").Data), "desk9")
	sub := c.Exchange("orderly").SubAccounts[3]
	require.Equal(t, invalid, c.forAccount(sub).get("/v1/client/sub_account").Code, "only the main account has sub-accounts")
	require.Equal(t, http.StatusOK, c.do(c.request(http.MethodGet, "/v1/public/system_info", "")).status)
	require.Equal(t, http.StatusTooManyRequests, c.do(c.request(http.MethodGet, "/v1/public/system_info", "")).status)
	for _, body := range []string{`{}`, `{"symbol":"X","order_type":"ICEBERG","side":"BUY","order_quantity":1}`} {
		require.Equal(t, invalid, c.post("/v1/order", body).Code)
	}
	require.Equal(t, invalid, c.post("/v1/client/leverage", `{"leverage":0}`).Code)
	require.Equal(t, invalid, c.post("/v1/internal_transfer", `{"token":"USDC","receiver_list":[]}`).Code)
	require.Equal(t, invalid, c.get("/v1/client/key_info?key_status=ALIVE").Code)
	require.Equal(t, invalid, c.post("/v1/client/remove_orderly_key", `{"orderly_key":"`+textOf(c.private)+`"}`).Code, "not itself")
	response, err := http.Get(c.Exchange("orderly").BaseURL + "/elsewhere")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusNotFound, response.StatusCode)
}

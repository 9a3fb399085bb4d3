package simulator_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// bitgetClient signs requests as Bitget's documentation says, with one
// credential.
type bitgetClient struct {
	*testing.T
	simulator.Access
	now  func() time.Time
	http *http.Client
}

func newBitgetClient(t *testing.T, s *simulator.Simulator, root string) *bitgetClient {
	t.Helper()
	access, ok := s.Root("bitget", root)
	require.True(t, ok)
	return &bitgetClient{T: t, Access: access, now: time.Now, http: http.DefaultClient}
}

// with is the client with another credential.
func (c *bitgetClient) with(credential simulator.Credential) *bitgetClient {
	other := *c
	other.Credential = credential
	return &other
}

// from is the client with another network address.
func (c *bitgetClient) from(address string) *bitgetClient {
	other := *c
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	c.Cleanup(transport.CloseIdleConnections)
	other.http = &http.Client{Transport: transport}
	return &other
}

type bitgetAnswer struct {
	t      *testing.T
	status int
	header http.Header

	Code string          `json:"code"`
	Msg  string          `json:"msg"`
	Data json.RawMessage `json:"data"`
}

// into decodes the data of a success.
func (a bitgetAnswer) into(data any) {
	a.t.Helper()
	require.Equal(a.t, "00000", a.Code, a.Msg)
	require.Equal(a.t, http.StatusOK, a.status)
	require.NoError(a.t, json.Unmarshal(a.Data, data))
}

func (c *bitgetClient) get(target string) bitgetAnswer {
	c.Helper()
	return c.do(c.signed(http.MethodGet, target, ""))
}

// post sends the fields as a JSON object.
func (c *bitgetClient) post(path string, fields map[string]any) bitgetAnswer {
	c.Helper()
	body, err := json.Marshal(fields)
	require.NoError(c, err)
	return c.do(c.signed(http.MethodPost, path, string(body)))
}

func (c *bitgetClient) signed(method, target, body string) *http.Request {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), method, c.BaseURL+target, strings.NewReader(body))
	require.NoError(c, err)
	timestamp := strconv.FormatInt(c.now().UnixMilli(), 10)
	request.Header.Set("ACCESS-KEY", c.APIKey)
	request.Header.Set("ACCESS-SIGN", c.sign(timestamp+method+target+body))
	request.Header.Set("ACCESS-TIMESTAMP", timestamp)
	request.Header.Set("ACCESS-PASSPHRASE", c.Passphrase)
	request.Header.Set("Content-Type", "application/json")
	return request
}

func (c *bitgetClient) sign(text string) string {
	c.Helper()
	if c.PrivateKey != "" {
		block, _ := pem.Decode([]byte(c.PrivateKey))
		private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		require.NoError(c, err)
		digest := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(rand.Reader, private.(*rsa.PrivateKey), crypto.SHA256, digest[:])
		require.NoError(c, err)
		return base64.StdEncoding.EncodeToString(signature)
	}
	mac := hmac.New(sha256.New, []byte(c.APISecret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (c *bitgetClient) do(request *http.Request) bitgetAnswer {
	c.Helper()
	response, err := c.http.Do(request)
	require.NoError(c, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c, err)
	answer := bitgetAnswer{t: c.T, status: response.StatusCode, header: response.Header}
	require.NoError(c, json.Unmarshal(body, &answer))
	return answer
}

// The requests that create keys, by kind of account.
const (
	bitgetUnifiedCreate = "/api/v3/user/create-sub-api"
	bitgetClassicCreate = "/api/v2/user/create-virtual-subaccount-apikey"
	bitgetClassicEdit   = "/api/v2/user/modify-virtual-subaccount-apikey"
	bitgetBrokerCreate  = "/api/v2/broker/manage/create-subaccount-apikey"
)

type bitgetKey struct {
	APIKey, SubAccountAPIKey string
	Secret, SecretKey        string
	Note, Label              string
	Type, PermType           string
	Permissions, PermList    []string
	IPs, IPList              []string
}

// fields are those of a good request that creates a read-only key in the first
// sub-account, with some of them replaced; nil takes one away.
func (c *bitgetClient) fields(path string, more map[string]any) map[string]any {
	fields := map[string]any{"passphrase": "Minted0001"}
	switch path {
	case bitgetUnifiedCreate:
		fields["subUid"], fields["note"], fields["type"] = c.SubAccounts[0], "lease1", "read_only"
		fields["permissions"], fields["ips"] = []string{"uta_trade"}, []string{"127.0.0.1"}
	case bitgetClassicCreate:
		fields["subAccountUid"], fields["label"] = c.SubAccounts[0], "lease1"
		fields["permList"], fields["ipList"] = []string{"read"}, []string{"127.0.0.1"}
	case bitgetBrokerCreate:
		fields["subUid"], fields["label"], fields["permType"] = c.SubAccounts[0], "lease1", "readonly"
		fields["permList"], fields["ipList"] = []string{"spot_trade"}, []string{"127.0.0.1"}
	}
	for name, value := range more {
		if fields[name] = value; value == nil {
			delete(fields, name)
		}
	}
	return fields
}

// mint creates a key.
func (c *bitgetClient) mint(path string, more map[string]any) (bitgetKey, simulator.Credential) {
	c.Helper()
	var key bitgetKey
	c.post(path, c.fields(path, more)).into(&key)
	return key, simulator.Credential{
		APIKey: key.APIKey + key.SubAccountAPIKey, APISecret: key.Secret + key.SecretKey, Passphrase: "Minted0001",
	}
}

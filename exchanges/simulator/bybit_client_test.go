package simulator_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
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

// bybitClient signs requests as Bybit's documentation says, with one credential.
type bybitClient struct {
	*testing.T
	simulator.Access
	now  func() time.Time
	http *http.Client
}

func newBybitClient(t *testing.T, s *simulator.Simulator, root string) *bybitClient {
	t.Helper()
	access, ok := s.Root("bybit", root)
	require.True(t, ok)
	return &bybitClient{T: t, Access: access, now: time.Now, http: http.DefaultClient}
}

// with is the client with another credential.
func (c *bybitClient) with(credential simulator.Credential) *bybitClient {
	other := *c
	other.Credential = credential
	return &other
}

// from is the client with another network address.
func (c *bybitClient) from(address string) *bybitClient {
	other := *c
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	c.Cleanup(transport.CloseIdleConnections)
	other.http = &http.Client{Transport: transport}
	return &other
}

type bybitAnswer struct {
	t      *testing.T
	status int
	header http.Header
	body   string

	RetCode int             `json:"retCode"`
	RetMsg  string          `json:"retMsg"`
	Result  json.RawMessage `json:"result"`
	Time    int64           `json:"time"`
}

// into decodes the result of a success.
func (a bybitAnswer) into(result any) {
	a.t.Helper()
	require.Equal(a.t, 0, a.RetCode, a.RetMsg)
	require.NoError(a.t, json.Unmarshal(a.Result, result))
}

func (c *bybitClient) get(path, query string) bybitAnswer {
	c.Helper()
	return c.do(c.signed(http.MethodGet, path, query, ""))
}

func (c *bybitClient) post(path, body string) bybitAnswer {
	c.Helper()
	return c.do(c.signed(http.MethodPost, path, "", body))
}

func (c *bybitClient) signed(method, path, query, body string) *http.Request {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), method, c.BaseURL+path, strings.NewReader(body))
	require.NoError(c, err)
	request.URL.RawQuery = query
	timestamp := strconv.FormatInt(c.now().UnixMilli(), 10)
	request.Header.Set("X-BAPI-API-KEY", c.APIKey)
	request.Header.Set("X-BAPI-TIMESTAMP", timestamp)
	request.Header.Set("X-BAPI-RECV-WINDOW", "5000")
	request.Header.Set("X-BAPI-SIGN", c.sign(timestamp+c.APIKey+"5000"+query+body))
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	return request
}

func (c *bybitClient) sign(text string) string {
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
	return hex.EncodeToString(mac.Sum(nil))
}

func (c *bybitClient) do(request *http.Request) bybitAnswer {
	c.Helper()
	response, err := c.http.Do(request)
	require.NoError(c, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c, err)
	answer := bybitAnswer{t: c.T, status: response.StatusCode, header: response.Header, body: string(body)}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		require.NoError(c, json.Unmarshal(body, &answer))
	}
	return answer
}

// mint creates a read-write key and returns its credential. The fields are those
// beside subuid and readOnly.
func (c *bybitClient) mint(subAccount, fields string) simulator.Credential {
	c.Helper()
	var key bybitKey
	c.post("/v5/user/create-sub-api", `{"subuid":`+subAccount+`,"readOnly":0,`+fields+`}`).into(&key)
	require.NotEmpty(c, key.Secret)
	return simulator.Credential{APIKey: key.APIKey, APISecret: key.Secret}
}

type bybitKey struct {
	ID          string              `json:"id"`
	Note        string              `json:"note"`
	APIKey      string              `json:"apiKey"`
	ReadOnly    any                 `json:"readOnly"` // a number, in lists a boolean
	Secret      string              `json:"secret"`
	Permissions map[string][]string `json:"permissions"`
	IPs         []string            `json:"ips"`
	Status      int                 `json:"status"`
	ExpiredAt   string              `json:"expiredAt"`
	DeadlineDay int                 `json:"deadlineDay"`
	IsMaster    bool                `json:"isMaster"`
	ParentUID   string              `json:"parentUid"`
	UserID      int                 `json:"userID"`
	RSAKey      string              `json:"rsaPublicKey"`
}

// granted are the groups that hold anything.
func (k bybitKey) granted() map[string][]string {
	granted := make(map[string][]string)
	for group, values := range k.Permissions {
		if len(values) > 0 {
			granted[group] = values
		}
	}
	return granted
}

// unhurried is a simulator whose rate limits do not get into the way.
func unhurried(t *testing.T) *simulator.Simulator {
	return start(t, simulator.Options{RateMultiplier: 1000})
}

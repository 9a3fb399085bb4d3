package simulator_test

import (
	"crypto"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// stall is an exchange invented for these tests, so that they depend on no real
// one. Its callers send key and secret unsigned.
type stall struct{}

// stalls lists two such exchanges.
func stalls() []venue.Listing {
	rules := func() venue.Rules { return stall{} }
	return []venue.Listing{{Name: "stall", New: rules}, {Name: "booth", New: rules}}
}

func (stall) Seed(b *venue.Books, now time.Time, rsaPair func() crypto.Signer) {
	master := b.AddAccount(&venue.Account{ID: "master", Created: now})
	for _, kind := range []string{venue.MainRoot, "read_only", "no_right", "unbound"} {
		b.AddKey(&venue.Key{Kind: kind, APIKey: kind, Secret: venue.RandomText(10, venue.Digits), Account: master, Created: now})
	}
	b.AddKey(&venue.Key{Kind: "rsa", APIKey: "rsa", Signer: rsaPair, Account: master, Created: now})
}

func (stall) AddSubAccount(b *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return b.AddAccount(&venue.Account{ID: "sub" + strconv.Itoa(len(b.Accounts)), Parent: master, Created: now})
}

func (s stall) Routes() []venue.Route {
	return []venue.Route{
		{Pattern: "GET /time", Operation: exchanges.OpServerTime, Public: true, Handle: s.time},
		{Pattern: "POST /keys", Operation: exchanges.OpCreateKey, Handle: s.createKey},
	}
}

func (s stall) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	apiKey, secret, _ := c.BasicAuth()
	if k := c.Books.Key(apiKey); k != nil && k.Secret == secret {
		return k, nil
	}
	return nil, venue.TextAnswer(http.StatusUnauthorized, "", "")
}

func (stall) RateLimited(*venue.Call, venue.Quota) *venue.Answer {
	return venue.TextAnswer(http.StatusTooManyRequests, "", "")
}

func (stall) NotFound(*venue.Call) *venue.Answer {
	return venue.TextAnswer(http.StatusNotFound, "", "")
}

func (stall) time(c *venue.Call) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, c.Now.Unix())
}

func (stall) createKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	k := &venue.Key{
		APIKey: venue.RandomText(10, venue.Digits), Secret: venue.RandomText(20, venue.Digits),
		Account: c.Books.Account(p.Text("sub_account")), Label: p.Text("label"), Created: c.Now,
	}
	p.Value("permissions", &k.Permissions)
	p.Value("ips", &k.IPs)
	c.Books.AddKey(k)
	return venue.JSONAnswer(http.StatusOK, map[string]string{"api_key": k.APIKey, "secret": k.Secret})
}

func (stall) Forecast() venue.Forecast {
	return venue.Forecast{Refusable: map[string]exchanges.Operation{"label": exchanges.OpCreateKey}}
}

func (stall) RefuseParameter(*venue.Call, string) *venue.Answer {
	return venue.TextAnswer(http.StatusBadRequest, "", "")
}

// mint makes a key with the stall's main root.
func mint(t *testing.T, s *simulator.Simulator, body string) simulator.Credential {
	t.Helper()
	root := s.Exchange("stall")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, root.BaseURL+"/keys", strings.NewReader(body))
	require.NoError(t, err)
	request.SetBasicAuth(root.APIKey, root.APISecret)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	var minted struct {
		APIKey string `json:"api_key"`
		Secret string `json:"secret"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&minted))
	return simulator.Credential{APIKey: minted.APIKey, APISecret: minted.Secret}
}

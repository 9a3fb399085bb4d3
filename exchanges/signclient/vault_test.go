package signclient_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/signclient"
)

// token is that of the bot.
const token = "token-of-the-bot"

// stand is a server in the place of Vault or of an exchange. It keeps what it is asked.
type stand struct {
	*httptest.Server
	mu    sync.Mutex
	asked []asked
}

// asked is one request, its body as JSON if it is that.
type asked struct {
	*http.Request
	body   string
	fields map[string]any
}

// newStand starts a server that gives each request to answer.
func newStand(t *testing.T, answer func(http.ResponseWriter, asked)) *stand {
	s := &stand{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var raw json.RawMessage
		a := asked{Request: r}
		if json.NewDecoder(r.Body).Decode(&raw) == nil {
			a.body = string(raw)
			_ = json.Unmarshal(raw, &a.fields)
		}
		s.mu.Lock()
		s.asked = append(s.asked, a)
		s.mu.Unlock()
		answer(w, a)
	}))
	t.Cleanup(s.Close)
	return s
}

// all are the requests so far.
func (s *stand) all() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]asked(nil), s.asked...)
}

// only is the one request that there was.
func (s *stand) only(t *testing.T) asked {
	all := s.all()
	require.Len(t, all, 1)
	return all[0]
}

// openExchange is a server in the place of an exchange, which takes everything.
func openExchange(t *testing.T) *stand {
	return newStand(t, func(w http.ResponseWriter, _ asked) { _, _ = w.Write([]byte(`{"retCode":0}`)) })
}

// signing is a server in the place of Vault that answers with those fields.
func signing(t *testing.T, answer map[string]any) *stand {
	return newStand(t, func(w http.ResponseWriter, _ asked) {
		_ = json.NewEncoder(w).Encode(map[string]any{"data": answer})
	})
}

// refusing is a server in the place of Vault that refuses.
func refusing(t *testing.T, status int, reasons ...string) *stand {
	return newStand(t, func(w http.ResponseWriter, _ asked) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": reasons})
	})
}

// signerAt is the signer of a static role at that server.
func signerAt(t *testing.T, vault *stand) *signclient.Signer {
	config := api.DefaultConfig()
	config.Address = vault.URL
	config.MaxRetries = 0
	client, err := api.NewClient(config)
	require.NoError(t, err)
	client.SetToken(token)
	s, err := signclient.New(client, "exchange/sign/gateway")
	require.NoError(t, err)
	return s
}

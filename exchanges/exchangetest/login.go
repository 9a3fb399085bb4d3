package exchangetest

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// Logins is testdata/<exchange>/logins.json: logins to the WebSocket made by other
// software.
type Logins struct {
	MadeBy     string           `json:"made_by"`
	APIKey     string           `json:"api_key"`
	Secret     exchanges.Secret `json:"secret"`
	Passphrase exchanges.Secret `json:"passphrase"`
	PrivateKey exchanges.Secret `json:"private_key"`
	SubAccount string           `json:"sub_account"`
	// Milliseconds is when the logins were made.
	Milliseconds int64 `json:"milliseconds"`
	// Random are parameters that are new in each login, so that a test of the
	// exchange's own package compares them.
	Random []string `json:"random"`
	Logins []Login  `json:"logins"`
}

// Login is one login.
type Login struct {
	Channel string `json:"channel"`
	// Variant is the one that the login applies to; empty means all.
	Variant string `json:"variant"`
	URL     string `json:"url"`
	// Message is the text that logs in, without what only names it.
	Message json.RawMessage `json:"message"`
}

// ReadLogins reads the logins of an exchange.
func ReadLogins(t testing.TB, exchange string) (logins Logins) {
	readStrictly(t, testdata(exchange, "logins.json"), &logins)
	require.NotEmpty(t, logins.Logins)
	return logins
}

// unreachable is a transport for what must not need the network.
type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("there is no network")
}

// testLogins compares logins with those of other software, byte by byte but for what
// only names them, and checks what a login may be asked for.
func (s *suite) testLogins(t *testing.T) {
	signing := s.variant.Signing
	t.Run("refusals", func(t *testing.T) {
		signer := s.start(t).account(t).(exchanges.LoginSigner)
		_, err := signer.SignLogin(t.Context(), exchanges.LoginRequest{Channel: "no-such"})
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		assert.ErrorContains(t, err, "channel")
		for _, channel := range signing.Logins {
			for _, validity := range []time.Duration{-time.Second, exchanges.MaxLoginValidity + time.Second} {
				_, err := signer.SignLogin(t.Context(), exchanges.LoginRequest{Channel: channel.Name, Validity: validity})
				require.ErrorIs(t, err, exchanges.ErrInvalid, channel.Name)
				assert.ErrorContains(t, err, "validity")
			}
		}
	})
	messages := false
	for _, channel := range signing.Logins {
		_, known := s.description.Environments[0].Streams[channel.Name]
		assert.Equal(t, channel.Request == "", known, "channel %s: where its message is sent is known at least in the first environment", channel.Name)
		messages = messages || channel.Request == ""
	}
	if !messages {
		return
	}
	made := ReadLogins(t, s.description.Name)
	checked := 0
	for _, want := range made.Logins {
		if want.Variant != "" && want.Variant != s.variant.Name {
			continue
		}
		checked++
		t.Run(want.Channel, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at := time.UnixMilli(made.Milliseconds)
				time.Sleep(time.Until(at))
				account, err := s.Exchange.Open(exchanges.Credential{
					APIKey: made.APIKey, APISecret: made.Secret, Passphrase: made.Passphrase, PrivateKey: made.PrivateKey, SubAccount: made.SubAccount,
				}, exchanges.Options{Variant: s.Variant, Transport: unreachable{}})
				require.NoError(t, err)
				defer account.Close()
				request := exchanges.LoginRequest{Channel: want.Channel}
				channel, err := signing.Channel(want.Channel)
				require.NoError(t, err)
				login, err := account.(exchanges.LoginSigner).SignLogin(t.Context(), request)
				require.NoError(t, err)
				assert.Equal(t, want.URL, login.URL)
				assert.JSONEq(t, string(lasting(t, want.Message, made.Random)), string(lasting(t, login.Message, made.Random)))
				validity := channel.Validity
				if channel.Chosen {
					validity = exchanges.MaxLoginValidity
				}
				if validity > 0 {
					assert.Equal(t, validity, login.ValidUntil.Sub(time.Now().Truncate(0)).Round(time.Second))
				} else {
					assert.Zero(t, login.ValidUntil)
				}
			})
		})
	}
	assert.Positive(t, checked)
}

// lasting is a login's message without what only names it, for its answer, and
// without the parameters that are new in each.
func lasting(t *testing.T, message []byte, random []string) []byte {
	var tree map[string]any
	require.NoError(t, json.Unmarshal(message, &tree))
	delete(tree, "id")
	if payload, has := tree["payload"].(map[string]any); has {
		delete(payload, "req_id")
	}
	if parameters, has := tree["params"].(map[string]any); has {
		for _, name := range random {
			assert.NotEmpty(t, parameters[name], name)
			delete(parameters, name)
		}
	}
	encoded, err := json.Marshal(tree)
	require.NoError(t, err)
	return encoded
}

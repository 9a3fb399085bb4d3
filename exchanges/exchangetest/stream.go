package exchangetest

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	kit "vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// testStreams logs in to the exchange's WebSockets with what a minted key has signed,
// and sees what becomes of the session when the key is deleted.
func (s *suite) testStreams(t *testing.T) {
	for _, channel := range s.variant.Signing.Logins {
		for _, keyType := range channel.KeyTypes {
			t.Run(channel.Name+"/"+string(keyType), func(t *testing.T) {
				if channel.Request != "" {
					s.testLoginRequest(t, channel, keyType)
					return
				}
				s.testStream(t, channel, keyType)
			})
		}
	}
}

// testLogons logs on to the exchange's FIX sessions with what a minted key has signed.
func (s *suite) testLogons(t *testing.T) {
	for _, keyType := range s.variant.Signing.Logons {
		v := s.start(t)
		signer, _, remove := s.loginOf(t, v, keyType)
		logsOn := func(fields map[int]string) bool { return v.LogsOn(s.description.Name, fields) }
		asked := exchanges.Logon{SenderCompID: "DESK", TargetCompID: "VENUE", MsgSeqNum: 1}
		fields, err := signer.(exchanges.LogonSigner).SignLogon(t.Context(), asked)
		require.NoError(t, err)
		require.True(t, logsOn(fields))
		forged := maps.Clone(fields)
		forged[exchanges.TagRawData] = forged[exchanges.TagRawData][1:] + "A"
		require.False(t, logsOn(forged))
		remove()
		require.False(t, logsOn(fields), "the key of the logon is gone")
	}
}

// loginOf mints a key of that type, and returns what signs logins with it and how it is
// deleted.
func (s *suite) loginOf(t *testing.T, v *venue, keyType exchanges.KeyType) (signer exchanges.LoginSigner, apiKey string, remove func()) {
	account := v.account(t)
	grant, err := s.variant.Grant(s.variant.Offered(), nil)
	require.NoError(t, err)
	o := s.orderOf(t, keyType, v.root(t).SubAccounts[0], grant)
	key := o.create(deadline(t), t, account)
	user := v.open(t, o.minted(key), v.options(t))
	return user.(exchanges.LoginSigner), key.APIKey, func() { require.True(t, v.RemoveKey(s.description.Name, key.APIKey)) }
}

// testLoginRequest checks a login that is a request.
func (s *suite) testLoginRequest(t *testing.T, channel exchanges.Channel, keyType exchanges.KeyType) {
	v := s.start(t)
	signer, _, _ := s.loginOf(t, v, keyType)
	login, err := signer.SignLogin(t.Context(), exchanges.LoginRequest{Channel: channel.Name})
	require.NoError(t, err)
	require.NotNil(t, login.Request)
	assert.Empty(t, login.Message)
	assert.Equal(t, channel.Request, login.Request.Method+" "+login.Request.URL.Path)
	assert.True(t, v.Verifies(s.description.Name, received(t, login.Request)))
}

func (s *suite) testStream(t *testing.T, channel exchanges.Channel, keyType exchanges.KeyType) {
	v := s.start(t)
	signer, apiKey, remove := s.loginOf(t, v, keyType)
	login, err := signer.SignLogin(t.Context(), exchanges.LoginRequest{Channel: channel.Name})
	require.NoError(t, err)
	require.Nil(t, login.Request)

	forged := dial(t, login.URL)
	forged.say(t, forge(t, login.Message))
	require.Empty(t, v.Sessions(s.description.Name), "a forged login is taken")

	session := dial(t, login.URL)
	session.say(t, login.Message)
	require.Equal(t, []string{apiKey}, v.Sessions(s.description.Name))
	session.say(t, []byte(`{"op":"ping","method":"ping"}`))

	if channel.Validity > 0 {
		v.advance(channel.Validity + time.Minute)
		late := dial(t, login.URL)
		late.say(t, login.Message)
		require.Len(t, v.Sessions(s.description.Name), 1, "a login that is too old is taken")
		v.advance(-channel.Validity - time.Minute)
	}

	about := s.Venue.New().(kit.Streamer).Stream()
	remove()
	switch {
	case about.EndsAtOnce != 0:
		require.Equal(t, about.EndsAtOnce, session.ends(t))
	case about.EndsNext:
		require.Equal(t, []string{apiKey}, v.Sessions(s.description.Name), "it ends only at its next message")
		require.NoError(t, session.Write(deadline(t), websocket.MessageText, []byte(`{"op":"ping","method":"ping"}`)))
		require.Equal(t, websocket.StatusPolicyViolation, session.ends(t))
	default:
		session.say(t, []byte(`{"op":"ping","method":"ping"}`))
		require.NoError(t, v.SetWeather(s.description.Name, "sessions_end", "next_message"))
		require.NoError(t, session.Write(deadline(t), websocket.MessageText, []byte(`{"op":"ping","method":"ping"}`)))
		require.Equal(t, websocket.StatusPolicyViolation, session.ends(t))

		require.NoError(t, v.SetWeather(s.description.Name, "sessions_end", "at_once"))
		signer, _, remove := s.loginOf(t, v, keyType)
		login, err := signer.SignLogin(t.Context(), exchanges.LoginRequest{Channel: channel.Name})
		require.NoError(t, err)
		other := dial(t, login.URL)
		other.say(t, login.Message)
		remove()
		require.Equal(t, websocket.StatusPolicyViolation, other.ends(t))
	}
}

// forge changes a login's signature, wherever that is.
func forge(t *testing.T, message []byte) []byte {
	var tree any
	require.NoError(t, json.Unmarshal(message, &tree))
	longest := ""
	walkText(tree, func(text string) {
		if len(text) > len(longest) {
			longest = text
		}
	})
	require.NotEmpty(t, longest)
	other := "A"
	if strings.HasPrefix(longest, "A") {
		other = "B"
	}
	if strings.Trim(longest, "0123456789abcdef") == "" {
		other = "0"
		if strings.HasPrefix(longest, "0") {
			other = "1"
		}
	}
	return []byte(strings.Replace(string(message), longest, other+longest[1:], 1))
}

// walkText visits every text in a JSON value.
func walkText(tree any, visit func(string)) {
	switch tree := tree.(type) {
	case string:
		visit(tree)
	case []any:
		for _, item := range tree {
			walkText(item, visit)
		}
	case map[string]any:
		for _, item := range tree {
			walkText(item, visit)
		}
	}
}

// connection is a WebSocket to the simulated exchange.
type connection struct{ *websocket.Conn }

func dial(t *testing.T, url string) connection {
	transport := &http.Transport{}
	made, refusal, err := websocket.Dial(deadline(t), url, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if refusal != nil && refusal.Body != nil {
		_ = refusal.Body.Close()
	}
	require.NoError(t, err, url)
	t.Cleanup(func() {
		_ = made.CloseNow()
		transport.CloseIdleConnections()
	})
	return connection{made}
}

// say sends a message and waits for its answer.
func (c connection) say(t *testing.T, message []byte) {
	t.Helper()
	require.NoError(t, c.Write(deadline(t), websocket.MessageText, message))
	_, answer, err := c.Read(deadline(t))
	require.NoError(t, err, "%s", message)
	require.NotEmpty(t, answer)
}

// ends waits for the exchange to close the connection, and returns the code.
func (c connection) ends(t *testing.T) websocket.StatusCode {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, _, err := c.Read(ctx)
	require.Error(t, err)
	return websocket.CloseStatus(err)
}

package rest

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/pace"
)

const mint, revoke = exchanges.OpCreateKey, exchanges.OpDeleteKey

func TestClientWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newStubClient(t, &stub{answers: []reply{ok(`{}`)}}, func(c *Config) {
			c.Limits = []exchanges.RateLimit{{Operation: exchanges.OpOneTimeCode, Requests: 1, Per: 30 * time.Second}}
		})
		require.NoError(t, client.Wait(t.Context(), "anything else", 5))
		require.NoError(t, client.Wait(t.Context(), exchanges.OpOneTimeCode, 2))
		err := client.Wait(exchanges.WithPatience(t.Context(), 45*time.Second), exchanges.OpOneTimeCode, 2)
		require.ErrorIs(t, err, exchanges.ErrRateLimited, "the second of two turns comes too late")
		require.ErrorIs(t, err, exchanges.ErrNotAsked)
		require.ErrorContains(t, err, "example: one-time code: ")
		start := time.Now()
		require.NoError(t, client.Wait(exchanges.WithPatience(t.Context(), 45*time.Second), exchanges.OpOneTimeCode, 1))
		require.Equal(t, 30*time.Second, time.Since(start))

		client.Pause(exchanges.OpOneTimeCode, time.Hour)
		start = time.Now()
		require.NoError(t, client.Wait(t.Context(), exchanges.OpOneTimeCode, 1))
		require.Equal(t, pace.MaxPause, time.Since(start), "no pause is longer")
	})
}

// Whoever waits to know is told when a call's turn has come.
func TestTurnsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newStubClient(t, &stub{answers: []reply{ok(`{}`)}}, func(c *Config) {
			c.Limits = []exchanges.RateLimit{{Operation: revoke, Requests: 1, Per: 10 * time.Second}}
		})
		began := time.Now()
		var turns []time.Duration
		ctx := exchanges.OnTurn(t.Context(), func() { turns = append(turns, time.Since(began)) })
		for range 2 {
			require.NoError(t, client.Do(ctx, Call{Operation: revoke, Method: http.MethodPost, Path: "/", Unsigned: true}, nil))
		}
		require.Error(t, client.Do(exchanges.WithPatience(ctx, time.Second), Call{Operation: revoke, Method: http.MethodPost, Path: "/", Unsigned: true}, nil))
		require.Equal(t, []time.Duration{0, 10 * time.Second}, turns)
	})
}

// Clients have one pace where the exchange counts their calls together.
func TestClientsShareAPace(t *testing.T) {
	description := exchanges.Description{
		Name:         "example",
		Environments: []exchanges.Environment{{BaseURL: "https://api.example.com"}, {Name: "testnet", BaseURL: "https://test.example.com"}},
		Variants:     []exchanges.Variant{{Name: "master"}, {Name: "link"}},
	}
	key := exchanges.Credential{APIKey: "key", APISecret: rootSecret}
	for name, test := range map[string]struct {
		credential exchanges.Credential
		options    exchanges.Options
		shared     bool
	}{
		"the same":                   {key, exchanges.Options{}, true},
		"the default spelt out":      {key, exchanges.Options{Variant: "master", BaseURL: "https://api.example.com"}, true},
		"other guard rails":          {key, exchanges.Options{Timeout: time.Minute, RateMultiplier: 0.5}, true},
		"a new secret":               {exchanges.Credential{APIKey: "key", APISecret: "another"}, exchanges.Options{}, true},
		"an account just told":       {key, exchanges.Options{Account: "7"}, true},
		"another key of the account": {exchanges.Credential{APIKey: "key 2"}, exchanges.Options{Account: "1"}, true},
		"another key":                {exchanges.Credential{APIKey: "key 2"}, exchanges.Options{}, false},
		"another account":            {exchanges.Credential{APIKey: "key 2"}, exchanges.Options{Account: "2"}, false},
		"another environment":        {key, exchanges.Options{Environment: "testnet"}, false},
		"another variant":            {key, exchanges.Options{Variant: "link"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			open := func(credential exchanges.Credential, options exchanges.Options) *Client {
				client, err := NewClient(description, credential, options, Config{Unwrap: unwrapStub})
				require.NoError(t, err)
				t.Cleanup(client.Close)
				return client
			}
			pacers := &pace.Pacers{}
			test.options.Pacers = pacers
			first := open(key, exchanges.Options{Pacers: pacers, Account: "1"})
			require.Equal(t, test.shared, first.pacer == open(test.credential, test.options).pacer)
			require.NotSame(t, first.pacer, open(key, exchanges.Options{}).pacer, "a pace of its own")
		})
	}
	t.Run("wallets", func(t *testing.T) {
		pacers := &pace.Pacers{}
		of := func(privateKey exchanges.Secret) *pace.Pacer {
			client, err := NewClient(description, exchanges.Credential{PrivateKey: privateKey}, exchanges.Options{Pacers: pacers}, Config{})
			require.NoError(t, err)
			t.Cleanup(client.Close)
			return client.pacer
		}
		require.Same(t, of("wallet one"), of("wallet one"))
		require.NotSame(t, of("wallet one"), of("wallet two"))
		require.NotContains(t, fmt.Sprintf("%#v", pacers), "wallet")
	})
}

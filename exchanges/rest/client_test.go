package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestNew(t *testing.T) {
	_, err := newClient(Config{BaseURL: "http://api.example.com"})
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, "base_url")
}

func TestDoSendsWhatIsSigned(t *testing.T) {
	s := &stub{answers: []reply{ok(`{"name":"desk","more":1}`)}}
	client := newStubClient(t, s)
	var out struct{ Name string }
	require.NoError(t, client.DoJSON(t.Context(), Call{
		Operation: "rename", Method: http.MethodPost, Path: "/v1/name", Query: Query("a", "1 2", "b", "&"),
	}, map[string]string{"to": "<desk>"}, Into(&out)))
	require.Equal(t, "desk", out.Name)

	require.Len(t, s.sent(), 1)
	request := s.sent()[0]
	require.Equal(t, "https://api.example.com/v1/name?a=1+2&b=%26", request.URL.String())
	require.JSONEq(t, `{"to":"<desk>"}`, request.body)
	require.Equal(t, "signature-of-POST/v1/namea=1+2&b=%26"+request.body, request.Header.Get("Signature"), "signed as sent")
	require.Equal(t, "application/json", request.Header.Get("Content-Type"))
	require.Equal(t, "tester", request.Header.Get("User-Agent"))
}

func TestDoWithoutSignature(t *testing.T) {
	s := &stub{answers: []reply{ok(`{}`)}}
	client := newStubClient(t, s)
	require.NoError(t, client.Do(t.Context(), Call{Method: http.MethodGet, Path: "/v1/status", Unsigned: true}, nil))
	require.Empty(t, s.sent()[0].Header.Get("Signature"))
	require.Empty(t, s.sent()[0].body)
	require.NoError(t, client.Do(t.Context(), Call{Method: http.MethodGet, Path: "/v1/status"}, nil))
	require.NotEmpty(t, s.sent()[1].Header.Get("Signature"))
}

// A token stands in for the signature, is scrubbed like one, and has nothing to
// do with the clock.
func TestDoWithBearer(t *testing.T) {
	const token = "token-of-an-earlier-call"
	s := &stub{answers: []reply{ok(`{}`), failed(exchanges.Error{Kind: exchanges.ErrAuth, Message: "of " + token, Err: ErrClock})}}
	client := newStubClient(t, s)
	call := Call{Operation: "rename", Method: http.MethodPost, Path: "/v1/name", Bearer: token}
	require.NoError(t, client.Do(t.Context(), call, nil))
	require.Equal(t, "Bearer "+token, s.sent()[0].Header.Get("Authorization"))
	require.Empty(t, s.sent()[0].Header.Get("Signature"))

	err := client.Do(t.Context(), call, nil)
	require.ErrorIs(t, err, ErrClock)
	require.NotContains(t, err.Error(), token)
	require.Len(t, s.sent(), 2, "with the same token it would be refused again")
}

// A call may be signed with another credential, which is scrubbed as well.
func TestDoWithAnotherCredential(t *testing.T) {
	s := &stub{answers: []reply{failed(exchanges.Error{Kind: exchanges.ErrAuth, Message: "not signed with other-secret"})}}
	err := newStubClient(t, s).Do(t.Context(), Call{
		Method: http.MethodGet, Path: "/a", Secrets: []exchanges.Secret{"other-secret"},
		Sign: func(request *Request, _ time.Time) error {
			request.Header.Set("Signature", "another's")
			return nil
		},
	}, nil)
	require.ErrorContains(t, err, "not signed with [redacted]")
	require.Equal(t, "another's", s.sent()[0].Header.Get("Signature"))
}

func TestDoRefusesBadCalls(t *testing.T) {
	s := &stub{answers: []reply{ok(`{}`)}}
	invalid := func(t *testing.T, err error) {
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		require.ErrorContains(t, err, "example: rename: ")
		require.Empty(t, s.sent())
	}
	call := Call{Operation: "rename", Method: http.MethodPost, Path: "/v1/name"}
	t.Run("a body that JSON cannot hold", func(t *testing.T) {
		invalid(t, newStubClient(t, s).DoJSON(t.Context(), call, make(chan int), nil))
	})
	t.Run("a request that cannot be formed", func(t *testing.T) {
		bad := call
		bad.Path = "/\x7f"
		invalid(t, newStubClient(t, s).Do(t.Context(), bad, nil))
	})
	t.Run("a request that cannot be signed", func(t *testing.T) {
		client := newStubClient(t, s, func(c *Config) { c.Sign = func(*Request, time.Time) error { return errors.New("no key") } })
		invalid(t, client.Do(t.Context(), call, nil))
		_, err := client.SignRequest(t.Context(), exchanges.UserRequest{Method: http.MethodGet, Path: "/"})
		require.ErrorIs(t, err, exchanges.ErrInvalid)
	})
}

// Which failures are tried again depends on whether the call may have run, and
// on what a second run would do.
func TestDoTriesAgain(t *testing.T) {
	closed := reply{broken: io.ErrUnexpectedEOF}
	unreached := reply{broken: errors.New("no route to host"), unreached: true}
	for _, test := range []struct {
		name   string
		answer reply
		// kind and number of tries for each effect
		once, idempotent, readOnly exchanges.Kind
		triesOnce, triesOther      int
	}{
		{"no connection", unreached, exchanges.ErrUnavailable, exchanges.ErrUnavailable, exchanges.ErrUnavailable, 3, 3},
		{"connection lost", closed, exchanges.ErrOutcomeUnknown, exchanges.ErrOutcomeUnknown, exchanges.ErrUnavailable, 1, 3},
		{"bad gateway", reply{status: 502, body: "<html>"}, exchanges.ErrOutcomeUnknown, exchanges.ErrOutcomeUnknown, exchanges.ErrUnavailable, 1, 3},
		{"page in place of JSON", ok("<html>"), exchanges.ErrOutcomeUnknown, exchanges.ErrOutcomeUnknown, exchanges.ErrUnavailable, 1, 3},
		{"another type", ok(`{"name":1}`), exchanges.ErrOutcomeUnknown, exchanges.ErrOutcomeUnknown, exchanges.ErrUnavailable, 1, 3},
		{"something missing", ok(`{}`), exchanges.ErrOutcomeUnknown, exchanges.ErrOutcomeUnknown, exchanges.ErrUnavailable, 1, 3},
		{"out of service", failed(exchanges.Error{Kind: exchanges.ErrUnavailable}), exchanges.ErrUnavailable, exchanges.ErrUnavailable, exchanges.ErrUnavailable, 3, 3},
		{"refused for rate", failed(exchanges.Error{Kind: exchanges.ErrRateLimited}), exchanges.ErrRateLimited, exchanges.ErrRateLimited, exchanges.ErrRateLimited, 3, 3},
		{"wrong credential", failed(exchanges.Error{Kind: exchanges.ErrAuth}), exchanges.ErrAuth, exchanges.ErrAuth, exchanges.ErrAuth, 1, 1},
		{"wrong parameter", failed(exchanges.Error{Kind: exchanges.ErrInvalid}), exchanges.ErrInvalid, exchanges.ErrInvalid, exchanges.ErrInvalid, 1, 1},
		{"redirect", reply{status: 302}, exchanges.ErrUnavailable, exchanges.ErrUnavailable, exchanges.ErrUnavailable, 3, 3},
	} {
		for effect, want := range map[Effect]struct {
			kind  exchanges.Kind
			tries int
		}{
			Once:       {test.once, test.triesOnce},
			Idempotent: {test.idempotent, test.triesOther},
			ReadOnly:   {test.readOnly, test.triesOther},
		} {
			synctest.Test(t, func(t *testing.T) {
				s := &stub{answers: []reply{test.answer}}
				client := newStubClient(t, s)
				var out struct{ Name string }
				err := client.Do(t.Context(), Call{
					Operation: "rename", Method: http.MethodGet, Path: "/", Effect: effect,
					Complete: func() bool { return out.Name != "" },
				}, Into(&out))
				require.ErrorIs(t, err, want.kind, test.name)
				require.Len(t, s.sent(), want.tries, "%s, effect %d", test.name, effect)
			})
		}
	}
}

// A try that failed leaves nothing behind in what a later one returns.
func TestDoStartsAfresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{answers: []reply{ok(`{"rights":{"a":"b"},"name":1}`), ok(`{"rights":{"c":"d"}}`)}}
		client := newStubClient(t, s)
		var out struct {
			Name   string
			Rights map[string]string
		}
		require.NoError(t, client.Do(t.Context(), Call{Method: http.MethodGet, Path: "/", Effect: ReadOnly}, Into(&out)))
		require.Equal(t, map[string]string{"c": "d"}, out.Rights)
	})
}

func TestDoTimeout(t *testing.T) {
	t.Run("of one request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &stub{answers: []reply{{silent: true}}}
			client := newStubClient(t, s, func(c *Config) { c.Options.Timeout = 5 * time.Second })
			start := time.Now()
			err := client.Do(t.Context(), Call{Method: http.MethodPost, Path: "/", Effect: Once}, nil)
			require.ErrorIs(t, err, exchanges.ErrOutcomeUnknown)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 5*time.Second, time.Since(start))
		})
	})
	t.Run("where none is set", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client := newStubClient(t, &stub{answers: []reply{{silent: true}}})
			start := time.Now()
			require.Error(t, client.Do(t.Context(), Call{Method: http.MethodPost, Path: "/", Effect: Once}, nil))
			require.Equal(t, exchanges.DefaultTimeout, time.Since(start))
		})
	})
	t.Run("of the caller, for all tries together", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &stub{answers: []reply{{silent: true}}}
			client := newStubClient(t, s, func(c *Config) { c.Options.Timeout = 5 * time.Second })
			ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
			defer cancel()
			start := time.Now()
			err := client.Do(ctx, Call{Method: http.MethodGet, Path: "/", Effect: ReadOnly}, nil)
			require.ErrorIs(t, err, exchanges.ErrUnavailable)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.LessOrEqual(t, time.Since(start), 7*time.Second)
			require.Len(t, s.sent(), 2)
		})
	})
	t.Run("no wait that the caller cannot outlast", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &stub{answers: []reply{{status: 502}}}
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			start := time.Now()
			err := newStubClient(t, s).Do(ctx, Call{Method: http.MethodGet, Path: "/", Effect: ReadOnly}, nil)
			require.ErrorIs(t, err, exchanges.ErrUnavailable)
			require.Equal(t, start, time.Now())
			require.Len(t, s.sent(), 1)
		})
	})
	t.Run("gone while waiting to try again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &stub{answers: []reply{{status: 502}}}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				done <- newStubClient(t, s).Do(ctx, Call{Method: http.MethodGet, Path: "/", Effect: ReadOnly}, nil)
			}()
			synctest.Wait()
			start := time.Now()
			cancel()
			require.ErrorIs(t, <-done, exchanges.ErrUnavailable)
			require.Equal(t, start, time.Now())
			require.Len(t, s.sent(), 1)
		})
	})
}

func TestDoWaitsAsAsked(t *testing.T) {
	call := Call{Operation: mint, Method: http.MethodPost, Path: "/", Effect: Once}
	limits := func(c *Config) {
		c.Limits = []exchanges.RateLimit{
			{Operation: mint, Requests: 10, Per: time.Second}, {Operation: revoke, Requests: 10, Per: time.Second},
		}
	}
	slowDown := exchanges.Error{Kind: exchanges.ErrRateLimited, Code: "42", Message: "slow down", RetryAfter: time.Minute}
	t.Run("the refusal's wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &stub{answers: []reply{failed(slowDown), ok(`{}`)}}
			client := newStubClient(t, s, limits)
			require.NoError(t, client.Do(t.Context(), call, nil))
			require.Equal(t, time.Minute, s.sent()[1].at.Sub(s.sent()[0].at))
		})
	})
	for name, answer := range map[string]struct {
		failure exchanges.Error
		effect  Effect
	}{
		"refusals that name none": {exchanges.Error{Kind: exchanges.ErrRateLimited}, Once},
		"a busy exchange":         {exchanges.Error{Kind: exchanges.ErrOutcomeUnknown, Err: ErrBusy}, Idempotent},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stub{answers: []reply{failed(answer.failure), failed(answer.failure), ok(`{}`)}}
				client := newStubClient(t, s, limits)
				call := call
				call.Effect = answer.effect
				require.NoError(t, client.Do(t.Context(), call, nil))
				require.Equal(t, firstPause, s.sent()[1].at.Sub(s.sent()[0].at))
				require.Equal(t, 2*firstPause, s.sent()[2].at.Sub(s.sent()[1].at))
			})
		})
	}
	t.Run("a busy exchange that may have done it", func(t *testing.T) {
		s := &stub{answers: []reply{failed(exchanges.Error{Kind: exchanges.ErrOutcomeUnknown, Err: ErrBusy})}}
		require.ErrorIs(t, newStubClient(t, s, limits).Do(t.Context(), call, nil), exchanges.ErrOutcomeUnknown)
		require.Len(t, s.sent(), 1)
	})
	t.Run("beyond the caller's patience", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &stub{answers: []reply{failed(slowDown)}}
			client := newStubClient(t, s, limits)
			start := time.Now()
			err := client.Do(exchanges.WithPatience(t.Context(), time.Second), call, nil)
			require.EqualError(t, err, "example: create key: rate limited (42): slow down")
			var failure *exchanges.Error
			require.True(t, errors.As(err, &failure))
			require.Equal(t, time.Minute, failure.RetryAfter)
			require.Equal(t, start, time.Now())
			require.Len(t, s.sent(), 1)
		})
	})
	t.Run("cancelled meanwhile", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &stub{answers: []reply{failed(slowDown)}}
			client := newStubClient(t, s, limits)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- client.Do(ctx, call, nil) }()
			synctest.Wait()
			cancel()
			err := <-done
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, exchanges.ErrUnavailable)
			require.ErrorIs(t, err, exchanges.ErrNotAsked)
		})
	})
	t.Run("a ban stops everything", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			banned := slowDown
			banned.Err = ErrBanned
			s := &stub{answers: []reply{failed(banned), ok(`{}`)}}
			client := newStubClient(t, s, limits)
			require.ErrorIs(t, client.Do(exchanges.WithPatience(t.Context(), 0), call, nil), exchanges.ErrRateLimited)
			require.NoError(t, client.Do(t.Context(), Call{Operation: revoke, Method: http.MethodPost, Path: "/"}, nil))
			require.Equal(t, time.Minute, s.sent()[1].at.Sub(s.sent()[0].at))
		})
	})
	for name, quota := range map[string]Quota{
		"a quota used up, until a time":   {Reset: time.Date(2000, 1, 1, 0, 0, 30, 0, time.UTC)}, // A bubble starts at midnight.
		"a quota used up, for a duration": {ResetIn: 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stub{answers: []reply{ok(`{}`)}}
				client := newStubClient(t, s, limits, func(c *Config) {
					c.Quota = func(http.Header) (Quota, bool) { return quota, true }
				})
				for range 2 {
					require.NoError(t, client.Do(t.Context(), call, nil))
				}
				require.Equal(t, 30*time.Second, s.sent()[1].at.Sub(s.sent()[0].at))
			})
		})
	}
	t.Run("a quota not used up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &stub{answers: []reply{ok(`{}`)}}
			client := newStubClient(t, s, limits, func(c *Config) {
				c.Quota = func(http.Header) (Quota, bool) { return Quota{Remaining: 1, ResetIn: time.Hour}, true }
			})
			for range 2 {
				require.NoError(t, client.Do(t.Context(), call, nil))
			}
			require.Less(t, s.sent()[1].at.Sub(s.sent()[0].at), time.Second)
		})
	})
}

func TestDoBoundsAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		padded := func(size int) string { return `{"name":"` + strings.Repeat("x", size-len(`{"name":""}`)) + `"}` }
		var out struct{ Name string }
		call := Call{Operation: "rename", Method: http.MethodGet, Path: "/", Effect: Once}

		require.NoError(t, newStubClient(t, &stub{answers: []reply{ok(padded(maxAnswer))}}).Do(t.Context(), call, Into(&out)))
		require.Len(t, out.Name, maxAnswer-len(`{"name":""}`))

		err := newStubClient(t, &stub{answers: []reply{ok(padded(maxAnswer + 1))}}).Do(t.Context(), call, Into(&out))
		require.ErrorIs(t, err, exchanges.ErrOutcomeUnknown)
		require.ErrorContains(t, err, "larger than")
		require.Less(t, len(err.Error()), 200)
	})
}

func TestDoScrubs(t *testing.T) {
	callSecret := exchanges.Secret("Minted#Pass01")
	echo := "bad request signature-of-POST/keys{} with " + rootSecret.Reveal() + " and " + callSecret.Reveal() +
		" at https://api.example.com/keys?signature=abc"
	s := &stub{answers: []reply{failed(exchanges.Error{Kind: exchanges.ErrAuth, Code: rootSecret.Reveal(), Message: echo})}}
	err := newStubClient(t, s).DoJSON(t.Context(), Call{
		Operation: mint, Method: http.MethodPost, Path: "/keys", Effect: Once, Secrets: []exchanges.Secret{callSecret},
	}, struct{}{}, nil)
	require.EqualError(t, err, "example: create key: authentication failed ([redacted]): "+
		"bad request [redacted] with [redacted] and [redacted] at https://api.example.com/keys?[redacted]")
}

func TestSignRequest(t *testing.T) {
	client := newStubClient(t, &stub{answers: []reply{ok(`{}`)}})
	request, err := client.SignRequest(t.Context(), exchanges.UserRequest{
		Method: http.MethodPost, Path: "/v1/order", Query: "a=b", Body: []byte("side=buy"), ContentType: "application/x-www-form-urlencoded",
	})
	require.NoError(t, err)
	require.Equal(t, "https://api.example.com/v1/order?a=b", request.URL.String())
	require.Equal(t, "application/x-www-form-urlencoded", request.Header.Get("Content-Type"))
	require.Equal(t, "signature-of-POST/v1/ordera=bside=buy", request.Header.Get("Signature"))
	body, err := io.ReadAll(request.Body)
	require.NoError(t, err)
	require.Equal(t, "side=buy", string(body))

	_, err = client.SignRequest(t.Context(), exchanges.UserRequest{Method: "NOT A METHOD", Path: "/"})
	require.ErrorIs(t, err, exchanges.ErrInvalid)
}

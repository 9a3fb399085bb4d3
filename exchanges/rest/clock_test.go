package rest

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// venueClock is an exchange's clock, and how often it was asked.
type venueClock struct {
	mu     sync.Mutex
	ahead  time.Duration
	travel time.Duration // of the question, and of the answer
	err    error
	asked  int
}

func (v *venueClock) serverTime(ctx context.Context, _ *Client) (time.Time, error) {
	v.mu.Lock()
	v.asked++
	ahead, travel, err := v.ahead, v.travel, v.err
	v.mu.Unlock()
	if !sleep(ctx, travel) {
		return time.Time{}, ctx.Err()
	}
	read := time.Now().Add(ahead)
	if !sleep(ctx, travel) {
		return time.Time{}, ctx.Err()
	}
	return read, err
}

func (v *venueClock) configure(c *Config) { c.ServerTime = v.serverTime }

// signedAt is the time that a request says it was signed at.
func signedAt(t *testing.T, request sent) time.Time {
	at, err := time.Parse(time.RFC3339Nano, request.Header.Get("Timestamp"))
	require.NoError(t, err)
	return at
}

// edit is a call that is not shared with others like it.
var edit = Call{Operation: "edit", Method: http.MethodPost, Path: "/", Effect: Idempotent}

func TestClockIsMeasuredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{answers: []reply{ok(`{}`)}}
		clock := &venueClock{ahead: time.Hour, travel: 500 * time.Millisecond}
		client := newStubClient(t, s, clock.configure)
		require.NoError(t, client.Do(t.Context(), Call{Method: http.MethodGet, Path: "/", Unsigned: true}, nil))
		require.Zero(t, clock.asked, "what is not signed needs no clock")
		for range 3 {
			require.NoError(t, client.Do(t.Context(), edit, nil))
		}
		_, err := client.SignRequest(t.Context(), exchanges.UserRequest{Method: http.MethodGet, Path: "/"})
		require.NoError(t, err)
		require.Equal(t, 1, clock.asked)
		require.Equal(t, time.Hour, client.ClockOffset())
		last := s.sent()[3]
		require.Equal(t, last.at.Add(time.Hour).UTC(), signedAt(t, last))
	})
}

func TestClockIsSharedByCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &venueClock{ahead: time.Hour, travel: 500 * time.Millisecond}
		client := newStubClient(t, &stub{answers: []reply{ok(`{}`)}}, clock.configure)
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() { assert.NoError(t, client.Do(t.Context(), edit, nil)) })
		}
		callers.Wait()
		require.Equal(t, 1, clock.asked)
	})
}

// Each caller that waits for a shared measurement goes by its own context.
func TestClockOutlivesTheCallerThatMeasures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{answers: []reply{ok(`{}`)}}
		clock := &venueClock{ahead: time.Hour, travel: 900 * time.Millisecond}
		client := newStubClient(t, s, clock.configure)
		first, leave := context.WithCancel(t.Context())
		gone, stays := make(chan error, 1), make(chan error, 1)
		go func() { gone <- client.Do(first, edit, nil) }()
		synctest.Wait()
		go func() { stays <- client.Do(t.Context(), edit, nil) }()
		synctest.Wait()
		third, cancel := context.WithCancel(t.Context())
		impatient := make(chan error, 1)
		go func() { impatient <- client.Do(third, edit, nil) }()
		synctest.Wait()

		start := time.Now()
		cancel()
		require.ErrorIs(t, <-impatient, context.Canceled)
		require.Equal(t, start, time.Now(), "a caller must not be held by another's measurement")
		leave()
		require.ErrorIs(t, <-gone, context.Canceled)
		require.NoError(t, <-stays)
		require.Equal(t, 2, clock.asked)
		sent := s.sent()
		require.Equal(t, sent[len(sent)-1].at.Add(time.Hour).UTC(), signedAt(t, sent[len(sent)-1]))
	})
}

func TestClockThatCannotBeMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{answers: []reply{ok(`{}`)}}
		clock := &venueClock{err: errors.New("out of service")}
		client := newStubClient(t, s, clock.configure)
		require.NoError(t, client.Do(t.Context(), edit, nil), "our own clock must do")
		require.Equal(t, s.sent()[0].at.UTC(), signedAt(t, s.sent()[0]))
		require.NoError(t, client.Do(t.Context(), edit, nil))
		require.Equal(t, 2, clock.asked, "it is asked for again")
	})
}

func TestRefusedTimestamp(t *testing.T) {
	refused := failed(exchanges.Error{Kind: exchanges.ErrInvalid, Message: "timestamp", Err: ErrClock})
	mintCall := Call{Operation: mint, Method: http.MethodPost, Path: "/", Effect: Once}
	t.Run("heals", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &stub{answers: []reply{ok(`{}`), refused, ok(`{}`)}}
			clock := &venueClock{}
			client := newStubClient(t, s, clock.configure)
			require.NoError(t, client.Do(t.Context(), mintCall, nil))
			clock.ahead = -time.Hour
			require.NoError(t, client.Do(t.Context(), mintCall, nil))
			require.Equal(t, 2, clock.asked)
			require.Len(t, s.sent(), 3)
			require.Equal(t, s.sent()[2].at.Add(-time.Hour).UTC(), signedAt(t, s.sent()[2]))
		})
	})
	t.Run("is tried once more only", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &stub{answers: []reply{refused}}
			clock := &venueClock{}
			client := newStubClient(t, s, clock.configure)
			require.ErrorIs(t, client.Do(t.Context(), mintCall, nil), ErrClock)
			require.Len(t, s.sent(), 2)
			require.Equal(t, 2, clock.asked)
		})
	})
	t.Run("where the exchange tells no time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &stub{answers: []reply{refused}}
			require.ErrorIs(t, newStubClient(t, s).Do(t.Context(), mintCall, nil), ErrClock)
			require.Len(t, s.sent(), 1)
		})
	})
	t.Run("of the question for the time itself", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &stub{answers: []reply{refused}}
			client := newStubClient(t, s, func(c *Config) {
				c.ServerTime = func(ctx context.Context, client *Client) (time.Time, error) {
					return time.Time{}, client.Do(ctx, Call{Operation: exchanges.OpServerTime, Method: http.MethodGet, Path: "/time"}, nil)
				}
			})
			require.ErrorIs(t, client.Do(t.Context(), mintCall, nil), ErrClock)
			require.Len(t, s.sent(), 3, "the time, the call, and the time again")
		})
	})
}

// The time is asked for once per measurement, whatever becomes of it, so that an
// exchange whose clock does not answer cannot use up a caller's time.
func TestClockIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{answers: []reply{{status: 502}, ok(`{}`)}}
		client := newStubClient(t, s, func(c *Config) {
			c.ServerTime = func(ctx context.Context, client *Client) (time.Time, error) {
				return time.Time{}, client.Do(ctx, Call{Method: http.MethodGet, Path: "/time", Effect: ReadOnly, Unsigned: true}, nil)
			}
		})
		require.NoError(t, client.Do(t.Context(), edit, nil))
		require.Len(t, s.sent(), 2)
	})
}

// An exchange that takes questions for its time and never answers them keeps no
// call from being made, and is not waited for by each.
func TestClockThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{answers: []reply{{silent: true}, ok(`{}`)}}
		client := newStubClient(t, s, func(c *Config) {
			c.ServerTime = ServerTime(Call{Path: "/time"}, func(time.Time) time.Time { return time.Time{} })
		})
		revoking, cancel := context.WithTimeout(exchanges.WithRevoking(t.Context()), 5*time.Second)
		defer cancel()
		start := time.Now()
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() { assert.NoError(t, client.Do(revoking, edit, nil)) })
		}
		callers.Wait()
		require.Equal(t, clockTimeout, time.Since(start), "all wait for one question")
		for _, call := range s.sent()[1:] {
			require.Equal(t, call.at.UTC(), signedAt(t, call), "our own clock must do")
		}
		require.NoError(t, client.Do(revoking, edit, nil))
		require.Equal(t, clockTimeout, time.Since(start), "and none asks again at once")
		require.Len(t, s.sent(), 12)

		time.Sleep(clockPause)
		require.NoError(t, client.Do(t.Context(), edit, nil))
		require.Equal(t, "/time", s.sent()[12].URL.Path)
	})
}

// When an exchange whose clock was measured tells its time no more, the last offset
// is gone by.
func TestClockThatHangsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := failed(exchanges.Error{Kind: exchanges.ErrInvalid, Message: "timestamp", Err: ErrClock})
		s := &stub{answers: []reply{ok(`{}`), ok(`{}`), refused, {silent: true}, ok(`{}`)}}
		client := newStubClient(t, s, func(c *Config) {
			c.ServerTime = ServerTime(Call{Path: "/time"}, func(struct{}) time.Time { return time.Now().Add(time.Hour) })
		})
		require.NoError(t, client.Do(t.Context(), edit, nil))
		start := time.Now()
		require.ErrorIs(t, client.Do(t.Context(), edit, nil), ErrClock)
		require.NoError(t, client.Do(t.Context(), edit, nil))
		require.Equal(t, clockTimeout, time.Since(start), "it was asked for once")
		last := s.sent()[4]
		require.Equal(t, last.at.Add(time.Hour).UTC(), signedAt(t, last))
	})
}

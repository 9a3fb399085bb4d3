package venue

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parlour is an exchange invented for these tests. Its one path takes every
// action, and its callers sign the body with Ed25519.
type parlour struct {
	minted int // state outside the books
}

func (p *parlour) Seed(b *Books, now time.Time, _ func() crypto.Signer) {
	master := b.AddAccount(&Account{ID: "master", Created: now})
	b.AddKey(&Key{Kind: MainRoot, Variant: "red", APIKey: "root", Signer: NewEd25519(), Account: master})
}

func (p *parlour) AddSubAccount(b *Books, now time.Time, master *Account) *Account {
	return b.AddAccount(&Account{ID: "sub" + strconv.Itoa(len(b.Accounts)), Parent: master, Created: now})
}

func (p *parlour) Routes() []Route {
	actions := map[string]Route{
		"time":   {Pattern: "time", Operation: exchanges.OpServerTime, Public: true, Handle: p.time},
		"create": {Pattern: "create", Operation: exchanges.OpCreateKey, Handle: p.create, Limits: []Limit{{Quota: 2, Window: time.Minute}}},
		"delete": {Pattern: "delete", Operation: exchanges.OpDeleteKey, Handle: p.delete, Limits: []Limit{{Quota: 2, Window: time.Minute, Of: p.target}}},
		"secret": {Pattern: "secret", Operation: exchanges.OpUseKey, Permit: p.nobody, Handle: p.time},
	}
	return []Route{{Pattern: "POST /act", Choose: func(c *Call) Route {
		chosen, ok := actions[strings.Fields(string(c.Body))[0]]
		if !ok {
			return Route{Operation: OpOther, Public: true, Handle: p.NotFound}
		}
		return chosen
	}}}
}

func (p *parlour) Authenticate(c *Call) (*Key, *Answer) {
	signature, err := base64.StdEncoding.DecodeString(c.Header.Get("Signature"))
	k := c.Books.Key("root")
	if err != nil || !ed25519.Verify(k.PublicKey().(ed25519.PublicKey), c.Body, signature) {
		return nil, TextAnswer(http.StatusUnauthorized, "text/plain", "who are you")
	}
	return k, nil
}

func (p *parlour) RateLimited(_ *Call, q Quota) *Answer {
	return TextAnswer(http.StatusTooManyRequests, "text/plain", "later").Set("Retry-After", strconv.Itoa(int(q.Wait.Seconds())))
}

func (p *parlour) NotFound(*Call) *Answer { return TextAnswer(http.StatusNotFound, "text/plain", "no") }
func (p *parlour) nobody(*Call) *Answer   { return TextAnswer(http.StatusForbidden, "text/plain", "no") }
func (p *parlour) Reset()                 { p.minted = 0 }

func (p *parlour) time(c *Call) *Answer {
	return TextAnswer(http.StatusOK, "text/plain", strconv.FormatInt(c.Now.Unix(), 10))
}

func (p *parlour) create(c *Call) *Answer {
	p.minted++
	permissions := c.Grant([]string{"read", "trade"}, "trade", "withdraw")
	c.Books.AddKey(&Key{APIKey: "key" + strconv.Itoa(p.minted), Account: c.Key.Account, Permissions: permissions})
	return JSONAnswer(http.StatusOK, permissions)
}

func (p *parlour) delete(c *Call) *Answer {
	if k := c.Books.Key(p.target(c)); k != nil {
		c.RemoveKey(k)
	}
	return JSONAnswer(http.StatusOK, "deleted")
}

func (p *parlour) target(c *Call) string { return strings.Fields(string(c.Body))[1] }

// visit is a venue with the parlour's rules, served over HTTP.
type visit struct {
	*testing.T
	venue *Venue
	url   string
	now   time.Time
}

func newVisit(t *testing.T) *visit {
	v := &visit{T: t, now: time.Unix(1_700_000_000, 0)}
	v.venue = New(Listing{"parlour", func() Rules { return &parlour{} }}, Options{
		Now: func() time.Time { return v.now }, RateMultiplier: 1, SubAccounts: 2,
	}, func() crypto.Signer { return nil })
	server := httptest.NewServer(v.venue.mux)
	t.Cleanup(server.Close)
	v.url = server.URL
	return v
}

func (v *visit) request(ctx context.Context, body string) *http.Request {
	signer := v.venue.initial.root(MainRoot).Signer()
	signature, err := signer.Sign(nil, []byte(body), crypto.Hash(0))
	require.NoError(v, err)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url+"/act", strings.NewReader(body))
	require.NoError(v, err)
	request.Header.Set("Signature", base64.StdEncoding.EncodeToString(signature))
	return request
}

// ask sends a request and returns the status and body of the answer.
func ask(t *testing.T, request *http.Request) (status int, body string) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// act sends an action and returns the status and body of the answer.
func (v *visit) act(body string) (int, string) {
	v.Helper()
	return ask(v.T, v.request(v.Context(), body))
}

// fails sends an action that must get no answer, and returns the error's text.
func (v *visit) fails(body string) error {
	v.Helper()
	response, err := http.DefaultClient.Do(v.request(v.Context(), body))
	if err == nil {
		response.Body.Close()
	}
	require.Error(v, err)
	return err
}

func (v *visit) live() []string {
	var keys []string
	for _, view := range v.venue.Keys() {
		keys = append(keys, view.APIKey)
	}
	return keys
}

func (v *visit) inject(fault Fault) {
	v.Helper()
	require.NoError(v, v.venue.Inject(fault))
}

func TestVenueFaults(t *testing.T) {
	t.Run("drop after commit", func(t *testing.T) {
		v := newVisit(t)
		v.inject(Fault{Operation: exchanges.OpCreateKey, Kind: DropAfterCommit, Count: 1})
		require.ErrorIs(t, v.fails("create"), io.EOF)
		require.Equal(t, []string{"key1"}, v.live(), "the work was done")
		require.Equal(t, 1, v.venue.calls[exchanges.OpCreateKey])
	})
	t.Run("drop before commit", func(t *testing.T) {
		v := newVisit(t)
		v.inject(Fault{Operation: exchanges.OpCreateKey, Kind: DropBeforeCommit, Count: 1})
		require.ErrorIs(t, v.fails("create"), io.EOF)
		require.Empty(t, v.live())
		require.Equal(t, 1, v.venue.calls[exchanges.OpCreateKey])
	})
	t.Run("outage", func(t *testing.T) {
		v := newVisit(t)
		v.inject(Fault{Operation: exchanges.OpAny, Kind: Outage})
		require.ErrorContains(t, v.fails("create"), "reset")
		v.fails("no such action")
		require.Empty(t, v.live())
	})
	t.Run("gateway error", func(t *testing.T) {
		v := newVisit(t)
		v.inject(Fault{Operation: exchanges.OpCreateKey, Kind: Error5xx, Count: 1})
		status, body := v.act("create")
		require.Equal(t, http.StatusBadGateway, status)
		require.False(t, json.Valid([]byte(body)))
		require.Empty(t, v.live())
	})
	t.Run("HTML", func(t *testing.T) {
		v := newVisit(t)
		v.inject(Fault{Operation: exchanges.OpCreateKey, Kind: HTMLError, Count: 1})
		status, body := v.act("create")
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, body, "<html>")
		require.Empty(t, v.live())
	})
	t.Run("rate limit", func(t *testing.T) {
		v := newVisit(t)
		v.inject(Fault{Operation: exchanges.OpAny, Kind: RateLimit})
		response, err := http.DefaultClient.Do(v.request(t.Context(), "create"))
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusTooManyRequests, response.StatusCode)
		require.Equal(t, "60", response.Header.Get("Retry-After"), "the documented window of that route")
		status, _ := v.act("delete key1")
		require.Equal(t, http.StatusTooManyRequests, status, "even a route without limits")
		require.Empty(t, v.live())
	})
	t.Run("slow", func(t *testing.T) {
		v := newVisit(t)
		v.inject(Fault{Operation: exchanges.OpCreateKey, Kind: Slow, Delay: 20 * time.Millisecond, Count: 1})
		began := time.Now()
		status, _ := v.act("create")
		require.Equal(t, http.StatusOK, status)
		require.GreaterOrEqual(t, time.Since(began), 20*time.Millisecond)
		require.Equal(t, []string{"key1"}, v.live())
	})
	t.Run("slow and the caller goes", func(t *testing.T) {
		v := newVisit(t)
		v.inject(Fault{Operation: exchanges.OpCreateKey, Kind: Slow, Delay: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			response, err := http.DefaultClient.Do(v.request(ctx, "create"))
			if err == nil {
				response.Body.Close()
			}
			ended <- err
		}()
		require.Eventually(t, func() bool {
			v.venue.mu.Lock()
			defer v.venue.mu.Unlock()
			return v.venue.calls[exchanges.OpCreateKey] == 1
		}, 10*time.Second, time.Millisecond)
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.Empty(t, v.live())
	})
	t.Run("clock skew", func(t *testing.T) {
		v := newVisit(t)
		v.inject(Fault{Operation: exchanges.OpServerTime, Kind: ClockSkew, Delay: -time.Hour, Count: 1})
		_, skewed := v.act("time")
		require.Equal(t, "1699996400", skewed)
		_, right := v.act("time")
		require.Equal(t, "1700000000", right)
	})
	t.Run("delete lies", func(t *testing.T) {
		v := newVisit(t)
		v.act("create")
		v.inject(Fault{Operation: exchanges.OpDeleteKey, Kind: DeleteLies, Count: 1})
		_, lie := v.act("delete key1")
		require.Equal(t, []string{"key1"}, v.live())
		require.Empty(t, v.venue.Deletions())
		_, truth := v.act("delete key1")
		require.Equal(t, truth, lie)
		require.Empty(t, v.live())
		require.Equal(t, []string{"key1"}, v.venue.Deletions())
	})
	t.Run("grants", func(t *testing.T) {
		v := newVisit(t)
		v.inject(Fault{Operation: exchanges.OpCreateKey, Kind: GrantMore, Count: 1})
		_, more := v.act("create")
		require.JSONEq(t, `["read","trade","withdraw"]`, more)
		v.inject(Fault{Operation: exchanges.OpCreateKey, Kind: GrantLess, Count: 1})
		_, less := v.act("create")
		require.JSONEq(t, `["read"]`, less)
		require.Equal(t, []string{"read"}, v.venue.Keys()[1].Permissions)
	})
}

func TestGrantWithoutSurplus(t *testing.T) {
	c := &Call{Fault: Fault{Kind: GrantMore}}
	require.Equal(t, []string{"read"}, c.Grant([]string{"read"}, "read"))
	c.Fault.Kind = GrantLess
	require.Empty(t, c.Grant(nil))
}

func TestVenueLimits(t *testing.T) {
	v := newVisit(t)
	for range 2 {
		status, _ := v.act("create")
		require.Equal(t, http.StatusOK, status)
	}
	status, _ := v.act("create")
	require.Equal(t, http.StatusTooManyRequests, status)
	v.now = v.now.Add(time.Minute)
	status, _ = v.act("create")
	require.Equal(t, http.StatusOK, status)

	for _, target := range []string{"key1", "key2"} {
		v.act("delete " + target)
		status, _ = v.act("delete " + target)
		require.Equal(t, http.StatusOK, status, "each target has a limit of its own")
		status, _ = v.act("delete " + target)
		require.Equal(t, http.StatusTooManyRequests, status)
	}
}

func TestVenueRefusals(t *testing.T) {
	v := newVisit(t)
	status, _ := v.act("secret")
	require.Equal(t, http.StatusForbidden, status, "the route does not permit it")
	status, _ = v.act("dance")
	require.Equal(t, http.StatusNotFound, status, "no such action")

	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodGet, "/act", "", http.StatusNotFound},
		{http.MethodPost, "/elsewhere", "create", http.StatusNotFound},
		{http.MethodPost, "/act", "create", http.StatusUnauthorized},
		{http.MethodPost, "/act", strings.Repeat("x", maxBody+1), http.StatusRequestEntityTooLarge},
	} {
		request, err := http.NewRequestWithContext(t.Context(), test.method, v.url+test.path, strings.NewReader(test.body))
		require.NoError(t, err)
		status, _ := ask(t, request)
		require.Equal(t, test.status, status, "%s %s", test.method, test.path)
	}
	require.Empty(t, v.live())
}

func TestCallerOf(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:4711":          "192.0.2.1",
		"[2001:db8::1]:4711":      "2001:db8::1",
		"[::ffff:192.0.2.1]:4711": "192.0.2.1", // how a dual-stack listener shows IPv4
		"a pipe":                  "invalid IP",
	} {
		require.Equal(t, want, callerOf(&http.Request{RemoteAddr: remote}).String(), remote)
	}
}

func TestVenueReset(t *testing.T) {
	v := newVisit(t)
	before, ok := v.venue.Root(MainRoot)
	require.True(t, ok)
	require.Equal(t, []string{"sub1", "sub2"}, before.SubAccounts)
	require.Contains(t, before.PrivateKey, "PRIVATE KEY")
	require.Equal(t, "red", before.Variant)

	v.act("create")
	v.act("create")
	v.act("delete key1")
	require.Equal(t, []string{"sub3", "sub4"}, v.venue.AddSubAccounts(2))
	v.inject(Fault{Operation: exchanges.OpAny, Kind: Outage})
	v.venue.Reset()

	after, _ := v.venue.Root(MainRoot)
	require.Equal(t, before, after)
	require.Empty(t, v.live())
	require.Empty(t, v.venue.Deletions())
	require.Empty(t, v.venue.calls)
	status, _ := v.act("create")
	require.Equal(t, http.StatusOK, status, "the fault and the used-up limit are gone")
	require.Equal(t, []string{"key1"}, v.live(), "the rules forgot too")
}

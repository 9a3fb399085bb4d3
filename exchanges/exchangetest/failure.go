package exchangetest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// Failure is an entry of testdata/<exchange>/errors.json: an answer that the
// exchange documents, and what it means.
type Failure struct {
	// Situation describes it in words, as the exchange's documentation does.
	Situation string `json:"situation"`
	// Variant is the one that the entry applies to; empty means all.
	Variant string `json:"variant"`
	// Operation is what gets the answer, as the simulator names it; empty means
	// that inspect and create_key are tried.
	Operation exchanges.Operation `json:"operation"`
	// Status, Headers and Body make up the answer. A body that is a JSON string is
	// sent as that text, any other as JSON.
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
	// Kind is what the failure must be. For a read, "outcome unknown" here stands
	// for "exchange unavailable".
	Kind exchanges.Kind `json:"kind"`
	// Code is the exchange's own code.
	Code string `json:"code"`
	// RetryAfter is the wait that the answer asks for, such as "1.5s".
	RetryAfter string `json:"retry_after"`
}

func (f Failure) canned(t *testing.T) *canned {
	header := http.Header{}
	for name, value := range f.Headers {
		header.Set(name, value)
	}
	body := []byte(f.Body)
	var text string
	if json.Unmarshal(body, &text) == nil {
		body = []byte(text)
	}
	require.NotZero(t, f.Status, f.Situation)
	return &canned{status: f.Status, header: header, body: body}
}

// wait is RetryAfter, zero if the answer asks for none.
func (f Failure) wait(t *testing.T) time.Duration {
	if f.RetryAfter == "" {
		return 0
	}
	wait, err := time.ParseDuration(f.RetryAfter)
	require.NoError(t, err, f.Situation)
	return wait
}

func (f Failure) operations() []exchanges.Operation {
	if f.Operation != "" {
		return []exchanges.Operation{f.Operation}
	}
	return []exchanges.Operation{exchanges.OpInspect, exchanges.OpCreateKey}
}

// Failures reads testdata/<exchange>/errors.json.
func Failures(t testing.TB, exchange string) []Failure {
	t.Helper()
	var failures []Failure
	readStrictly(t, testdata(exchange, "errors.json"), &failures)
	return failures
}

// Failed checks that err is a failure of a known kind that asks for no negative
// wait, and returns it.
func Failed(t testing.TB, err error) *exchanges.Error {
	t.Helper()
	var failure *exchanges.Error
	require.ErrorAs(t, err, &failure)
	require.Contains(t, exchanges.Kinds(), failure.Kind)
	require.GreaterOrEqual(t, failure.RetryAfter, time.Duration(0))
	return failure
}

// failures are the entries for the subject's variant.
func (s *suite) failures(t *testing.T) []Failure {
	var mine []Failure
	for _, failure := range Failures(t, s.description.Name) {
		if failure.Variant == "" || failure.Variant == s.variant.Name {
			mine = append(mine, failure)
		}
	}
	require.NotEmpty(t, mine)
	return mine
}

// testFailures answers calls with the refusals that the exchange documents, and
// checks what the package makes of them.
func (s *suite) testFailures(t *testing.T) {
	for _, failure := range s.failures(t) {
		for _, operation := range failure.operations() {
			t.Run(string(operation)+" "+failure.Situation, func(t *testing.T) {
				s.bubble(t, hurried, func(t *testing.T, b *bubble) { s.testFailure(t, b, failure, operation) })
			})
		}
	}
}

func (s *suite) testFailure(t *testing.T, b *bubble, failure Failure, operation exchanges.Operation) {
	account := b.account(t)
	o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
	kind := failure.Kind
	if kind == exchanges.ErrOutcomeUnknown && s.isRead(operation) {
		kind = exchanges.ErrUnavailable
	}
	require.Contains(t, exchanges.Kinds(), kind)
	answer := failure.canned(t)
	try := func(ctx context.Context) *exchanges.Error {
		// Let the rate limit recover from earlier calls.
		time.Sleep(time.Hour)
		b.wire.instead(func(m message) *canned {
			if s.isLogIn(m) {
				return nil
			}
			return answer
		})
		err := perform(ctx, account, operation, o)
		require.ErrorIs(t, err, kind)
		assertKind(t, err)
		var got *exchanges.Error
		require.True(t, errors.As(err, &got))
		assert.Equal(t, failure.Code, got.Code)
		return got
	}

	got := try(exchanges.WithPatience(t.Context(), 0))
	if asked := failure.wait(t); asked > 0 {
		assert.Equal(t, asked, got.RetryAfter)
	}

	try(t.Context())
	sent := b.wire.messages()
	tries := s.triesOf(sent)
	switch {
	case kind == exchanges.ErrRateLimited:
		assert.Len(t, tries, 3, "a call that was refused for exceeding the rate did not run and is safe to repeat")
		for i := range tries[1:] {
			assert.GreaterOrEqual(t, tries[i+1].Sub(tries[i]), cmp.Or(failure.wait(t), time.Second))
		}
	case kind == exchanges.ErrUnavailable:
		assert.Len(t, tries, 3, "a call that did not run, or that changes nothing, is safe to repeat")
	case kind == exchanges.ErrOutcomeUnknown && operation != exchanges.OpCreateKey:
		assert.LessOrEqual(t, len(tries), 3)
	default:
		assert.Len(t, tries, 1, "the call must not be repeated")
	}
}

// triesOf returns when the first request and its repeats were sent. Logins for it
// do not count.
func (s *suite) triesOf(sent []message) []time.Time {
	sent = slices.DeleteFunc(slices.Clone(sent), s.isLogIn)
	var tries []time.Time
	for _, m := range sent {
		if m.method == sent[0].method && m.path == sent[0].path {
			tries = append(tries, m.at)
		}
	}
	return tries
}

// assertKind checks that an error has a kind and says which operation failed.
func assertKind(t *testing.T, err error) {
	t.Helper()
	var failure *exchanges.Error
	if assert.ErrorAs(t, err, &failure) {
		assert.Contains(t, exchanges.Kinds(), failure.Kind)
		assert.NotEmpty(t, failure.Operation)
	}
}

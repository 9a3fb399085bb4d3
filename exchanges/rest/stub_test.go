package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// stub is an exchange that answers in this process. Its answers follow one
// another; the last one is given for ever.
type stub struct {
	answers []reply

	mu       sync.Mutex
	requests []sent
}

// reply is an answer, or the failure to get one.
type reply struct {
	status int
	header http.Header
	body   string
	// broken is how the connection breaks, in place of an answer.
	broken error
	// unreached says that no connection is made at all.
	unreached bool
	// silent says that no answer comes, ever.
	silent bool
}

// sent is a request as it reached the exchange.
type sent struct {
	*http.Request
	body string
	at   time.Time
}

// RoundTrip implements [http.RoundTripper].
func (s *stub) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	var body []byte
	if request.Body != nil {
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	s.requests = append(s.requests, sent{request, string(body), time.Now()})
	answer := s.answers[min(len(s.requests), len(s.answers))-1]
	s.mu.Unlock()

	if trace := httptrace.ContextClientTrace(request.Context()); !answer.unreached && trace != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	if answer.silent {
		<-request.Context().Done()
		return nil, request.Context().Err()
	}
	if answer.broken != nil {
		return nil, answer.broken
	}
	return &http.Response{
		StatusCode: answer.status, Header: answer.header, Body: io.NopCloser(bytes.NewReader([]byte(answer.body))),
	}, nil
}

func (s *stub) sent() []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

func ok(body string) reply { return reply{status: http.StatusOK, body: body} }

// failed is how the stub's protocol tells a failure; see unwrapStub.
func failed(failure exchanges.Error) reply {
	body, err := json.Marshal(map[string]any{"failure": map[string]any{
		"Kind": failure.Kind, "Code": failure.Code, "Message": failure.Message, "RetryAfter": failure.RetryAfter,
		"clock": errors.Is(failure.Err, ErrClock), "banned": errors.Is(failure.Err, ErrBanned), "busy": errors.Is(failure.Err, ErrBusy),
	}})
	if err != nil {
		panic(err)
	}
	return ok(string(body))
}

// unwrapStub reads the stub's answers.
func unwrapStub(answer Answer) ([]byte, error) {
	var body struct {
		Failure *struct {
			Kind          exchanges.Kind
			Code, Message string
			RetryAfter    time.Duration

			Clock, Banned, Busy bool
		}
	}
	if json.Unmarshal(answer.Body, &body) != nil || answer.Status != http.StatusOK {
		return nil, StatusError(answer)
	}
	if body.Failure == nil {
		return answer.Body, nil
	}
	failure := &exchanges.Error{
		Kind: body.Failure.Kind, Code: body.Failure.Code, Message: body.Failure.Message, RetryAfter: body.Failure.RetryAfter,
	}
	if body.Failure.Clock {
		failure.Err = ErrClock
	}
	if body.Failure.Banned {
		failure.Err = ErrBanned
	}
	if body.Failure.Busy {
		failure.Err = ErrBusy
	}
	return nil, failure
}

const rootSecret = exchanges.Secret("root-secret-0123456789")

// signStub signs with a header that a test can check.
func signStub(request *Request, at time.Time) error {
	request.Signature = "signature-of-" + request.Method + request.Path + request.Query + string(request.Body)
	request.Header.Set("Signature", request.Signature)
	request.Header.Set("Timestamp", at.UTC().Format(time.RFC3339Nano))
	return nil
}

// newStubClient returns a client of the stub. Changes to its config come last.
func newStubClient(t *testing.T, s *stub, changes ...func(*Config)) *Client {
	config := Config{
		Exchange: "example", BaseURL: "https://api.example.com", Secrets: []exchanges.Secret{rootSecret},
		Options: exchanges.Options{Transport: s, UserAgent: "tester"}, Sign: signStub, Unwrap: unwrapStub,
	}
	for _, change := range changes {
		change(&config)
	}
	client, err := newClient(config)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

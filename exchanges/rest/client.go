// Package rest makes signed REST calls to exchanges: once and for all of them
// it measures the exchange's clock, paces calls to the documented limits with
// revocations ahead of everything else, repeats what is safe to repeat, bounds
// every answer, and scrubs secrets from every message.
//
// It knows no exchange: a package per exchange hands it a [Config] that says
// how to sign a request and how to read an answer. Start reading at
// [Client.Do].
package rest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-cleanhttp"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/pace"
)

// maxAnswer bounds the bytes read of one answer. The largest honest one, a
// page of sub-accounts, is well under it.
const maxAnswer = 2 << 20

// maxConnections is how many connections to the exchange there are at a time. They are
// kept open for later calls: to open one takes longer than most calls.
const maxConnections = 16

// Config says how to talk to one exchange with one root credential.
type Config struct {
	// Exchange is the exchange's name, for errors.
	Exchange string
	// BaseURL without a trailing slash; see [CheckBaseURL].
	BaseURL string
	Options exchanges.Options
	// Secrets are scrubbed from every message. [NewClient] adds those of the
	// credential to what is here, such as a token that derives from one.
	Secrets []exchanges.Secret
	// Limits are the documented rate limits; a call draws on the one with
	// its operation and on the one for [exchanges.OpAny].
	Limits []exchanges.RateLimit
	// paceNames are what the client shares its pace by, where [exchanges.Options]
	// have pacers to share.
	paceNames []string
	// Sign adds the credential's signature to a request that will be sent
	// exactly as it then is. The time is the exchange's.
	Sign func(*Request, time.Time) error
	// Signature signs any text as Sign does; nil where the credential is not to sign any.
	Signature Signature
	// Unwrap takes the payload of a success out of its envelope, or reads the failure.
	Unwrap func(Answer) ([]byte, error)
	// ServerTime asks the exchange for its clock; nil if it has none.
	ServerTime func(context.Context, *Client) (time.Time, error)
	// Quota reads the answer's quota headers; nil if there are none.
	Quota func(http.Header) (Quota, bool)
}

// Quota is what an answer's headers say of the limit just drawn on.
type Quota struct {
	Remaining int
	// Reset is when the quota is whole again, by the exchange's clock.
	Reset time.Time
	// ResetIn is how long that takes from now on, where the exchange tells
	// this instead.
	ResetIn time.Duration
}

// Request is a request about to be signed and sent.
type Request struct {
	Method string
	// Host is the base URL's, with the port that is in it, in lower case.
	Host string
	Path string
	// Query is the raw query string without "?".
	Query  string
	Header http.Header
	Body   []byte
	// Signature is set by Sign, so that it can be scrubbed from messages.
	Signature string
	// Payload is set by Sign where a copy of what it signs is sent beside the
	// body, and is scrubbed from messages too.
	Payload string
}

// Target is the path and the query, as they are sent.
func (r *Request) Target() string {
	if r.Query == "" {
		return r.Path
	}
	return r.Path + "?" + r.Query
}

// Answer is an HTTP answer, read whole.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Effect says what repeating a call would do.
type Effect int

// The effects.
const (
	// Once: a repeat may do the work twice, so a call is only repeated when
	// it surely did not run.
	Once Effect = iota
	// Idempotent: a repeat ends in the same state.
	Idempotent
	// ReadOnly: the call changes nothing.
	ReadOnly
)

// Call is one call to make.
type Call struct {
	// Operation names the call in errors, and its rate limit.
	Operation exchanges.Operation
	Method    string
	Path      string
	// Query is the encoded query string, see [Query].
	Query       string
	Body        []byte
	ContentType string
	// Header holds further headers; nil for none.
	Header http.Header
	Effect Effect
	// Limit is the operation whose rate limit the call draws on, where several
	// share one; empty means Operation.
	Limit exchanges.Operation
	// Weight is what the call draws from a limit that counts weights; zero
	// means 1.
	Weight int
	// CoolDown is how long the exchange refuses further calls under the same
	// limit once this one has taken effect.
	CoolDown time.Duration
	// Unsigned calls are public.
	Unsigned bool
	// Bearer, if there is one, authorizes the call in place of a signature:
	// a token from an earlier call. Such a call does not tell the time.
	Bearer exchanges.Secret
	// Sign signs the call in place of [Config.Sign], with another credential
	// than the client's, such as that of a key just minted; nil for the
	// client's own. The credential's secret parts belong into Secrets.
	Sign func(*Request, time.Time) error
	// Secrets of this call alone, scrubbed from its messages.
	Secrets []exchanges.Secret
	// Complete reports whether the decoded payload holds what it must; nil if
	// nothing must be there. It keeps an answer without a list from passing
	// for an empty list.
	Complete func() bool
}

// limit is the operation whose rate limit the call draws on.
func (c Call) limit() exchanges.Operation { return cmp.Or(c.Limit, c.Operation) }

// Client makes calls with one root credential. It is safe for concurrent use.
type Client struct {
	config Config
	// secrets returns Config.Secrets: behind a function, they cannot be shown
	// by printing the client or what holds it.
	secrets func() []exchanges.Secret
	http    *http.Client
	clock   clock
	pacer   *pace.Pacer
	leave   func()
	timeout time.Duration
	// tries is how often a call is sent at most.
	tries       int
	environment exchanges.Environment
	variant     exchanges.Variant
}

// newClient returns a client. A bad base URL is an [exchanges.ErrInvalid].
func newClient(config Config) (*Client, error) {
	if err := CheckBaseURL(config.BaseURL); err != nil {
		return nil, &exchanges.Error{Kind: exchanges.ErrInvalid, Message: err.Error()}
	}
	transport := config.Options.Transport
	if transport == nil {
		transport = newTransport()
	}
	timeout := config.Options.Timeout
	if timeout == 0 {
		timeout = exchanges.DefaultTimeout
	}
	secrets := config.Secrets
	config.Secrets = nil
	pacer, leave := joinPacer(config)
	return &Client{
		config:  config,
		secrets: func() []exchanges.Secret { return secrets },
		http: &http.Client{
			Transport: transport,
			// A signed request must not wander to another host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		pacer:   pacer,
		leave:   leave,
		timeout: timeout,
		tries:   maxTries,
	}, nil
}

// newTransport returns a pooled transport with its own connections, a proxy
// from the environment, and TLS 1.2 or higher.
func newTransport() *http.Transport {
	transport := cleanhttp.DefaultPooledTransport()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	transport.MaxIdleConnsPerHost = maxConnections
	transport.MaxConnsPerHost = maxConnections
	return transport
}

// Close releases idle connections, and the client's part in a pacer that it shares.
func (c *Client) Close() {
	c.leave()
	c.http.CloseIdleConnections()
}

// ClockOffset returns the exchange's clock minus ours, as last measured.
func (c *Client) ClockOffset() time.Duration { return c.clock.get() }

// Do makes the call and decodes the payload of its answer, see [Into]. It waits
// for the call's turn, and repeats it where that is safe; the context's deadline
// bounds all of that together.
func (c *Client) Do(ctx context.Context, call Call, out Out) error {
	if !call.Unsigned {
		c.measureClock(ctx)
	}
	attempts := newAttempts(call, c.tries)
	var failure *exchanges.Error
	for {
		done, err := c.turn(ctx, pace.Turn{Of: limitName(call.limit()), Weight: call.Weight, CoolDown: call.CoolDown, Finish: call.Effect == ReadOnly})
		if err != nil {
			late := c.blame(call, err)
			if failure == nil || late.Kind != exchanges.ErrRateLimited {
				return late
			}
			// The exchange's own refusal says more than that the next try
			// would come too late.
			failure.RetryAfter = max(failure.RetryAfter, late.RetryAfter)
			return failure
		}
		answer, err := c.once(ctx, call, out)
		if err == nil {
			tell(ctx, call, answer, nil)
			done(pace.Succeeded)
			return nil
		}
		failure = c.blame(call, err)
		if failure.Kind == exchanges.ErrRateLimited {
			attempts.pause(c, failure)
		}
		done(outcomeOf(failure))
		if !attempts.again(ctx, c, failure) {
			tell(ctx, call, answer, failure)
			return failure
		}
	}
}

// DoJSON is Do with a JSON body, which is encoded once and signed as sent.
func (c *Client) DoJSON(ctx context.Context, call Call, body any, out Out) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return c.blame(call, &exchanges.Error{Kind: exchanges.ErrInvalid, Message: "the request cannot be encoded"})
	}
	call.Body, call.ContentType = encoded, "application/json"
	return c.Do(ctx, call, out)
}

// Now is the exchange's present time, as far as its clock could be measured.
func (c *Client) Now(ctx context.Context) time.Time {
	c.measureClock(ctx)
	return time.Now().Add(c.clock.get())
}

// SignRequest implements [exchanges.RequestSigner].
func (c *Client) SignRequest(ctx context.Context, user exchanges.UserRequest) (*http.Request, error) {
	c.measureClock(ctx)
	base, err := c.baseOf(user.Host)
	if err != nil {
		return nil, err
	}
	request, err := c.prepareFor(base, Call{
		Method: user.Method, Path: user.Path, Query: user.Query, Body: user.Body, ContentType: user.ContentType,
	})
	if err != nil {
		return nil, err
	}
	return httpRequest(ctx, base, request)
}

// SyncClock implements [exchanges.RequestSigner].
func (c *Client) SyncClock(ctx context.Context) error {
	if c.config.ServerTime == nil {
		return nil
	}
	return c.askTime(ctx)
}

// baseOf is the base URL of a request to one of the environment's hosts.
func (c *Client) baseOf(host string) (string, error) {
	switch {
	case host == "" || strings.EqualFold(host, hostOf(c.config.BaseURL)):
		return c.config.BaseURL, nil
	case slices.Contains(c.environment.Hosts, strings.ToLower(host)):
		return "https://" + strings.ToLower(host), nil
	}
	return "", refusal("host: %.64q is not one of the exchange's; choose one of: %s", host,
		strings.Join(append([]string{hostOf(c.config.BaseURL)}, c.environment.Hosts...), ", "))
}

// tell tells the context's witness, if there is one, of the answer to a call, if that
// had one. Answers for which a call was repeated come and go, and are not told.
func tell(ctx context.Context, call Call, answer Answer, failure *exchanges.Error) {
	witness := exchanges.WitnessOf(ctx)
	if witness == nil || answer.Status == 0 {
		return
	}
	form := answer.form()
	if failure != nil && failure.Code != "" {
		form += " with code " + failure.Code
	}
	witness(call.Operation, form)
}

// once sends the call a single time. It returns the answer whatever that means; an empty
// one if there was none.
func (c *Client) once(ctx context.Context, call Call, out Out) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	request, err := c.prepare(call)
	if err != nil {
		return Answer{}, err
	}
	answer, err := c.send(ctx, request)
	if err != nil {
		return Answer{}, err
	}
	if c.config.Quota != nil {
		if quota, ok := c.config.Quota(answer.Header); ok && quota.Remaining <= 0 {
			c.Pause(call.limit(), c.untilReset(quota))
		}
	}
	payload, err := c.config.Unwrap(answer)
	if err != nil {
		return answer, c.scrubbed(err, request, call)
	}
	if out == nil {
		return answer, nil
	}
	if err := out(payload); err != nil || call.Complete != nil && !call.Complete() {
		// The text of a JSON error can quote the answer, so it is left out.
		return answer, &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown, Message: "the answer has not the documented form"}
	}
	return answer, nil
}

// untilReset is how long a used-up quota holds back further calls.
func (c *Client) untilReset(quota Quota) time.Duration {
	if quota.Reset.IsZero() {
		return quota.ResetIn
	}
	return time.Until(quota.Reset.Add(-c.clock.get()))
}

// prepare makes the call a request with the client's headers, and signs it.
func (c *Client) prepare(call Call) (*Request, error) { return c.prepareFor(c.config.BaseURL, call) }

// prepareFor is prepare for the given base URL.
func (c *Client) prepareFor(base string, call Call) (*Request, error) {
	request := &Request{
		Method: call.Method, Host: hostOf(base), Path: call.Path, Query: call.Query, Header: http.Header{}, Body: call.Body,
	}
	maps.Copy(request.Header, call.Header)
	if call.ContentType != "" {
		request.Header.Set("Content-Type", call.ContentType)
	}
	if c.config.Options.UserAgent != "" {
		request.Header.Set("User-Agent", c.config.Options.UserAgent)
	}
	switch {
	case call.Unsigned:
		return request, nil
	case call.Bearer != "":
		request.Signature = call.Bearer.Reveal()
		request.Header.Set("Authorization", "Bearer "+request.Signature)
		return request, nil
	}
	sign := c.config.Sign
	if call.Sign != nil {
		sign = call.Sign
	}
	if err := sign(request, time.Now().Add(c.clock.get())); err != nil {
		return nil, &exchanges.Error{Kind: exchanges.ErrInvalid, Message: "signing the request: " + err.Error()}
	}
	return request, nil
}

// httpRequest puts the signed request into net/http's form, byte for byte.
func httpRequest(ctx context.Context, base string, request *Request) (*http.Request, error) {
	formed, err := http.NewRequestWithContext(ctx, request.Method, base+request.Target(), bytes.NewReader(request.Body))
	if err != nil {
		return nil, &exchanges.Error{Kind: exchanges.ErrInvalid, Message: "the request cannot be formed"}
	}
	formed.Header = request.Header
	return formed, nil
}

// send does the HTTP exchange. A failure before a connection was made is
// ErrUnavailable, any later one ErrOutcomeUnknown.
func (c *Client) send(ctx context.Context, request *Request) (Answer, error) {
	connected := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	})
	formed, err := httpRequest(ctx, c.config.BaseURL, request)
	if err != nil {
		return Answer{}, err
	}
	fail := func(err error) (Answer, error) {
		kind := exchanges.ErrUnavailable
		if connected {
			kind = exchanges.ErrOutcomeUnknown
		}
		return Answer{}, &exchanges.Error{Kind: kind, Message: transportMessage(err), Err: cause(err)}
	}
	response, err := c.http.Do(formed)
	if err != nil {
		return fail(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return fail(err)
	}
	if len(body) > maxAnswer {
		return Answer{}, &exchanges.Error{
			Kind:    exchanges.ErrOutcomeUnknown,
			Message: fmt.Sprintf("the answer is larger than %d bytes", maxAnswer),
		}
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

// blame makes any error an *exchanges.Error that names exchange and operation.
func (c *Client) blame(call Call, err error) *exchanges.Error {
	var failure *exchanges.Error
	if !errors.As(err, &failure) {
		failure = &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown, Message: transportMessage(err), Err: cause(err)}
	}
	named := *failure
	named.Exchange, named.Operation = c.config.Exchange, call.Operation
	if named.Kind == exchanges.ErrOutcomeUnknown && call.Effect == ReadOnly {
		named.Kind = exchanges.ErrUnavailable
	}
	return &named
}

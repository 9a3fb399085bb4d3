package exchangetest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"testing"
	"time"
)

// wire is the HTTP transport of accounts in a testing/synctest bubble. It carries
// requests out to the simulator, whose clock it keeps at the bubble's time, so that
// waits take no time and are exact. It records every request, and can answer in
// place of the exchange.
type wire struct {
	outbound chan *http.Request
	inbound  chan reply

	mu   sync.Mutex // guards what follows, and lets one request through at a time
	now  time.Time
	sent []message
	// answer replaces the exchange if it returns an answer.
	answer func(message) *canned
	// quiet leaves the sender without an answer where the exchange gives none.
	quiet bool
}

// message is a request as it was sent, and what came back.
type message struct {
	at     time.Time
	method string
	path   string
	query  string
	header http.Header
	body   []byte
	answer canned
}

// canned is a complete, prepared answer.
type canned struct {
	status int
	header http.Header
	body   []byte
}

type reply struct {
	canned
	err error
}

// newWire returns a wire that ends with the test. It must be called outside the
// bubble that will use it.
func newWire(t *testing.T) *wire {
	w := &wire{outbound: make(chan *http.Request), inbound: make(chan reply), now: present()}
	transport := &http.Transport{}
	var running sync.WaitGroup
	running.Go(func() {
		for request := range w.outbound {
			w.inbound <- roundTrip(transport, request)
		}
		transport.CloseIdleConnections()
	})
	t.Cleanup(func() {
		close(w.outbound)
		running.Wait()
	})
	return w
}

func roundTrip(transport *http.Transport, request *http.Request) reply {
	response, err := transport.RoundTrip(request)
	if err != nil {
		return reply{err: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return reply{canned{response.StatusCode, response.Header, body}, err}
}

// clock is the simulator's clock: the time at which the last request was sent.
func (w *wire) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// RoundTrip implements [http.RoundTripper].
func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	m := message{at: time.Now(), method: request.Method, path: request.URL.Path, query: request.URL.RawQuery, header: request.Header}
	if request.Body != nil {
		var err error
		if m.body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
	}
	if trace := httptrace.ContextClientTrace(request.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{}) // The simulator is always there to be connected to.
	}
	came := w.deliver(m, request.URL.String())
	if came.err != nil {
		if w.isQuiet() {
			<-request.Context().Done()
			return nil, request.Context().Err()
		}
		return nil, came.err
	}
	return &http.Response{
		StatusCode: came.status, Header: came.header.Clone(), Request: request,
		Body: io.NopCloser(bytes.NewReader(came.body)), ContentLength: int64(len(came.body)),
	}, nil
}

// deliver brings one message to the exchange, or to what answers in its place.
func (w *wire) deliver(m message, url string) reply {
	w.mu.Lock()
	w.now = m.at
	answer := w.answer
	w.mu.Unlock()

	var came reply
	if answer != nil {
		if instead := answer(m); instead != nil {
			came = reply{canned: *instead}
		}
	}
	if came.status == 0 {
		// A request made here would bind the bubble's channels to its context, so
		// the copy gets a context of its own.
		outside, err := http.NewRequest(m.method, url, bytes.NewReader(m.body))
		if err != nil {
			return reply{err: err}
		}
		outside.Header = m.header.Clone()
		w.outbound <- outside
		came = <-w.inbound
	}
	m.answer = came.canned
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, m)
	return came
}

// instead sets what answers in place of the exchange; nil stands for the exchange
// itself. It forgets what was recorded so far.
func (w *wire) instead(answer func(message) *canned) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer, w.sent = answer, nil
}

// keepQuiet lets whoever sends a request wait for an answer, to the end of its
// patience, where the exchange cuts the connection instead.
func (w *wire) keepQuiet() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.quiet = true
}

func (w *wire) isQuiet() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.quiet
}

// messages returns what was recorded since the last call of instead.
func (w *wire) messages() []message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

package venue

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Streamer is implemented by rules of an exchange with WebSockets to which a message
// logs in.
type Streamer interface {
	// Stream describes them; they are all alike.
	Stream() Stream
}

// Stream describes the WebSockets of an exchange.
type Stream struct {
	// Paths are where they are, as http.ServeMux has it.
	Paths []string
	// LogIn returns the key that a message logs in; nil if the message is no login, or
	// one that is refused.
	LogIn func(c *Call, message Message) *Key
	// Answer is the answer to a message, in a session that is logged in or not.
	Answer func(message Message, loggedIn bool) any
	// EndsAtOnce, if it is not zero, is the code with which the session of a key is
	// closed when that is deleted; EndsNext means that it is closed at its next message.
	// If neither is documented, the weather decides ([SessionsEnd]).
	EndsAtOnce websocket.StatusCode
	EndsNext   bool
}

// undocumented reports whether nobody knows when a session ends whose key is deleted.
func (s Stream) undocumented() bool { return s.EndsAtOnce == 0 && !s.EndsNext }

// Message is a JSON object that came over a WebSocket.
type Message map[string]any

// In returns the object at a member; empty if there is none.
func (m Message) In(member string) Message {
	switch inside := m[member].(type) {
	case map[string]any:
		return inside
	case []any:
		if len(inside) > 0 {
			first, _ := inside[0].(map[string]any)
			return first
		}
	}
	return nil
}

// Text returns a member as text, numbers as they were written; empty if there is none.
func (m Message) Text(member string) string {
	switch value := m[member].(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	}
	return ""
}

// session is one connection to a WebSocket.
type session struct {
	key *Key // nil until it is logged in; guarded by the venue's lock
	// end closes the connection with a code; it may be called again.
	end func(websocket.StatusCode)
}

// streams are the sessions of a venue.
type streams struct {
	about    Stream
	sessions map[*session]bool // guarded by the venue's lock
	serving  sync.WaitGroup
	ctx      context.Context
	stop     context.CancelFunc
}

// closeTimeout bounds the handshake that ends a session.
const closeTimeout = time.Second

// serveStreams adds the WebSockets of rules that have some.
func (v *Venue) serveStreams(rules Rules) {
	v.streams.sessions = map[*session]bool{}
	v.streams.ctx, v.streams.stop = context.WithCancel(context.Background())
	streamer, has := rules.(Streamer)
	if !has {
		return
	}
	v.streams.about = streamer.Stream()
	for _, path := range v.streams.about.Paths {
		v.mux.HandleFunc("GET "+path, v.serveStream)
	}
}

// CloseStreams ends every session, and those to come.
func (v *Venue) CloseStreams() {
	v.streams.stop()
	v.streams.serving.Wait()
}

// Sessions lists the API keys that are logged in to a WebSocket, one for each session.
func (v *Venue) Sessions() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var keys []string
	for s := range v.streams.sessions {
		if s.key != nil {
			keys = append(keys, s.key.APIKey)
		}
	}
	return keys
}

// serveStream talks over one WebSocket until either side ends it.
func (v *Venue) serveStream(w http.ResponseWriter, request *http.Request) {
	v.streams.serving.Add(1)
	defer v.streams.serving.Done()
	connection, err := websocket.Accept(w, request, nil)
	if err != nil {
		return // The library has answered.
	}
	defer func() { _ = connection.CloseNow() }()
	codes := make(chan websocket.StatusCode, 1)
	s := &session{end: func(code websocket.StatusCode) {
		select {
		case codes <- code:
		default:
		}
	}}
	v.mu.Lock()
	v.streams.sessions[s] = true
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.streams.sessions, s)
	}()

	messages := make(chan []byte)
	reading, done := context.WithCancel(v.streams.ctx)
	defer done()
	v.streams.serving.Go(func() {
		defer close(messages)
		for {
			_, message, err := connection.Read(reading)
			if err != nil {
				return
			}
			select {
			case messages <- message:
			case <-reading.Done():
				return
			}
		}
	})
	for {
		select {
		case code := <-codes:
			closing := time.AfterFunc(closeTimeout, func() { _ = connection.CloseNow() })
			_ = connection.Close(code, "")
			closing.Stop()
			return
		case message, open := <-messages:
			if !open {
				return
			}
			answer := v.hear(s, request, message)
			if answer == nil {
				s.end(websocket.StatusPolicyViolation)
				continue
			}
			encoded, err := json.Marshal(answer)
			if err != nil || connection.Write(reading, websocket.MessageText, encoded) != nil {
				return
			}
		}
	}
}

// hear takes one message; it returns nil if that ends the session.
func (v *Venue) hear(s *session, request *http.Request, text []byte) any {
	var message Message
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&message) != nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	c := &Call{Request: request, Caller: callerOf(request), Now: v.clock(), Books: v.books, multiplier: v.multiplier, weather: v.weather}
	about := v.streams.about
	if s.key != nil && v.books.Key(s.key.APIKey) == nil && (about.EndsNext || v.weather[SessionsEnd] == sessionsEndNext) {
		return nil
	}
	if k := about.LogIn(c, message); k != nil && k.Allows(c.Caller) && !k.Expired(c.Now) {
		s.key = k
	}
	return about.Answer(message, s.key != nil)
}

// endSessions closes the sessions of keys that are gone, where that happens at once. The
// venue is locked.
func (v *Venue) endSessions() {
	code := v.streams.about.EndsAtOnce
	if code == 0 && v.weather[SessionsEnd] == sessionsEndAtOnce {
		code = websocket.StatusPolicyViolation
	}
	if code == 0 {
		return
	}
	for s := range v.streams.sessions {
		if s.key != nil && v.books.Key(s.key.APIKey) == nil {
			s.end(code)
		}
	}
}

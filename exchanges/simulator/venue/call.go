package venue

import (
	"encoding/json"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// Call is one request in progress, as an exchange's rules see it. Rules may
// read and change the books freely: the venue is locked while they run.
type Call struct {
	*http.Request            // as it came; RequestURI and URL.RawQuery are the bytes that were sent
	Body          []byte     // as it came
	Caller        netip.Addr // the other end of the TCP connection
	Now           time.Time  // by the exchange's clock, which a fault may have shifted
	Books         *Books
	Key           *Key    // the calling key; nil on public routes
	Quotas        []Quota // one for each of the route's limits that was checked
	Fault         Fault   // the zero Fault if none acts on this call
	multiplier    float64 // of the documented rate limits
	weather       weather
}

// Grant decides what a new or edited key gets. That is what was asked for,
// except under two faults: GrantMore adds the first permission of surplus that
// was not asked for, as the condition AddsPermission does, and GrantLess drops the
// last one that was.
func (c *Call) Grant(asked []string, surplus ...string) []string {
	granted := slices.Clone(asked)
	fault := c.Fault.Kind
	if c.weather[AddsPermission] != "" {
		fault = GrantMore
	}
	switch fault {
	case GrantMore:
		for _, permission := range surplus {
			if !slices.Contains(asked, permission) {
				return append(granted, permission)
			}
		}
	case GrantLess:
		return granted[:max(len(granted)-1, 0)]
	}
	return granted
}

// Starts is when the exchange begins to know a key that is made now: at once,
// unless the fault SlowStart is active.
func (c *Call) Starts() time.Time {
	if c.Fault.Kind == SlowStart {
		return c.Now.Add(c.Fault.Delay)
	}
	return c.Now
}

// RemoveKey deletes a key, unless the fault DeleteLies is active.
func (c *Call) RemoveKey(k *Key) {
	if c.Fault.Kind != DeleteLies {
		c.Books.RemoveKey(k, c.Now)
	}
}

// EmptyKey takes all permissions from a key, at an exchange where that replaces
// deletion, unless the fault DeleteLies is active.
func (c *Call) EmptyKey(k *Key) {
	if c.Fault.Kind != DeleteLies {
		k.Permissions = nil
	}
}

// Documented is how long ago something was, measured in documented time: a
// multiplier for the limits makes all waits pass faster. If the clock was set
// back, so that the time lies in the future, it counts as long past.
func (c *Call) Documented(at time.Time) time.Duration {
	if at.After(c.Now) {
		return math.MaxInt64
	}
	return time.Duration(float64(c.Now.Sub(at)) * c.multiplier)
}

// Answer is what goes back to the caller once the venue is unlocked.
type Answer struct {
	Status int
	header http.Header
	Body   []byte
}

// TextAnswer is an answer with the given body. Without a body it has no content
// type.
func TextAnswer(status int, contentType, body string) *Answer {
	header := http.Header{}
	if body != "" {
		header.Set("Content-Type", contentType)
	}
	return &Answer{Status: status, header: header, Body: []byte(body)}
}

// JSONAnswer is an answer with the body encoded as JSON.
func JSONAnswer(status int, body any) *Answer {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err) // answers are built from types that always encode
	}
	a := &Answer{Status: status, header: http.Header{}, Body: encoded}
	return a.Set("Content-Type", "application/json")
}

// Set sets a header of the answer and returns the answer.
func (a *Answer) Set(name, value string) *Answer {
	a.header.Set(name, value)
	return a
}

// Write sends the answer.
func (a *Answer) Write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // if the caller is gone, that does not matter to the venue
}

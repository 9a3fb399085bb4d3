package exchanges

import (
	"slices"
	"time"
)

// Part is a part of a request that a signature may cover.
type Part string

// The parts of a request.
const (
	PartMethod Part = "method"
	PartHost   Part = "host"
	PartPath   Part = "path"
	PartQuery  Part = "query"
	PartBody   Part = "body"
)

// Parts lists every part of a request, in order.
func Parts() []Part { return []Part{PartMethod, PartHost, PartPath, PartQuery, PartBody} }

// Signing says what a signature by a minted key is good for. Whoever gets one
// signature and not the key can use it for that, and for nothing else.
type Signing struct {
	// NoCustody is set where a minted key cannot stay with the engine, and says why.
	NoCustody string
	// Requests are the types of the keys that sign each request.
	Requests []KeyType
	// Raw are the types of the keys that sign any text, where clients are known that make
	// up themselves what is signed. A passphrase of such a key is sent as it is on each
	// request. Accounts of a variant that has any implement [RawSigner].
	Raw []KeyType
	// Binds are the parts of a request that its signature covers, in the order of
	// [Parts]. What is not there can be changed once the request is signed.
	Binds []Part
	// PostOnly means that signed requests are all POST and have no query, so that neither
	// can be another one.
	PostOnly bool
	// Unbound says more about what a signature does not cover; empty if [Binds] says
	// it all.
	Unbound string
	// Validity is how long the exchange accepts a signed request; zero where that is
	// not documented.
	Validity time.Duration
	// Once means that the exchange takes a signed request only once.
	Once bool
	// Replaced are the parameters, of query or form, that signing adds: what a request
	// has of them already must be taken out before it is signed.
	Replaced []string
	// Logins are the ways to log in to a WebSocket; the first is the default. Accounts
	// of a variant that has any implement [LoginSigner].
	Logins []Channel
	// LoginRequests are requests that log in, or whose signature is as good as a login,
	// each written like "POST /api/v1/bullet-private".
	LoginRequests []string
	// LoginParameters are parameters with which a request's signature is as good as a
	// login.
	LoginParameters []string
	// RequestsLogIn is set where the signature of any request is as good as a login, and
	// says why.
	RequestsLogIn string
	// Actions means that a request's body names the action that it is, by its member action.type.
	Actions bool
	// Logons are the types of the keys that log on to a FIX session. Accounts of a
	// variant that has any implement [LogonSigner].
	Logons []KeyType
}

// Channel is one way to log in to an exchange's WebSocket.
type Channel struct {
	// Name is what callers call it: "private", "trade".
	Name string
	// KeyTypes are the types of the keys that can log in.
	KeyTypes []KeyType
	// Request is set where the answer to a signed request opens the connection,
	// written like "POST /api/v1/bullet-private"; else a message logs in.
	Request string
	// Validity is how long the exchange accepts the login; zero where that is not
	// documented.
	Validity time.Duration
	// Chosen means that the login itself says how long it is valid.
	Chosen bool
	// Note says what to do with the login, if that is not plain.
	Note string
}

// MaxLoginValidity is how long a login may be valid where it says so itself. A login
// takes a round trip, and whoever finds it later must find it useless.
const MaxLoginValidity = 10 * time.Second

// BindsPart reports whether a signature covers that part of a request.
func (s Signing) BindsPart(part Part) bool { return slices.Contains(s.Binds, part) }

// KeepsRules reports whether a rule on method and path still holds once a request is
// signed.
func (s Signing) KeepsRules() bool {
	return s.RequestsLogIn == "" && s.BindsPart(PartPath) && (s.PostOnly || s.BindsPart(PartMethod))
}

// SignsRequests reports whether keys of that type sign each request.
func (s Signing) SignsRequests(t KeyType) bool { return slices.Contains(s.Requests, t) }

// SignsRaw reports whether keys of that type sign any text.
func (s Signing) SignsRaw(t KeyType) bool { return slices.Contains(s.Raw, t) }

// LogsOn reports whether keys of that type can log on to a FIX session.
func (s Signing) LogsOn(t KeyType) bool { return slices.Contains(s.Logons, t) }

// LogsIn reports whether keys of that type can log in to any WebSocket.
func (s Signing) LogsIn(t KeyType) bool {
	return slices.ContainsFunc(s.Logins, func(c Channel) bool { return slices.Contains(c.KeyTypes, t) })
}

// Channels are the ways to log in that keys of that type have.
func (s Signing) Channels(t KeyType) []Channel {
	var open []Channel
	for _, channel := range s.Logins {
		if slices.Contains(channel.KeyTypes, t) {
			open = append(open, channel)
		}
	}
	return open
}

// Channel returns the channel of that name, or the first if name is empty.
func (s Signing) Channel(name string) (Channel, error) {
	return find(s.Logins, name, "channel", "this exchange", func(c Channel) string { return c.Name })
}

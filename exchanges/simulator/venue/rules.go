package venue

import (
	"crypto"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// Rules are what one exchange's package supplies: its wire format, its signature
// check and its restrictions. Everything else is the same for all exchanges.
//
// The methods are called with the venue locked, so an exchange may keep state of
// its own (sessions, nonces) in plain fields.
type Rules interface {
	// Seed enters the master accounts and the root keys of every kind. The
	// RSA key pair is shared by all roots that sign with RSA, and is made
	// only when first asked for, because that takes a while. The rules must
	// not hold on to what they enter: a reset works with copies.
	Seed(b *Books, now time.Time, rsaPair func() crypto.Signer)
	// AddSubAccount enters one more sub-account of a master.
	AddSubAccount(b *Books, now time.Time, master *Account) *Account
	// Routes is the table of the exchange's endpoints.
	Routes() []Route
	// Authenticate finds the calling key and checks signature, time and
	// address. It returns either the key or the refusal.
	Authenticate(c *Call) (*Key, *Answer)
	// RateLimited is the answer to one request too many.
	RateLimited(c *Call, q Quota) *Answer
	// NotFound is the answer to a request that no route takes.
	NotFound(c *Call) *Answer
}

// Resetter is implemented by rules that keep state beyond the books, which a
// reset of the venue must clear.
type Resetter interface{ Reset() }

// SlowStarter is implemented by rules of an exchange that documents that a new
// key may take a while to work, and which enter it as [Call.Starts] says.
type SlowStarter interface {
	// StartsSlowly does nothing; having it is the statement.
	StartsSlowly()
}

// Route is one endpoint.
type Route struct {
	Pattern   string // as http.ServeMux has it
	Operation exchanges.Operation
	Public    bool // needs no authentication
	Limits    []Limit
	Permit    func(*Call) *Answer // nil, or checks what the calling key may do: nil or the refusal
	Handle    func(*Call) *Answer
	// Choose, where one path serves several operations, picks the route by
	// what the request says; the route itself then needs its pattern only.
	Choose func(*Call) Route
}

// Listing is one exchange, as its package offers it to a simulator.
type Listing struct {
	Name string       // of the exchange, as drivers and the control API call it
	New  func() Rules // makes the rules of a venue that has just opened
}

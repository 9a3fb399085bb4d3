package venue

import (
	"crypto"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// Rules are what one exchange's package supplies: its wire format, its
// signature check and its restrictions. Everything else is the same for all
// exchanges.
//
// The venue is locked while it calls these methods, so an exchange may keep its
// own state (sessions, nonces) in plain fields.
type Rules interface {
	// Seed adds the master accounts and the root keys of every kind. All roots
	// that sign with RSA share one key pair, which is made only when first
	// asked for, because that takes a while. Rules must not hold on to what
	// they add: a reset works with copies.
	Seed(b *Books, now time.Time, rsaPair func() crypto.Signer)
	// AddSubAccount adds one more sub-account to a master.
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

// Resetter is implemented by rules that keep state outside the books, which a
// reset of the venue must clear.
type Resetter interface{ Reset() }

// SlowStarter is implemented by rules of an exchange whose documentation says
// that a new key may take a while to work, and which add the key as
// [Call.Starts] says.
type SlowStarter interface {
	// StartsSlowly does nothing: having the method is the statement.
	StartsSlowly()
}

// Route is one endpoint.
type Route struct {
	Pattern   string // as http.ServeMux has it
	Operation exchanges.Operation
	Public    bool // needs no authentication
	Limits    []Limit
	Permit    func(*Call) *Answer // nil, or checks what the calling key may do; returns nil or the refusal
	Handle    func(*Call) *Answer
	// Choose picks the route by what the request says, if one path serves
	// several operations. The route itself then needs only its pattern.
	Choose func(*Call) Route
}

// Listing is one exchange, as its package offers it to a simulator.
type Listing struct {
	Name string       // of the exchange, as drivers and the control API call it
	New  func() Rules // makes the rules of a new venue
}

package simulator

import "vault-plugin-secrets-exchange/exchanges/simulator/venue"

// The names from package venue that a user of the simulator needs. The rest of
// that package is for those who write a venue.

// Listing is a venue that a simulator can run.
type Listing = venue.Listing

// Options shape a simulator.
type Options = venue.Options

// Access is what a client needs to manage keys at a venue.
type Access = venue.Access

// Credential is what signs requests at a venue.
type Credential = venue.Credential

// KeyView is a live minted key, without its secret.
type KeyView = venue.KeyView

// Fault makes a venue misbehave.
type Fault = venue.Fault

// FaultKind names a way in which a venue can misbehave.
type FaultKind = venue.FaultKind

// The faults that can be injected.
const (
	DropAfterCommit  = venue.DropAfterCommit
	DropBeforeCommit = venue.DropBeforeCommit
	Error5xx         = venue.Error5xx
	RateLimit        = venue.RateLimit
	Slow             = venue.Slow
	HTMLError        = venue.HTMLError
	ClockSkew        = venue.ClockSkew
	DeleteLies       = venue.DeleteLies
	GrantMore        = venue.GrantMore
	GrantLess        = venue.GrantLess
	Outage           = venue.Outage
	SlowStart        = venue.SlowStart
)

// ConditionView is a condition of a venue's weather, and what it is set to.
type ConditionView = venue.ConditionView

// MainRoot is the kind of root that can do everything that minting needs.
const MainRoot = venue.MainRoot

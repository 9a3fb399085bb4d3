package simulator

import "vault-plugin-secrets-exchange/exchanges/simulator/venue"

// The names from package venue that a user of the simulator needs. The rest of
// that package is for those who write a venue.
type (
	Listing    = venue.Listing
	Options    = venue.Options
	Access     = venue.Access
	Credential = venue.Credential
	KeyView    = venue.KeyView
	Fault      = venue.Fault
	FaultKind  = venue.FaultKind
)

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

// MainRoot is the kind of root that can do everything that minting needs.
const MainRoot = venue.MainRoot

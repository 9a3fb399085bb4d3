// Package exchangetest is the conformance suite of exchange packages: what the
// engine relies on at every exchange, proved against the simulator.
//
// An exchange package runs it with one call per variant, for instance
//
//	func TestConformance(t *testing.T) {
//		exchangetest.Run(t, exchangetest.Subject{Exchange: bybit.New(), Venue: standin.Venue(), Probes: ...})
//	}
//
// with the package of the simulated exchange imported as standin.
//
// What there is to test follows from the exchange's description, so that a
// scope, key type or address form that is added to it is tested without a
// change here. Signature vectors and recorded failures are read from
// testdata/<exchange>; their formats are those of [Vectors] and [Failure].
//
// Start reading at [Run]. Tests about time run in a testing/synctest bubble,
// into which wire carries the simulator.
package exchangetest

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// Subject is one variant of an exchange, to be tested.
type Subject struct {
	// Exchange is tested against Venue.
	Exchange exchanges.Exchange
	// Venue is the exchange's stand-in in the simulator.
	Venue simulator.Listing
	// Variant is the name of the variant; empty means the first.
	Variant string
	// Root is the simulator's kind of root that can do everything in this
	// variant; empty means "main". The others are then "read_only",
	// "no_right", "unbound", "rsa" and "ed25519", with Root and "_" in front
	// unless it is "main", as far as the simulator has them.
	Root string
	// Probes are requests of a minted key's user, at least one per offered
	// scope.
	Probes []Probe
	// Accepted reports whether the answer to a probe is a success; nil means
	// that the HTTP status tells.
	Accepted func(status int, body []byte) bool
	// Slots is how many keys the root can have at a time in the simulator,
	// where that follows from the account rather than from
	// [exchanges.Variant.KeysPerSubAccount]; zero means as many as that, or
	// more than are tried.
	Slots int
	// ClockSkew is how far off its clock must be for the exchange to refuse a
	// request; zero means 3 minutes.
	ClockSkew time.Duration
	// Timeless says that making a key carries no timestamp, so that a wrong
	// clock is no hindrance.
	Timeless bool
	// Clockless says that the exchange takes no timestamps at all, and so has
	// no clock to be asked.
	Clockless bool
	// OneAccount says that there are no sub-accounts to ask the exchange for:
	// the only one is the account itself.
	OneAccount bool
	// ClockRefusal is the kind of the failure that a refused timestamp is,
	// where the exchange does not tell it from others; empty means ErrInvalid.
	ClockRefusal exchanges.Kind
	// LogIn reports whether a request at that path logs in for the call that
	// follows; nil means that every request is authorized by itself.
	LogIn func(path string) bool
	// GoneSubAccount names a sub-account that does not exist, for exchanges
	// whose documentation says how they then answer a deletion, which must
	// succeed. Empty where the documentation leaves it open.
	GoneSubAccount string
	// Signature signs the text of a vector. Nil means that the vectors are
	// compared with what is sent, which is better where the vectors have the
	// parameters in the order that the exchange package sends them.
	Signature func(credential exchanges.Credential, text string) (string, error)
}

// Probe is a request that an exchange accepts from a key that holds Scope, and
// refuses from any other.
type Probe struct {
	Name    string
	Scope   exchanges.Scope
	Request exchanges.UserRequest
}

// Run tests the subject.
func Run(t *testing.T, subject Subject) {
	s := newSuite(t, subject)
	t.Run("Describe", s.testDescribe)
	t.Run("Grants", s.testGrants)
	t.Run("Open", s.testOpen)
	t.Run("Inspect", s.testInspect)
	t.Run("SubAccounts", s.testSubAccounts)
	t.Run("Keys", s.testKeys)
	t.Run("KeyPages", s.testKeyPages)
	t.Run("Activation", s.testActivation)
	t.Run("Deletion", s.testDeletion)
	t.Run("SurplusAndLack", s.testSurplusAndLack)
	t.Run("Faults", s.testFaults)
	t.Run("LostAnswer", s.testLostAnswer)
	t.Run("RollBack", s.testRollBack)
	t.Run("Rotation", s.testRotation)
	t.Run("Cancellation", s.testCancellation)
	t.Run("Connections", s.testConnections)
	t.Run("Pace", s.testPace)
	t.Run("Clock", s.testClock)
	t.Run("Failures", s.testFailures)
	t.Run("MalformedAnswers", s.testMalformedAnswers)
	t.Run("Redaction", s.testRedaction)
	t.Run("Vectors", s.testVectors)
}

// suite is a subject with what is known of it.
type suite struct {
	Subject
	description exchanges.Description
	variant     exchanges.Variant
	rsaPair     func() pair
}

func newSuite(t *testing.T, subject Subject) *suite {
	description := subject.Exchange.Describe()
	variant, err := description.Variant(subject.Variant)
	require.NoError(t, err)
	return &suite{Subject: subject, description: description, variant: variant, rsaPair: sync.OnceValue(newRSAPair)}
}

// room is how many of the keys that a test would like to make at a time fit in
// one sub-account.
func (s *suite) room(wished int) int {
	for _, most := range []int{s.Slots, s.variant.KeysPerSubAccount} {
		if most > 0 {
			wished = min(wished, most)
		}
	}
	return wished
}

// isLogIn reports whether a message logs in for the call that follows.
func (s *suite) isLogIn(m message) bool { return s.LogIn != nil && s.LogIn(m.path) }

// testdata returns the path of one of an exchange's data files, from the folder
// of its package.
func testdata(exchange, name string) string {
	return filepath.Join("..", "..", "testdata", exchange, name)
}

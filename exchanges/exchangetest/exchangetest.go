// Package exchangetest is the conformance suite for exchange packages. It proves
// against the simulator what the engine relies on at every exchange.
//
// An exchange package runs it with one call per variant, for instance
//
//	func TestConformance(t *testing.T) {
//		exchangetest.Run(t, exchangetest.Subject{Exchange: bybit.New(), Venue: standin.Venue(), Probes: ...})
//	}
//
// with the package of the simulated exchange imported as standin.
//
// The tests follow from the exchange's description: a scope, key type or address
// form that is added to it is tested without a change here. Signature vectors and
// recorded failures are read from testdata/<exchange>; [Vectors] and [Failure] are
// their formats.
//
// Start reading at [Run]. Tests about time run in a testing/synctest bubble, into
// which wire carries the simulator.
package exchangetest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// Subject is one variant of an exchange under test.
type Subject struct {
	// Exchange is tested against Venue.
	Exchange exchanges.Exchange
	// Venue is the exchange's stand-in in the simulator.
	Venue simulator.Listing
	// Variant is the name of the variant; empty means the first.
	Variant string
	// Root is the simulator's kind of root that can do everything in this variant;
	// empty means "main". The other kinds are "read_only", "no_right", "unbound",
	// "rsa" and "ed25519", as far as the simulator has them, with Root and "_" in
	// front unless Root is "main".
	Root string
	// Probes are requests by the user of a minted key, at least one per offered
	// scope.
	Probes []Probe
	// Signed are further requests for the test of what a signature covers, where the
	// probes are all of one form. It is not asked what they do.
	Signed []exchanges.UserRequest
	// Accepted reports whether the answer to a probe is a success; nil means that
	// the HTTP status decides.
	Accepted func(status int, body []byte) bool
	// Slots is how many keys the root can have at a time in the simulator, where
	// the account limits that rather than [exchanges.Variant.KeysPerSubAccount];
	// zero means as many as that, or more than any test makes.
	Slots int
	// ClockSkew is how wrong a clock must be for the exchange to refuse a request;
	// zero means 3 minutes.
	ClockSkew time.Duration
	// Timeless means that making a key carries no timestamp, so that a wrong clock
	// does not prevent it.
	Timeless bool
	// Clockless means that the exchange takes no timestamps at all, and so has no
	// clock to ask.
	Clockless bool
	// OneAccount means that there are no sub-accounts to ask the exchange for: the
	// only one is the account itself.
	OneAccount bool
	// ClockRefusal is the kind of error for a refused timestamp, where the exchange
	// does not distinguish it from other failures; empty means ErrInvalid.
	ClockRefusal exchanges.Kind
	// LogIn reports whether a request at that path logs in for the call that
	// follows; nil means that every request is authorized by itself.
	LogIn func(path string) bool
	// GoneSubAccount names a sub-account that does not exist, for exchanges that
	// document how they then answer a deletion; the deletion must succeed. Empty
	// where the documentation does not say.
	GoneSubAccount string
	// Signature signs the text of a vector. Nil means that the vectors are compared
	// with what is sent, which is better where a vector has its parameters in the
	// order in which the exchange package sends them.
	Signature func(credential exchanges.Credential, text string) (string, error)
}

// Probe is a request that an exchange accepts from a key that holds Scope, and
// refuses from any other key.
type Probe struct {
	Name    string
	Scope   exchanges.Scope
	Request exchanges.UserRequest
}

// Run tests the subject.
func Run(t *testing.T, subject Subject) {
	s := newSuite(t, subject)
	t.Run("Describe", s.testDescribe)
	t.Run("Capabilities", s.testCapabilities)
	t.Run("Grants", s.testGrants)
	t.Run("Open", s.testOpen)
	t.Run("Inspect", s.testInspect)
	t.Run("SubAccounts", s.testSubAccounts)
	t.Run("Keys", s.testKeys)
	t.Run("KeyPages", s.testKeyPages)
	t.Run("Activation", s.testActivation)
	t.Run("Deletion", s.testDeletion)
	t.Run("DeletionAnswers", s.testDeletionAnswers)
	t.Run("DeletionOfSeveral", s.testDeletionOfSeveral)
	t.Run("Gone", s.testGone)
	t.Run("Weather", s.testWeather)
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
	t.Run("Signing", s.testSigning)
	if len(s.variant.Signing.Logins) > 0 {
		t.Run("Logins", s.testLogins)
	}
	if len(s.variant.Signing.Raw) > 0 {
		t.Run("Raw", s.testRaw)
	}
	t.Run("Streams", s.testStreams)
	t.Run("Logons", s.testLogons)
}

// suite is a subject and what follows from it.
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

// room is how many of the keys that a test would like to make at a time fit into
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

package backend

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/custody"
	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// Times of the static role whose rotation is broken.
const (
	rotatePeriod  = 6 * time.Hour
	rotateOverlap = 2 * time.Minute
	// rotateStep is how long after the rotation is due the fault lasts: until the old
	// key is retired.
	rotateStep = rotateOverlap + time.Minute
	// rotateWrites is how many writes a rotation and a retirement need at the most.
	rotateWrites = 12
)

// lastingKeys reports whether the variant can have static roles.
func (s matrixSubject) lastingKeys() bool {
	return s.variant.NoDeletion == "" && s.variant.Unlisted == ""
}

// rotationKind is what the engine rotates a static role's keys by: whether their ids can be
// read from a list, whether a lost one can be told by its label, and whether they come or
// go late.
type rotationKind struct{ masked, unlabelled, late bool }

func (s matrixSubject) rotationKind() rotationKind {
	v := s.variant
	return rotationKind{masked: v.MaskedIDs, unlabelled: v.Label.MaxLength == 0, late: v.ActivationDelay+v.RevocationDelay+v.ListingDelay > 0}
}

// fullRotations reports whether rotations are played at every exchange that has static
// roles, which takes a while. Else it is one of each kind.
func fullRotations() bool { return os.Getenv("ROTATE") == "full" }

// rotateCases lists every fault of a rotation. In each the same is asked: does
// static-creds name a key that is good, are there at most two, and does the superseded
// secret leave storage?
func rotateCases() []matrixCase {
	var cases []matrixCase
	for _, operation := range brokenOperations() {
		for _, kind := range []simulator.FaultKind{
			simulator.DropAfterCommit, simulator.DropBeforeCommit, simulator.Error5xx, simulator.HTMLError, simulator.RateLimit, simulator.Slow,
		} {
			fault := simulator.Fault{Operation: operation, Kind: kind, Count: 1}
			if kind == simulator.Slow {
				fault.Delay = benchTimeout + time.Second
			}
			cases = append(cases, matrixCase{step: stepRotate, fault: fmt.Sprintf("%s at %s", kind, operation), network: []simulator.Fault{fault}})
		}
	}
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		cases = append(cases, matrixCase{step: stepRotate, fault: fmt.Sprintf("clock skew %s", skew), network: []simulator.Fault{
			{Operation: exchanges.OpAny, Kind: simulator.ClockSkew, Delay: skew},
		}})
	}
	for write := 1; write <= rotateWrites; write++ {
		cases = append(cases,
			matrixCase{step: stepRotate, fault: fmt.Sprintf("storage refuses write %d", write), refused: write},
			matrixCase{step: stepRotate, fault: fmt.Sprintf("storage refuses from write %d", write), refused: write, from: true},
			matrixCase{step: stepRotate, fault: fmt.Sprintf("killed at write %d", write), refused: write, from: true, killed: true},
		)
	}
	for _, kind := range []simulator.FaultKind{simulator.GrantMore, simulator.GrantLess} {
		cases = append(cases, matrixCase{step: stepRotate, fault: string(kind), network: []simulator.Fault{
			{Operation: exchanges.OpCreateKey, Kind: kind}, {Operation: exchanges.OpEditKey, Kind: kind},
		}})
	}
	lost := simulator.Fault{Operation: exchanges.OpCreateKey, Kind: simulator.DropAfterCommit, Count: 1}
	cases = append(cases,
		matrixCase{step: stepRotate, fault: "killed afterwards", killed: true},
		matrixCase{step: stepRotate, fault: "answer lost, then killed", network: []simulator.Fault{lost}, refused: 2, from: true, killed: true},
		matrixCase{step: stepRotate, fault: "answer lost, then an outage of an hour", hours: 1, network: []simulator.Fault{
			{Operation: exchanges.OpAny, Kind: simulator.Outage}, lost,
		}},
		matrixCase{step: stepRotate, fault: "an outage of an hour", hours: 1, network: []simulator.Fault{{Operation: exchanges.OpAny, Kind: simulator.Outage}}},
	)
	for _, kind := range []simulator.FaultKind{simulator.DeleteLies, simulator.Error5xx, simulator.RateLimit} {
		cases = append(cases, matrixCase{step: stepRotate, fault: fmt.Sprintf("deletion: %s for an hour", kind), hours: 1, network: []simulator.Fault{
			{Operation: exchanges.OpDeleteKey, Kind: kind},
		}})
	}
	return cases
}

func (c matrixCase) breakRotate(b *bench) {
	first := b.untilRotation()
	c.whileRotating(b)
	b.replaced(first)
}

// untilRotation makes a static role and waits until its key is about to be replaced, of
// which it returns the secret.
func (b *bench) untilRotation() custody.Secret {
	b.Helper()
	b.write("static-roles/s", map[string]any{
		"connection": "c", "sub_account": b.access.SubAccounts[0], "scopes": b.subject.scopes().Strings(), "ip_allowlist": b.addresses(),
		"rotation_period": rotatePeriod.String(), "overlap": rotateOverlap.String(),
	})
	b.untilRotated(0)
	first := b.goodKey()
	secret, err := custodyTable().Get(b.Context(), b.storage.Storage, first.Data["key_id"].(string))
	require.NoError(b, err)
	require.NotNil(b, secret)
	time.Sleep(time.Until(parseTime(b, first.Data["next_vault_rotation"])) - time.Second)
	return *secret
}

// whileRotating plays the case at a rotation, with time to get over it. Meanwhile the
// role has a key that is good.
func (c matrixCase) whileRotating(b *bench) {
	c.during(b, func() {
		time.Sleep(rotateStep + time.Second)
		b.tick()
	})
	for range c.hours * 60 {
		b.goodKey()
		b.pass(time.Minute)
	}
	b.sim.ClearFaults()
	b.stayGood()
}

// stayGood lets time pass in which each attempt may fail once and take its longest. Once
// the key is replaced and the one before it gone, nothing changes any more.
func (b *bench) stayGood() {
	b.Helper()
	const enough = 45
	for passed := 0; passed < enough; passed++ {
		now := b.goodKey()
		if now.Data["version"] == 2 && now.Data["previous_api_key"] == "" && len(b.custodyIDs()) == 1 {
			b.pass((enough - time.Duration(passed)) * time.Minute)
			return
		}
		b.pass(time.Minute)
	}
}

// replaced asserts that the first key of the role was replaced, that nothing of it is
// left, and that nothing of the role is once that is deleted.
func (b *bench) replaced(first custody.Secret) {
	b.Helper()
	last := b.goodKey()
	switch left := b.leftToPersons(); {
	case left > 0:
		// A third key would be one too many: a person must delete the lost one first.
		require.Equal(b, 1, last.Data["version"])
		require.NotZero(b, b.read("static-roles/s")["overdue_seconds"])
	default:
		require.Equal(b, 2, last.Data["version"], "the key was not replaced: %v", b.read("static-roles/s")["last_error"])
		b.superseded(first.Credential())
	}
	require.Equal(b, []string{last.Data["key_id"].(string)}, b.custodyIDs())
	b.onlyKeys(last)

	if left := b.leftToPersons(); left > 0 {
		b.refused(logical.DeleteOperation, "static-roles/s", nil, "delete it on the exchange's website")
	} else {
		b.must(logical.DeleteOperation, "static-roles/s", nil)
	}
	b.onlyKeys()
	require.Empty(b, b.custodyIDs())
}

// untilRotated waits until the role has had so many keys and one more.
func (b *bench) untilRotated(version int) {
	b.Helper()
	for range 30 {
		if role := b.read("static-roles/s"); role["version"] == version+1 {
			return
		}
		b.pass(time.Minute)
	}
	require.Fail(b, "no key was made", "%v", b.read("static-roles/s"))
}

// goodKey asserts that static-creds names a key that is at the exchange, that the
// exchange accepts, and that there are at most two.
func (b *bench) goodKey() *logical.Response {
	b.Helper()
	resp := b.must(logical.ReadOperation, "static-creds/s", nil)
	good, ours := false, 0
	for _, key := range b.sim.Keys() {
		good = good || key.APIKey == resp.Data["api_key"]
		if b.subject.variant.Label.MaxLength > 0 || b.known(key.APIKey) {
			ours++
		}
	}
	require.True(b, good, "static-creds names a key that is not at the exchange")
	require.LessOrEqual(b, ours, 2, "keys of one role")
	entry := b.entry(resp.Data["key_id"].(string))
	require.Equal(b, ledger.Live, entry.State)
	require.Equal(b, "static/s", entry.Owner)
	return resp
}

// leftToPersons counts the keys that only a person can delete.
func (b *bench) leftToPersons() int {
	left := 0
	for _, key := range b.sim.Keys() {
		if b.leftToPerson(key) {
			left++
		}
	}
	return left
}

// superseded asserts that nothing secret of a key is in storage.
func (b *bench) superseded(key exchanges.Credential) {
	b.Helper()
	for _, secret := range key.Secrets() {
		for place, value := range b.snapshot() {
			for line := range strings.Lines(secret.Reveal()) {
				if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
					require.NotContains(b, string(value), line, place)
				}
			}
		}
	}
}

func parseTime(b *bench, text any) time.Time {
	b.Helper()
	at, err := time.Parse(time.RFC3339, text.(string))
	require.NoError(b, err)
	return at
}

package backend

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// TestFaultMatrix breaks every step of a key's life in every way at every
// exchange, lets time pass, and asks each time whether the promises held:
//
//	(a) no key is at the exchange but those that are live under an unexpired lease,
//	    and those of which the ledger says that only a person can delete them,
//	(b) no caller got a key that the ledger does not know,
//	(c) nothing that was live was deleted early,
//	(d) no secret is in a log, an error, a metric or the ledger.
//
// Each step is first taken without a fault, which shows what it comes to. A fault that
// strikes at what it does not come to would only take the same step again.
//
// Run it with -v to see the table.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	var table matrixTable
	t.Run("exchanges", func(t *testing.T) {
		for _, s := range matrixSubjects(t) {
			t.Run(s.name(), func(t *testing.T) {
				t.Parallel()
				cases := matrixCases()
				if s.rotates {
					cases = append(cases, rotateCases()...)
				}
				comesTo := map[step]*reach{}
				for _, c := range cases {
					if comesTo[c.step] == nil {
						comesTo[c.step] = s.calm(t, c.step, &table)
					}
					if comesTo[c.step].strikes(c) {
						c.run(t, s, &table)
					}
				}
			})
		}
	})
	t.Log("\n" + table.String())
}

// matrixSubject is one variant of one exchange.
type matrixSubject struct {
	exchange exchanges.Description
	variant  exchanges.Variant
	root     string
	// rotates is set if the faults of a rotation are played at it.
	rotates bool
}

func (s matrixSubject) name() string {
	if s.variant.Name == "" {
		return s.exchange.Name
	}
	return s.exchange.Name + "-" + s.variant.Name
}

// matrixSubjects are all variants for which the simulator has a root.
func matrixSubjects(t *testing.T) []matrixSubject {
	var subjects []matrixSubject
	rotated := map[rotationKind]bool{}
	sim := simulator.New(simulator.Options{}, all.Venues()...)
	for _, exchange := range catalog.All() {
		about := exchange.Describe()
		for i, variant := range about.Variants {
			root := "main"
			if i > 0 {
				root = variant.Name
			}
			if _, ok := sim.Root(about.Name, root); ok {
				s := matrixSubject{exchange: about, variant: variant, root: root}
				if s.lastingKeys() && (fullRotations() || !rotated[s.rotationKind()]) {
					s.rotates, rotated[s.rotationKind()] = true, true
				}
				subjects = append(subjects, s)
			}
		}
	}
	require.NotEmpty(t, subjects)
	return subjects
}

// scopes is the narrowest set that trades.
func (s matrixSubject) scopes() exchanges.Scopes {
	offered := s.variant.Offered()
	for _, scope := range offered {
		if _, err := s.variant.Grant(exchanges.NewScopes(exchanges.ScopeRead, scope), nil); scope.IsTrade() && err == nil {
			return exchanges.NewScopes(exchanges.ScopeRead, scope)
		}
	}
	return offered.Without(exchanges.NewScopes(exchanges.ScopeWithdraw))
}

// step is a step in the life of a key.
type step string

const (
	stepMint   step = "mint"
	stepRenew  step = "renew"
	stepRevoke step = "revoke"
	stepSweep  step = "sweep"
	// stepRotate is a rotation of a static role with the retirement that follows.
	stepRotate step = "rotate"
)

// matrixCase is one fault at one step.
type matrixCase struct {
	step  step
	fault string
	// network is injected at the simulator during the step.
	network []simulator.Fault
	// refused storage writes, counted from 1; from says every later one too.
	refused int
	from    bool
	// killed ends the process after the step: what is in memory is lost.
	killed bool
	// hours is for how many hours after the step the fault lasts.
	hours int
	// seen is told what the step comes to; nil if nobody asks.
	seen *reach
}

// reach is what a step comes to: calls at the exchange, by operation, and writes to storage.
type reach struct {
	calls  map[exchanges.Operation]int
	writes atomic.Int32
}

// strikes reports whether a fault of the case can come to pass.
func (r *reach) strikes(c matrixCase) bool {
	switch {
	case len(c.network) == 1 && c.hours == 0 && c.network[0].Operation != exchanges.OpAny:
		return r.calls[c.network[0].Operation] > 0
	case len(c.network) == 0 && c.refused > 0:
		return c.refused <= int(r.writes.Load())+1 // One more, should a write depend on what runs beside it.
	}
	return true
}

// calm takes a step without a fault, and returns what it comes to.
func (s matrixSubject) calm(t *testing.T, at step, table *matrixTable) *reach {
	c := matrixCase{step: at, fault: "none", seen: &reach{calls: map[exchanges.Operation]int{}}}
	t.Run(string(at)+"/none", func(t *testing.T) { c.play(t, s, table) })
	return c.seen
}

// brokenOperations are those at which faults are played.
func brokenOperations() []exchanges.Operation {
	return []exchanges.Operation{
		exchanges.OpServerTime, exchanges.OpCreateKey, exchanges.OpEditKey, exchanges.OpListKeys, exchanges.OpInspect,
		exchanges.OpUseKey, exchanges.OpDeleteKey,
	}
}

// matrixCases lists every fault at every step.
func matrixCases() []matrixCase {
	var cases []matrixCase
	operations := map[step][]exchanges.Operation{
		stepMint:   {exchanges.OpServerTime, exchanges.OpCreateKey, exchanges.OpEditKey, exchanges.OpListKeys},
		stepRenew:  {exchanges.OpAny},
		stepRevoke: {exchanges.OpDeleteKey, exchanges.OpEditKey, exchanges.OpListKeys},
		stepSweep:  {exchanges.OpDeleteKey, exchanges.OpEditKey, exchanges.OpListKeys},
	}
	kinds := []simulator.FaultKind{
		simulator.DropAfterCommit, simulator.DropBeforeCommit, simulator.Error5xx, simulator.HTMLError,
		simulator.RateLimit, simulator.Slow,
	}
	for _, at := range []step{stepMint, stepRenew, stepRevoke, stepSweep} {
		for _, operation := range operations[at] {
			for _, kind := range kinds {
				fault := simulator.Fault{Operation: operation, Kind: kind, Count: 1}
				if kind == simulator.Slow {
					fault.Delay = benchTimeout + time.Second
				}
				cases = append(cases, matrixCase{step: at, fault: fmt.Sprintf("%s at %s", kind, operation), network: []simulator.Fault{fault}})
			}
		}
		for _, skew := range []time.Duration{-time.Hour, time.Hour} {
			cases = append(cases, matrixCase{step: at, fault: fmt.Sprintf("clock skew %s", skew), network: []simulator.Fault{
				{Operation: exchanges.OpAny, Kind: simulator.ClockSkew, Delay: skew},
			}})
		}
		for write := 1; write <= 3; write++ {
			cases = append(cases,
				matrixCase{step: at, fault: fmt.Sprintf("storage refuses write %d", write), refused: write},
				matrixCase{step: at, fault: fmt.Sprintf("storage refuses from write %d", write), refused: write, from: true},
				matrixCase{step: at, fault: fmt.Sprintf("killed at write %d", write), refused: write, from: true, killed: true},
			)
		}
		cases = append(cases, matrixCase{step: at, fault: "killed afterwards", killed: true})
	}
	for _, kind := range []simulator.FaultKind{simulator.GrantMore, simulator.GrantLess} {
		cases = append(cases, matrixCase{step: stepMint, fault: string(kind), network: []simulator.Fault{
			{Operation: exchanges.OpCreateKey, Kind: kind}, {Operation: exchanges.OpEditKey, Kind: kind},
		}})
	}
	lost := simulator.Fault{Operation: exchanges.OpCreateKey, Kind: simulator.DropAfterCommit, Count: 1}
	cases = append(cases,
		matrixCase{step: stepMint, fault: "answer lost, then killed", network: []simulator.Fault{lost}, refused: 2, from: true, killed: true},
		matrixCase{step: stepMint, fault: "answer lost, then an outage of an hour", hours: 1, network: []simulator.Fault{
			{Operation: exchanges.OpAny, Kind: simulator.Outage}, lost,
		}},
	)
	for _, at := range []step{stepRevoke, stepSweep} {
		for _, kind := range []simulator.FaultKind{simulator.DeleteLies, simulator.Error5xx, simulator.RateLimit} {
			cases = append(cases, matrixCase{step: at, fault: fmt.Sprintf("%s for an hour", kind), hours: 1, network: []simulator.Fault{
				{Operation: exchanges.OpDeleteKey, Kind: kind},
			}})
		}
	}
	return cases
}

// benchTimeout is how long an answer may take.
const benchTimeout = 3 * time.Second

// bench is a desk with one connection and one role, on which a case is played.
type bench struct {
	*desk
	subject matrixSubject
	access  simulator.Access
}

func newBench(t *testing.T, s matrixSubject) *bench {
	d := newBubbleDesk(t, s.exchange.Name)
	access, ok := d.sim.Root(s.exchange.Name, s.root)
	require.True(t, ok)
	b := &bench{desk: d, subject: s, access: access}
	for _, secret := range []string{access.APISecret, access.Passphrase, access.PrivateKey, access.TOTPSecret} {
		if secret != "" {
			d.secrets = append(d.secrets, secret)
		}
	}
	scopes := s.scopes()
	fields := connectionFields(s.exchange.Name, access)
	d.write("config/c", merge(fields, map[string]any{
		"variant": s.variant.Name, "request_timeout": benchTimeout.String(), "allowed_scopes": scopes.Strings(),
		"allow_undeletable_keys": s.variant.NoDeletion != "", "require_ip_allowlist": !s.variant.Addresses.None,
	}))
	d.write("roles/r", map[string]any{
		"connection": "c", "sub_accounts": access.SubAccounts[0], "scopes": scopes.Strings(), "ip_allowlist": b.addresses(),
		"ttl": "10m", "max_ttl": "2h", "max_wait": "5s",
	})
	return b
}

// addresses are those that keys are bound to; none where they cannot be.
func (b *bench) addresses() []string {
	if b.subject.variant.Addresses.None {
		return nil
	}
	return []string{"127.0.0.1"}
}

// run plays the case and records whether the promises held.
func (c matrixCase) run(t *testing.T, s matrixSubject, table *matrixTable) {
	t.Run(string(c.step)+"/"+c.fault, func(t *testing.T) {
		t.Parallel()
		c.play(t, s, table)
	})
}

func (c matrixCase) play(t *testing.T, s matrixSubject, table *matrixTable) {
	t.Cleanup(func() { table.add(s.name(), c, !t.Failed()) })
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, s)
		switch c.step {
		case stepMint:
			c.breakMint(b)
		case stepRenew:
			c.breakRenew(b)
		case stepRevoke:
			c.breakRevoke(b)
		case stepSweep:
			c.breakSweep(b)
		case stepRotate:
			c.breakRotate(b)
		}
		b.keptSecrets()
	})
}

func (c matrixCase) breakMint(b *bench) {
	var lease *logical.Response
	c.during(b, func() {
		resp, err := b.do(logical.ReadOperation, "creds/r", nil)
		if err == nil && !resp.IsError() {
			lease = resp
		}
	})
	if lease != nil {
		// (b): the ledger knows what the caller got.
		require.Equal(b, ledger.Live, b.entry(lease.Data["key_id"].(string)).State)
	}
	c.outlast(b)
	if c.hours > 0 {
		b.pass(ledger.LastRetry) // until the next try, after so many
	} else {
		b.pass(ledger.PendingGrace)
	}
	if lease == nil {
		if b.subject.variant.Unlisted != "" {
			b.onlyLostKeys()
			b.pass(10*time.Minute + unlistedGrace)
		}
		b.onlyKeys()
		return
	}
	b.onlyKeys(lease)
	b.pass(10*time.Minute + ledger.LeaseGrace)
	b.onlyKeys()
}

func (c matrixCase) breakRenew(b *bench) {
	lease := b.mint("r")
	b.pass(5 * time.Minute)
	renewed := false
	c.during(b, func() {
		resp, err := b.leaseAnswer(logical.RenewOperation, lease, 10*time.Minute)
		renewed = err == nil && !resp.IsError()
	})
	c.outlast(b)
	b.onlyKeys(lease)
	b.pass(5*time.Minute + ledger.LeaseGrace)
	if renewed {
		b.onlyKeys(lease)
		b.pass(5 * time.Minute)
	} else {
		// Vault ends the lease when it was to end. It may be that the ledger
		// moved and only the answer was lost.
		require.NoError(b, b.revoke(lease))
	}
	b.onlyKeys()
}

func (c matrixCase) breakRevoke(b *bench) {
	lease, other := b.mint("r"), b.mint("r")
	c.during(b, func() { _ = b.revoke(lease) })
	c.outlast(b)
	if c.hours == 0 {
		b.pass(ledger.LastRetry - time.Second)
		require.NotContains(b, b.sim.Deletions(b.subject.exchange.Name), other.Data["api_key"], "(c)")
	}
	b.pass(ledger.LastRetry + ledger.LeaseGrace)
	b.onlyKeys()
}

func (c matrixCase) breakSweep(b *bench) {
	b.mint("r")
	b.pass(8 * time.Minute)
	fresh := b.mint("r")
	b.clock.advance(2*time.Minute + ledger.LeaseGrace)
	c.during(b, func() { b.sweep() })
	if c.hours == 0 {
		c.outlast(b)
		b.pass(2 * time.Minute)
		b.onlyKeys(fresh)
		b.pass(10 * time.Minute)
	}
	c.outlast(b)
	b.pass(ledger.LastRetry)
	b.onlyKeys()
}

// during runs the step with the fault in place; a killed process is replaced
// by a new one that finds storage as it was left.
func (c matrixCase) during(b *bench, step func()) {
	for _, fault := range c.network {
		fault.Exchange = b.subject.exchange.Name
		require.NoError(b, b.sim.Inject(fault))
	}
	if c.seen != nil {
		defer c.watch(b)()
	} else if c.refused > 0 {
		writes := 0
		var mu sync.Mutex
		b.storage.failing(func(call, _ string) error {
			mu.Lock()
			defer mu.Unlock()
			if call == "put" || call == "delete" {
				writes++
			}
			if writes == c.refused && (call == "put" || call == "delete") || c.from && writes >= c.refused {
				if c.killed {
					// A dead process does not talk to the exchange either.
					_ = b.sim.Inject(simulator.Fault{Exchange: b.subject.exchange.Name, Operation: exchanges.OpAny, Kind: simulator.Outage})
				}
				return errors.New("storage is out of order")
			}
			return nil
		})
	}
	step()
	b.storage.failing(nil)
	if c.killed {
		b.start()
	}
	if c.hours == 0 {
		b.sim.ClearFaults()
	}
}

// watch notes what happens until the function that it returns is called.
func (c matrixCase) watch(b *bench) (done func()) {
	calls := func(operation exchanges.Operation) int { return b.sim.Calls(b.subject.exchange.Name, operation) }
	before := map[exchanges.Operation]int{}
	for _, operation := range brokenOperations() {
		before[operation] = calls(operation)
	}
	b.storage.failing(func(call, _ string) error {
		if call == "put" || call == "delete" {
			c.seen.writes.Add(1)
		}
		return nil
	})
	return func() {
		for operation, n := range before {
			c.seen.calls[operation] = calls(operation) - n
		}
	}
}

// outlast lets the hours pass during which the fault stays, and then ends it.
func (c matrixCase) outlast(b *bench) {
	for range c.hours * 4 {
		b.pass(15 * time.Minute)
	}
	b.sim.ClearFaults()
}

// pass lets time pass and the sweeper run at its end.
func (b *bench) pass(by time.Duration) {
	b.clock.advance(by)
	b.sweep()
}

// onlyKeys asserts that the exchange holds the keys of these leases and no
// other, and that the ledger agrees.
func (b *bench) onlyKeys(leases ...*logical.Response) {
	b.Helper()
	var want, got []string
	left := 0
	for _, lease := range leases {
		want = append(want, lease.Data["api_key"].(string))
	}
	for _, key := range b.sim.Keys() {
		if b.subject.variant.Label.MaxLength == 0 && b.subject.variant.Unlisted == "" && !slices.Contains(want, key.APIKey) && !b.known(key.APIKey) {
			// Without labels a lost key cannot be told from a foreign one;
			// its private half died with the mint, so that it is inert.
			continue
		}
		if b.subject.variant.NoDeletion != "" && len(key.Permissions) == 0 {
			// All that revocation can do there.
			continue
		}
		if b.leftToPerson(key) {
			left++
			continue
		}
		got = append(got, key.APIKey)
	}
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(b, want, got, "(a) and (c): keys at the exchange")
	require.Len(b, b.ledgerIDs(), len(leases)+left, "keys in the ledger")
}

// leftToPerson reports whether the ledger has the key as one that the exchange
// lists masked and whose create answer was lost.
func (b *bench) leftToPerson(key simulator.KeyView) bool {
	return slices.ContainsFunc(b.ledgerIDs(), func(id string) bool {
		entry := b.entry(id)
		return entry.State == ledger.Pending && entry.ExchangeKeyID == "" && entry.Label == key.Label &&
			strings.Contains(entry.LastError, "labelled "+key.Label+" is listed only as ") && strings.Contains(entry.LastError, "*")
	})
}

// onlyLostKeys asserts, at an exchange that lists no keys, that the ledger still
// speaks of each key whose create answer was lost.
func (b *bench) onlyLostKeys() {
	b.Helper()
	for _, id := range b.ledgerIDs() {
		require.Equal(b, ledger.Pending, b.entry(id).State)
	}
	require.LessOrEqual(b, len(b.sim.Keys()), len(b.ledgerIDs()), "(a): keys at the exchange")
}

// known reports whether the ledger names the key. An entry may be gone by the time that
// it is read: the engine goes on deleting meanwhile.
func (b *bench) known(apiKey string) bool {
	return slices.ContainsFunc(b.ledgerIDs(), func(id string) bool {
		entry, err := ledgerTable().Get(b.Context(), b.storage.Storage, id)
		require.NoError(b, err)
		return entry != nil && entry.ExchangeKeyID == apiKey
	})
}

// matrixTable counts, by exchange and step, in how many cases the promises
// held.
type matrixTable struct {
	mu   sync.Mutex
	rows map[string][2]int
}

func (m *matrixTable) add(subject string, c matrixCase, held bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == nil {
		m.rows = map[string][2]int{}
	}
	fault, _, _ := strings.Cut(c.fault, " at ")
	key := fmt.Sprintf("%-16s %-7s %s", subject, c.step, fault)
	row := m.rows[key]
	if held {
		row[0]++
	}
	row[1]++
	m.rows[key] = row
}

func (m *matrixTable) String() string {
	var lines []string
	held, total := 0, 0
	for key, row := range m.rows {
		lines = append(lines, fmt.Sprintf("%-64s %d of %d held", key, row[0], row[1]))
		held, total = held+row[0], total+row[1]
	}
	slices.Sort(lines)
	return strings.Join(append(lines, fmt.Sprintf("%-64s %d of %d held", "total", held, total)), "\n")
}

// TestFaultsThatStrike: a fault is left out only if the step cannot come to it.
func TestFaultsThatStrike(t *testing.T) {
	seen := &reach{calls: map[exchanges.Operation]int{exchanges.OpCreateKey: 1}}
	seen.writes.Store(2)
	at := func(operations ...exchanges.Operation) matrixCase {
		var c matrixCase
		for _, operation := range operations {
			c.network = append(c.network, simulator.Fault{Operation: operation})
		}
		return c
	}
	lasting := at(exchanges.OpDeleteKey)
	lasting.hours = 1
	for _, c := range []matrixCase{
		at(exchanges.OpCreateKey), at(exchanges.OpAny), at(exchanges.OpCreateKey, exchanges.OpEditKey), lasting,
		{refused: 2}, {refused: 3, from: true, killed: true}, {killed: true},
	} {
		require.True(t, seen.strikes(c), "%+v", c)
	}
	require.False(t, seen.strikes(at(exchanges.OpEditKey)))
	require.False(t, seen.strikes(matrixCase{refused: 4}))
}

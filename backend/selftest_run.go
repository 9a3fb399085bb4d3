package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/custody"
	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// useTimeout bounds one try of the key.
const useTimeout = 15 * time.Second

// selfTest is one run: a real key is made, watched until the exchange shows and accepts
// it, deleted, and watched until it is gone. The key is in the ledger all the while, with
// an end of its own, so that the sweeper deletes it whatever becomes of the run. Nobody
// but the run is ever given its secret.
type selfTest struct {
	engine  *engine
	storage logical.Storage
	order   *order
	wait    time.Duration
	// deletedAt is when the deletion of the key was answered.
	deletedAt time.Time

	mu     sync.Mutex // guards the fields below
	report selfTestReport
	seen   observations
}

// errEndedByOthers says that the key is not the run's any more.
var errEndedByOthers = errors.New("somebody else ended the key meanwhile, such as by a kill switch; keys/ shows whether it is gone")

// told is the report so far.
func (t *selfTest) told() selfTestReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	report := t.report
	report.Facts = t.seen.facts()
	if report.State == selfTestRunning {
		// What is not known yet is not told.
		report.Facts = slices.DeleteFunc(report.Facts, func(f fact) bool { return f.Verdict == notTold && f.Seen == "" })
	}
	return report
}

// observe changes what was seen.
func (t *selfTest) observe(change func(*observations)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.seen)
}

// run makes the test from beginning to end.
func (t *selfTest) run(ctx context.Context) {
	ctx = exchanges.WithWitness(ctx, func(operation exchanges.Operation, form string) {
		t.observe(func(o *observations) { o.note(operation, form) })
	})
	err := t.live(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Finished = t.engine.now()
	t.report.State = selfTestDone
	if err != nil {
		t.report.State, t.report.Problem = selfTestFailed, err.Error()
		t.engine.Logger().Warn("a self-test ended early", "connection", t.order.link.name, "key_id", t.report.KeyID, "error", err)
	}
}

// live leads a key through its life.
func (t *selfTest) live(ctx context.Context) error {
	m, err := t.mint(ctx)
	if err != nil {
		return err
	}
	user, err := t.open(m)
	if err == nil {
		defer user.Close()
		err = t.watchAppear(ctx, m, user)
	}
	if ended := t.end(ctx, m); ended != nil {
		return ended
	}
	if err != nil {
		t.engine.drainer.start(t.storage)
		return fmt.Errorf("%w; the key is being deleted, keys/%s shows how far that is", err, m.entry.ID)
	}
	if err := t.delete(ctx, m); err != nil {
		return fmt.Errorf("%w; the key could not be deleted yet: the engine keeps trying, keys/%s shows how far it is", err, m.entry.ID)
	}
	if err := t.watchVanish(ctx, m, user); err != nil {
		return err
	}
	t.deleteAgain(ctx, m)
	return t.prove(ctx, m)
}

// mint makes the key and enters it in the ledger as live.
func (t *selfTest) mint(ctx context.Context) (*minted, error) {
	e, o := t.engine, t.order
	claim, err := t.claim(ctx)
	if err != nil {
		return nil, err
	}
	defer claim.Release()
	// A key whose answer is not waited for is lost, so that this is.
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.role.makingTime())
	defer cancel()
	m := &minted{}
	began := e.now()
	_, err = e.make(ctx, work, t.storage, claim, o, m, o.subAccounts)
	t.mu.Lock()
	t.report.KeyID = claim.ID()
	t.mu.Unlock()
	if err == nil && !isWhole(m.key, o.keyType) {
		err = o.link.failed(notWhole(o.link))
		e.discard(work, t.storage, claim)
	}
	t.observe(func(s *observations) {
		s.created, s.failure, s.making = true, err, e.now().Sub(began)
		if err == nil {
			s.label = claim.Entry().Label
			s.answered.permissions, s.answered.addresses = t.traits(m.key.Permissions, m.key.Addresses)
		}
	})
	if err != nil {
		return nil, err
	}
	if _, err := e.confirm(work, t.storage, claim, o); err != nil {
		e.discard(work, t.storage, claim)
		return nil, fmt.Errorf("%w; %s", err, fate(o.link.variant, claim))
	}
	m.entry = claim.Entry()
	e.logKey(loggedMinted, m.entry, "for", causeSelfTest, "expires_at", timestamp(m.entry.Expires))
	return m, nil
}

// claim takes an id that was not used. Vault sends a request again after the plugin
// crashed on it, whose key nobody holds.
func (t *selfTest) claim(ctx context.Context) (*ledger.Claim, error) {
	for attempt := 0; ; attempt++ {
		claim, err := t.engine.ledger.ClaimNew(ctx, t.storage, keyStem(t.engine.mountUUID, t.order.requestID, attempt))
		if err != nil || !claim.Exists() {
			return claim, err
		}
		t.engine.discard(ctx, t.storage, claim)
		claim.Release()
	}
}

// open opens an account with the key, as its user would.
func (t *selfTest) open(m *minted) (exchanges.Account, error) {
	return t.engine.openKey(t.order.link, custody.Of(m.key, m.privateKey, m.entry.SubAccount).Credential())
}

// watchAppear waits until the key is listed and accepted.
func (t *selfTest) watchAppear(ctx context.Context, m *minted, user exchanges.Account) error {
	listed, used := &t.seen.listed, &t.seen.used
	return t.watch(ctx, t.engine.now(), listed, used, func(after time.Duration) (bool, error) {
		if err := t.stillLive(ctx, m); err != nil {
			return true, err
		}
		isListed := t.lookAt(ctx, m, listed, after, true)
		isUsed := t.try(ctx, user, used, after, true)
		return isListed && isUsed, nil
	})
}

// watchVanish waits until the key is neither listed nor accepted any more.
func (t *selfTest) watchVanish(ctx context.Context, m *minted, user exchanges.Account) error {
	vanished, refused := &t.seen.vanished, &t.seen.refused
	return t.watch(ctx, t.deletedAt, vanished, refused, func(after time.Duration) (bool, error) {
		hasVanished := t.lookAt(ctx, m, vanished, after, false)
		isRefused := t.try(ctx, user, refused, after, false)
		return hasVanished && isRefused, nil
	})
}

// looksAtList reports whether there is a list that could show the key.
func (t *selfTest) looksAtList() bool { return t.order.link.variant.Unlisted == "" }

// watch asks again and again until neither sighting is open or the wait is over. The
// question is told how much time has passed since it began.
func (t *selfTest) watch(ctx context.Context, began time.Time, inList, inUse *sighting, ask func(after time.Duration) (settled bool, err error)) error {
	var failure error
	look := func() bool {
		settled, err := ask(t.engine.now().Sub(began))
		failure = err
		return settled
	}
	if !look() {
		t.engine.again(ctx, began.Add(t.wait), look)
	}
	if err := cmp.Or(failure, ctx.Err()); err != nil {
		return err
	}
	t.observe(func(*observations) { inList.over, inUse.over = t.looksAtList(), true })
	return nil
}

// lookAt looks whether the list shows the key or, if not wanted, does not. It reports
// whether that needs no other look.
func (t *selfTest) lookAt(ctx context.Context, m *minted, s *sighting, after time.Duration, wanted bool) bool {
	l := t.order.link
	if !t.looksAtList() || s.shown {
		return true
	}
	found, err := t.engine.lookUp(ctx, l, m.entry)
	t.observe(func(o *observations) {
		s.failure = err
		if err != nil || (found != nil) != wanted {
			return
		}
		s.shown, s.after = true, after
		if found != nil {
			o.seen = found
			o.shown.permissions, o.shown.addresses = t.traits(found.Permissions, found.Addresses)
		}
	})
	return s.shown
}

// try uses the key: the exchange is asked whose it is. It reports whether the answer is
// the wanted one. A refusal that shows that the key is known counts as acceptance.
func (t *selfTest) try(ctx context.Context, user exchanges.Account, s *sighting, after time.Duration, wanted bool) bool {
	if s.shown {
		return true
	}
	ctx, cancel := context.WithTimeout(exchanges.WithPatience(ctx, useTimeout), useTimeout)
	defer cancel()
	identity, err := user.Inspect(ctx)
	t.observe(func(o *observations) {
		if err == nil && wanted {
			o.rights, _ = t.traits(identity.Permissions, nil)
		}
		s.failure = nil
		switch accepted := err == nil || isRefusal(err) && !errors.Is(err, exchanges.ErrAuth); {
		case err != nil && !isRefusal(err):
			s.failure = err
		case accepted == wanted:
			s.shown, s.after = true, after
			if err != nil {
				s.answer = err // Else the last refusal before tells how the key was refused.
			}
		default:
			s.answer = err
		}
	})
	return s.shown
}

// stillLive refuses a key that somebody else has ended.
func (t *selfTest) stillLive(ctx context.Context, m *minted) error {
	live, err := t.engine.liveKey(ctx, t.storage, m.entry.ID)
	if err == nil && live == nil {
		return errEndedByOthers
	}
	return err
}

// end records that the key must go, unless somebody else has. The sweeper deletes it if
// the run does not.
func (t *selfTest) end(ctx context.Context, m *minted) error {
	e := t.engine
	stopped := ctx.Err()
	work, cancel := afterwards(ctx)
	defer cancel()
	claim, err := e.ledger.Claim(work, t.storage, m.entry.ID)
	if err != nil {
		return err
	}
	defer claim.Release()
	switch state := claim.Entry().State; {
	case !claim.Exists(), state == ledger.Revoking, claim.Doomed():
		return errEndedByOthers
	case stopped != nil:
		if err := claim.Condemn(work, causeSelfTest); err != nil {
			return fmt.Errorf("the plugin was stopped meanwhile; the key is deleted at its end: %w", err)
		}
		return errors.New("the plugin was stopped meanwhile; the key is deleted once it runs again")
	}
	return claim.Condemn(work, causeSelfTest)
}

// delete has the key deleted, again and again until the exchange has answered that or the
// wait is over.
func (t *selfTest) delete(ctx context.Context, m *minted) error {
	ctx = withDeletionWitness(ctx, func(refusal error) {
		t.deletedAt = t.engine.now()
		t.observe(func(o *observations) { o.deleted, o.refusal = true, refusal })
	})
	var failure error
	answered := func() bool { return t.seen.deleted && (t.seen.refusal == nil || isRefusal(t.seen.refusal)) }
	done := func() bool {
		failure = t.revoke(ctx, m)
		var ofExchange *exchanges.Error
		return failure == nil || answered() || !errors.As(failure, &ofExchange)
	}
	if !done() {
		t.engine.again(ctx, t.engine.now().Add(t.wait), done)
	}
	if answered() {
		return nil
	}
	return failure
}

// revoke does once what a revocation does; nil if the key is proved gone.
func (t *selfTest) revoke(ctx context.Context, m *minted) error {
	ctx, cancel := context.WithTimeout(ctx, sweepKeyTimeout)
	defer cancel()
	return t.engine.revokeByID(ctx, t.storage, m.entry.ID, causeSelfTest)
}

// deleteAgain asks for the deletion of the key that is gone, if it is.
func (t *selfTest) deleteAgain(ctx context.Context, m *minted) {
	l := t.order.link
	if !t.seen.vanished.shown && !t.seen.refused.shown || t.engine.mayDelete(ctx, t.storage, l) != nil {
		return
	}
	ctx, cancel := context.WithTimeout(exchanges.WithRevoking(ctx), sweepKeyTimeout)
	defer cancel()
	refusal := l.account.DeleteKey(ctx, m.entry.Ref(t.engine.now()))
	t.observe(func(o *observations) { o.deletedAgain, o.refusalAgain = true, refusal })
}

// prove has the key revoked until it is proved gone, or the wait is over. What is left
// then the sweeper finishes.
func (t *selfTest) prove(ctx context.Context, m *minted) error {
	settle := func() bool { return t.revoke(ctx, m) == nil }
	proved := settle() || t.engine.again(ctx, t.engine.now().Add(t.wait), settle)
	t.observe(func(o *observations) { o.settled, o.proved = true, proved })
	return ctx.Err()
}

// traits compares what is shown of the key with what was asked for.
func (t *selfTest) traits(permissions, addresses []string) (rights, from trait) {
	addition, err := t.order.judge(permissions)
	rights = trait{shown: slices.Clone(permissions), right: err == nil, added: addition.Permissions}
	from = trait{shown: slices.Clone(addresses), right: exchanges.SameAddresses(addresses, t.order.addresses)}
	return rights, from
}

type deletionWitnessKey struct{}

// withDeletionWitness has the function told how the exchange answers a deletion under
// the context, which says more than whether the key is gone.
func withDeletionWitness(ctx context.Context, told func(refusal error)) context.Context {
	return context.WithValue(ctx, deletionWitnessKey{}, told)
}

// tellDeletion tells whoever wants to know how a deletion was answered.
func tellDeletion(ctx context.Context, refusal error) {
	if told, wanted := ctx.Value(deletionWitnessKey{}).(func(error)); wanted {
		told(refusal)
	}
}

package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// Claim is the sole right to act on one key, and the only way to write its entry.
// Its transitions are the whole life of a key:
//
//	transition  from                 to        when
//	Reserve     (none)               pending   before the exchange is asked for a key
//	Retime      pending              pending   the lease may not last as long as was thought, or longer
//	Made        pending              pending   the exchange has made the key: its id is known
//	Doubt       pending              the same  it is not known whether the key was made; revoking, if its id is
//	Confirm     pending              live      the key is as it was asked for
//	Renew       live                 live      the lease was extended
//	Retire      live                 live      another key of its owner has taken its place
//	Condemn     pending, live        revoking  the key must go; stays pending while no id is known
//	Postpone    pending, revoking    the same  a deletion failed, and is to be tried again
//	Forget      pending, revoking    gone      the key is proved gone, or surely never was, or somebody gave it up
//	Adopt       (none)               revoking  a stray with our label was found at the exchange
//	Import      (none)               live      a key that a person made is taken over
//
// A transition from any other state is an error and changes nothing. Each is
// written at once, by CondemnBeside while the claim's holder goes on. If the write
// fails, the claim remembers the transition, acts on it, and writes it with the next
// one: a key that could not be recorded as condemned can still be deleted and
// forgotten. What is never written is as if it had not been once the claim is
// released; the entry in storage is then what was
// written last, which leads to the key all the same.
//
// A claim is used by one goroutine at a time.
type Claim struct {
	ledger  *Ledger
	storage logical.Storage
	id      string
	// isStem says that the id is a stem, and becomes whole once it is known where the key
	// counts.
	isStem bool
	entry  Entry
	// unwritten says that the last write failed.
	unwritten bool
	// writing is closed once the write that goes on beside the claim's holder is done;
	// nil if none does.
	writing  chan struct{}
	released bool
}

// Entry is the entry as the claim knows it: every transition applied, written or
// not. It is zero if there is none.
func (c *Claim) Entry() Entry { return c.entry }

// ID is the key's, whether or not there is an entry. That of a new key made for a request
// is whole once Reserve has succeeded.
func (c *Claim) ID() string { return c.id }

// Exists reports whether there is an entry.
func (c *Claim) Exists() bool { return c.entry.State != "" && c.entry.State != gone }

// Due reports whether the key must be looked at now.
func (c *Claim) Due() bool {
	return c.Exists() && (!dueAt(c.entry).After(c.ledger.now()) || c.Doomed())
}

// Doomed reports whether a kill switch was thrown since the key was entered.
func (c *Claim) Doomed() bool {
	c.ledger.index.mu.Lock()
	defer c.ledger.index.mu.Unlock()
	return c.ledger.index.doomed(c.entry.Connection, c.entry.Role, c.entry.Generations)
}

// Release gives the key back to others. It may be called again.
func (c *Claim) Release() {
	if !c.released {
		c.awaitWrite()
		c.released = true
		c.ledger.claims.release(c.id)
	}
}

// Reserve enters a new key: choose, shown the tally under a lock, takes a slot for
// it in a sub-account, and complete then fills in what depends on that. If either
// fails, or the write does, the slot is given back. (Should the write have reached
// storage all the same, the next load of the ledger finds it, and it is settled as
// any other.) While the ledger is being loaded, a key that is not read yet counts in
// its sub-account and its role; only if that leaves no slot, the rest is waited for.
func (c *Claim) Reserve(ctx context.Context, entry Entry, choose func(Tally) (subAccount string, err error), complete func(*Entry) error) error {
	if err := c.from("reserved", ""); err != nil {
		return err
	}
	if err := c.ledger.countAll(ctx, c.storage); err != nil {
		return err
	}
	stem := c.id
	entry.ID, entry.State = stem, Pending
	whole, _ := c.ledger.index.state()
	err := c.ledger.index.reserve(&entry, c.isStem, choose)
	if err != nil && !whole {
		if err := c.ledger.Load(ctx, c.storage); err != nil {
			return err
		}
		err = c.ledger.index.reserve(&entry, c.isStem, choose)
	}
	if err != nil {
		return err
	}
	c.id = entry.ID
	if err = complete(&entry); err == nil {
		c.entry = entry
		err = c.write(ctx)
	}
	if err != nil {
		c.entry = Entry{}
		c.ledger.index.remove(c.id)
		c.id = stem
		return err
	}
	c.isStem = false
	return nil
}

// Retime moves the ends of a key that the exchange was not asked for yet.
func (c *Claim) Retime(ctx context.Context, expires, hardLimit time.Time) error {
	if err := c.from("retimed", Pending); err != nil {
		return err
	}
	c.entry.Expires, c.entry.HardLimit = expires, hardLimit
	return c.write(ctx)
}

// Identify takes down what names the key now that the exchange has made it. It is
// written with the next transition.
func (c *Claim) Identify(key exchanges.Key) {
	c.entry.ExchangeKeyID, c.entry.APIKey, c.entry.Token = key.ID, key.APIKey, key.Token.Reveal()
}

// Added takes down what the exchange added to the key unasked, and the risk of the key
// with it. It is written with the next transition.
func (c *Claim) Added(addition exchanges.Addition) {
	c.entry.Added, c.entry.Risk = addition.Permissions, addition.Risk
}

// Made records that the exchange has made the key, before it is known to be as it
// was asked for.
func (c *Claim) Made(ctx context.Context, ref exchanges.KeyRef) error {
	if err := c.from("made", Pending); err != nil {
		return err
	}
	c.entry.ExchangeKeyID, c.entry.Token = ref.ID, ref.Token.Reveal()
	return c.write(ctx)
}

// Doubt records why it is not known whether the key was made. With an id, from the
// exchange's answer, the key is in no doubt: it must go.
func (c *Claim) Doubt(ctx context.Context, failure error, exchangeKeyID string) error {
	if err := c.from("doubted", Pending); err != nil {
		return err
	}
	c.entry.LastError = failure.Error()
	if exchangeKeyID != "" {
		c.entry.ExchangeKeyID = exchangeKeyID
	}
	if c.entry.ExchangeKeyID != "" {
		return c.Condemn(ctx, "")
	}
	return c.write(ctx)
}

// Confirm records that the key is whole and that its lease ends at the time: zero for
// one with an owner, which has no lease.
func (c *Claim) Confirm(ctx context.Context, expires time.Time) error {
	if err := c.from("confirmed", Pending); err != nil {
		return err
	}
	c.entry.State, c.entry.Expires = Live, expires
	return c.write(ctx)
}

// Renew moves the end of the key's lease.
func (c *Claim) Renew(ctx context.Context, expires time.Time) error {
	if err := c.from("renewed", Live); err != nil {
		return err
	}
	c.entry.Expires = expires
	return c.write(ctx)
}

// Retire records that the key must go at the time, since another one of its owner has
// taken its place.
func (c *Claim) Retire(ctx context.Context, at time.Time) error {
	if err := c.from("retired", Live); err != nil {
		return err
	}
	c.entry.RetireAt = at
	return c.write(ctx)
}

// Used records that the key was used so many times more, last at the given time.
func (c *Claim) Used(ctx context.Context, count int, last time.Time) error {
	if err := c.from("recorded as used", Pending, Live, Revoking); err != nil {
		return err
	}
	c.entry.Uses += count
	c.entry.LastUsed = last
	return c.write(ctx)
}

// Condemn records that the key must go, whatever comes, and why, if that was not
// recorded before. A key of which no id is known stays pending, since it may never
// have been made: that it must go, and why, goes without saying.
func (c *Claim) Condemn(ctx context.Context, cause string) error {
	changed, err := c.condemn(cause)
	if err != nil || !changed {
		return err
	}
	return c.write(ctx)
}

// CondemnBeside is Condemn that writes while the claim's holder goes on. The claim knows
// at once that the key must go; its next transition, and its release, wait for the write.
// Should that fail, failed is told.
func (c *Claim) CondemnBeside(ctx context.Context, cause string, failed func(error)) error {
	changed, err := c.condemn(cause)
	if err != nil || !changed {
		return err
	}
	writing := make(chan struct{})
	c.writing = writing
	go func() {
		defer close(writing)
		if err := c.write(ctx); err != nil {
			failed(err)
		}
	}()
	return nil
}

// condemn makes the entry that of a key that must go, and reports whether it must be
// written.
func (c *Claim) condemn(cause string) (changed bool, err error) {
	if err := c.from("condemned", Pending, Live, Revoking); err != nil {
		return false, err
	}
	if c.entry.State == Live || c.entry.State == Pending && c.entry.ExchangeKeyID != "" {
		now := c.ledger.now()
		c.entry.State, c.entry.Cause, c.entry.Revoking, c.entry.NextTry = Revoking, cause, now, now
		return true, nil
	}
	return c.unwritten, nil
}

// awaitWrite waits for a write that goes on beside the claim's holder.
func (c *Claim) awaitWrite() {
	if c.writing != nil {
		<-c.writing
		c.writing = nil
	}
}

// Postpone records an attempt at deletion that failed, and when the next is due.
func (c *Claim) Postpone(ctx context.Context, failure error) error {
	if err := c.from("postponed", Pending, Revoking); err != nil {
		return err
	}
	c.entry.Attempts++
	c.entry.LastError = failure.Error()
	now := c.ledger.now()
	c.entry.NextTry = now.Add(retryDelay(c.entry.Attempts, failure))
	switch {
	case !errors.Is(failure, exchanges.ErrUnseen):
		c.entry.Unseen = time.Time{}
	case c.entry.Unseen.IsZero():
		c.entry.Unseen = now
	}
	return c.write(ctx)
}

// Forget removes the entry of a key that is proved gone, or surely never was, or that
// somebody gave up.
func (c *Claim) Forget(ctx context.Context) error {
	if err := c.from("forgotten", Pending, Revoking, gone); err != nil {
		return err
	}
	c.entry.State = gone
	return c.write(ctx)
}

// Adopt enters a key that the exchange has and the ledger does not know, and that
// must go.
func (c *Claim) Adopt(ctx context.Context, entry Entry) error {
	now := c.ledger.now()
	entry.Revoking, entry.NextTry = now, now
	return c.enter(ctx, "adopted", entry, Revoking)
}

// Import enters a key that a person made at the exchange, and that is to be used.
func (c *Claim) Import(ctx context.Context, entry Entry) error {
	if err := c.ledger.Load(ctx, c.storage); err != nil {
		return err
	}
	entry.Generations = c.ledger.index.generationsOf(entry.Connection, entry.Role)
	return c.enter(ctx, "imported", entry, Live)
}

func (c *Claim) enter(ctx context.Context, transition string, entry Entry, state State) error {
	if err := c.from(transition, ""); err != nil {
		return err
	}
	c.entry = entry
	c.entry.ID, c.entry.State = c.id, state
	return c.write(ctx)
}

// from refuses a transition that the key's state does not allow.
func (c *Claim) from(transition string, allowed ...State) error {
	c.awaitWrite()
	switch {
	case c.released:
		return fmt.Errorf("key %s cannot be %s: its claim was released", c.id, transition)
	case slices.Contains(allowed, c.entry.State):
		return nil
	case c.entry.State == "":
		return fmt.Errorf("key %s cannot be %s: it is not in the ledger", c.id, transition)
	}
	return fmt.Errorf("key %s cannot be %s: it is %s", c.id, transition, c.entry.State)
}

// write brings storage, and then the index, to what the claim knows.
func (c *Claim) write(ctx context.Context) error {
	c.unwritten = true
	if c.entry.State == gone {
		if err := c.ledger.table.Delete(ctx, c.storage, c.id); err != nil {
			return err
		}
		c.unwritten = false
		c.ledger.index.remove(c.id)
		return nil
	}
	if err := c.ledger.table.Put(ctx, c.storage, c.id, c.entry); err != nil {
		return err
	}
	c.unwritten = false
	c.ledger.index.set(c.entry)
	return nil
}

package acceptance_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
)

const (
	// keysPerCaller is how many keys a caller holds at most.
	keysPerCaller = 20
	// shortLease is how long a lease lasts that nobody renews: short enough
	// that leases expire all the time.
	shortLease = 10 * time.Second
	// longLease is what some leases are renewed by.
	longLease = time.Hour
)

// caller is a bot that mints, renews and revokes keys. It checks all the time
// that it can rely on the keys that it holds.
type caller struct {
	engine *engine
	client *api.Client
	random *rand.Rand
	minted *atomic.Int64

	holds      []*holding
	unanswered []string
}

// holding is a key that a caller holds.
type holding struct {
	*key
	// until is when its lease ends at the earliest.
	until time.Time
}

// over reports whether the lease may have ended.
func (h *holding) over() bool { return !time.Now().Before(h.until) }

func (c *caller) run(ctx context.Context, t *testing.T) {
	for ctx.Err() == nil {
		c.rely(t)
		var err error
		switch choice := c.random.IntN(10); {
		case len(c.holds) == 0 || choice < 6 && len(c.holds) < keysPerCaller:
			err = c.mint(t)
		case choice < 8:
			err = c.look(t, c.pick())
		case choice < 9:
			err = c.renew(t, c.pick())
		default:
			err = c.revoke(t, c.pick())
		}
		if err != nil {
			// A server that is gone is asked again a little later.
			select {
			case <-time.After(often):
			case <-ctx.Done():
			}
		}
	}
}

// pick chooses one of the keys that it holds.
func (c *caller) pick() *holding { return c.holds[c.random.IntN(len(c.holds))] }

// forget no longer counts on a key.
func (c *caller) forget(h *holding) {
	c.holds = slices.DeleteFunc(c.holds, func(other *holding) bool { return other == h })
}

// mint asks for a key at any of the exchanges.
func (c *caller) mint(t *testing.T) error {
	roles := slices.Sorted(maps.Keys(distantVenues()))
	asked := time.Now()
	secret, err := c.client.Logical().ReadWithContext(t.Context(), c.engine.path+"/creds/"+roles[c.random.IntN(len(roles))])
	if err != nil {
		return err
	}
	c.minted.Add(1)
	c.holds = append(c.holds, &holding{
		key:   &key{secret, c.engine},
		until: asked.Add(time.Duration(secret.LeaseDuration) * time.Second),
	})
	return nil
}

// renew moves the end of a lease, if not to an earlier time.
func (c *caller) renew(t *testing.T, h *holding) error {
	increment := shortLease
	if c.random.IntN(4) == 0 || time.Until(h.until) > shortLease {
		increment = longLease
	}
	asked := time.Now()
	renewed, err := c.client.Sys().RenewWithContext(t.Context(), h.LeaseID, int(increment.Seconds()))
	if err != nil {
		return err
	}
	if h.over() {
		// Vault grants it even if it has begun to revoke the lease.
		c.forget(h)
		return nil
	}
	h.until = asked.Add(time.Duration(renewed.LeaseDuration) * time.Second)
	return nil
}

// rely checks that the exchanges have the keys whose leases have not ended, and
// forgets the others.
func (c *caller) rely(t *testing.T) {
	there := map[string]bool{}
	for _, k := range c.engine.simulator.Keys() {
		there[k.APIKey] = true
	}
	c.holds = slices.DeleteFunc(c.holds, func(h *holding) bool {
		over, gone := h.over(), !there[h.text("api_key")]
		if gone && !over {
			t.Errorf("key %s was deleted %s before the end of lease %s", h.text("key_id"), time.Until(h.until), h.LeaseID)
		}
		return over || gone
	})
}

// look checks that the ledger knows a key whose lease has not ended.
func (c *caller) look(t *testing.T, h *holding) error {
	entry, err := c.client.Logical().ReadWithContext(t.Context(), c.engine.path+"/keys/"+h.text("key_id"))
	if err == nil && !h.over() && (entry == nil || entry.Data["state"] != "live") {
		t.Errorf("the ledger does not know key %s, which a caller holds: %v", h.text("key_id"), entry)
	}
	return err
}

// revoke ends a lease and checks that its key is gone thereafter.
func (c *caller) revoke(t *testing.T, h *holding) error {
	c.forget(h)
	_, err := c.client.Logical().WriteWithContext(t.Context(), "sys/leases/revoke", fields{"lease_id": h.LeaseID, "sync": true})
	if err != nil {
		c.unanswered = append(c.unanswered, h.LeaseID)
		return err
	}
	if h.exists() {
		t.Errorf("key %s is at the exchange after its revocation was confirmed", h.text("key_id"))
	}
	return nil
}

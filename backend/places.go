package backend

import (
	"errors"
	"sync"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

const (
	// asideTime is how long a sub-account that refused a role's key is set aside.
	asideTime = 10 * time.Minute
	// maxRefusals is how many sub-accounts of a pool one mint tries.
	maxRefusals = 3
)

// places remembers which sub-accounts of a pool have refused a role's keys, so that
// one that is full, frozen or closed does not fail every mint only because it holds
// the fewest keys.
type places struct {
	now func() time.Time

	mu    sync.Mutex
	aside map[placeOfRole]refusal
}

type placeOfRole struct{ connection, role, subAccount string }

type refusal struct {
	until  time.Time
	reason string
}

func newPlaces(now func() time.Time) *places {
	return &places{now: now, aside: map[placeOfRole]refusal{}}
}

// concernsPlace reports whether the exchange refused a key for a reason that another
// sub-account may not have.
func concernsPlace(err error) bool {
	for _, kind := range []exchanges.Kind{
		exchanges.ErrKeyCap, exchanges.ErrNotFound, exchanges.ErrPermission, exchanges.ErrInvalid, exchanges.ErrConflict, exchanges.ErrUnsupported,
	} {
		if errors.Is(err, kind) {
			return surelyNotCreated(err)
		}
	}
	return false
}

// setAside keeps the sub-account out of the role's pool for a while.
func (p *places) setAside(at placeOfRole, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.aside[at] = refusal{p.now().Add(asideTime), why}
}

// good are the order's sub-accounts that are not set aside; all of them, if none is
// left.
func (p *places) good(o *order) []string {
	refused := p.refused(o)
	if len(refused) == 0 {
		return o.subAccounts
	}
	var good []string
	for _, name := range o.subAccounts {
		if refused[name] == "" {
			good = append(good, name)
		}
	}
	if len(good) == 0 {
		return o.subAccounts
	}
	return good
}

// refused are the order's sub-accounts that are set aside, with the reason.
func (p *places) refused(o *order) map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	reasons := map[string]string{}
	for at, refusal := range p.aside {
		if !refusal.until.After(p.now()) {
			delete(p.aside, at)
		} else if at.connection == o.link.name && at.role == o.roleName {
			reasons[at.subAccount] = refusal.reason
		}
	}
	return reasons
}

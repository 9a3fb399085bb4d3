package backend

import (
	"reflect"
	"sync"

	"vault-plugin-secrets-exchange/exchanges"
)

// allowedRoles remembers which roles a link allows, so that a mint need not look at each
// sub-account of a large pool. A link does not change, and a role is compared: who writes
// a connection makes a new link, and who writes a role another role. A nil one
// remembers nothing.
type allowedRoles struct {
	mu     sync.Mutex
	byName map[string]allowedRole
}

// allowedRole is a role that was found allowed, and what it comes to. It is shared, and
// must not be changed.
type allowedRole struct {
	role  role
	grant exchanges.Grant
	// subAccounts are the role's, each in its one spelling.
	subAccounts []string
}

// check is [role.check] at the link whose roles these are.
func (a *allowedRoles) check(name string, r role, l *link) (allowedRole, error) {
	known, ok := a.known(name)
	// What is equal is most often the same memory, which takes no time to find out.
	if ok && reflect.DeepEqual(known.role, r) {
		return known, nil
	}
	grant, err := r.checkAnew(name, l)
	if err != nil {
		return allowedRole{}, err
	}
	fresh := allowedRole{role: r, grant: grant, subAccounts: make([]string, len(r.SubAccounts))}
	for i, subAccount := range r.SubAccounts {
		fresh.subAccounts[i] = l.variant.SubAccountName(subAccount)
	}
	a.keep(name, fresh)
	return fresh, nil
}

func (a *allowedRoles) known(name string) (allowedRole, bool) {
	if a == nil {
		return allowedRole{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.byName[name]
	return known, ok
}

// keep remembers a role. It forgets all others once there are as many as are kept in
// memory, most of which then no longer exist.
func (a *allowedRoles) keep(name string, fresh allowedRole) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byName == nil || len(a.byName) >= keptRoles {
		a.byName = map[string]allowedRole{}
	}
	a.byName[name] = fresh
}

package backend

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
)

// runJob does what is due of what the scheduler looks after.
func (e *engine) runJob(ctx context.Context, s logical.Storage, job string) (next time.Time) {
	if !e.ownsStorage() {
		return time.Time{}
	}
	if name, static := strings.CutPrefix(job, staticRolePrefix); static {
		return e.tendStatic(ctx, s, name)
	}
	e.rotator.start(s) // It knows which root keys are due.
	return time.Time{}
}

// schedule has every static role looked after now, and each root key when it is due.
func (e *engine) schedule(ctx context.Context, s logical.Storage) {
	e.scheduler.start(s)
	names, err := e.staticRoles.List(ctx, s)
	if err != nil {
		e.Logger().Error("the static roles cannot be listed", "error", err)
		return
	}
	owned, err := e.ledger.Keys(ctx, s, func(key ledger.Key) bool { return key.Owner != "" })
	if err != nil {
		e.Logger().Error("the keys of static roles cannot be looked up", "error", err)
	}
	for _, key := range owned {
		if name, static := staticName(key.Owner); static {
			names = append(names, name) // Its role may be gone.
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		e.scheduler.wake(staticJob(name))
	}
	roots, err := e.connections.table.List(ctx, s)
	if err != nil {
		return // Whoever tends the root keys reports it.
	}
	for _, name := range roots {
		if l, err := e.connections.get(ctx, s, name); err == nil && l != nil && l.RotationPeriod > 0 && !l.rotationDue(e.now()) {
			e.scheduler.set(connectionPrefix+name, l.Rotated.Add(l.RotationPeriod))
		}
	}
}

package backend

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// applied is the role with the fields that has reports, in the place of the one before,
// if there was one.
func (r staticRole) applied(before *staticRole, d *framework.FieldData, has func(*framework.FieldData, string) bool) (*staticRole, error) {
	if err := r.Keys.apply(d, has); err != nil {
		return nil, err
	}
	if has(d, "sub_account") {
		r.Keys.SubAccounts = nil
		if name := strings.TrimSpace(d.Get("sub_account").(string)); name != "" {
			r.Keys.SubAccounts = []string{name}
		}
	}
	schedule := r.Schedule
	for field, value := range map[string]*time.Duration{
		"rotation_period": &schedule.RotationPeriod, "rotation_window": &schedule.RotationWindow, "overlap": &r.Overlap,
	} {
		if has(d, field) {
			var err error
			if *value, err = duration(d, field); err != nil {
				return nil, err
			}
		}
	}
	if has(d, "rotation_schedule") {
		schedule.RotationSchedule, schedule.Schedule = strings.TrimSpace(d.Get("rotation_schedule").(string)), nil
	}
	if schedule.RotationSchedule != "" && schedule.Schedule == nil {
		parsed, err := parseSchedule(schedule.RotationSchedule)
		if err != nil {
			return nil, err
		}
		schedule.Schedule = parsed.Schedule
	}
	r.Schedule = schedule
	if before == nil {
		return &r, nil
	}
	switch {
	case r.Keys.Connection != before.Keys.Connection:
		return nil, invalid("connection", "cannot be changed from %q: the role's key is there; write a new static role", before.Keys.Connection)
	case r.subAccount() != before.subAccount():
		return nil, invalid("sub_account", "cannot be changed from %q: the role's key is there; write a new static role", before.subAccount())
	}
	r.Schedule.LastVaultRotation, r.Schedule.NextVaultRotation = before.Schedule.LastVaultRotation, before.Schedule.NextVaultRotation
	return &r, nil
}

// storeStaticRole writes what change makes of the role, if that is sound and the
// connection allows it. A new role gets its first key.
func (e *engine) storeStaticRole(ctx context.Context, req *logical.Request, d *framework.FieldData, change func(*staticRole) (*staticRole, error)) (*logical.Response, error) {
	name := d.Get("name").(string)
	checking, err := e.staticRoles.Get(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	if checking == nil {
		return e.createStaticRole(ctx, req, d, name, change)
	}
	if err := refuseImport(d, name); err != nil {
		return nil, err
	}
	nativeEnd, err := e.nativeEnd(ctx, req.Storage, checking.Current)
	if err != nil {
		return nil, err
	}
	var before, written *staticRole
	err = e.staticRoles.Update(ctx, req.Storage, name, func(now *staticRole) (*staticRole, error) {
		var err error
		before = now
		if written, err = change(now); err != nil {
			return nil, err
		}
		if now == nil || now.Current != checking.Current {
			return nil, changedRole(name)
		}
		written.reschedule(*now, e.now(), nativeEnd)
		_, err = e.checkStatic(ctx, req.Storage, name, *written)
		return written, err
	})
	if err != nil {
		return nil, err
	}
	e.scheduler.wake(staticJob(name))
	warnings, err := e.staticWarnings(ctx, req.Storage, *written)
	if err != nil {
		return nil, err
	}
	if !before.Keys.sameKeys(written.Keys) {
		warnings = append(warnings, fmt.Sprintf("the current key does not change until the next rotation, at %s; to replace it now, write to rotate-role/%s",
			timestamp(written.Schedule.NextVaultRotation), name))
	}
	return warned(warnings), nil
}

// createStaticRole writes a new static role and makes its first key, or imports it.
func (e *engine) createStaticRole(ctx context.Context, req *logical.Request, d *framework.FieldData, name string, change func(*staticRole) (*staticRole, error)) (*logical.Response, error) {
	r, err := change(nil)
	if err != nil {
		return nil, err
	}
	l, err := e.checkStatic(ctx, req.Storage, name, *r)
	if err != nil {
		return nil, err
	}
	if err := e.checkSpare(ctx, req.Storage, name, *r, l); err != nil {
		return nil, err
	}
	warnings, err := e.staticWarnings(ctx, req.Storage, *r)
	if err != nil {
		return nil, err
	}
	given, err := importOf(d)
	if err != nil {
		return nil, err
	}
	if d.Get("verify").(bool) {
		found, err := l.checkSubAccount(ctx, r.subAccount())
		if err != nil {
			return nil, err
		}
		warnings = append(warnings, found...)
	}
	// Nobody else looks after the role until its key is there.
	done, err := e.scheduler.take(ctx, staticJob(name))
	if err != nil {
		return nil, err
	}
	if given != nil {
		defer done()
		found, err := e.importStatic(ctx, req, name, *r, l, *given)
		if err != nil {
			return nil, err
		}
		e.scheduler.wake(staticJob(name))
		return warned(append(warnings, found...)), nil
	}
	err = e.staticRoles.Update(ctx, req.Storage, name, func(now *staticRole) (*staticRole, error) {
		if now != nil {
			return nil, changedRole(name)
		}
		return r, nil
	})
	if err != nil {
		done()
		return nil, err
	}
	if r.Keys.Disabled {
		done()
		return warned(append(warnings, "the role is disabled, so that no key was made")), nil
	}
	first := succession{requester: requesterOf(req, "first key"), requestID: req.ID}
	if err := e.rotateInTurn(ctx, req.Storage, name, done, first); err != nil {
		warnings = append(warnings, fmt.Sprintf("the role is written, but its first key could not be made yet: %s. The engine tries again; static-roles/%s shows the state", err, name))
	}
	return warned(warnings), nil
}

// checkStatic refuses a static role that is unsound, or that its connection does not
// allow. It returns the connection.
func (e *engine) checkStatic(ctx context.Context, s logical.Storage, name string, r staticRole) (*link, error) {
	if err := r.checkForm(name); err != nil {
		return nil, err
	}
	l, err := e.connectionOf(ctx, s, r.Keys)
	if err != nil {
		return nil, err
	}
	_, err = r.check(name, l)
	return l, err
}

// checkSpare refuses a static role that could never rotate: for the overlap it needs a
// place besides its own and those of the other static roles there, which never end.
func (e *engine) checkSpare(ctx context.Context, s logical.Storage, name string, r staticRole, l *link) error {
	limit := l.keyCap(l.variant)
	if limit == 0 {
		return nil
	}
	all, err := e.allStaticRoles(ctx, s)
	if err != nil {
		return err
	}
	var others []string
	for _, other := range slices.Sorted(maps.Keys(all)) {
		if at := all[other]; other != name && at.Keys.Connection == l.name && l.variant.SubAccountName(at.subAccount()) == l.variant.SubAccountName(r.subAccount()) {
			others = append(others, other)
		}
	}
	if len(others)+2 > limit {
		taken := ""
		if len(others) > 0 {
			taken = fmt.Sprintf(", of which static roles hold %d (%s)", len(others), someOf(others, quote))
		}
		return invalid("sub_account", "sub-account %q holds at most %s%s, and a static role needs one for its key and a free one for its rotations; use another sub-account",
			r.subAccount(), keyCount(limit), taken)
	}
	return nil
}

// staticWarnings warn where an exchange makes a rotation come sooner than the role says.
func (e *engine) staticWarnings(ctx context.Context, s logical.Storage, r staticRole) ([]string, error) {
	l, err := e.connections.existing(ctx, s, r.Keys.Connection)
	if err != nil {
		return nil, err
	}
	if most, ends := r.nativePeriod(l.variant); ends && r.Schedule.RotationPeriod > most {
		return []string{fmt.Sprintf("%s ends each key by itself after %s, so keys are replaced every %s", l.about.DisplayName,
			exchanges.Period(l.variant.NativeExpiry.Max), exchanges.Period(most))}, nil
	}
	return nil, nil
}

// reschedule settles when the present key, which the exchange ends at nativeEnd if that
// is not zero, is to be replaced, if that is not as it was.
func (r *staticRole) reschedule(before staticRole, now, nativeEnd time.Time) {
	if r.keepsTimes(before) || r.Version == 0 {
		return
	}
	since := r.Schedule.LastVaultRotation
	if r.Schedule.Schedule != nil {
		since = now // What was past before a time was written was never promised.
	}
	r.Schedule.NextVaultRotation = r.next(since, nativeEnd)
	r.Failures, r.LastError, r.NextTry = 0, "", time.Time{}
}

// keepsTimes reports whether both rotate at the same times.
func (r staticRole) keepsTimes(other staticRole) bool {
	return r.Schedule.RotationPeriod == other.Schedule.RotationPeriod && r.Schedule.RotationSchedule == other.Schedule.RotationSchedule &&
		r.Overlap == other.Overlap
}

// nativeEnd is when the exchange ends a key by itself; zero if never.
func (e *engine) nativeEnd(ctx context.Context, s logical.Storage, id string) (time.Time, error) {
	if id == "" {
		return time.Time{}, nil
	}
	entry, err := e.ledger.Find(ctx, s, id)
	if err != nil || entry == nil {
		return time.Time{}, err
	}
	return entry.HardLimit, nil
}

// sameKeys reports whether both roles ask for the same keys.
func (r role) sameKeys(other role) bool {
	return strings.Join(r.Scopes, ",") == strings.Join(other.Scopes, ",") &&
		strings.Join(r.NativePermissions, ",") == strings.Join(other.NativePermissions, ",") &&
		strings.Join(r.IPAllowlist, ",") == strings.Join(other.IPAllowlist, ",") && r.KeyType == other.KeyType
}

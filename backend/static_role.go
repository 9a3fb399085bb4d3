package backend

import (
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/rotation"

	"vault-plugin-secrets-exchange/exchanges"
)

// staticRolePrefix is where static roles lie in storage.
const staticRolePrefix = "static-role/"

// ownerPrefix begins the owner of a static role's keys in the ledger.
const ownerPrefix = "static/"

// Bounds and defaults of a rotation.
const (
	// minStaticPeriod keeps a slip of the pen from wearing the exchange out.
	minStaticPeriod = 5 * time.Second
	defaultOverlap  = 10 * time.Minute
	// minWindow is that of Vault's own scheduler.
	minWindow = time.Hour
	// nativeMargin is how long before the exchange ends a key its successor must have
	// taken its place, besides the overlap.
	nativeMargin = time.Hour
	// clockMargin is how far apart the clocks of the exchange and the engine may be.
	clockMargin = time.Hour
	// scheduleTimes is how many times of a schedule are looked at to tell how far apart
	// they are.
	scheduleTimes = 500
)

// staticRole is a role with one key that lasts: another takes its place from time to
// time, and for the overlap both are good.
type staticRole struct {
	// Keys says what each of its keys is like. It has one sub-account, and none of what
	// concerns leases.
	Keys    role          `json:"keys"`
	Overlap time.Duration `json:"overlap"`
	// Schedule says when keys are replaced, when that was done last, and when it is to
	// be done next.
	Schedule rotation.RotationSchedule `json:"schedule"`

	// Version counts the keys that were in use; zero while there was none.
	Version int `json:"version"`
	// Current is the id in the ledger of the key in use; empty if there was none yet.
	Current string `json:"current"`
	// Ready says that the exchange accepted the key when it came into use.
	Ready bool `json:"ready"`
	// Previous is the key before it, for the overlap.
	Previous superseded `json:"previous,omitzero"`

	// Failures counts the rotations that failed since the last one that did not;
	// LastError is why the last one did, and NextTry when the next is due.
	Failures  int       `json:"failures"`
	LastError string    `json:"last_error,omitempty"`
	NextTry   time.Time `json:"next_try,omitzero"`
}

// superseded is a key whose place another has taken.
type superseded struct {
	ID       string    `json:"id"`
	APIKey   string    `json:"api_key"`
	RetireAt time.Time `json:"retire_at"`
}

// subAccount is where the keys are.
func (r staticRole) subAccount() string {
	if len(r.Keys.SubAccounts) == 0 {
		return ""
	}
	return r.Keys.SubAccounts[0]
}

// names reports whether the role names the key.
func (r staticRole) names(id string) bool {
	return id != "" && (id == r.Current || id == r.Previous.ID)
}

// checkForm refuses what is wrong with a static role whatever its connection.
func (r staticRole) checkForm(name string) error {
	if name == "key" {
		return invalid("name", "%q cannot name a static role; choose another name", name)
	}
	if r.Keys.Connection != "" && r.subAccount() == "" {
		return invalid("sub_account", "missing; name the sub-account in which the key is, see config/%s/sub-accounts", r.Keys.Connection)
	}
	if err := r.Keys.checkForm(); err != nil {
		return err
	}
	switch s := r.Schedule; {
	case s.RotationPeriod == 0 && s.RotationSchedule == "":
		return invalid("rotation_period", "missing; give rotation_period, such as 24h, or rotation_schedule, such as \"0 2 * * 6\"")
	case s.RotationPeriod > 0 && s.RotationSchedule != "":
		return invalid("rotation_schedule", "cannot be combined with rotation_period; give one of them")
	case s.RotationPeriod > 0 && s.RotationPeriod < minStaticPeriod:
		return invalid("rotation_period", "%s is too short; give at least %s", s.RotationPeriod, minStaticPeriod)
	case s.RotationWindow > 0 && s.RotationSchedule == "":
		return invalid("rotation_window", "belongs to rotation_schedule; leave it out with rotation_period")
	case s.RotationWindow > 0 && s.RotationWindow < minWindow:
		return invalid("rotation_window", "%s is too short; give at least %s, or leave it out", s.RotationWindow, minWindow)
	}
	if least, _ := r.intervals(); r.Overlap >= least {
		return invalid("overlap", "%s is not shorter than the %s between two rotations; give less, such as overlap=%s, or 0 for none",
			exchanges.Period(r.Overlap), exchanges.Period(least), exchanges.Period(least/2))
	}
	return nil
}

// parseSchedule reads a schedule, which is one of Vault's: five fields, whole minutes,
// UTC.
func parseSchedule(text string) (rotation.RotationSchedule, error) {
	if strings.Contains(text, "TZ=") {
		return rotation.RotationSchedule{}, invalid("rotation_schedule", "%q names a time zone; schedules are in UTC, so leave it out", text)
	}
	parsed, err := rotation.DefaultScheduler.Parse(text)
	if err != nil {
		return rotation.RotationSchedule{}, invalid("rotation_schedule", "%q is not understood (%s); give minute, hour, day of the month, month and day of the week, in UTC, such as \"0 2 * * 6\" for Saturdays at 02:00", text, err)
	}
	if parsed.Next(time.Unix(0, 0)).IsZero() {
		return rotation.RotationSchedule{}, invalid("rotation_schedule", "%q never occurs; give minute, hour, day of the month, month and day of the week, such as \"0 2 * * 6\" for Saturdays at 02:00", text)
	}
	return rotation.RotationSchedule{RotationSchedule: text, Schedule: parsed}, nil
}

// intervals are the shortest and the longest time between two rotations.
func (r staticRole) intervals() (least, longest time.Duration) {
	if r.Schedule.Schedule == nil {
		return r.Schedule.RotationPeriod, r.Schedule.RotationPeriod
	}
	last := r.Schedule.Schedule.Next(time.Unix(0, 0))
	for range scheduleTimes {
		next := r.Schedule.Schedule.Next(last)
		if next.IsZero() {
			break
		}
		gap := next.Sub(last)
		least, longest = shortest(least, gap), max(longest, gap)
		last = next
	}
	return least, longest
}

// check refuses a static role that its connection or exchange does not allow. It is
// asked when the role is written, before each rotation, and when its key is read.
func (r staticRole) check(name string, l *link) (exchanges.Grant, error) {
	switch {
	case l.variant.NoDeletion != "":
		return exchanges.Grant{}, refuse("%s has no static roles, because its API cannot delete a key that has been replaced (%s); use roles/ and leases", l.about.DisplayName, l.variant.NoDeletion)
	case l.variant.Unlisted != "":
		return exchanges.Grant{}, refuse("%s has no static roles, because it does not list keys; use roles/ and leases", l.about.DisplayName)
	case !l.allowsSubAccount(r.subAccount()):
		return exchanges.Grant{}, invalid("sub_account", "%q is not allowed on connection %q, which allows %s", r.subAccount(), l.name, strings.Join(l.AllowedSubAccounts, ", "))
	}
	grant, err := r.Keys.check(name, l)
	if err != nil {
		return exchanges.Grant{}, err
	}
	_, longest := r.intervals()
	if life := r.life(l.variant); l.MaxTTL > 0 && life > l.MaxTTL {
		return exchanges.Grant{}, invalid("rotation_period", "a key would live for %s, overlap included, and connection %q allows %s (max_ttl); let keys be replaced more often", exchanges.Period(life), l.name, exchanges.Period(l.MaxTTL))
	}
	most, ends := r.nativePeriod(l.variant)
	switch {
	case ends && most < minStaticPeriod:
		return exchanges.Grant{}, invalid("overlap", "%s is too long: %s ends each key by itself after %s, and the key must be replaced %s plus the overlap before that", exchanges.Period(r.Overlap), l.about.DisplayName, exchanges.Period(l.variant.NativeExpiry.Max), nativeMargin)
	case ends && r.Schedule.Schedule != nil && longest > most:
		return exchanges.Grant{}, invalid("rotation_schedule", "there can be %s between two of its times, but %s ends each key by itself after %s, so it must be replaced every %s; give a schedule with shorter gaps",
			exchanges.Period(longest), l.about.DisplayName, exchanges.Period(l.variant.NativeExpiry.Max), exchanges.Period(most))
	}
	return grant, nil
}

// nativeLife is how long a new key is given where the exchange ends keys by itself; zero
// elsewhere. It is short of the longest by what the making of the key can take, and by
// what clocks may differ.
func nativeLife(v exchanges.Variant) time.Duration {
	if v.NativeExpiry == nil || v.NativeExpiry.Max == 0 {
		return 0
	}
	return v.NativeExpiry.Max - role{MaxWait: activationPatience(v)}.makingTime() - clockMargin
}

// nativePeriod is how often keys must be replaced where the exchange ends them by
// itself.
func (r staticRole) nativePeriod(v exchanges.Variant) (most time.Duration, ends bool) {
	life := nativeLife(v)
	return life - r.Overlap - nativeMargin, life > 0
}

// life is how long one of the keys lives at the longest, if rotations succeed.
func (r staticRole) life(v exchanges.Variant) time.Duration {
	_, longest := r.intervals()
	if most, ends := r.nativePeriod(v); ends {
		longest = min(longest, most)
	}
	return longest + r.Overlap
}

// activationPatience is how long a rotation waits for the rate limit, and for the
// exchange to accept the new key: nobody is in need of it meanwhile.
func activationPatience(v exchanges.Variant) time.Duration {
	return max(maxMaxWait, v.ActivationDelay+time.Minute)
}

// next is when the key is to be replaced that came into use at the time and that the
// exchange ends at nativeEnd, if that is not zero.
func (r staticRole) next(since, nativeEnd time.Time) time.Time {
	next := rotation.DefaultScheduler.NextRotationTimeFromInput(&r.Schedule, since.UTC())
	if nativeEnd.IsZero() {
		return next
	}
	if last := nativeEnd.Add(-r.Overlap - nativeMargin); last.Before(next) {
		return last
	}
	return next
}

// due is when the next rotation is to begin. Working says that the key in use works:
// one that does not is replaced at once. A schedule with a window waits for its next
// time once the window is over. It is a pure function of role and clock.
func (r staticRole) due(now time.Time, working bool) time.Time {
	at := r.Schedule.NextVaultRotation
	switch {
	case !working:
		at = time.Time{}
	case r.Schedule.Schedule != nil && !rotation.DefaultScheduler.IsInsideRotationWindow(&r.Schedule, now):
		at = r.Schedule.Schedule.Next(now.UTC().Add(-r.Schedule.RotationWindow))
	}
	if r.NextTry.After(at) {
		return r.NextTry
	}
	return at
}

// overdue is how long the rotation should have been done.
func (r staticRole) overdue(now time.Time) time.Duration {
	if r.Keys.Disabled || r.Version == 0 {
		return 0
	}
	return max(0, now.Sub(r.Schedule.NextVaultRotation))
}

// period is what a reader of the key is told of how often it is replaced: the time
// from the last to the next rotation.
func (r staticRole) period() time.Duration {
	if r.Schedule.RotationPeriod > 0 {
		return r.Schedule.RotationPeriod
	}
	return r.Schedule.NextVaultRotation.Sub(r.Schedule.LastVaultRotation).Round(time.Second)
}

// timeLeft is how long a reader of the key is to wait before the next read: until the
// next rotation or, if that is late, not long. Never zero, for which Vault Agent takes
// a time of its own.
func (r staticRole) timeLeft(now time.Time) time.Duration {
	at := r.Schedule.NextVaultRotation
	if r.NextTry.After(at) {
		at = r.NextTry
	}
	// Rounded up: who comes a moment early would get the key of which nothing is new.
	return max(time.Second, (at.Sub(now) + time.Second - 1).Truncate(time.Second))
}

// ownerOf is the owner of a static role's keys in the ledger.
func ownerOf(name string) string { return ownerPrefix + name }

// staticName is the static role that an owner is.
func staticName(owner string) (name string, is bool) { return strings.CutPrefix(owner, ownerPrefix) }

// staticJob is what the scheduler does for a static role.
func staticJob(name string) string { return staticRolePrefix + name }

package exchanges

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Permission is one right of a key in the exchange's own words, and the
// canonical scopes that come with it.
type Permission struct {
	// Name is the exchange's word: "Spot.SpotTrade".
	Name string
	// Scopes are those that a key with this permission holds.
	Scopes Scopes
	// Beyond means that the permission reaches further than any canonical scope. It
	// is granted only to a role that names it in native_permissions, and counts as
	// [RiskCritical].
	Beyond bool
	// Needs are further permissions without which this one is useless.
	Needs []string
	// Implies are narrower permissions that this one includes. A key does not ask
	// for both, and does not show both.
	Implies []string
	// ByName means that the permission is granted only to a role that names it in
	// native_permissions, although a scope would cover it.
	ByName bool
	// Automatic means that the exchange may add it to a key unasked, as by the kind of
	// account. On a key that holds its scopes anyway it changes nothing. On any other
	// it is an [Addition], which only a connection that allows its scopes accepts.
	Automatic bool
	// Mode is set where a whole key has one mode, such as writing: it holds no
	// permission of another mode.
	Mode string
	// Note is what an operator must know about it.
	Note string
}

// byScope reports whether asking for a scope can bring in the permission.
func (p Permission) byScope() bool { return !p.ByName && !p.Beyond && !p.Automatic }

// Offered lists the scopes that a role may ask for.
func (v Variant) Offered() Scopes {
	var offered Scopes
	for _, p := range v.Permissions {
		if p.byScope() {
			offered = offered.Union(p.Scopes)
		}
	}
	return offered
}

// Inseparable lists the sets of scopes that the exchange grants only together, each
// as the permission that brings them.
func (v Variant) Inseparable() map[string][]string {
	sets := map[string][]string{}
	for _, p := range v.Permissions {
		if beyondRead := p.Scopes.Without(Scopes{ScopeRead}); p.byScope() && len(beyondRead) > 1 {
			sets[p.Name] = p.Scopes.Strings()
		}
	}
	return sets
}

// Grant is what a role's words amount to at an exchange.
type Grant struct {
	// Permissions are those to request from the exchange, sorted.
	Permissions []string
	// Scopes are those that a key with these permissions holds.
	Scopes Scopes
	Risk   Risk
}

// Grant chooses the permissions that give exactly the wanted scopes, plus those
// named natively. A scope that the exchange lacks, or cannot grant without others,
// is an error that says what to ask for instead. Nothing is ever widened.
func (v Variant) Grant(wanted Scopes, native []string) (Grant, error) {
	if missing := wanted.Without(v.Offered()); len(missing) > 0 {
		return Grant{}, fmt.Errorf("scopes: %s is not offered by the exchange, which offers %s", missing, v.Offered())
	}
	chosen := map[string]Permission{}
	var held Scopes
	risk := RiskMinimal
	add := func(p Permission) {
		chosen[p.Name] = p
		held = held.Union(p.Scopes)
		if p.Beyond {
			risk = RiskCritical
		}
	}
	for _, name := range native {
		p, err := v.permission(name)
		if err != nil {
			return Grant{}, err
		}
		add(p)
	}
	// Go from the most to the least dangerous: what gives a trade scope often gives
	// read as well.
	exact := wanted.Union(held)
	for _, scope := range slices.Backward(exact) {
		if held.Has(scope) {
			continue
		}
		carriers := v.carriers(scope, exact)
		if len(carriers) == 0 {
			return Grant{}, v.inseparable(scope, exact)
		}
		for _, p := range carriers {
			add(p)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		p := chosen[name]
		for _, name := range p.Needs {
			if _, ok := chosen[name]; !ok {
				needed, err := v.permission(name)
				if err != nil {
					return Grant{}, err
				}
				return Grant{}, fmt.Errorf("scopes: %s is useless without %s; ask for exactly scopes=%s",
					p.Scopes, needed.Scopes, exact.Union(needed.Scopes))
			}
		}
	}
	if err := oneMode(chosen); err != nil {
		return Grant{}, err
	}
	for _, p := range chosen {
		for _, name := range p.Implies {
			delete(chosen, name)
		}
	}
	grant := Grant{Scopes: held, Risk: risk}
	if risk != RiskCritical {
		grant.Risk = held.Risk()
	}
	grant.Permissions = slices.Sorted(maps.Keys(chosen))
	return grant, nil
}

// Narrow chooses permissions for the wanted scopes within a role's own grant: the
// granted permissions, what they include, and what the scopes named by the role
// bring in. It never chooses a permission for a scope that the role holds only
// through another permission named natively.
func (v Variant) Narrow(whole Grant, named, wanted Scopes) (Grant, error) {
	within := v
	within.Permissions = nil
	for _, p := range v.Permissions {
		included := slices.ContainsFunc(whole.Permissions, func(name string) bool {
			held, err := v.permission(name)
			return err == nil && (name == p.Name || slices.Contains(held.Implies, p.Name))
		})
		switch {
		case included && !p.Beyond:
			p.ByName = false
			within.Permissions = append(within.Permissions, p)
		case p.byScope() && p.Scopes.Within(named):
			within.Permissions = append(within.Permissions, p)
		}
	}
	return within.Grant(wanted, nil)
}

// oneMode refuses permissions of different modes.
func oneMode(chosen map[string]Permission) error {
	var first Permission
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		p := chosen[name]
		if first.Name == "" {
			first = p
		}
		if p.Mode != first.Mode {
			return fmt.Errorf("native_permissions: a key cannot hold both %q (%s) and %q (%s); give them to two roles",
				first.Name, first.Mode, p.Name, p.Mode)
		}
	}
	return nil
}

// GrantError says how the permissions of a key differ from those requested.
type GrantError struct {
	// Surplus is what the key holds beyond the request, and Nameable what of it a role
	// can name, which makes it part of the request.
	Surplus  []string
	Nameable []string
	// Lack is what was requested and is not among what the exchange shows.
	Lack []string
}

// Error names the surplus, and what can be done about it, or, if there is none, the
// lack.
func (e *GrantError) Error() string {
	if len(e.Surplus) == 0 {
		return "the exchange did not grant what was asked for: " + strings.Join(e.Lack, ", ")
	}
	text := "the exchange granted more than was asked for: " + strings.Join(e.Surplus, ", ")
	if len(e.Nameable) == len(e.Surplus) {
		text += "; if it always does, a role that accepts this can name it: native_permissions=" + strings.Join(e.Nameable, ",")
	}
	return text
}

// CheckGrant compares what a key was given with what was requested. Its error is a
// [GrantError]. A key with a surplus must be deleted; so must one with a lack, unless
// the exchange shows later that it holds the rest as well. An [Addition] is a surplus
// too, unless it is left out of what was given.
func (v Variant) CheckGrant(asked Grant, given []string) error {
	var surplus, nameable, lack []string
	for _, name := range given {
		if slices.Contains(asked.Permissions, name) {
			continue
		}
		p, err := v.permission(name)
		if err == nil && p.Automatic && !p.addsTo(asked) {
			continue
		}
		surplus = append(surplus, name)
		if err == nil && !p.Automatic {
			nameable = append(nameable, name)
		}
	}
	for _, name := range asked.Permissions {
		if !slices.Contains(given, name) {
			lack = append(lack, name)
		}
	}
	if len(surplus) > 0 || len(lack) > 0 {
		return &GrantError{Surplus: surplus, Nameable: nameable, Lack: lack}
	}
	return nil
}

// OnlyByName returns those of the permissions that no scope brings in, so that a
// role must name them in native_permissions.
func (v Variant) OnlyByName(names []string) []string {
	var only []string
	for _, p := range v.Permissions {
		if slices.Contains(names, p.Name) && (p.ByName || p.Beyond) {
			only = append(only, p.Name)
		}
	}
	return only
}

func (v Variant) permission(name string) (Permission, error) {
	var known []string
	for _, p := range v.Permissions {
		if p.Name == name {
			return p, nil
		}
		if !p.Automatic {
			known = append(known, p.Name)
		}
	}
	return Permission{}, fmt.Errorf("native_permissions: %q is not known; choose from: %s", name, strings.Join(known, ", "))
}

// carriers returns the permissions that give the scope and nothing outside the
// allowed ones.
func (v Variant) carriers(scope Scope, allowed Scopes) []Permission {
	var fitting []Permission
	for _, p := range v.Permissions {
		if p.Scopes.Has(scope) && p.Scopes.Within(allowed) && p.byScope() {
			fitting = append(fitting, p)
		}
	}
	return fitting
}

// inseparable explains that a scope only comes along with others.
func (v Variant) inseparable(scope Scope, wanted Scopes) error {
	var with Scopes
	var name string
	for _, p := range v.Permissions {
		if p.Scopes.Has(scope) && p.byScope() && (with == nil || len(p.Scopes) < len(with)) {
			with, name = p.Scopes, p.Name
		}
	}
	return fmt.Errorf("scopes: %s cannot be granted alone: the exchange's permission %q also carries %s; ask for exactly scopes=%s",
		scope, name, with.Without(wanted), wanted.Union(with))
}

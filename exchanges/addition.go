package exchanges

import "slices"

// Addition is what an exchange added to a key unasked ([Permission.Automatic]) and
// what the key may thereby do beyond what was asked for.
type Addition struct {
	// Permissions are those added, in the exchange's words; empty if there are none.
	Permissions []string
	// Scopes are those that the key may hold only because of them.
	Scopes Scopes
	// Risk is that of the key with them.
	Risk Risk
}

// Addition returns what a key was given beyond what was requested and what the
// exchange is known to add unasked. Any other surplus is left to
// [Variant.CheckGrant].
func (v Variant) Addition(asked Grant, given []string) Addition {
	addition := Addition{Risk: asked.Risk}
	held := asked.Scopes
	for _, name := range given {
		p, err := v.permission(name)
		if err != nil || !p.Automatic || slices.Contains(asked.Permissions, name) || !p.addsTo(asked) {
			continue
		}
		addition.Permissions = append(addition.Permissions, name)
		held = held.Union(p.Scopes)
		if p.Beyond {
			addition.Risk = RiskCritical
		}
	}
	addition.Scopes = held.Without(asked.Scopes)
	if len(addition.Permissions) > 0 && addition.Risk != RiskCritical {
		addition.Risk = held.Risk()
	}
	return addition
}

// addsTo reports whether a key with the permission can do more than was asked for.
func (p Permission) addsTo(asked Grant) bool { return p.Beyond || !p.Scopes.Within(asked.Scopes) }

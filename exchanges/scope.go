package exchanges

import (
	"fmt"
	"slices"
	"strings"
)

// Scope is a canonical right of a key, the same word at every exchange.
type Scope string

// The canonical scopes. ScopeRead is part of every set: no exchange has a key that
// can trade on an account but not read it.
const (
	ScopeRead     Scope = "read"
	ScopeSpot     Scope = "trade:spot"
	ScopeMargin   Scope = "trade:margin"
	ScopeFutures  Scope = "trade:futures"
	ScopeOptions  Scope = "trade:options"
	ScopeTransfer Scope = "transfer"
	ScopeWithdraw Scope = "withdraw"
)

// scopeTrade is the shorthand for every trade scope that an exchange has.
const scopeTrade = "trade"

// AllScopes lists the canonical scopes, the least dangerous first.
func AllScopes() []Scope {
	return []Scope{ScopeRead, ScopeSpot, ScopeMargin, ScopeFutures, ScopeOptions, ScopeTransfer, ScopeWithdraw}
}

// IsTrade reports whether the scope places orders.
func (s Scope) IsTrade() bool { return strings.HasPrefix(string(s), scopeTrade+":") }

// NamedBy reports whether one of the words stands for the scope: its own, or
// "trade" if it places orders.
func (s Scope) NamedBy(words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool {
		return strings.EqualFold(word, string(s)) || s.IsTrade() && strings.EqualFold(word, scopeTrade)
	})
}

// Scopes is a set of scopes in the order of [AllScopes], without repeats.
type Scopes []Scope

// NewScopes puts scopes in canonical order and drops repeats.
func NewScopes(scopes ...Scope) Scopes {
	var set Scopes
	for _, scope := range AllScopes() {
		if slices.Contains(scopes, scope) {
			set = append(set, scope)
		}
	}
	return set
}

// ParseScopes reads scope words. "trade" stands for every trade scope in
// offered. ScopeRead is added to any set, since every key can read. An unknown
// word is an error that lists the known ones.
func ParseScopes(words []string, offered Scopes) (Scopes, error) {
	set := []Scope{ScopeRead}
	for _, word := range words {
		scope := Scope(strings.ToLower(strings.TrimSpace(word)))
		switch {
		case scope == scopeTrade:
			for _, o := range offered {
				if o.IsTrade() {
					set = append(set, o)
				}
			}
		case slices.Contains(AllScopes(), scope):
			set = append(set, scope)
		default:
			return nil, fmt.Errorf("%q is not a scope; the scopes are %s, and %q for every trade scope",
				word, NewScopes(AllScopes()...), scopeTrade)
		}
	}
	return NewScopes(set...), nil
}

// Has reports whether the set holds the scope.
func (s Scopes) Has(scope Scope) bool { return slices.Contains(s, scope) }

// Without returns the scopes of s that are not in other.
func (s Scopes) Without(other Scopes) Scopes {
	var rest Scopes
	for _, scope := range s {
		if !other.Has(scope) {
			rest = append(rest, scope)
		}
	}
	return rest
}

// Within reports whether every scope of s is in other.
func (s Scopes) Within(other Scopes) bool { return len(s.Without(other)) == 0 }

// Union returns the scopes of either set.
func (s Scopes) Union(other Scopes) Scopes { return NewScopes(slices.Concat(s, other)...) }

// Strings returns the scopes as plain strings.
func (s Scopes) Strings() []string {
	words := make([]string, len(s))
	for i, scope := range s {
		words[i] = string(scope)
	}
	return words
}

// String joins the scopes with commas, as a role's scopes field takes them.
func (s Scopes) String() string { return strings.Join(s.Strings(), ",") }

// Risk is how much a leaked key could cost.
type Risk string

// The risks, from the least to the greatest.
const (
	// RiskMinimal: the key can only read.
	RiskMinimal Risk = "minimal"
	// RiskModerate: the key can trade.
	RiskModerate Risk = "moderate"
	// RiskCritical: the key can move funds, or holds a permission whose
	// reach is not known.
	RiskCritical Risk = "critical"
)

// Risk returns the risk of a key that holds the scopes.
func (s Scopes) Risk() Risk {
	risk := RiskMinimal
	for _, scope := range s {
		switch {
		case scope == ScopeRead:
		case scope.IsTrade():
			risk = RiskModerate
		default:
			return RiskCritical
		}
	}
	return risk
}

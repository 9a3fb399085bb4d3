package gate

import (
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// Each of Gate's groups has a read-only flag, so a permission is written as
// group:read (the group's GET requests) or group:write (all its requests).
const (
	readFlag  = ":read"
	writeFlag = ":write"
)

// permissions is Gate's vocabulary for keys of sub-accounts. There is no group
// for withdrawals.
func permissions() []exchanges.Permission {
	read := exchanges.NewScopes(exchanges.ScopeRead)
	var all []exchanges.Permission
	// group adds the two permissions of a group; byScope reports whether the scope
	// read brings in the first.
	group := func(name string, byScope bool, write exchanges.Permission) {
		write.Name, write.Implies = name+writeFlag, []string{name + readFlag}
		all = append(all, exchanges.Permission{Name: name + readFlag, Scopes: read, ByName: !byScope}, write)
	}
	group("account", true, exchanges.Permission{Scopes: read, Beyond: true})
	group("wallet", true, exchanges.Permission{
		Scopes: exchanges.NewScopes(exchanges.ScopeTransfer), Note: "between accounts of the sub-account",
	})
	group("spot", true, exchanges.Permission{
		Scopes: exchanges.NewScopes(exchanges.ScopeSpot, exchanges.ScopeMargin), Note: "spot orders and margin orders: Gate does not separate them",
	})
	group("margin", false, exchanges.Permission{
		Scopes: exchanges.NewScopes(exchanges.ScopeMargin), Needs: []string{"spot" + writeFlag}, Note: "margin accounts and borrowing",
	})
	group("futures", false, exchanges.Permission{Scopes: exchanges.NewScopes(exchanges.ScopeFutures), Note: "perpetual contracts"})
	group("delivery", false, exchanges.Permission{Scopes: exchanges.NewScopes(exchanges.ScopeFutures), ByName: true, Note: "dated futures"})
	group("options", false, exchanges.Permission{Scopes: exchanges.NewScopes(exchanges.ScopeOptions)})
	group("unified", false, exchanges.Permission{
		Scopes: read, Beyond: true, Note: "unified accounts: their users need it to trade; it also borrows and sets the mode",
	})
	group("loan", false, exchanges.Permission{Scopes: read, Beyond: true})
	group("earn", false, exchanges.Permission{Scopes: read, Beyond: true})
	group("custody", false, exchanges.Permission{Scopes: read, Beyond: true})
	group("copy", false, exchanges.Permission{Scopes: read, Beyond: true})
	return all
}

// perm is a permission in the form of Gate's API. The flag is always sent, because
// what its absence means is not documented.
type perm struct {
	Name     string `json:"name"`
	ReadOnly bool   `json:"read_only"`
}

// encode converts permission names into Gate's form.
func encode(names []string) []perm {
	perms := make([]perm, len(names))
	for i, name := range names {
		group, readOnly := strings.CutSuffix(name, readFlag)
		perms[i] = perm{strings.TrimSuffix(group, writeFlag), readOnly}
	}
	return perms
}

// decode is the reverse of encode: the sorted permission names that a key
// holds.
func decode(perms []perm) []string {
	names := make([]string, len(perms))
	for i, p := range perms {
		names[i] = p.Name + writeFlag
		if p.ReadOnly {
			names[i] = p.Name + readFlag
		}
	}
	slices.Sort(names)
	return names
}

package htx

import (
	"slices"

	"vault-plugin-secrets-exchange/exchanges"
)

// HTX's permissions. A third one, withdraw, exists only for keys of the parent
// user.
const (
	readOnly = "readOnly"
	trade    = "trade"
	withdraw = "withdraw"
)

// permissions is HTX's vocabulary for keys of sub-users. There is no permission
// for options.
func permissions() []exchanges.Permission {
	return []exchanges.Permission{
		{Name: readOnly, Scopes: exchanges.NewScopes(exchanges.ScopeRead), Note: "every key has it"},
		{
			Name: trade,
			Scopes: exchanges.NewScopes(exchanges.ScopeSpot, exchanges.ScopeMargin, exchanges.ScopeFutures,
				exchanges.ScopeTransfer),
			Note: "orders, loans and transfers: HTX has nothing narrower; the sub-user's own settings say in which markets, " +
				"and whether its funds may leave it",
		},
	}
}

// decode returns the sorted permission names of a key; nil if the answer does not
// say.
func decode(permission []string) []string { return slices.Sorted(slices.Values(permission)) }

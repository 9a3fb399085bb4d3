package okx

import (
	"slices"

	"vault-plugin-secrets-exchange/exchanges"
)

// OKX's permissions. A third one, withdraw, exists only for keys of the master
// account.
const (
	readOnly = "read_only"
	trade    = "trade"
	withdraw = "withdraw"
)

// permissions is OKX's vocabulary for keys of sub-accounts.
func permissions() []exchanges.Permission {
	return []exchanges.Permission{
		{Name: readOnly, Scopes: exchanges.NewScopes(exchanges.ScopeRead)},
		{
			Name: trade,
			Scopes: exchanges.NewScopes(exchanges.ScopeSpot, exchanges.ScopeMargin, exchanges.ScopeFutures,
				exchanges.ScopeOptions, exchanges.ScopeTransfer),
			Note: "every product, the account's settings, and transfers: OKX has nothing narrower",
		},
	}
}

// decode returns the sorted permission names of a key. OKX's answers also
// write "read" for read_only.
func decode(perm []string) []string {
	names := make([]string, len(perm))
	for i, name := range perm {
		if name == "read" {
			name = readOnly
		}
		names[i] = name
	}
	slices.Sort(names)
	return names
}

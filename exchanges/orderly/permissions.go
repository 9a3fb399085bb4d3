package orderly

import (
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// permissions are Orderly's scopes, in the order in which they are sent.
func permissions() []exchanges.Permission {
	return []exchanges.Permission{
		{
			Name: "read", Scopes: exchanges.NewScopes(exchanges.ScopeRead),
			Note: "also writes settings of the account, such as leverage",
		},
		// Orderly's pages disagree on whether trading includes reading, so trading
		// is never requested alone.
		{Name: "trading", Scopes: exchanges.NewScopes(exchanges.ScopeFutures), Needs: []string{"read"}, Note: "orders of perpetuals"},
		{Name: "asset", Scopes: exchanges.NewScopes(exchanges.ScopeTransfer), Needs: []string{"read"}, Note: "transfers between the owner's accounts"},
	}
}

// encode writes permissions as one text. The wallet signs that text, so their order
// is always the same.
func encode(names []string) string {
	var scope []string
	for _, p := range permissions() {
		if slices.Contains(names, p.Name) {
			scope = append(scope, p.Name)
		}
	}
	return strings.Join(scope, ",")
}

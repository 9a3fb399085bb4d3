package kucoin

import (
	"slices"

	"vault-plugin-secrets-exchange/exchanges"
)

// Permissions that the driver itself checks for.
const (
	general       = "General"
	innerTransfer = "InnerTransfer"
)

// permissions is KuCoin's vocabulary for keys of sub-accounts. Transfer, which
// allows withdrawals, and Earn exist only for keys of the master account; whether
// LeadtradeFutures can be requested is not documented.
func permissions() []exchanges.Permission {
	return []exchanges.Permission{
		{Name: general, Scopes: exchanges.NewScopes(exchanges.ScopeRead)},
		{Name: "Spot", Scopes: exchanges.NewScopes(exchanges.ScopeSpot)},
		{Name: "Margin", Scopes: exchanges.NewScopes(exchanges.ScopeMargin), Note: "orders and borrowing; some flows need trade:spot too"},
		{Name: "Futures", Scopes: exchanges.NewScopes(exchanges.ScopeFutures)},
		{
			Name: innerTransfer, Scopes: exchanges.NewScopes(exchanges.ScopeTransfer),
			Note: "called FlexTransfers on the website; only for keys that are bound to addresses",
		},
		{
			Name: "Unified", Scopes: exchanges.NewScopes(exchanges.ScopeSpot, exchanges.ScopeMargin, exchanges.ScopeFutures), Beyond: true,
			Note: "trading in a unified account; KuCoin does not document everything it reaches",
		},
	}
}

// decode returns the sorted permission names of a key, nil if the answer omits them:
// KuCoin's answers have an order of their own.
func decode(permission []string) []string { return slices.Sorted(slices.Values(permission)) }

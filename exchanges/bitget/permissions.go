package bitget

import (
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// readOnly stands for a key that only reads. For unified and broker accounts it is
// not a permission in Bitget's list but the type of the whole key; the list then
// says what may be read.
const readOnly = "read_only"

// Permissions of keys of unified accounts.
const (
	trade      = "uta_trade"
	management = "uta_mgt"
	withdraw   = "withdraw"
)

// unifiedPermissions is the vocabulary of unified accounts
// (https://www.bitget.com/api-doc/uta/guide).
func unifiedPermissions() []exchanges.Permission {
	return []exchanges.Permission{
		{Name: readOnly, Scopes: exchanges.NewScopes(exchanges.ScopeRead), Note: "a key of type read_only: balances, orders, positions, settings"},
		{
			Name: trade,
			Scopes: exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeSpot, exchanges.ScopeMargin,
				exchanges.ScopeFutures),
			Note: "orders of every product: Bitget has nothing narrower; reads orders and positions, but no balances",
		},
		{
			Name:   management,
			Scopes: exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeTransfer),
			Beyond: true,
			Note: "balances, account settings such as leverage, and transfers between wallets of the sub-account; " +
				"Bitget does not document everything it reaches",
		},
	}
}

// unifiedReading is what a read-only key of a unified account may read.
func unifiedReading() []string { return []string{management, trade} }

// classicRead is the least permission of keys of classic accounts.
const classicRead = "read"

// classicPermissions is the vocabulary of classic accounts
// (https://www.bitget.com/api-doc/common/vsubaccount/Create-Virtual-Subaccount-ApiKey).
func classicPermissions() []exchanges.Permission {
	return []exchanges.Permission{
		{Name: classicRead, Scopes: exchanges.NewScopes(exchanges.ScopeRead)},
		{Name: "spot_trade", Scopes: exchanges.NewScopes(exchanges.ScopeSpot)},
		{Name: "margin_trade", Scopes: exchanges.NewScopes(exchanges.ScopeMargin)},
		{Name: "contract_trade", Scopes: exchanges.NewScopes(exchanges.ScopeFutures)},
		{Name: "transfer", Scopes: exchanges.NewScopes(exchanges.ScopeTransfer), Note: "between wallets of the sub-account"},
	}
}

// brokerPermissions is the vocabulary of brokers' accounts
// (https://www.bitget.com/api-doc/broker/apikey/Create-Subaccount-ApiKey).
func brokerPermissions() []exchanges.Permission {
	with := func(scope exchanges.Scope) exchanges.Scopes {
		return exchanges.NewScopes(exchanges.ScopeRead, scope)
	}
	return []exchanges.Permission{
		{Name: readOnly, Scopes: exchanges.NewScopes(exchanges.ScopeRead), Note: "a key of type readonly"},
		{Name: "spot_trade", Scopes: with(exchanges.ScopeSpot)},
		{Name: "margin_trade", Scopes: with(exchanges.ScopeMargin)},
		{Name: "contract_order", Scopes: with(exchanges.ScopeFutures)},
		{Name: "contract_position", Scopes: with(exchanges.ScopeFutures)},
		{Name: "wallet_transfer", Scopes: with(exchanges.ScopeTransfer)},
		{Name: "copytrading_trade", Scopes: exchanges.NewScopes(exchanges.ScopeRead), Beyond: true, Note: "copy trading"},
	}
}

// brokerReading is what a read-only key of a broker's sub-account may read.
func brokerReading() []string {
	return []string{"contract_order", "contract_position", "margin_trade", "spot_trade"}
}

// encode returns whether a key is to be of the read-only type, and its list: for a
// read-only key, what it may read.
func encode(names, reading []string) (onlyReads bool, list []string) {
	if !slices.Contains(names, readOnly) {
		return false, names
	}
	return true, reading
}

// decode is the reverse of encode: the sorted permission names of a key. A
// read-only key that may read more or less than we ask for is not ours, and is
// shown by its list.
func decode(keyType string, list, reading []string) []string {
	names := slices.Sorted(slices.Values(list))
	if !isReadOnly(keyType) || slices.ContainsFunc(reading, func(name string) bool { return !slices.Contains(names, name) }) {
		return names
	}
	names = append(slices.DeleteFunc(names, func(name string) bool { return slices.Contains(reading, name) }), readOnly)
	slices.Sort(names)
	return names
}

// isReadOnly reads the type of a key. Bitget writes read_only, readonly and
// read-only.
func isReadOnly(keyType string) bool { return strings.HasSuffix(keyType, "only") }

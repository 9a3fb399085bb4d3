package bybit

import (
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// readOnly stands for a key with readOnly=1. It is not a permission in Bybit's
// object but a switch for the whole key; the groups then say what may be read.
const readOnly = "ReadOnly"

const (
	// derivatives is what Bybit adds to keys of unified accounts, unasked: to all of
	// them, as its pages said until 2026, or to those that trade contracts. What it
	// lets a key do that has no ContractTrade is not documented.
	derivatives = "Derivatives.DerivativesTrade"
	// earn stands, unasked, in the answer of a sample of Bybit's.
	earn = "Earn.Earn"
)

// permissions is Bybit's vocabulary for keys of sub-accounts, with each permission
// written as Group.Value.
func permissions() []exchanges.Permission {
	with := func(scope exchanges.Scope) exchanges.Scopes {
		return exchanges.NewScopes(exchanges.ScopeRead, scope)
	}
	return []exchanges.Permission{
		{Name: readOnly, Scopes: exchanges.NewScopes(exchanges.ScopeRead)},
		{Name: "Spot.SpotTrade", Scopes: with(exchanges.ScopeSpot)},
		{Name: "ContractTrade.Order", Scopes: with(exchanges.ScopeFutures)},
		{Name: "ContractTrade.Position", Scopes: with(exchanges.ScopeFutures)},
		{Name: "Options.OptionsTrade", Scopes: with(exchanges.ScopeOptions), Note: "also covers USDC perpetuals"},
		{Name: "Wallet.AccountTransfer", Scopes: with(exchanges.ScopeTransfer), Note: "between wallets of the sub-account"},
		{
			Name: "Wallet.SubMemberTransferList", Scopes: with(exchanges.ScopeTransfer), ByName: true,
			Note: "from the sub-account to the master; not on fund-custodial accounts",
		},
		{Name: "Exchange.ExchangeHistory", Scopes: exchanges.NewScopes(exchanges.ScopeRead), Beyond: true, Note: "convert"},
		{Name: earn, Scopes: exchanges.NewScopes(exchanges.ScopeRead), Beyond: true},
		{
			Name: derivatives, Scopes: with(exchanges.ScopeFutures), Automatic: true,
			Note: "Bybit adds it to keys of unified accounts; whether it trades futures without ContractTrade is not documented",
		},
	}
}

// readGroups is what a read-only key may read. Wallet is left out, since a key
// with a Wallet right may edit itself.
func readGroups() []string {
	return []string{"ContractTrade.Order", "ContractTrade.Position", "Options.OptionsTrade", "Spot.SpotTrade"}
}

// alsoReadable reports whether Bybit may add the permission to a read-only key, which
// then reads that as well.
func alsoReadable(name string) bool { return name == derivatives || name == earn }

// groups is the permissions object of Bybit's API: values by group.
type groups map[string][]string

// encode converts permission names into Bybit's form.
func encode(names []string) (readOnlySwitch int, byGroup groups) {
	if slices.Contains(names, readOnly) {
		readOnlySwitch = 1
		names = append(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == readOnly }), readGroups()...)
	}
	byGroup = groups{}
	for _, name := range names {
		group, value, _ := strings.Cut(name, ".")
		byGroup[group] = append(byGroup[group], value)
	}
	return readOnlySwitch, byGroup
}

// decode is the reverse of encode: the sorted permission names that a key
// holds.
func decode(isReadOnly bool, byGroup groups) []string {
	var names []string
	for group, values := range byGroup {
		for _, value := range values {
			names = append(names, group+"."+value)
		}
	}
	if isReadOnly && !slices.ContainsFunc(readGroups(), func(g string) bool { return !slices.Contains(names, g) }) {
		names = slices.DeleteFunc(names, func(n string) bool { return alsoReadable(n) || slices.Contains(readGroups(), n) })
		names = append(names, readOnly)
	}
	slices.Sort(names)
	return names
}

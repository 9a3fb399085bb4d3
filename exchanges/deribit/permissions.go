package deribit

import (
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// Elements of a scope that the driver checks for.
const (
	accountRead      = "account:read"
	accountReadWrite = "account:read_write"
	walletReadWrite  = "wallet:read_write"
	// mainAccount is in the scope of a login of the main account. No key can
	// be given it.
	mainAccount = "mainaccount"
	// noScope is the max_scope of a key that can do nothing.
	noScope = "account:none trade:none wallet:none"
)

// permissions is Deribit's vocabulary for keys of sub-accounts, which can never
// withdraw. account:read_write is left out: a key that holds it can mint and delete
// keys.
func permissions() []exchanges.Permission {
	read := exchanges.NewScopes(exchanges.ScopeRead)
	return []exchanges.Permission{
		{Name: "trade:read", Scopes: read, Note: "orders, positions and trades"},
		{Name: "wallet:read", Scopes: read, Note: "deposits, withdrawals and transfers"},
		{
			Name: "trade:read_write", Implies: []string{"trade:read"},
			Scopes: exchanges.NewScopes(exchanges.ScopeSpot, exchanges.ScopeFutures, exchanges.ScopeOptions),
			Note:   "every product: Deribit has nothing narrower",
		},
		{
			Name: walletReadWrite, Implies: []string{"wallet:read"}, Scopes: exchanges.NewScopes(exchanges.ScopeTransfer),
			Note: "transfers between sub-accounts, deposit addresses, address book",
		},
		{
			Name: accountRead, Scopes: read, Beyond: true,
			Note: "balances; such a key may also be able to list its account's keys with their secrets",
		},
		{Name: "block_trade:read", Scopes: read, ByName: true},
		{
			Name: "block_trade:read_write", Scopes: read, Beyond: true,
			Note: "trades at prices agreed with a counterparty of one's choice",
		},
		{Name: "block_rfq:read", Scopes: read, ByName: true},
		{
			Name: "block_rfq:read_write", Scopes: read, Beyond: true,
			Note: "trades at prices agreed with counterparties",
		},
	}
}

// encode converts permission names into a max_scope.
func encode(names []string) string { return strings.Join(names, " ") }

// decode returns the sorted permission names of a max_scope.
func decode(maxScope string) []string {
	names := slices.DeleteFunc(strings.Fields(maxScope), func(element string) bool { return strings.HasSuffix(element, ":none") })
	slices.Sort(names)
	return names
}

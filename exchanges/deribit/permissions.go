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
			Name:   "trade:read_write",
			Scopes: exchanges.NewScopes(exchanges.ScopeSpot, exchanges.ScopeFutures, exchanges.ScopeOptions),
			Note:   "every product: Deribit has nothing narrower",
		},
		{
			Name: walletReadWrite, Scopes: exchanges.NewScopes(exchanges.ScopeTransfer),
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

// write turns "trade:read" into "trade:read_write".
const write = "_write"

// encode converts permission names into a max_scope. An area is named once, by its
// highest level.
func encode(names []string) string {
	var elements []string
	for _, element := range names {
		if !slices.Contains(names, element+write) {
			elements = append(elements, element)
		}
	}
	return strings.Join(elements, " ")
}

// decode returns the sorted permission names of a max_scope. An area that every key
// can read is named by both levels where it can be written, as the scope read
// brings in one and the scope beyond it the other.
func decode(maxScope string) []string {
	var names []string
	for element := range strings.FieldsSeq(maxScope) {
		if strings.HasSuffix(element, ":none") {
			continue
		}
		names = append(names, element)
		if element == "trade:read_write" || element == walletReadWrite {
			names = append(names, strings.TrimSuffix(element, write))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

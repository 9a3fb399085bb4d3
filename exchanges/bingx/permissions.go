package bingx

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// The names of permissions: BingX's number, and the word from its website.
const (
	permSpot      = "1-spot"
	permRead      = "2-read"
	permPerpetual = "3-perpetual-futures"
	permUniversal = "4-universal-transfer"
	permWithdraw  = "5-withdraw"
	permInternal  = "7-internal-transfer"
)

// permissions is BingX's vocabulary. Number 6 is left out: samples show it, but no
// document says what it is.
func permissions() []exchanges.Permission {
	// Whether BingX accepts another permission without reading is not documented.
	needs := []string{permRead}
	return []exchanges.Permission{
		{Name: permRead, Scopes: exchanges.NewScopes(exchanges.ScopeRead)},
		{
			Name: permSpot, Scopes: exchanges.NewScopes(exchanges.ScopeSpot, exchanges.ScopeMargin), Needs: needs,
			Note: "spot orders, and probably margin orders: one of BingX's answers calls it spot and margin trading",
		},
		{Name: permPerpetual, Scopes: exchanges.NewScopes(exchanges.ScopeFutures), Needs: needs},
		{Name: permUniversal, Scopes: exchanges.NewScopes(exchanges.ScopeTransfer), Needs: needs, Note: "between wallets of the account"},
		{
			Name: permWithdraw, Scopes: exchanges.NewScopes(exchanges.ScopeWithdraw), Needs: needs, ByName: true,
			Note: "BingX's documents disagree on whether a sub-account's key can have it; needs addresses",
		},
		{
			Name: permInternal, Scopes: exchanges.NewScopes(exchanges.ScopeTransfer), Needs: needs, ByName: true,
			Note: "between sub-accounts; the main account may have to allow it",
		},
	}
}

// encode converts permission names into BingX's numbers.
func encode(names []string) []int {
	numbers := []int{}
	for _, name := range names {
		code, _, _ := strings.Cut(name, "-")
		if n, err := strconv.Atoi(code); err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// decode is the reverse of encode: the sorted permission names that a key holds;
// nil if BingX does not say. A number without a name stands for itself and counts
// as surplus.
func decode[T ~string](codes []T) []string {
	if codes == nil {
		return nil
	}
	names := []string{}
	for _, code := range codes {
		names = append(names, cmp.Or(nameOf(string(code)), string(code)))
	}
	slices.Sort(names)
	return names
}

func nameOf(code string) string {
	for _, p := range permissions() {
		if strings.HasPrefix(p.Name, code+"-") {
			return p.Name
		}
	}
	return ""
}

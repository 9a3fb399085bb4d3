package mexc

import (
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// Suffixes of MEXC's words. MEXC does not say whether the second of a pair includes
// the first, so both are always requested together.
const (
	readSuffix  = "_READ"
	writeSuffix = "_WRITE"
)

// permissions is MEXC's vocabulary for keys of sub-accounts. SPOT_ACCOUNT_WRITE
// is left out: on a master's key it manages sub-accounts, and what it does on a
// sub-account's is not documented.
func permissions() []exchanges.Permission {
	read := exchanges.NewScopes(exchanges.ScopeRead)
	// byName returns a read word that the scope read does not bring in: it comes
	// with its write word, or by name.
	byName := func(name string) exchanges.Permission {
		return exchanges.Permission{Name: name, Scopes: read, ByName: true}
	}
	write := func(name string, scope exchanges.Scope, note string) exchanges.Permission {
		return exchanges.Permission{Name: name, Scopes: exchanges.NewScopes(scope), Implies: []string{readOf(name)}, Note: note}
	}
	return []exchanges.Permission{
		{Name: "SPOT_ACCOUNT_READ", Scopes: read},
		{Name: "SPOT_DEAL_READ", Scopes: read},
		write("SPOT_DEAL_WRITE", exchanges.ScopeSpot, ""),
		byName("CONTRACT_ACCOUNT_READ"),
		write("CONTRACT_ACCOUNT_WRITE", exchanges.ScopeFutures, "settings of the futures account"),
		byName("CONTRACT_DEAL_READ"),
		write("CONTRACT_DEAL_WRITE", exchanges.ScopeFutures, ""),
		byName("SPOT_TRANSFER_READ"),
		write("SPOT_TRANSFER_WRITE", exchanges.ScopeTransfer, "between wallets and accounts"),
	}
}

// readOf returns the read word that pairs with a write word.
func readOf(name string) string { return strings.TrimSuffix(name, writeSuffix) + readSuffix }

// encode converts permission names into MEXC's form, which includes the read word
// of each write word.
func encode(names []string) string {
	words := slices.Clone(names)
	for _, name := range names {
		if strings.HasSuffix(name, writeSuffix) {
			words = append(words, readOf(name))
		}
	}
	slices.Sort(words)
	return strings.Join(slices.Compact(words), ",")
}

// decode is the reverse of encode: the sorted permission names that a key holds;
// nil if MEXC does not say.
func decode(words []string) []string {
	if words == nil {
		return nil
	}
	names := []string{}
	for _, word := range words {
		write := strings.TrimSuffix(word, readSuffix) + writeSuffix
		if !strings.HasSuffix(word, readSuffix) || !slices.Contains(words, write) {
			names = append(names, word)
		}
	}
	slices.Sort(names)
	return names
}

// unsurprising leaves the read words out that were requested only with their write
// word: an answer that has them alone lacks something, and tells of nothing more.
func unsurprising(names, requested []string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		word, isRead := strings.CutSuffix(name, readSuffix)
		return isRead && !slices.Contains(requested, name) && slices.Contains(requested, word+writeSuffix)
	})
}

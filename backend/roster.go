package backend

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// rosterTimeout bounds how long somebody who writes or checks a role waits to hear
// which sub-accounts there are, waiting for the rate limit included.
const rosterTimeout = 5 * time.Second

// roster is what an exchange says of a connection's sub-accounts, each by the one
// spelling of its name.
type roster map[string]exchanges.SubAccount

// roster asks the exchange for the sub-accounts.
func (l *link) roster(ctx context.Context) (roster, error) {
	accounts, err := l.account.SubAccounts(ctx)
	if err != nil {
		return nil, err
	}
	known := make(roster, len(accounts))
	for _, account := range accounts {
		if account.Name == "" {
			return nil, &exchanges.Error{
				Kind: exchanges.ErrOutcomeUnknown, Exchange: l.Exchange, Operation: exchanges.OpSubAccounts,
				Message: "a sub-account is listed without its name, so that the list proves nothing",
			}
		}
		known[l.variant.SubAccountName(account.Name)] = account
	}
	return known, nil
}

// rosterSoon is roster for somebody who waits, for a role, and not for long.
func (l *link) rosterSoon(ctx context.Context, roleName string) (roster, error) {
	ctx, cancel := context.WithTimeout(ctx, rosterTimeout)
	defer cancel()
	return l.roster(exchanges.WithRole(exchanges.WithPatience(ctx, rosterTimeout), roleName))
}

const (
	noSubAccount     = "the exchange has no such sub-account"
	frozenSubAccount = "the exchange has frozen it"
)

// problem is what is wrong with a sub-account, named in its one spelling; empty if
// nothing is known to be.
func (r roster) problem(name string) string {
	account, known := r[name]
	switch {
	case !known:
		return noSubAccount
	case account.NoKeys != "":
		return account.NoKeys
	case account.Frozen:
		return frozenSubAccount
	}
	return ""
}

// Bounds on what a refusal names.
const (
	maxNamed = 5
	// maxTypos is how many slips of the pen still make one name like another.
	maxTypos = 2
)

// unknownSubAccounts refuses names that the exchange does not know, and names the ones
// that may have been meant, as far as the connection allows them.
func (l *link) unknownSubAccounts(known roster, unknown []string) error {
	allowed := slices.SortedFunc(maps.Values(known), func(a, b exchanges.SubAccount) int { return cmp.Compare(a.Name, b.Name) })
	allowed = slices.DeleteFunc(allowed, func(account exchanges.SubAccount) bool { return !l.allowsSubAccount(account.Name) })
	choice := "there are: " + someOf(allowed, shownSubAccount)
	if len(allowed) == 0 {
		choice = "the connection allows none of those that there are"
	}
	if meant := nearest(unknown, allowed); len(meant) > 0 {
		choice = "near: " + someOf(meant, shownSubAccount)
	}
	are := "is"
	if len(unknown) > 1 {
		are = "are"
	}
	return invalid("sub_accounts", "%s %s not among the sub-accounts of connection %q; %s. %s names them by: %s. To write the role all the same, give verify=false",
		someOf(unknown, quote), are, l.name, choice, l.about.DisplayName, l.variant.SubAccountNaming)
}

// nearest are the sub-accounts that one of the names may have been meant for, the
// likeliest first.
func nearest(names []string, among []exchanges.SubAccount) []exchanges.SubAccount {
	slips := map[string]int{}
	for _, account := range among {
		slips[account.Name] = maxTypos + 1
		for _, name := range names {
			for _, word := range []string{account.Name, account.Alias} {
				if word != "" {
					slips[account.Name] = min(slips[account.Name], typos(strings.ToLower(name), strings.ToLower(word), maxTypos))
				}
			}
		}
	}
	near := slices.DeleteFunc(slices.Clone(among), func(account exchanges.SubAccount) bool { return slips[account.Name] > maxTypos })
	slices.SortStableFunc(near, func(a, b exchanges.SubAccount) int { return cmp.Compare(slips[a.Name], slips[b.Name]) })
	return near
}

// typos counts how many letters were put in, left out, mistaken or swapped with the
// next to make one word of the other, or returns more than most.
func typos(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	// Row i has the counts for the first i letters of a; two rows back is for swaps.
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			mistaken := 1
			if a[i-1] == b[j-1] {
				mistaken = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+mistaken)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// shownSubAccount names a sub-account to a person. What an exchange says is quoted.
func shownSubAccount(account exchanges.SubAccount) string {
	if account.Alias == "" {
		return quote(account.Name)
	}
	return fmt.Sprintf("%s (%.64q)", quote(account.Name), account.Alias)
}

func quote(name string) string { return fmt.Sprintf("%.128q", name) }

// someOf writes out the first of the items, and how many more there are.
func someOf[T any](items []T, show func(T) string) string {
	named := namesOf(items[:min(len(items), maxNamed)], show)
	if more := len(items) - len(named); more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(named, ", "), more)
	}
	return strings.Join(named, ", ")
}

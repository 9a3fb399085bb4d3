package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

const capabilitiesHeading = `# Exchanges

What each exchange's API can do, side by side, and the root key that it needs. Each name links to a page with the details. ` + "`make docs`" + ` writes both tables from what the engine knows.

## What each can do

` + "`vault read exchange/exchanges/<name>/variants/<variant>`" + ` shows this and more for one kind of account. The variant is ` + "`default`" + ` where the table names none.

`

// comparison is the page that compares the exchanges.
func comparison(all []exchanges.Exchange) string {
	return capabilitiesHeading + capabilities(all) + rootKeysHeading + rootKeys(all)
}

// capabilities is the table of what each exchange's API can do.
func capabilities(all []exchanges.Exchange) string { return variants(all, columns("")) }

// variants is a table with a row for each variant of each exchange.
func variants(all []exchanges.Exchange, of []column) string {
	var titles []string
	for _, c := range of {
		titles = append(titles, c.title)
	}
	var rows [][]string
	for _, exchange := range all {
		about := exchange.Describe()
		for _, variant := range about.Variants {
			var row []string
			for _, c := range of {
				row = append(row, c.say(about, variant))
			}
			rows = append(rows, row)
		}
	}
	return table(titles, rows)
}

// columns are those of the table, each with the function that fills its cell
// for a variant. The exchanges' pages lie in a folder.
func columns(folder string) []column {
	return []column{
		{"exchange", func(d exchanges.Description, v exchanges.Variant) string { return name(d, v, folder) }},
		{"scopes", func(_ exchanges.Description, v exchanges.Variant) string { return join(v.Offered().Strings()) }},
		{"only together", inseparable},
		{"key types", func(_ exchanges.Description, v exchanges.Variant) string { return join(words(v.KeyTypes)) }},
		{"keys per sub-account", func(_ exchanges.Description, v exchanges.Variant) string { return number(v.KeysPerSubAccount) }},
		{"addresses", addresses},
		{"native expiry", expiry},
		{"activation", activation},
		{"revocation", revocation},
		{"root rotation", func(d exchanges.Description, _ exchanges.Variant) string { return yesNo(d.RootRotation) }},
		{"rate limits", limits},
	}
}

type column struct {
	title string
	say   func(exchanges.Description, exchanges.Variant) string
}

func name(d exchanges.Description, v exchanges.Variant, folder string) string {
	if v.Name == "" {
		return link(d, folder)
	}
	return link(d, folder) + " `" + v.Name + "`"
}

func link(d exchanges.Description, folder string) string {
	return fmt.Sprintf("[%s](%s%s.md)", d.DisplayName, folder, d.Name)
}

func inseparable(_ exchanges.Description, v exchanges.Variant) string {
	var sets []string
	for _, scopes := range v.Inseparable() {
		sets = append(sets, strings.Join(slices.DeleteFunc(scopes, func(s string) bool { return s == string(exchanges.ScopeRead) }), " + "))
	}
	slices.Sort(sets)
	return join(slices.Compact(sets))
}

func addresses(_ exchanges.Description, v exchanges.Variant) string {
	rule := v.Addresses
	if rule.None {
		return "none"
	}
	forms := []string{"IPv4"}
	if rule.IPv6 {
		forms = append(forms, "IPv6")
	}
	if rule.CIDR {
		forms = append(forms, "blocks")
	}
	if rule.Max > 0 {
		forms = append(forms, "at most "+strconv.Itoa(rule.Max))
	}
	return join(forms)
}

func expiry(_ exchanges.Description, v exchanges.Variant) string {
	switch {
	case v.NativeExpiry == nil:
		return "no"
	case v.Unlisted != "":
		return fmt.Sprintf("with the first lease, at most %s", exchanges.Period(v.NativeExpiry.Max))
	case v.NativeExpiry.Max > 0:
		return fmt.Sprintf("to the %s, at most %s", exchanges.Period(v.NativeExpiry.Granularity), exchanges.Period(v.NativeExpiry.Max))
	}
	return "to the " + exchanges.Period(v.NativeExpiry.Granularity)
}

func activation(_ exchanges.Description, v exchanges.Variant) string {
	if v.ActivationDelay > 0 {
		return "within " + exchanges.Period(v.ActivationDelay)
	}
	return "-"
}

func revocation(_ exchanges.Description, v exchanges.Variant) string {
	switch {
	case v.NoDeletion != "":
		return "takes the permissions away"
	case v.RevocationDelay > 0:
		return "deletes; acts within " + exchanges.Period(v.RevocationDelay)
	}
	return "deletes"
}

func limits(_ exchanges.Description, v exchanges.Variant) string {
	var said []string
	for _, limit := range v.RateLimits {
		said = append(said, limit.Operation.Words()+" "+limit.String())
	}
	slices.Sort(said)
	return strings.Join(said, "; ")
}

func words[T ~string](items []T) []string {
	said := make([]string, len(items))
	for i, item := range items {
		said[i] = string(item)
	}
	return said
}

func join(items []string) string {
	if len(items) == 0 {
		return "-"
	}
	return strings.Join(items, ", ")
}

func number(n int) string {
	if n == 0 {
		return "not documented"
	}
	return strconv.Itoa(n)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

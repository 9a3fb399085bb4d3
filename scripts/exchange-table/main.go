// exchange-table writes docs/exchanges/README.md from what each exchange says of
// itself: go run ./scripts/exchange-table > docs/exchanges/README.md
package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

func main() {
	if err := write(os.Stdout, catalog.All()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const heading = `# Exchanges

What each exchange's API can do, as the engine knows it. ` + "`vault read exchange/exchanges/<name>`" + ` shows all of it; the pages say what it means. This table is made by ` + "`make docs`" + `.

`

// columns of the table, each with what it says of a variant.
func columns() []column {
	return []column{
		{"exchange", name},
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

func write(to io.Writer, all []exchanges.Exchange) error {
	var text strings.Builder
	text.WriteString(heading)
	row := func(cell func(column) string) {
		for _, c := range columns() {
			text.WriteString("| " + cell(c) + " ")
		}
		text.WriteString("|\n")
	}
	row(func(c column) string { return c.title })
	row(func(column) string { return "---" })
	for _, exchange := range all {
		about := exchange.Describe()
		for _, variant := range about.Variants {
			row(func(c column) string { return c.say(about, variant) })
		}
	}
	_, err := io.WriteString(to, text.String())
	return err
}

func name(d exchanges.Description, v exchanges.Variant) string {
	link := fmt.Sprintf("[%s](%s.md)", d.DisplayName, d.Name)
	if v.Name == "" {
		return link
	}
	return link + " `" + v.Name + "`"
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

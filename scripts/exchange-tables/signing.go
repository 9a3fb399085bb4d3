package main

import (
	"cmp"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// The table of what signatures hold stands between these marks in docs/signing.md.
const (
	signingBegin = "<!-- Signing: made by \"make docs\" from Variant.Signing of each exchange. -->\n"
	signingEnd   = "<!-- End of signing. -->\n"
)

// replaceSigning returns text with a new table between its marks.
func replaceSigning(text string, all []exchanges.Exchange) (string, error) {
	return replaceBetween(text, signingBegin, signingEnd, "signatures", signing(all))
}

// signing is the table of what each exchange's signatures hold. Variants that sign alike
// share a row.
func signing(all []exchanges.Exchange) string {
	titles := []string{"exchange", "signs requests"}
	for _, part := range exchanges.Parts() {
		titles = append(titles, string(part))
	}
	titles = append(titles, "good for", "once", "rules on requests", "logins", "FIX", "raw", "note")
	var rows [][]string
	for _, exchange := range all {
		about := exchange.Describe()
		var of [][]string
		for _, variant := range about.Variants {
			row := append([]string{link(about, "exchanges/")}, signingRow(variant.Signing)...)
			if !slices.ContainsFunc(of, func(other []string) bool { return slices.Equal(other, row) }) {
				of = append(of, row)
			}
		}
		rows = append(rows, of...)
	}
	return table(titles, rows)
}

func signingRow(s exchanges.Signing) []string {
	if s.NoCustody != "" {
		return append(slices.Repeat([]string{"-"}, len(exchanges.Parts())+7), s.NoCustody)
	}
	row := []string{join(words(s.Requests))}
	for _, part := range exchanges.Parts() {
		cell := "-"
		if s.BindsPart(part) {
			cell = "held"
		}
		row = append(row, cell)
	}
	good := "not documented"
	if s.Validity > 0 {
		good = exchanges.Period(s.Validity)
	}
	rules := "no"
	switch {
	case s.KeepsRules():
		rules = "yes"
	case s.Actions:
		rules = "on actions"
	}
	var logins []string
	for _, channel := range s.Logins {
		login := channel.Name
		if len(channel.KeyTypes) == 1 && len(s.Requests) > 1 {
			login += " (" + string(channel.KeyTypes[0]) + ")"
		}
		logins = append(logins, login)
	}
	note := cmp.Or(s.RequestsLogIn, s.Unbound)
	if s.PostOnly {
		note = strings.TrimPrefix(note+"; signed requests are POST only, without a query", "; ")
	}
	return append(row, good, yesNo(s.Once), rules, join(logins), join(words(s.Logons)), join(words(s.Raw)), cmp.Or(note, "-"))
}

package main

import (
	"errors"
	"strings"
)

// replaceBetween returns text with a new table between the marks. It fails unless both
// marks are there, in order: it would have to guess what to replace.
func replaceBetween(text, begin, end, made string) (string, error) {
	before, rest, begins := strings.Cut(text, begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return "", errors.New("the marks around the table are missing or out of order")
	}
	return before + begin + "\n" + made + "\n" + end + after, nil
}

// table is a table in Markdown.
func table(titles []string, rows [][]string) string {
	var text strings.Builder
	line := func(cells []string) {
		for _, cell := range cells {
			text.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
		}
		text.WriteString("|\n")
	}
	line(titles)
	rule := make([]string, len(titles))
	for i := range rule {
		rule[i] = "---"
	}
	line(rule)
	for _, row := range rows {
		line(row)
	}
	return text.String()
}

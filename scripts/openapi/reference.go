package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// reference is every path in Markdown: what it does, what it takes and what it answers.
func (d document) reference() string {
	var text strings.Builder
	text.WriteString(`# Reference

<!-- Made by "make openapi" from what the engine says of its paths. -->

Every path below the mount, with what it takes and answers. [openapi.json](openapi.json) says the same to programs, and ` + "`vault path-help exchange/PATH`" + ` on the command line. A list in a request may be text with commas, and a duration text such as ` + "`15m`" + `; answers have lists, and whole seconds.

Vault puts its envelope around each answer, with the fields below in ` + "`data`" + `, but for an answer without content (204) and ` + "`metrics`" + `. Errors are ` + "`{\"errors\": [\"...\"]}`" + `.

`)
	paths := slices.Sorted(maps.Keys(at(node(d), "paths")))
	for _, path := range paths {
		title := strings.TrimPrefix(path, "/")
		anchor := strings.NewReplacer("/", "", "{", "", "}", "", " ", "-").Replace(strings.ToLower(title))
		fmt.Fprintf(&text, "- [%s](#%s): %s\n", title, anchor, cell(at(node(d), "paths", path)["description"]))
	}
	for _, path := range paths {
		fmt.Fprintf(&text, "\n## %s\n\n%s\n", strings.TrimPrefix(path, "/"), cell(at(node(d), "paths", path)["description"]))
		for _, method := range methods() {
			if operation := at(node(d), "paths", path, method); operation != nil {
				d.describe(&text, method, operation)
			}
		}
	}
	return text.String()
}

// verbs are how Vault's command line does what a method does.
func verb(method string, operation node) string {
	for _, parameter := range listOf(operation, "parameters") {
		if parameter["name"] == "list" {
			return "list"
		}
	}
	return map[string]string{"get": "read", "post": "write", "patch": "patch", "delete": "delete"}[method]
}

func (d document) describe(text *strings.Builder, method string, operation node) {
	fmt.Fprintf(text, "\n**%s** (%s). %s\n", verb(method, operation), strings.ToUpper(method), cell(operation["summary"]))
	taken := node{}
	for _, parameter := range listOf(operation, "parameters") {
		if parameter["name"] != "list" {
			property := maps.Clone(at(parameter, "schema"))
			property["description"] = parameter["description"]
			taken[parameter["name"].(string)] = property
		}
	}
	for _, content := range at(operation, "requestBody", "content") {
		maps.Copy(taken, d.properties(content.(node)["schema"]))
	}
	fields(text, "takes", taken)
	for _, content := range at(operation, "responses", "200", "content") {
		for _, part := range listOf(at(content.(node), "schema"), "allOf") {
			if data := at(part, "properties", "data"); data != nil {
				fields(text, "answers", d.properties(data))
			}
		}
	}
}

// properties are those of a schema that is named.
func (d document) properties(schema any) node {
	name, _ := schema.(node)["$ref"].(string)
	return at(node(d), "components", "schemas", name[strings.LastIndex(name, "/")+1:], "properties")
}

// fields is a table of properties.
func fields(text *strings.Builder, title string, properties node) {
	if len(properties) == 0 {
		return
	}
	fmt.Fprintf(text, "\n| %s | type | |\n| --- | --- | --- |\n", title)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property := at(properties, name)
		fmt.Fprintf(text, "| `%s` | %s | %s |\n", name, typeOf(property), cell(property["description"]))
	}
}

// typeOf is a property's type, with its values if these are listed.
func typeOf(property node) string {
	kind, _ := property["type"].(string)
	of := property
	if kind == "array" {
		of = at(property, "items")
		kind = "list"
	}
	if values, ok := of["enum"].([]string); ok {
		values = slices.DeleteFunc(slices.Clone(values), func(value string) bool { return value == "" })
		return kind + ": `" + strings.Join(values, "`, `") + "`"
	}
	return kind
}

// cell is a text that may stand in a table.
func cell(text any) string {
	line, _ := text.(string)
	return strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(line), "\n", " "), "|", `\|`)
}

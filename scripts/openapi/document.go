package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// node is an object of JSON.
type node = map[string]any

// document is an OpenAPI document.
type document node

// answerName is how the SDK names what an operation answers. Generators of clients give
// such names to the whole answer of HTTP, so ours end with Data.
var answerName = regexp.MustCompile(`(Exchange\w+)Response"`)

// toDocument reads what the SDK made.
func toDocument(help any) (document, error) {
	text, err := json.Marshal(help)
	if err != nil {
		return nil, err
	}
	text = answerName.ReplaceAll(text, []byte(`${1}Data"`))
	var d document
	return d, json.Unmarshal(text, &d)
}

// json is the document's text. Its keys are in order, so that it is the same each time.
func (d document) json() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(d)
	return text.Bytes(), err
}

// at is the object at the end of the keys; nil if there is none.
func at(n node, keys ...string) node {
	for _, key := range keys {
		n, _ = n[key].(node)
	}
	return n
}

// methods are those of HTTP that a path may have, in the order of the reference.
func methods() []string { return []string{"get", "post", "patch", "delete"} }

// schemaNames are the names of the schemas, in order.
func (d document) schemaNames() []string {
	return slices.Sorted(maps.Keys(at(node(d), "components", "schemas")))
}

// complete adds what the SDK leaves out.
func (d document) complete() {
	d["info"] = node{
		"title":       "vault-plugin-secrets-exchange",
		"description": "A Vault secrets engine that mints API keys at crypto exchanges. Paths are below the mount.",
		"version":     "1",
		"license":     node{"name": "Mozilla Public License 2.0", "url": "https://www.mozilla.org/en-US/MPL/2.0"},
	}
	d["servers"] = []any{node{"url": "{vault}/v1/{mount}", "variables": node{
		"vault": node{"default": "http://127.0.0.1:8200", "description": "Vault's address."},
		"mount": node{"default": "exchange", "description": "Where the engine is mounted."},
	}}}
	d["security"] = []any{node{"token": []any{}}}
	for _, name := range d.schemaNames() {
		completeSchema(name, at(node(d), "components", "schemas", name))
	}
	components := at(node(d), "components")
	components["securitySchemes"] = node{"token": node{"type": "apiKey", "in": "header", "name": "X-Vault-Token"}}
	schemas := at(components, "schemas")
	maps.Copy(schemas, envelopes())
	components["responses"] = node{"Refused": node{
		"description": "Refused, or failed. The texts say why.",
		"content":     node{"application/json": node{"schema": ref("Errors")}},
	}}
	for path := range at(node(d), "paths") {
		for _, method := range methods() {
			if operation := at(node(d), "paths", path, method); operation != nil {
				completeOperation(path, operation)
			}
		}
		for _, parameter := range listOf(at(node(d), "paths", path), "parameters") {
			completeParameter(parameter)
		}
	}
}

func ref(schema string) node { return node{"$ref": "#/components/schemas/" + schema} }

// envelopes are what Vault puts around answers.
func envelopes() node {
	text := func(description string) node { return node{"type": "string", "description": description} }
	texts := func(description string) node {
		return node{"type": "array", "items": node{"type": "string"}, "nullable": true, "description": description}
	}
	return node{
		"Envelope": node{"type": "object", "description": "What Vault puts around every answer in JSON.", "properties": node{
			"request_id":     text("The request's id in the audit log."),
			"lease_id":       text("The lease; empty where there is none."),
			"renewable":      node{"type": "boolean", "description": "Whether the lease can be renewed."},
			"lease_duration": node{"type": "integer", "description": "How long the lease lasts, in seconds."},
			"warnings":       texts("What the caller should know."),
			"mount_type":     text("The plugin's name."),
			"wrap_info":      node{"type": "object", "nullable": true, "description": "Where the answer is, if it was wrapped."},
			"auth":           node{"type": "object", "nullable": true, "description": "Always null here."},
		}},
		"Errors": node{"type": "object", "required": []any{"errors"}, "properties": node{
			"errors": node{"type": "array", "items": node{"type": "string"}, "description": "What went wrong; empty if nothing is found."},
		}},
	}
}

// completeOperation adds the envelope around answers, the errors, and what requests have.
func completeOperation(path string, operation node) {
	responses := at(operation, "responses")
	for status, response := range responses {
		answer := response.(node)
		switch {
		case status == "204":
		case path == "/metrics":
			answer["content"] = node{"text/plain": node{"schema": node{"type": "string"}}}
		case answer["content"] == nil:
			answer["content"] = node{"application/json": node{"schema": ref("Envelope")}}
		default:
			content := at(answer, "content", "application/json")
			content["schema"] = node{"allOf": []any{ref("Envelope"), node{"type": "object", "properties": node{"data": content["schema"]}}}}
		}
	}
	for _, status := range []string{"400", "403", "404", "default"} {
		responses[status] = node{"$ref": "#/components/responses/Refused"}
	}
	for _, parameter := range listOf(operation, "parameters") {
		completeParameter(parameter)
	}
	// Vault takes a patch by this type only.
	if operation["requestBody"] != nil && strings.HasPrefix(operation["operationId"].(string), "exchange-patch-") {
		content := at(operation, "requestBody", "content")
		content["application/merge-patch+json"] = content["application/json"]
		delete(content, "application/json")
	}
}

func listOf(n node, key string) []node {
	var found []node
	items, _ := n[key].([]any)
	for _, item := range items {
		found = append(found, item.(node))
	}
	return found
}

func completeParameter(parameter node) {
	schema := at(parameter, "schema")
	if schema["type"] == "array" {
		// Vault reads a list with commas.
		parameter["style"], parameter["explode"] = "form", false
	}
	completeProperty("", parameter["name"].(string), schema)
}

func completeSchema(name string, schema node) {
	properties := at(schema, "properties")
	for property := range properties {
		completeProperty(name, property, at(properties, property))
	}
	if example := at(schema, "example"); example != nil {
		for field, value := range example {
			example[field] = exampleOf(at(properties, field), value)
		}
	}
	if strings.HasPrefix(name, "ExchangeGenerateCredentials") && strings.HasSuffix(name, "Data") {
		always := slices.Sorted(maps.Keys(properties))
		schema["required"] = slices.DeleteFunc(always, func(property string) bool { return property == "client_config" })
	}
}

// exampleOf is an example in its property's own type: the SDK takes also the text that
// Vault's command line would send.
func exampleOf(property node, value any) any {
	text, ok := value.(string)
	switch {
	case !ok:
		return value
	case property["type"] == "array":
		return strings.Split(text, ",")
	case property["type"] == "integer":
		if d, err := time.ParseDuration(text); err == nil {
			return int(d / time.Second)
		}
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	}
	return value
}

// completeProperty mends the type of a property or parameter, and names its values.
func completeProperty(schema, name string, property node) {
	switch {
	case property["format"] == "duration":
		// In JSON Vault answers with seconds, and takes them.
		property["type"] = "integer"
		delete(property, "format")
		property["description"] = strings.TrimSuffix(property["description"].(string), ".") + ". In seconds."
	case property["format"] == "map":
		delete(property, "format")
	case property["type"] == "array" && property["items"] == nil:
		property["items"] = node{"type": "string"}
	}
	if property["type"] == "object" {
		property["additionalProperties"] = true
	}
	values, kept := valuesOf(schema, name)
	switch {
	case values == nil:
	case property["type"] == "array":
		property["items"] = node{"type": "string", "enum": values}
	case property["type"] == "string":
		if kept {
			values = append([]string{""}, values...)
		}
		property["enum"] = values
	}
}

// valuesOf are the values that a property can have, nil if there is no list of them, and
// whether it may be empty.
func valuesOf(schema, name string) (values []string, mayBeEmpty bool) {
	ofRole := strings.Contains(schema, "Role")
	switch name {
	case "exchange":
		for _, exchange := range catalog.All() {
			values = append(values, exchange.Describe().Name)
		}
		return values, strings.HasPrefix(schema, "ExchangePatch")
	case "key_type", "effective_key_type":
		for _, keyType := range []exchanges.KeyType{
			exchanges.KeyHMAC, exchanges.KeyEd25519, exchanges.KeyRSA, exchanges.KeySecp256k1, exchanges.KeyBearer,
		} {
			values = append(values, string(keyType))
		}
		return values, ofRole
	case "risk":
		return []string{string(exchanges.RiskMinimal), string(exchanges.RiskModerate), string(exchanges.RiskCritical)}, false
	case "state":
		if strings.Contains(schema, "Key") {
			return []string{"pending", "live", "revoking"}, false
		}
	case "scopes", "effective_scopes":
		values = exchanges.Scopes{
			exchanges.ScopeRead, exchanges.ScopeSpot, exchanges.ScopeMargin, exchanges.ScopeFutures,
			exchanges.ScopeOptions, exchanges.ScopeTransfer, exchanges.ScopeWithdraw,
		}.Strings()
		if name == "scopes" && (ofRole || !strings.HasSuffix(schema, "Data")) {
			values = append(values, "trade")
		}
		return values, false
	case "client_format", "format":
		return []string{"ccxt", "freqtrade", "env"}, true
	case "frozen", "effective_frozen":
		if strings.Contains(schema, "Connection") {
			return []string{"no", "minting", "all"}, false
		}
	}
	return nil, false
}

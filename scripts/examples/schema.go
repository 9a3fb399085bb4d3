// Package examples checks the files of docs/examples that others read, such as GitHub
// and Kubernetes, against what these accept. It is a module of its own, so that the
// libraries it needs are no part of the plugin. testdata/README.md says where the
// schemas come from.
package examples

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// compile prepares a JSON schema.
func compile(schema any) (*jsonschema.Schema, error) {
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7)
	document, err := asJSON(schema)
	if err != nil {
		return nil, err
	}
	if err := compiler.AddResource("schema.json", document); err != nil {
		return nil, err
	}
	return compiler.Compile("schema.json")
}

// check says what of a value a JSON schema does not allow.
func check(schema, value any) error {
	compiled, err := compile(schema)
	if err != nil {
		return err
	}
	document, err := asJSON(value)
	if err != nil {
		return err
	}
	return compiled.Validate(document)
}

// asJSON turns a value into what JSON would make of it.
func asJSON(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}

// load reads a file of JSON.
func load(path string, value any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// documents are those of a file of YAML. No key may be given twice.
func documents(text []byte) ([]map[string]any, error) {
	var found []map[string]any
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document map[string]any
		if err := decoder.Decode(&document); err != nil {
			if len(found) > 0 && errors.Is(err, io.EOF) {
				return found, nil
			}
			return nil, err
		}
		found = append(found, document)
	}
}

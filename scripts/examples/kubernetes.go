package examples

import (
	"fmt"
	"slices"
)

// resource is what a cluster knows of one kind of resource: a schema for each version.
type resource struct {
	Group, Kind string
	Versions    map[string]map[string]any
}

// strict lets a schema of Kubernetes refuse fields that it does not name, as the API
// server does, and not require what it has a default for, which the server puts in first.
func strict(schema any) any {
	switch schema := schema.(type) {
	case map[string]any:
		stricter := map[string]any{}
		for name, value := range schema {
			stricter[name] = strict(value)
		}
		properties, named := schema["properties"].(map[string]any)
		_, open := schema["additionalProperties"]
		if named && !open && schema["x-kubernetes-preserve-unknown-fields"] != true {
			stricter["additionalProperties"] = false
		}
		if required, ok := schema["required"].([]any); ok && named {
			stricter["required"] = slices.DeleteFunc(slices.Clone(required), func(name any) bool {
				field, _ := properties[name.(string)].(map[string]any)
				_, hasDefault := field["default"]
				return hasDefault
			})
		}
		return stricter
	case []any:
		stricter := make([]any, len(schema))
		for i, value := range schema {
			stricter[i] = strict(value)
		}
		return stricter
	}
	return schema
}

// checkResource says what a cluster would not take of a resource. Those of Kubernetes
// itself, which are in builtIn by their kind, are not looked at.
func checkResource(known []resource, builtIn []string, document map[string]any) error {
	apiVersion, kind := fmt.Sprint(document["apiVersion"]), fmt.Sprint(document["kind"])
	if slices.Contains(builtIn, apiVersion+" "+kind) {
		return nil
	}
	for _, r := range known {
		for version, schema := range r.Versions {
			if r.Kind == kind && r.Group+"/"+version == apiVersion {
				stricter := strict(schema).(map[string]any)
				stricter["properties"].(map[string]any)["metadata"] = map[string]any{
					"type": "object", "required": []string{"name", "namespace"}, "additionalProperties": false,
					"properties": map[string]any{"name": map[string]any{"type": "string"}, "namespace": map[string]any{"type": "string"}},
				}
				return check(stricter, document)
			}
		}
	}
	return fmt.Errorf("%s %s is not known", apiVersion, kind)
}

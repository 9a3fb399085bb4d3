package main

import (
	"encoding/json"
	"time"
)

// billOfMaterials is what is in a release, in the form of CycloneDX 1.6.
func billOfMaterials(s source, modules []module) ([]byte, error) {
	type object = map[string]any
	component := func(path, version string, licences ...string) object {
		where := "pkg:golang/" + path + "@" + version
		var each []object
		for _, licence := range licences {
			each = append(each, object{"license": object{"id": licence}})
		}
		return object{"type": "library", "bom-ref": where, "name": path, "version": version, "purl": where, "licenses": each}
	}
	itself := component(name, s.version, "MPL-2.0")
	itself["type"] = "application"
	components, needed := []object{}, []any{}
	for _, m := range modules {
		c := component(m.path, m.version, m.licences...)
		if m.sum != "" {
			c["properties"] = []object{{"name": "go:sum", "value": m.sum}}
		}
		components, needed = append(components, c), append(needed, c["bom-ref"])
	}
	return json.MarshalIndent(object{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"metadata":     object{"timestamp": s.date.Format(time.RFC3339), "component": itself},
		"components":   components,
		"dependencies": []object{{"ref": itself["bom-ref"], "dependsOn": needed}},
	}, "", "  ")
}

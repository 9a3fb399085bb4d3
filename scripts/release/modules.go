package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// module is a module of which parts are in the plugin.
type module struct {
	path, version, sum string
	// licences are the SPDX identifiers of those under which it, or parts of it, may be
	// used.
	licences []string
	// texts are those of its licence and notices.
	texts []byte
}

// readModules are the modules of which the plugins consist, as the plugins themselves
// say, in order.
func readModules(ctx context.Context, plugins []plugin) ([]module, error) {
	found := map[string]module{"std": {}}
	for _, p := range plugins {
		info, err := buildinfo.ReadFile(p.path)
		if err != nil {
			return nil, err
		}
		found["std"] = module{path: "std", version: strings.TrimPrefix(info.GoVersion, "go")}
		for _, d := range info.Deps {
			if d.Replace != nil {
				d = d.Replace
			}
			found[d.Path] = module{path: d.Path, version: d.Version, sum: d.Sum}
		}
	}
	folders, err := foldersOf(ctx)
	if err != nil {
		return nil, err
	}
	var all []module
	for _, m := range found {
		if m.texts, err = textsIn(folders[m.path]); err != nil {
			return nil, err
		}
		if m.licences = licencesOf(m.texts); len(m.licences) == 0 {
			return nil, fmt.Errorf("the licence of %s %s is not known: see %s, and licencesOf", m.path, m.version, folders[m.path])
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.path, b.path) })
	return all, nil
}

// foldersOf are where the source of modules lies, by their paths.
func foldersOf(ctx context.Context) (map[string]string, error) {
	out, err := output(ctx, "go", "list", "-mod=readonly", "-m", "-json=Path,Dir", "all")
	if err != nil {
		return nil, err
	}
	root, err := output(ctx, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	folders := map[string]string{"std": strings.TrimSpace(string(root))}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var m struct{ Path, Dir string }
		if err := decoder.Decode(&m); err != nil {
			return nil, err
		}
		folders[m.Path] = m.Dir
	}
	return folders, nil
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|copyright|patents)([.-].*)?$`)

// textsIn are the licence and the notices in a folder.
func textsIn(folder string) ([]byte, error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var texts bytes.Buffer
	for _, file := range files {
		if file.IsDir() || !licenceFile.MatchString(file.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			return nil, err
		}
		texts.Write(bytes.TrimSpace(text))
		texts.WriteString("\n\n")
	}
	return texts.Bytes(), nil
}

// licencesOf recognises licences by words that are in no other one, but for those of the
// shorter BSD licence, which are in the longer one as well.
func licencesOf(texts []byte) []string {
	text := strings.Join(strings.Fields(string(texts)), " ")
	var found []string
	for _, known := range []struct{ licence, words string }{
		{"MPL-2.0", "Mozilla Public License, version 2.0"},
		{"MPL-2.0", "Mozilla Public License Version 2.0"},
		{"Apache-2.0", "Apache License Version 2.0"},
		{"Apache-2.0", "Licensed under the Apache License, Version 2.0"},
		{"BSD-3-Clause", "Neither the name of"},
		{"BSD-3-Clause", "The names of its contributors may not be used"},
		{"BSD-2-Clause", "Redistributions in binary form must reproduce"},
		{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
		{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose"},
		{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose"},
	} {
		shorter := known.licence == "BSD-2-Clause" && slices.Contains(found, "BSD-3-Clause")
		if strings.Contains(text, known.words) && !shorter && !slices.Contains(found, known.licence) {
			found = append(found, known.licence)
		}
	}
	return found
}

// licenceTexts are the licences of all modules, with a list before them.
func licenceTexts(modules []module) []byte {
	var text bytes.Buffer
	text.WriteString("What is in the plugin besides its own code, and under which licences.\n\n")
	for _, m := range modules {
		fmt.Fprintf(&text, "%s %s: %s\n", m.path, m.version, strings.Join(m.licences, ", "))
	}
	for _, m := range modules {
		fmt.Fprintf(&text, "\n==== %s %s\n\n%s", m.path, m.version, m.texts)
	}
	return text.Bytes()
}

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// platform is a kind of machine.
type platform struct{ os, arch string }

// plugin is the built program for one.
type plugin struct {
	platform platform
	path     string
	program  []byte
}

// file is the program's name in an archive.
func (p plugin) file() string {
	if p.platform.os == "windows" {
		return name + ".exe"
	}
	return name
}

// settings are those of Go that show in what is built. They stand here rather than being
// left out, since whoever builds may have changed them with "go env -w" as well.
var settings = []string{"CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off", "GOFLAGS=-mod=readonly", "GOWORK=off"}

// build builds the plugin. Neither the folders in which the source and Go's cache lie,
// nor the settings of whoever builds, show in the result.
func build(ctx context.Context, s source, p platform, path string) (plugin, error) {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", fmt.Sprintf("-s -w -buildid= -X main.version=%s -X main.commit=%.12s", s.version, s.commit),
		"-o", path, "./cmd/"+name)
	command.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "GOEXPERIMENT=") || strings.HasPrefix(variable, "GODEBUG=")
	})
	command.Env = append(append(command.Env, settings...), "GOOS="+p.os, "GOARCH="+p.arch)
	if out, err := command.CombinedOutput(); err != nil {
		return plugin{}, fmt.Errorf("building for %s/%s: %w\n%s", p.os, p.arch, err, out)
	}
	program, err := os.ReadFile(path)
	return plugin{p, path, program}, err
}

// archive is the zip file of one plugin.
func (p plugin) archive(s source, inside []module) ([]byte, error) {
	var content bytes.Buffer
	w := zip.NewWriter(&content)
	for _, file := range []struct {
		name    string
		mode    os.FileMode
		content []byte
	}{
		{p.file(), 0o755, p.program},
		{"LICENSE.txt", 0o644, s.licence},
		{"LICENCES-OF-DEPENDENCIES.txt", 0o644, licenceTexts(inside)},
	} {
		header := &zip.FileHeader{Name: file.name, Method: zip.Deflate, Modified: s.date}
		header.SetMode(file.mode)
		entry, err := w.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(entry, bytes.NewReader(file.content)); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return content.Bytes(), err
}

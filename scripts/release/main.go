// Command release builds what a release consists of, into a folder:
//
//	NAME_VERSION_OS_ARCH.zip      the plugin, its licence and those of what is in it
//	NAME_VERSION_plugin_SHA256SUMS  the sums of the plugins, as "vault plugin register" takes them
//	NAME_VERSION_sbom.cdx.json    what is in it (CycloneDX)
//	NAME_VERSION_oci.tar          an image for catalogues that take plugins as such
//	NAME_VERSION_notes.md         what CHANGELOG.md says of it
//	NAME_VERSION_SHA256SUMS       the sums of all these
//
// Everything is the same, byte for byte, whoever builds it from the same commit with
// the same version of Go. Run it in the repository's root: go run ./scripts/release
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
)

// name begins the names of all files, and is that of the plugin.
const name = "vault-plugin-secrets-exchange"

// all are the machines for which a release is built.
var all = []platform{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"}, {"freebsd", "amd64"}, {"freebsd", "arm64"},
}

func main() {
	to := flag.String("to", "dist", "the `folder` to write to, which must be empty or not there")
	only := flag.Bool("host", false, "build for this machine only")
	dirty := flag.Bool("dirty", false, "build from files that are not committed, too")
	check := flag.Bool("check", false, "say only whether a release can be built, and build nothing")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	platforms := all
	if *only {
		platforms = []platform{{runtime.GOOS, runtime.GOARCH}}
	}
	s, err := prepare(ctx, *to, *dirty)
	if err == nil && !*check {
		err = release(ctx, s, *to, platforms)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// prepare looks for what stands against a release in a folder.
func prepare(ctx context.Context, to string, dirty bool) (source, error) {
	if files, err := os.ReadDir(to); err == nil && len(files) > 0 {
		return source{}, fmt.Errorf("%s is not empty; remove it, or name another folder with -to", to)
	}
	return readSource(ctx, dirty)
}

// release writes a release into a folder.
func release(ctx context.Context, s source, to string, platforms []platform) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)

	r := &folder{path: to, prefix: name + "_" + s.version + "_"}
	var plugins []plugin
	for _, p := range platforms {
		fmt.Printf("Building %s for %s/%s.\n", s.version, p.os, p.arch)
		built, err := build(ctx, s, p, filepath.Join(scratch, p.os+"_"+p.arch))
		if err != nil {
			return err
		}
		plugins = append(plugins, built)
	}
	inside, err := readModules(ctx, plugins)
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, p := range plugins {
		archive, err := p.archive(s, inside)
		if err != nil {
			return err
		}
		if err := r.write(p.platform.os+"_"+p.platform.arch+".zip", archive); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s/%s\n", sumOf(p.program), p.platform.os+"_"+p.platform.arch, p.file())
	}
	if err := r.write("plugin_SHA256SUMS", []byte(sums.String())); err != nil {
		return err
	}
	bill, err := billOfMaterials(s, inside)
	if err != nil {
		return err
	}
	if err := r.write("sbom.cdx.json", bill); err != nil {
		return err
	}
	image, err := imageOf(s, plugins)
	if err != nil {
		return err
	}
	if err := r.write("oci.tar", image); err != nil {
		return err
	}
	if err := r.write("notes.md", []byte(s.notes)); err != nil {
		return err
	}
	return r.seal()
}

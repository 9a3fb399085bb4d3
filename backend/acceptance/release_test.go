package acceptance_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

// TestRelease builds a release for this machine twice, from two folders, with two sets of
// Go's settings and, if RELEASE is full, with two caches, which takes minutes. It proves
// that both are the same, that each part of it is what its sums and formats say, and that
// Vault takes the plugin out of it.
func TestRelease(t *testing.T) {
	t.Parallel()
	repository, err := filepath.Abs("../..")
	require.NoError(t, err)
	tool := filepath.Join(t.TempDir(), "release")
	command(t, repository, nil, "go", "build", "-o", tool, "./scripts/release")

	first := filepath.Join(t.TempDir(), "release")
	command(t, repository, nil, tool, "-host", "-dirty", "-to", first)
	second := filepath.Join(t.TempDir(), "release")
	elsewhere := []string{
		"GIT_DIR=" + strings.TrimSpace(command(t, repository, nil, "git", "rev-parse", "--absolute-git-dir")),
		"GOENV=" + otherSettings(t, repository), "GOFLAGS=-tags=other",
	}
	if os.Getenv("RELEASE") == "full" {
		elsewhere = append(elsewhere, "GOCACHE="+t.TempDir())
	}
	command(t, copyOf(t, repository), elsewhere, tool, "-host", "-dirty", "-to", second)

	files := contentOf(t, first)
	others := contentOf(t, second)
	require.Len(t, others, len(files))
	for name, content := range files {
		require.True(t, bytes.Equal(content, others[name]), "%s is not the same", name)
	}

	r := releaseFolder{files, prefixOf(t, files)}
	r.isSummed(t)
	plugin := r.plugin(t)
	r.hasBill(t)
	r.hasImage(t, plugin)
	assert.NotEmpty(t, r.files[r.prefix+"notes.md"])
	installs(t, plugin, strings.Split(r.prefix, "_")[1])
}

// command runs a program, which must succeed, and returns what it prints.
func command(t *testing.T, folder string, env []string, name string, args ...string) string {
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir, c.Env = folder, append(os.Environ(), env...)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	out, err := c.Output()
	require.NoError(t, err, "%s %v: %s", name, args, complaints.String())
	return string(out)
}

// otherSettings is a file of settings of Go: those that this machine has, and some that
// would show in a program.
func otherSettings(t *testing.T, repository string) string {
	own, err := os.ReadFile(strings.TrimSpace(command(t, repository, nil, "go", "env", "GOENV")))
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	file := filepath.Join(t.TempDir(), "env")
	require.NoError(t, os.WriteFile(file, append(own, "\nGOAMD64=v3\nGOARM64=v9.0\nGOFIPS140=latest\n"...), 0o600))
	return file
}

// copyOf is a folder with the files of the repository that a build needs.
func copyOf(t *testing.T, repository string) string {
	folder := filepath.Join(t.TempDir(), "elsewhere")
	for _, name := range strings.Split(command(t, repository, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00") {
		needed := strings.HasSuffix(name, ".go") || filepath.Dir(name) == "."
		if name == "" || !needed || strings.HasSuffix(name, "_test.go") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(repository, name))
		if os.IsNotExist(err) { // deleted, and not committed yet
			continue
		}
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), content, 0o600))
	}
	return folder
}

// contentOf are the files of a folder.
func contentOf(t *testing.T, folder string) map[string][]byte {
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	files := map[string][]byte{}
	for _, entry := range entries {
		files[entry.Name()], err = os.ReadFile(filepath.Join(folder, entry.Name()))
		require.NoError(t, err)
	}
	return files
}

// releaseFolder is what was built.
type releaseFolder struct {
	files  map[string][]byte
	prefix string
}

// prefixOf is what the names of all files begin with: the plugin's and the version.
func prefixOf(t *testing.T, files map[string][]byte) string {
	for name := range files {
		if prefix, ok := strings.CutSuffix(name, "notes.md"); ok {
			require.Regexp(t, `^vault-plugin-secrets-exchange_v\d+\.\d+\.\d+.*_$`, prefix)
			return prefix
		}
	}
	require.Fail(t, "no notes")
	return ""
}

func sum(content []byte) string { return fmt.Sprintf("%x", sha256.Sum256(content)) }

// isSummed checks that each file is in the list of sums, with its own.
func (r releaseFolder) isSummed(t *testing.T) {
	summed := 0
	for line := range strings.Lines(string(r.files[r.prefix+"SHA256SUMS"])) {
		given, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		assert.Equal(t, sum(r.files[name]), given, name)
		summed++
	}
	assert.Equal(t, len(r.files)-1, summed)
}

// plugin is the program in the archive, which is the one that the list of plugins sums.
func (r releaseFolder) plugin(t *testing.T) []byte {
	host := runtime.GOOS + "_" + runtime.GOARCH
	content := r.files[r.prefix+host+".zip"]
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	require.NoError(t, err)
	inside := map[string][]byte{}
	for _, file := range archive.File {
		opened, err := file.Open()
		require.NoError(t, err)
		inside[file.Name], err = io.ReadAll(opened)
		require.NoError(t, err)
	}
	require.Len(t, inside, 3)
	assert.Contains(t, string(inside["LICENSE.txt"]), "Mozilla Public License")
	assert.Contains(t, string(inside["LICENCES-OF-DEPENDENCIES.txt"]), "github.com/hashicorp/vault/sdk v")
	program := inside[vaulttest.PluginName]
	assert.Equal(t, sum(program)+"  "+host+"/"+vaulttest.PluginName+"\n", string(r.files[r.prefix+"plugin_SHA256SUMS"]))
	return program
}

// hasBill checks the bill of materials.
func (r releaseFolder) hasBill(t *testing.T) {
	var bill struct {
		BOMFormat  string `json:"bomFormat"`
		Components []struct {
			Name, PURL string
			Licenses   []struct{ License struct{ ID string } }
		}
	}
	require.NoError(t, json.Unmarshal(r.files[r.prefix+"sbom.cdx.json"], &bill))
	assert.Equal(t, "CycloneDX", bill.BOMFormat)
	names := map[string]bool{}
	for _, component := range bill.Components {
		names[component.Name] = true
		assert.True(t, strings.HasPrefix(component.PURL, "pkg:golang/"), component.Name)
		require.NotEmpty(t, component.Licenses, component.Name)
		for _, licence := range component.Licenses {
			assert.NotEmpty(t, licence.License.ID, component.Name)
		}
	}
	for _, name := range []string{"std", "github.com/hashicorp/vault/sdk", "github.com/hashicorp/go-plugin"} {
		assert.True(t, names[name], name)
	}
}

// descriptor is what an image says of a part of it.
type descriptor struct {
	Digest    string
	Size      int
	MediaType string
}

// hasImage checks that every part of the image is there with its sum, from the index
// down to the plugin. Without a Linux machine there is nothing in it.
func (r releaseFolder) hasImage(t *testing.T, plugin []byte) {
	files := map[string][]byte{}
	archive := tar.NewReader(bytes.NewReader(r.files[r.prefix+"oci.tar"]))
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		files[header.Name], err = io.ReadAll(archive)
		require.NoError(t, err)
	}
	assert.JSONEq(t, `{"imageLayoutVersion":"1.0.0"}`, string(files["oci-layout"]))
	blob := func(d descriptor) []byte {
		content := files["blobs/"+strings.Replace(d.Digest, ":", "/", 1)]
		require.Equal(t, "sha256:"+sum(content), d.Digest)
		require.Len(t, content, d.Size)
		return content
	}
	var index struct{ Manifests []descriptor }
	require.NoError(t, json.Unmarshal(files["index.json"], &index))
	require.Len(t, index.Manifests, 1)
	var platforms struct{ Manifests []descriptor }
	require.NoError(t, json.Unmarshal(blob(index.Manifests[0]), &platforms))
	if runtime.GOOS != "linux" {
		assert.Empty(t, platforms.Manifests)
		return
	}
	require.Len(t, platforms.Manifests, 1)
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	require.NoError(t, json.Unmarshal(blob(platforms.Manifests[0]), &manifest))
	var config struct {
		Config struct{ Entrypoint []string }
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	require.NoError(t, json.Unmarshal(blob(manifest.Config), &config))
	require.Len(t, manifest.Layers, 1)
	unpacked, err := gzip.NewReader(bytes.NewReader(blob(manifest.Layers[0])))
	require.NoError(t, err)
	layerTar, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	assert.Equal(t, []string{"sha256:" + sum(layerTar)}, config.RootFS.DiffIDs)
	layer := tar.NewReader(bytes.NewReader(layerTar))
	header, err := layer.Next()
	require.NoError(t, err)
	assert.Equal(t, []string{"/" + header.Name}, config.Config.Entrypoint)
	assert.EqualValues(t, 0o755, header.Mode)
	program, err := io.ReadAll(layer)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(plugin, program))
}

// installs registers the plugin at a Vault server, and mounts it.
func installs(t *testing.T, plugin []byte, version string) {
	vault := vaulttest.Start(t, 1)
	file := vaulttest.PluginName + "_" + version
	vault.Provide(t, file, plugin)
	client := vault.Client(t)
	require.NoError(t, client.Sys().RegisterPluginWithContext(t.Context(), &api.RegisterPluginInput{
		Name: vaulttest.PluginName, Type: api.PluginTypeSecrets, Command: file, SHA256: sum(plugin), Version: version,
	}))
	require.NoError(t, client.Sys().MountWithContext(t.Context(), "released", &api.MountInput{
		Type: vaulttest.PluginName, Config: api.MountConfigInput{PluginVersion: version},
	}))
	info, err := client.Logical().ReadWithContext(t.Context(), "released/info")
	require.NoError(t, err)
	require.Equal(t, version, info.Data["version"])
}

package scripts

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const fakeVault = "#!/bin/sh\necho 'Vault v1.21.2 (%s), built for a test'\n"

// vaultShed is a copy of what scripts/vault.sh needs, in which "building Vault" writes
// a stand-in instead of taking minutes.
type vaultShed struct{ directory, path string }

func newVaultShed(t *testing.T) *vaultShed {
	s := &vaultShed{directory: t.TempDir()}
	for _, name := range []string{
		"go.mod", "go.sum", "scripts/vault.sh", "scripts/go-build.sh", "scripts/fetch-vault/main.go",
		"scripts/vault/go.mod", "scripts/vault/go.sum",
	} {
		s.write(t, name, read(t, filepath.Join("..", name)))
	}
	s.sums(t, nil)
	s.write(t, "path/vault-from-source", fmt.Sprintf(fakeVault, "source"))
	goCommand, err := exec.LookPath("go")
	require.NoError(t, err)
	s.write(t, "path/go", fmt.Sprintf(`#!/bin/sh
case "$*" in
build*github.com/hashicorp/vault)
  while [ "$1" != -o ]; do shift; done
  cp "${0%%/*}/vault-from-source" "$2" ;;
build*fetch-vault) cp '%s' bin/fetch-vault ;;
*) exec '%s' "$@" ;;
esac
`, fetcher(t), goCommand))
	s.path = filepath.Join(s.directory, "path") + ":/usr/bin:/bin"
	return s
}

// fetcher is scripts/fetch-vault, built once for all tests.
func fetcher(t *testing.T) string {
	path, err := builtFetcher()
	require.NoError(t, err)
	return path
}

var builtFetcher = sync.OnceValues(func() (string, error) {
	path, err := filepath.Abs("../bin/fetch-vault")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", path, "./fetch-vault").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

func (s *vaultShed) write(t *testing.T, name, content string) {
	path := filepath.Join(s.directory, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o755))
}

// sums writes down the sum of the archive that the release site should have.
func (s *vaultShed) sums(t *testing.T, archive []byte) {
	s.write(t, "scripts/vault/SHA256SUMS", fmt.Sprintf("%x  %s\n", sha256.Sum256(archive), archiveName))
}

// run runs scripts/vault.sh, which must provide a Vault, and returns what it printed and
// what that Vault says of itself.
func (s *vaultShed) run(t *testing.T, env ...string) (out, version string) {
	out, code := s.try(env...)
	require.Zero(t, code, out)
	said, err := exec.Command(filepath.Join(s.directory, "bin/vault"), "version").CombinedOutput()
	require.NoError(t, err, "%s", said)
	assert.NoFileExists(t, filepath.Join(s.directory, "bin/.vault-new"))
	left, err := filepath.Glob(filepath.Join(s.directory, "bin/.vault-zip-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
	return out, string(said)
}

func (s *vaultShed) try(env ...string) (string, int) {
	command := exec.Command(filepath.Join(s.directory, "scripts/vault.sh"))
	command.Env = []string{"PATH=" + s.path}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if name != "PATH" && !strings.HasPrefix(name, "VAULT_") && !strings.HasSuffix(strings.ToLower(name), "_proxy") {
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(command.Env, env...)
	out, _ := command.CombinedOutput()
	return string(out), command.ProcessState.ExitCode()
}

var archiveName = fmt.Sprintf("vault_1.21.2_%s_%s.zip", runtime.GOOS, runtime.GOARCH)

// release is an archive as the release site has it, the same each time.
func release(t *testing.T, name, program string) []byte {
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, entry := range []struct{ name, content string }{{"LICENSE.txt", "a licence"}, {name, program}} {
		file, err := w.Create(entry.name)
		require.NoError(t, err)
		_, err = io.WriteString(file, entry.content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return archive.Bytes()
}

// releaseSite stands in for the site where Vault's releases lie.
func releaseSite(t *testing.T, answer http.HandlerFunc) (address string, asked *atomic.Int32) {
	asked = &atomic.Int32{}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		assert.Equal(t, "/1.21.2/"+archiveName, r.URL.Path)
		answer(w, r)
	}))
	t.Cleanup(site.Close)
	return site.URL, asked
}

func serve(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }
}

// TestVaultIsFetched proves that a machine that has no Vault gets the official release,
// once, without unzip and curl.
func TestVaultIsFetched(t *testing.T) {
	t.Parallel()
	s := newVaultShed(t)
	s.path = filepath.Join(s.directory, "path") + ":" + only(t, "bash", "sh", "cat", "cp", "sed", "dirname", "basename", "cksum", "mkdir", "mv", "rm", "ln", "grep", "sleep", "mktemp")
	archive := release(t, "vault", fmt.Sprintf(fakeVault, "release"))
	s.sums(t, archive)
	site, asked := releaseSite(t, serve(archive))

	out, version := s.run(t, "VAULT_RELEASES="+site)
	assert.Equal(t, "Fetching Vault 1.21.2 from "+site+"/1.21.2/"+archiveName+", and checking it against the sum in scripts/vault/SHA256SUMS.\n"+
		"bin/vault is Vault v1.21.2 (release), built for a test.\n", out)
	assert.Contains(t, version, "(release)")

	out, _ = s.run(t, "VAULT_RELEASES="+site)
	assert.Empty(t, out, "it is there")
	assert.EqualValues(t, 1, asked.Load())

	_, version = s.run(t, "VAULT_FROM=source")
	assert.Contains(t, version, "(source)")
	out, version = s.run(t, "VAULT_RELEASES="+site)
	assert.Empty(t, out, "what was built is as good")
	assert.Contains(t, version, "(source)")
	assert.EqualValues(t, 1, asked.Load())
}

// only is a folder of these programs and no others.
func only(t *testing.T, programs ...string) string {
	directory := t.TempDir()
	for _, name := range programs {
		path, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(directory, name)))
	}
	return directory
}

// TestVaultIsBuilt proves that Vault is built from source where its release cannot be
// had as it should be, with a line that says why.
func TestVaultIsBuilt(t *testing.T) {
	t.Parallel()
	archive := release(t, "vault", fmt.Sprintf(fakeVault, "release"))
	unserved := httptest.NewServer(nil)
	unserved.Close()
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		sumOf  []byte // the archive by default
		env    string
		says   string
	}{
		"asked for": {
			env: "VAULT_FROM=source", answer: func(http.ResponseWriter, *http.Request) { t.Error("nobody should ask") },
			says: "Vault is built from source",
		},
		"a wrong sum": {
			answer: serve(archive), sumOf: []byte("another archive"),
			says: "the SHA-256 sum of what came is",
		},
		"a cut download": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", fmt.Sprint(len(archive)))
				_, _ = w.Write(archive[:len(archive)/2])
			},
			says: fmt.Sprintf("the download ended after %d of %d bytes", len(archive)/2, len(archive)),
		},
		"a proxy that refuses": {
			env: "HTTP_PROXY=http://127.0.0.1:1", says: "connection refused",
		},
		"a proxy's page of errors": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, "<html>blocked</html>", http.StatusProxyAuthRequired)
			},
			says: "answered 407 Proxy Authentication Required",
		},
		"a page in place of the archive": {
			answer: serve([]byte("<html>log in</html>")), sumOf: []byte("<html>log in</html>"),
			says: "what came is no zip archive",
		},
		"another program in the archive": {
			answer: serve(release(t, "consul", "")), sumOf: release(t, "consul", ""),
			says: "the archive holds no vault",
		},
		"a program of another machine": {
			answer: serve(release(t, "vault", "\x7fELF")), sumOf: release(t, "vault", "\x7fELF"),
			says: "The release cannot be run on this machine.",
		},
		"no site": {
			env: "VAULT_RELEASES=" + unserved.URL, says: "Vault could not be fetched: dial tcp",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newVaultShed(t)
			if test.sumOf == nil {
				test.sumOf = archive
			}
			s.sums(t, test.sumOf)
			env := []string{"VAULT_RELEASES=http://releases.example/vault"}
			if test.answer != nil {
				site, _ := releaseSite(t, test.answer)
				env = []string{"VAULT_RELEASES=" + site}
			}
			out, version := s.run(t, append(env, test.env)...)
			assert.Contains(t, out, test.says)
			assert.Contains(t, out, "Vault is built from source: about 6 minutes on two cores, once.\n")
			assert.Contains(t, version, "(source)")
		})
	}
	t.Run("no sum for this machine", func(t *testing.T) {
		t.Parallel()
		s := newVaultShed(t)
		s.write(t, "scripts/vault/SHA256SUMS", "0  vault_1.21.2_plan9_arm.zip\n")
		out, _ := s.run(t)
		assert.Contains(t, out, fmt.Sprintf("scripts/vault/SHA256SUMS has no release for %s/%s.", runtime.GOOS, runtime.GOARCH))
	})
}

// TestVaultOfOnesOwn proves which Vaults are taken, and which are refused with a reason.
func TestVaultOfOnesOwn(t *testing.T) {
	t.Parallel()
	s := newVaultShed(t)
	program := func(name, says string) string {
		s.write(t, "own/"+name, "#!/bin/sh\necho '"+says+"'\n")
		return filepath.Join(s.directory, "own", name)
	}
	t.Run("VAULT_BINARY", func(t *testing.T) {
		out, version := s.run(t, "VAULT_BINARY="+program("new", "Vault v1.22.0 (abc), built"))
		assert.Contains(t, out, "bin/vault is "+filepath.Join(s.directory, "own/new"))
		assert.Contains(t, version, "v1.22.0")
	})
	t.Run("OpenBao", func(t *testing.T) {
		_, version := s.run(t, "VAULT_BINARY="+program("bao", "OpenBao v2.5.5 (abc), built"))
		assert.Contains(t, version, "OpenBao v2.5.5")
	})
	for name, says := range map[string]string{"an old OpenBao": "OpenBao v2.4.9 (abc)", "old": "Vault v1.20.9 (abc)", "another program": "Consul v1.22.0"} {
		t.Run(name, func(t *testing.T) {
			out, code := s.try("VAULT_BINARY=" + program(name, says))
			assert.Equal(t, 1, code, out)
			assert.Contains(t, out, "which is neither Vault 1.21 or newer nor OpenBao 2.5 or newer.")
		})
	}
	t.Run("on the PATH", func(t *testing.T) {
		s := *s
		program("vault", "Vault v1.21.9 (abc), built")
		s.path += ":" + filepath.Join(s.directory, "own")
		_, version := s.run(t)
		assert.Contains(t, version, "v1.21.9")
	})
	t.Run("VAULT_FROM", func(t *testing.T) {
		out, code := s.try("VAULT_FROM=elsewhere")
		assert.Equal(t, 1, code)
		assert.Contains(t, out, "VAULT_FROM is 'elsewhere'; give source, or leave it out.")
	})
}

// TestOneVersionOfVault proves that the release and the source are of one version.
func TestOneVersionOfVault(t *testing.T) {
	command := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/hashicorp/vault")
	command.Dir = "vault"
	version, err := command.Output()
	require.NoError(t, err)
	for line := range strings.Lines(read(t, "vault/SHA256SUMS")) {
		assert.Regexp(t, "^[0-9a-f]{64}  vault_"+strings.TrimPrefix(strings.TrimSpace(string(version)), "v")+`_[a-z]+_[a-z0-9]+\.zip\n$`, line)
	}
}

package main

import (
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// TestRoots proves that the plugin knows the authorities that certify exchanges on a
// machine that has none of their certificates, as in the image of a release. Such a
// machine is played by a process of its own: Go looks for them once.
func TestRoots(t *testing.T) {
	const bare = "TEST_ROOTS_BARE"
	if os.Getenv(bare) == "" {
		nowhere := filepath.Join(t.TempDir(), "nowhere")
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestRoots$")
		command.Env = append(os.Environ(), bare+"=true", "SSL_CERT_FILE="+nowhere, "SSL_CERT_DIR="+nowhere)
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return
	}
	verified := 0
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		certificate, err := x509.ParseCertificate(root.Certificate)
		require.NoError(t, err)
		_, err = certificate.Verify(x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		require.NoError(t, err, certificate.Subject)
		verified++
	}
	require.Greater(t, verified, 50)
}

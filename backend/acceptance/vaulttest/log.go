package vaulttest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Log returns what the server and its plugins have logged.
func (s *Server) Log(t *testing.T) string { return s.read(t, "vault.log") }

// AuditLog returns the server's audit log.
func (s *Server) AuditLog(t *testing.T) string { return s.read(t, "audit.log") }

func (s *Server) read(t *testing.T, name string) string {
	content, err := os.ReadFile(s.path(name))
	require.NoError(t, err)
	return string(content)
}

// Lines shown of a log.
const (
	// report is as long as what Go prints about a data race or a panic.
	report = 60
	tail   = 40
)

// checkLog fails the test if something went wrong that no answer tells, and
// shows the end of the log of a failed test.
func (s *Server) checkLog(t *testing.T) {
	lines := strings.Split(s.Log(t), "\n")
	alarm := slices.IndexFunc(lines, func(line string) bool {
		return slices.ContainsFunc([]string{"DATA RACE", "panic:", "fatal error:"}, func(sign string) bool {
			return strings.Contains(line, sign)
		})
	})
	switch {
	case alarm >= 0:
		assert.Fail(t, "the log of "+s.Address+" tells of a crash or a data race",
			strings.Join(lines[alarm:min(len(lines), alarm+report)], "\n"))
	case t.Failed():
		t.Logf("the end of the log of %s:\n%s", s.Address, strings.Join(lines[max(0, len(lines)-tail):], "\n"))
	}
}

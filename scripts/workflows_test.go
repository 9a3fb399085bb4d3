package scripts

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// workflow is what a file in .github/workflows does, as far as it concerns the rest of
// the repository.
type workflow struct {
	Jobs map[string]struct {
		Steps []struct {
			Uses string            `yaml:"uses"`
			Run  string            `yaml:"run"`
			With map[string]string `yaml:"with"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

// TestWorkflows proves that the workflows, which run elsewhere only, fit the repository:
// their targets are in the Makefile, what they name as reasons to fill the cache anew is
// there, their Go is the module's, and the actions that they use are pinned.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var parsed workflow
			require.NoError(t, yaml.Unmarshal([]byte(read(t, file)), &parsed))
			made := 0
			for _, job := range parsed.Jobs {
				for _, step := range job.Steps {
					if step.Uses != "" {
						assert.Regexp(t, `^[a-z-]+/[a-z-]+@[0-9a-f]{40}$`, step.Uses)
					}
					for line := range strings.Lines(step.Run) {
						if strings.HasPrefix(line, "make ") {
							assert.Empty(t, checkCommand(t, nil, strings.TrimSpace(line)))
							made++
						}
					}
					for _, sums := range strings.Fields(step.With["cache-dependency-path"]) {
						assert.FileExists(t, filepath.Join("..", sums))
					}
					if version := step.With["go-version"]; version != "" {
						assert.Contains(t, read(t, "../go.mod"), "\ngo "+version+".")
					}
					if of := step.With["go-version-file"]; of != "" {
						assert.FileExists(t, filepath.Join("..", of))
					}
				}
			}
			assert.NotZero(t, made, "it makes nothing")
		})
	}
}

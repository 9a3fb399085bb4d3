package scripts

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	namedTest    = regexp.MustCompile("`(Test[A-Z]\\w+)`")
	declaredTest = regexp.MustCompile(`(?m)^func (Test[A-Z]\w+)\(`)
)

// TestProofsExist checks that every test exists that a page names as proof of
// what it says.
func TestProofsExist(t *testing.T) {
	declared := map[string]bool{}
	require.NoError(t, filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, found := range declaredTest.FindAllSubmatch(source, -1) {
			declared[string(found[1])] = true
		}
		return err
	}))
	named := 0
	for _, page := range pages(t) {
		for _, found := range namedTest.FindAllStringSubmatch(read(t, page), -1) {
			named++
			assert.True(t, declared[found[1]], "%s names %s, which does not exist", page, found[1])
		}
	}
	assert.Positive(t, named, "no page names a test, so nothing was checked")
}

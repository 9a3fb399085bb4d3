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

	"vault-plugin-secrets-exchange/exchanges/catalog"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	noWord  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks follows every link from one page to another, and to a heading.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(read(t, page), -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			path := page
			if target != "" {
				path = filepath.Join(filepath.Dir(page), target)
			}
			_, err := os.Stat(path)
			if assert.NoError(t, err, "%s links to %s", page, found[1]) && anchor != "" {
				assert.Contains(t, anchors(t, path), anchor, "%s links to %s", page, found[1])
			}
		}
	}
}

// TestEveryExchangeIsDocumented proves that each exchange has a page, and that
// the README links to it.
func TestEveryExchangeIsDocumented(t *testing.T) {
	readme := read(t, "../README.md")
	for _, exchange := range catalog.All() {
		page := "docs/exchanges/" + exchange.Describe().Name + ".md"
		if assert.FileExists(t, filepath.Join("..", page)) {
			for _, chapter := range []string{"the-root-key", "roles", "limits", "when-a-lease-ends", "frequent-refusals", "not-verified"} {
				assert.Contains(t, anchors(t, filepath.Join("..", page)), chapter, page)
			}
		}
		assert.True(t, strings.Contains(readme, "("+page+")"), "the README's table of exchanges has no row for %s", exchange.Describe().DisplayName)
	}
}

// pages are the Markdown files of the repository.
func pages(t *testing.T) []string {
	found, err := filepath.Glob("../*.md")
	require.NoError(t, err)
	for _, directory := range []string{"../docs", "../.github"} {
		require.NoError(t, filepath.WalkDir(directory, func(path string, _ fs.DirEntry, err error) error {
			if filepath.Ext(path) == ".md" {
				found = append(found, path)
			}
			return err
		}))
	}
	require.NotEmpty(t, found)
	return found
}

// anchors are the names by which a link can address a page's headings: the
// heading in lower case, without punctuation, with hyphens for spaces.
func anchors(t *testing.T, path string) []string {
	var found []string
	for _, title := range heading.FindAllStringSubmatch(read(t, path), -1) {
		found = append(found, strings.ReplaceAll(noWord.ReplaceAllString(strings.ToLower(title[1]), ""), " ", "-"))
	}
	return found
}

func read(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

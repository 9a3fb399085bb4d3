package scripts

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/catalog"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// suiteTables are tests of every exchange's suite that play a doubt in all ways there
// are, where weather would be too few.
var suiteTables = []string{"Gone", "Failures"}

var (
	played = regexp.MustCompile(`Played by ([^.]+)\.$`)
	quoted = regexp.MustCompile("`([^`]+)`")
)

// TestWhatIsNotVerifiedIsPlayed proves that each fact that a page calls not verified
// is played by weather of the simulated exchange, or by a table of the suite, and
// that the page names it. Facts that no answer can show stand apart.
func TestWhatIsNotVerifiedIsPlayed(t *testing.T) {
	sim := simulator.New(simulator.Options{}, all.Venues()...)
	for _, exchange := range catalog.All() {
		name := exchange.Describe().Name
		t.Run(name, func(t *testing.T) {
			known := suiteTables
			for _, condition := range sim.Weather(name) {
				known = append(known, condition.Name)
			}
			require.Greater(t, len(known), len(suiteTables), "no exchange's documentation leaves nothing open")
			page := read(t, "../docs/exchanges/"+name+".md")
			chapter := section(page, "## Not verified")
			facts, apart, _ := strings.Cut(chapter, "### What no answer can show")
			require.NotEmpty(t, bullets(facts))
			for _, fact := range bullets(facts) {
				by := played.FindStringSubmatch(fact)
				if !assert.NotNil(t, by, "say what plays it, as in: Played by `appears_late`.\n%s", fact) {
					continue
				}
				names := quoted.FindAllStringSubmatch(by[1], -1)
				assert.NotEmpty(t, names, fact)
				for _, named := range names {
					assert.Contains(t, known, named[1], fact)
				}
			}
			for _, fact := range bullets(apart) {
				assert.Contains(t, fact, "because", "say why no answer can show it: %s", fact)
			}
		})
	}
}

// section is a chapter of a page, up to the next of the same rank.
func section(page, title string) string {
	_, rest, _ := strings.Cut(page, title+"\n")
	chapter, _, _ := strings.Cut(rest, "\n## ")
	return chapter
}

// bullets are the items of a list that begin with a hyphen.
func bullets(text string) (items []string) {
	for line := range strings.Lines(text) {
		if item, ok := strings.CutPrefix(strings.TrimSpace(line), "- "); ok {
			items = append(items, item)
		}
	}
	return items
}

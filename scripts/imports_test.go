package scripts

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// TestEachExchangeIsOneColumn proves that one exchange can be worked on alone:
// its driver, its simulated venue and the tests of both need no other exchange.
func TestEachExchangeIsOneColumn(t *testing.T) {
	var names []string
	for _, exchange := range catalog.All() {
		names = append(names, exchange.Describe().Name)
	}
	for _, own := range names {
		t.Run(own, func(t *testing.T) {
			needed := dependencies(t, "exchanges/"+own+"/...", "exchanges/simulator/"+own+"/...")
			require.Contains(t, needed, "exchanges/"+own)
			require.Contains(t, needed, "exchanges/simulator/"+own)
			for _, other := range append(names, "catalog", "all") {
				if other != own {
					assert.NotContains(t, needed, "exchanges/"+other)
					assert.NotContains(t, needed, "exchanges/simulator/"+other)
				}
			}
		})
	}
}

// TestSimulatorSharesNothingWithDrivers proves that an exchange's driver and
// its stand-in have no code in common, in which a mistake could hide.
func TestSimulatorSharesNothingWithDrivers(t *testing.T) {
	for _, needed := range dependencies(t, "exchanges/simulator/...") {
		// Package exchanges needs pace for its own part.
		assert.True(t, slices.Contains([]string{"exchanges", "exchanges/pace"}, needed) || strings.HasPrefix(needed+"/", "exchanges/simulator/"),
			"the simulator needs %s; outside itself it may import only package exchanges, for the names of operations", needed)
	}
}

// TestSignClientStandsAlone proves that a bot can take the package into a module of its
// own as it is.
func TestSignClientStandsAlone(t *testing.T) {
	for _, needed := range dependencies(t, "exchanges/signclient") {
		assert.Equal(t, "exchanges/signclient", needed)
	}
}

// dependencies are the packages of this module that the given ones need, by
// folder. They include tests and the given packages themselves.
func dependencies(t *testing.T, folders ...string) []string {
	const module = "vault-plugin-secrets-exchange/"
	args := []string{"list", "-test", "-deps"}
	for _, folder := range folders {
		args = append(args, module+folder)
	}
	out, err := exec.Command("go", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	var needed []string
	for line := range strings.Lines(string(out)) {
		// For a package that is recompiled for a test, go list adds the test's
		// name in brackets. A package's external tests and their program count
		// as the package.
		path, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		path = strings.TrimSuffix(strings.TrimSuffix(path, ".test"), "_test")
		if folder, ours := strings.CutPrefix(path, module); ours {
			needed = append(needed, folder)
		}
	}
	return needed
}

package all_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// A condition that no key's day meets is played by a test of the driver or of the
// stand-in, or by another part of the suite, in each way there is: a test names both the
// condition and the value.
func TestConditionsElsewhereAreTested(t *testing.T) {
	s := simulator.New(simulator.Options{}, all.Venues()...)
	for _, exchange := range s.Exchanges() {
		tests := testsOf(t, exchange)
		for _, condition := range s.Weather(exchange) {
			if !condition.Elsewhere {
				continue
			}
			for _, value := range condition.Values {
				assert.True(t, slices.ContainsFunc(tests, func(test string) bool {
					return strings.Contains(test, strconv.Quote(condition.Name)) && strings.Contains(test, strconv.Quote(value))
				}), "no test of %s plays %s=%s", exchange, condition.Name, value)
			}
		}
	}
}

// testsOf are the functions of all tests of an exchange's driver and stand-in, and those
// of the suite.
func testsOf(t *testing.T, exchange string) (functions []string) {
	for _, pattern := range []string{"../../" + exchange + "/*_test.go", "../" + exchange + "/*_test.go", "../../exchangetest/*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			code, err := os.ReadFile(file)
			require.NoError(t, err)
			functions = append(functions, strings.Split(string(code), "\nfunc ")...)
		}
	}
	return functions
}

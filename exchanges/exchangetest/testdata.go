package exchangetest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// testdata returns the path of one of an exchange's data files, seen from the
// folder of its package.
func testdata(exchange, name string) string {
	return filepath.Join("..", "..", "testdata", exchange, name)
}

// readStrictly decodes a data file. A field it does not know is an error, since it
// would otherwise be tested by nobody.
func readStrictly(t testing.TB, path string, out any) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(out), path)
}

package backend

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets many tests run at a time, however few processors there are:
// those that run in parallel spend most of their time waiting.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "32"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

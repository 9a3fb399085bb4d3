//go:build race

package vaulttest

// raceEnabled says that the tests run with the race detector.
const raceEnabled = true

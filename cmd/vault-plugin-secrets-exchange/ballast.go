package main

import "runtime"

// ballastSize is how much memory the collector takes for used that is not.
const ballastSize = 32 << 20

// withBallast works while the collector runs seldom. It runs whenever what is used has
// doubled, which with the few megabytes of an engine is several times a second. So that
// much more gathers before it runs, however much is used: a percentage would have to be
// small enough for the largest ledger. Nobody writes to the ballast, so that the system
// never has to find memory for it, unless Vault locks all there is (mlock).
func withBallast(work func() error) error {
	ballast := make([]byte, ballastSize)
	defer runtime.KeepAlive(ballast)
	return work()
}

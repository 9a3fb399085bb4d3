package main

import "runtime"

// ballastSize is how many bytes the garbage collector counts as used though they are not.
const ballastSize = 32 << 20

// withBallast works while the garbage collector runs seldom. The collector runs whenever
// the heap has doubled, which for the few megabytes of an engine is several times a second;
// with the ballast, at least ballastSize gathers first. GOGC cannot do that: a percentage
// that helps a small heap is too much for a large ledger's. Nobody writes to the ballast,
// so it takes no memory of the machine, unless memory is locked (mlock).
func withBallast(work func() error) error {
	ballast := make([]byte, ballastSize)
	defer runtime.KeepAlive(ballast)
	return work()
}

// Package venue is what the simulated exchanges have in common: a [Venue] runs
// one of them by its [Rules]. Who starts exchanges and makes them misbehave needs package
// simulator.
//
// It shares no code with the clients that are tested against it, so that no
// mistake cancels itself out.
package venue

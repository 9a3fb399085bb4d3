// Package venue is what the simulated exchanges have in common: a [Venue] runs
// one of them by the [Rules] that the exchange's own package supplies. Only those
// packages need this one; who starts exchanges and makes them misbehave needs
// package simulator.
//
// It shares no code with the clients that are tested against it, so that no
// mistake cancels itself out.
//
// # Adding an exchange
//
// Write a package exchanges/simulator/NAME whose function Venue returns a
// [Listing], and add that at the end of the list in package all. The table that
// [Rules].Routes returns names each endpoint's operation, limits and handler; a
// handler reads its parameters through [Params], works on the books of the
// [Call] and returns an [Answer]. Handlers run one at a time, so no exchange needs
// locks. Faults, counting, rate limits, resets and the control API come with it:
// a handler only calls [Call.Grant] for permissions that it gives and
// [Call.RemoveKey] for keys that it deletes, so that the faults about these can
// act.
//
// Bybit is the model. Its files are those of every exchange:
//
//	bybit.go     type, accounts and roots at the start, routes, envelope, signature
//	accounts.go  sub-accounts
//	keys.go      creating, listing, editing and deleting keys
//	use.go       what a minted key can do: balance, orders, transfers
//
// Where signatures or error codes take more than a few lines, they stand in
// sign.go and errors.go. Package venuetest has the client that the tests of all of
// them start from.
package venue

// Package venue is what the simulated exchanges have in common: a [Venue] runs
// one of them by the [Rules] that the exchange's own package supplies. Only
// those packages need this one. To start exchanges and make them misbehave, use
// package simulator.
//
// It shares no code with the clients that are tested against it, so that a
// mistake cannot cancel itself out.
//
// # Adding an exchange
//
// Write a package exchanges/simulator/NAME whose function Venue returns a
// [Listing], and add it at the end of the list in package all. The table that
// [Rules].Routes returns names each endpoint's operation, limits and handler. A
// handler reads its parameters through [Params], works on the books of the
// [Call] and returns an [Answer]. Handlers run one at a time, so an exchange
// needs no locks. Faults, counting, rate limits, resets and the control API
// come with the venue. A handler only has to call [Call.Grant] for permissions
// that it gives, [Call.RemoveKey] for keys that it deletes and [Call.Listed] for
// keys that it lists, so that faults and weather can act on these. What the
// exchange's documentation leaves open is its weather: see [Forecaster].
//
// An exchange with WebSockets that take a login is a [Streamer], and one with FIX
// sessions a [LogonChecker].
//
// Bybit is the model. Every exchange has the same files:
//
//	bybit.go     type, accounts and roots at the start, routes, envelope, signature
//	accounts.go  sub-accounts
//	keys.go      creating, listing, editing and deleting keys
//	use.go       what a minted key can do: balance, placing orders, transfers
//	orders.go    open orders, and cancelling them; see [Order]
//	stream.go    logins to WebSockets, where there are any
//	weather.go   what the documentation leaves open, and in which ways it is played
//
// If signatures or error codes take more than a few lines, they have files of
// their own: sign.go and errors.go. Package venuetest has the client that the
// tests of all exchanges start from.
package venue

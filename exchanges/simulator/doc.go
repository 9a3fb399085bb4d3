// Package simulator serves stand-ins of the exchanges over HTTP, for tests and
// demonstrations without accounts, money or network. A stand-in is no exchange:
// nothing that a user sees may pass it off as one, and a test against it proves
// only that both sides follow the exchange's documentation.
//
// It is strict where an exchange is: signature, key, time window, network
// address, parameters, limits of rate and number, and the documented code for
// each refusal. What the documentation leaves open is refused rather than
// allowed. A minted key works: it can ask who it is, read a balance, place an
// order and move funds, as far as its permissions and addresses go and until it
// is deleted. To keep mistakes from cancelling each other out, it shares no code
// with the clients that it is there to test, and with their contract, package
// exchanges, only the names of the operations.
//
// Start with [New] and [Simulator.Start]. Each exchange is a package of its own,
// which hands over its venue: bybit.Venue(), or all.Venues() for every one of
// them. How one is made, package venue says. A [Fault] makes an exchange misbehave;
// the control API gives other processes the same powers:
//
//	GET /           how to reach each exchange, with its root credentials
//	GET /keys       every live minted key, without secrets
//	POST /faults    inject a fault, as {"exchange","operation","fault","count","delay"}
//	DELETE /faults  clear them
//	POST /reset     return every exchange to how it started
package simulator

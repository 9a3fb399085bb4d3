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
// is deleted. To keep mistakes from cancelling each other out, the package
// shares no code with the clients that it is there to test.
//
// Start with [New] and [Simulator.Start]. A [Fault] makes an exchange misbehave;
// the control API gives other processes the same powers:
//
//	GET /           how to reach each exchange, with its root credentials
//	GET /keys       every live minted key, without secrets
//	POST /faults    inject a fault, as {"exchange","operation","fault","count","delay"}
//	DELETE /faults  clear them
//	POST /reset     return every exchange to how it started
//
// # Adding an exchange
//
// Write a type that implements rules, in a file named after the exchange, and
// add it at the end of venues. The table that its routes method returns names
// each endpoint's operation, limits and handler; a handler reads its parameters
// through params, works on the call's books and returns an answer. Handlers run
// one at a time, so no exchange needs locks. Faults, counting, rate limits,
// resets and the control API come with it: a handler only calls [call.grant] for
// permissions that it gives and [call.RemoveKey] for keys that it deletes, so
// that the faults about these can act.
package simulator

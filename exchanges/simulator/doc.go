// Package simulator serves stand-ins of the exchanges over HTTP, for tests and
// demonstrations without accounts, money or network. A stand-in is not an
// exchange: nothing that a user sees may present it as one, and a test against
// it proves only that both sides follow the exchange's documentation.
//
// It is strict where an exchange is: signature, key, time window, network
// address, parameters, limits of rate and number, and the documented code for
// each refusal. It refuses what the documentation leaves open. A minted key
// works until it is deleted: it can ask who it is, read a balance, place an
// order, find it among the open ones, cancel it and move funds, within its
// permissions and addresses. Nothing fills an order. Where clients in daily use
// send what the documentation forbids or no longer mentions, it takes that too.
// So that mistakes cannot cancel each other out, the package shares no code with
// the clients that it tests, and only the names of the operations with their
// contract, package exchanges.
//
// Start with [New] and [Simulator.Start]. Each exchange has a package of its
// own, which supplies its venue: bybit.Venue(), or all.Venues() for every one
// of them. Package venue says how to write one. A [Fault] makes an exchange
// misbehave. What the documentation leaves open, or says in two ways, is weather:
// each exchange declares the conditions that it can play. The control API gives
// other processes the same powers:
//
//	GET /           how to reach each exchange, with its root credentials
//	GET /keys       every live minted key, without secrets
//	POST /faults    inject a fault, as {"exchange","operation","fault","count","delay"}
//	DELETE /faults  clear them
//	GET /weather    the conditions that each exchange can have, and their sources
//	POST /weather   set a condition, as {"exchange","condition","value"}; no value means calm
//	POST /reset     return every exchange to how it started
package simulator

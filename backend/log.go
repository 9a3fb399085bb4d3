package backend

import "vault-plugin-secrets-exchange/backend/ledger"

// What the log says of a key, one line for each.
const (
	loggedMinted  = "a key was minted"
	loggedRenewed = "a key was renewed"
	// loggedGone is said once the exchange has confirmed it.
	loggedGone = "a key is gone"
	// loggedForgotten is said where somebody gave up a key that may still be there.
	loggedForgotten = "a key was forgotten that may still be at the exchange"
)

// logKey tells the server's log what has become of a key, in the same form for all.
func (e *engine) logKey(what string, entry ledger.Entry, more ...any) {
	e.Logger().Info(what, append([]any{
		"key_id", entry.ID, "role", entry.Role, "connection", entry.Connection, "sub_account", entry.SubAccount,
	}, more...)...)
}

// logGone says that a key is gone from its exchange, and why it had to go. Of one that
// was still pending, nobody knows whether it ever was there.
func (e *engine) logGone(entry ledger.Entry) { e.logKey(loggedGone, entry, "cause", causeOf(entry)) }

package backend

import (
	"cmp"

	"vault-plugin-secrets-exchange/backend/ledger"
)

// Why a key must go, as the ledger keeps it and the log tells it.
const (
	// causeLeaseEnded: the lease was revoked or ran out, and Vault asked.
	causeLeaseEnded = "lease ended"
	// causeLeaseOver: the lease ran out, and Vault did not ask.
	causeLeaseOver = "lease over"
	// causeByHand: somebody deleted the key itself, not its lease.
	causeByHand = "revoked by hand"
	// causeKillSwitch: that of its role or connection was thrown.
	causeKillSwitch = "kill switch"
	// causeConnectionDeleted: its connection was deleted by force.
	causeConnectionDeleted = "connection deleted"
	// causeNeverHandedOut: the mint failed, or its caller was gone.
	causeNeverHandedOut = "never handed out"
	// causeSuperseded: another key of its static role took its place, and the overlap
	// is over.
	causeSuperseded = "superseded"
	// causeCompromised: somebody said that others have it.
	causeCompromised = "compromised"
	// causeRoleDeleted: its static role was deleted.
	causeRoleDeleted = "static role deleted"
	// causeSelfTest: it was made for a self-test, which is over.
	causeSelfTest = "self-test"
	// causeStray: it was found at the exchange, and the ledger did not know it.
	causeStray = "stray"
)

// causeOf is why a key must go that is on its way out. One that was in doubt has no
// cause in the ledger, since nobody holds it.
func causeOf(entry ledger.Entry) string { return cmp.Or(entry.Cause, causeNeverHandedOut) }

// causeOfDue is why a key must go that is due, though nobody has condemned it.
func causeOfDue(claim *ledger.Claim) string {
	switch {
	case claim.Entry().State == ledger.Pending:
		return causeNeverHandedOut
	case claim.Doomed():
		return causeKillSwitch
	case claim.Entry().Owner != "":
		return causeSuperseded
	case claim.Entry().Role == "":
		return causeSelfTest
	}
	return causeLeaseOver
}

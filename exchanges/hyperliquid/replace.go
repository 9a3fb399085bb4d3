package hyperliquid

import (
	"context"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
	"vault-plugin-secrets-exchange/exchanges/wallet"
)

// nobodysLife is how long the agent lives that takes the place of one that cannot be
// removed: as short as clocks that differ allow, since it keeps a slot taken.
const nobodysLife = 5 * time.Minute

// replace ends an agent whose removal Hyperliquid refused for another reason than those
// that are known. The page "Nonces and API wallets" has no removal of agents, but says
// that an agent ends when another one is approved under its name. The other one is
// nobody's and soon expires. If the agent cannot be replaced either, or need not be,
// the refusal stands.
func (a *account) replace(ctx context.Context, id, name string, refusal error) error {
	successor := nobody(a.address, name)
	if id == successor.String() {
		// It would keep its slot for ever if it were replaced in turn.
		return refusal
	}
	// An agent that is listed but ended already would leave its slot to the successor.
	if found, err := a.roleOf(ctx, exchanges.OpDeleteKey, id); err != nil || found.Role != roleAgent {
		return refusal
	}
	end := a.Now(ctx).Add(nobodysLife)
	call := rest.Call{Operation: exchanges.OpDeleteKey, Effect: rest.Once, CoolDown: coolDown}
	if a.approve(ctx, call, successor, until(name, end)) != nil {
		return refusal
	}
	return nil
}

// nobody is the address that takes the place of an account's agent of that name. It is
// a hash of words, not of a public key, so that nobody can have a key for it, and it
// can be told from other agents.
func nobody(owner, name string) wallet.Address {
	digest := wallet.Keccak([]byte("nobody's agent of "+owner+" named "), []byte(name))
	return wallet.Address(digest[12:])
}

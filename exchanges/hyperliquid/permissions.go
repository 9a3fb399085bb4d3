package hyperliquid

import "vault-plugin-secrets-exchange/exchanges"

// agent is what every agent may do. No request names it: there is nothing to
// choose.
const agent = "agent"

func permissions() []exchanges.Permission {
	return []exchanges.Permission{{
		Name: agent,
		Scopes: exchanges.NewScopes(
			exchanges.ScopeRead, exchanges.ScopeSpot, exchanges.ScopeMargin, exchanges.ScopeFutures, exchanges.ScopeTransfer,
		),
		Note: "spot and perpetuals, leverage and account mode, transfers within the owner's accounts, vault deposits; never withdrawals",
	}}
}

package coinex

import "vault-plugin-secrets-exchange/exchanges"

// CoinEx has no words for permissions, but a switch for trading and, for keys of
// the main account, one for withdrawals. These words are ours.
const (
	permRead     = "read"
	permTrade    = "trade"
	permWithdraw = "withdraw"
)

// permissions is the vocabulary for keys of sub-accounts.
func permissions() []exchanges.Permission {
	return []exchanges.Permission{
		{Name: permRead, Scopes: exchanges.NewScopes(exchanges.ScopeRead), Note: "every key has it"},
		{
			Name: permTrade,
			Scopes: exchanges.NewScopes(exchanges.ScopeSpot, exchanges.ScopeMargin, exchanges.ScopeFutures,
				exchanges.ScopeTransfer),
			Note: "orders, loans and transfers: CoinEx has nothing narrower; the sub-account's own permissions say in which markets",
		},
	}
}

// permissions returns what the key holds; nil if that is not shown.
func (k key) permissions() []string {
	if k.TradeEnabled == nil {
		return nil
	}
	names := []string{permRead}
	if *k.TradeEnabled {
		names = append(names, permTrade)
	}
	if k.WithdrawEnabled {
		names = append(names, permWithdraw)
	}
	return names
}

package whitebit

// documented are the endpoints that a key is switched for one by one where WhiteBIT
// does not say what the key may use: those of an account's own keys in WhiteBIT's
// OpenAPI documents of August 2026 (https://github.com/whitebit-exchange/docs).
// Those that manage sub-accounts are not among them, since no key of a sub-account
// can use them. An endpoint that is missing here and left on shows when the key is
// read back.
func documented() []endpoint {
	var all []endpoint
	for _, path := range []string{
		"collateral-account/adl-quantile", "collateral-account/balance", "collateral-account/balance-summary",
		"collateral-account/funding-history", "collateral-account/hedge-mode", "collateral-account/hedge-mode/update",
		"collateral-account/leverage", "collateral-account/position/close", "collateral-account/positions/closed-pnl",
		"collateral-account/positions/history", "collateral-account/positions/open", "collateral-account/summary",
		"conditional-orders",
		"convert/confirm", "convert/estimate", "convert/history",
		"credit-line/loans/info",
		"jwt",
		"main-account/address", "main-account/balance", "main-account/codes", "main-account/codes/apply", "main-account/codes/history",
		"main-account/codes/my", "main-account/create-new-address", "main-account/express-withdraw/token", "main-account/fee",
		"main-account/fiat-deposit-url", "main-account/history", "main-account/refund-deposit", "main-account/smart-flex/investments",
		"main-account/smart-flex/investments/auto-invest", "main-account/smart-flex/investments/close",
		"main-account/smart-flex/investments/history", "main-account/smart-flex/investments/invest",
		"main-account/smart-flex/investments/payment-history", "main-account/smart-flex/investments/withdraw",
		"main-account/smart-flex/plans", "main-account/smart/interest-payment-history", "main-account/smart/investment",
		"main-account/smart/investment/close", "main-account/smart/investments", "main-account/smart/plans", "main-account/transfer",
		"main-account/withdraw", "main-account/withdraw-pay",
		"market/fee",
		"mining/accounts", "mining/accounts/create", "mining/hashrate", "mining/miners/info", "mining/payout-destination",
		"mining/payout-destination/edit", "mining/rewards", "mining/watcher-links/create", "mining/watcher-links/list",
		"mining/workers/hashrate", "mining/workers/names",
		"oco-orders",
		"order/bulk", "order/cancel", "order/cancel/all", "order/cancel/bulk", "order/collateral/bulk", "order/collateral/limit",
		"order/collateral/market", "order/collateral/oco", "order/collateral/stop-limit", "order/collateral/trigger-market",
		"order/conditional-cancel", "order/kill-switch", "order/kill-switch/status", "order/market", "order/modify", "order/new",
		"order/oco-cancel", "order/oto-cancel", "order/stock_market", "order/stop_limit", "order/stop_market",
		"orders",
		"profile/websocket_token",
		"trade-account/balance", "trade-account/executed-history", "trade-account/order", "trade-account/order/history",
		"trade-account/order/history/query",
		"travel-rule/deposit/verification", "travel-rule/vasps",
	} {
		all = append(all, endpoint{prefix + path})
	}
	return all
}

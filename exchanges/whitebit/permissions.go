package whitebit

import (
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// WhiteBIT has no permissions finer than its key types. A key is narrowed by a
// switch for each endpoint, so a permission here is a group of endpoints.
const (
	permRead       = "read"
	permSpot       = "spot"
	permCollateral = "collateral"
	permTransfer   = "transfer"
	permWebSocket  = "websocket"

	// permCancel and permModify are no permissions of their own. They reach all orders
	// of the account: a key that may place any may cancel, and one that may place all
	// may modify.
	permCancel = "cancel"
	permModify = "modify"
	// permUnrestricted is what a key holds whose endpoints are not restricted.
	permUnrestricted = "unrestricted"
)

// permissions is the vocabulary. An endpoint that is in none of the groups is
// always switched off.
func permissions() []exchanges.Permission {
	return []exchanges.Permission{
		{Name: permRead, Scopes: exchanges.NewScopes(exchanges.ScopeRead), Note: "balances, orders and history of all accounts"},
		{Name: permSpot, Scopes: exchanges.NewScopes(exchanges.ScopeSpot), Note: "the sub-account must have spot enabled"},
		{
			Name: permCollateral, Scopes: exchanges.NewScopes(exchanges.ScopeMargin, exchanges.ScopeFutures),
			Note: "margin and futures: WhiteBIT does not separate them; the sub-account must have collateral enabled",
		},
		{Name: permTransfer, Scopes: exchanges.NewScopes(exchanges.ScopeTransfer), Note: "between the sub-account's own balances"},
		{
			Name: permWebSocket, Scopes: exchanges.NewScopes(exchanges.ScopeRead), Beyond: true,
			Note: "a token for private streams; the endpoint switches are not documented to limit its reach",
		},
	}
}

const prefix = "/api/v4/"

// group returns the permission to which an endpoint belongs, or the endpoint itself
// if there is none.
func group(endpoint string) string {
	path, ok := strings.CutPrefix(endpoint, prefix)
	if !ok {
		return endpoint
	}
	switch path {
	case "orders", "conditional-orders", "oco-orders", "market/fee", "main-account/balance", "main-account/history", "main-account/fee",
		"trade-account/balance", "trade-account/executed-history", "trade-account/order", "trade-account/order/history",
		"collateral-account/balance", "collateral-account/balance-summary", "collateral-account/summary",
		"collateral-account/positions/open", "collateral-account/positions/history", "collateral-account/funding-history":
		return permRead
	case "order/cancel", "order/cancel/all", "order/cancel/bulk", "order/conditional-cancel", "order/oco-cancel", "order/oto-cancel",
		"order/kill-switch", "order/kill-switch/status":
		return permCancel
	case "order/modify":
		return permModify
	case "main-account/transfer":
		return permTransfer
	case "profile/websocket_token":
		return permWebSocket
	}
	switch {
	case strings.HasPrefix(path, "order/collateral/"), strings.HasPrefix(path, "collateral-account/"):
		return permCollateral
	case strings.HasPrefix(path, "order/"):
		return permSpot
	}
	return endpoint
}

// wanted reports whether a key with the permissions may use the endpoint.
func wanted(asked []string, endpoint string) bool { return covers(asked, group(endpoint)) }

// covers reports whether the permissions bring in a group of endpoints.
func covers(asked []string, name string) bool {
	spot, collateral := slices.Contains(asked, permSpot), slices.Contains(asked, permCollateral)
	switch name {
	case permCancel:
		return spot || collateral
	case permModify:
		return spot && collateral
	}
	return slices.Contains(asked, name)
}

// held returns the sorted permissions that a key has; it has one as soon as it may
// use one endpoint of the group.
func (k key) held() []string {
	names := []string{}
	if !k.RestrictAccess {
		names = append(names, permUnrestricted)
	}
	for _, endpoint := range k.AccessEndpoints {
		names = append(names, group(endpoint.Name))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	cancel, modify := covers(names, permCancel), covers(names, permModify)
	return slices.DeleteFunc(names, func(name string) bool { return name == permCancel && cancel || name == permModify && modify })
}

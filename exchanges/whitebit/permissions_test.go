package whitebit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGroup(t *testing.T) {
	for endpoint, want := range map[string]string{
		"/api/v4/orders":                            permRead,
		"/api/v4/trade-account/order/history":       permRead,
		"/api/v4/collateral-account/positions/open": permRead,
		"/api/v4/order/new":                         permSpot,
		"/api/v4/order/stop_limit":                  permSpot,
		"/api/v4/order/cancel":                      permCancel,
		"/api/v4/order/oco-cancel":                  permCancel,
		"/api/v4/order/kill-switch/status":          permCancel,
		"/api/v4/oco-orders":                        permRead,
		"/api/v4/order/modify":                      permModify,
		"/api/v4/order/collateral/limit":            permCollateral,
		"/api/v4/collateral-account/leverage":       permCollateral,
		"/api/v4/main-account/transfer":             permTransfer,
		"/api/v4/profile/websocket_token":           permWebSocket,
		"/api/v4/main-account/withdraw":             "/api/v4/main-account/withdraw",
		"/api/v4/main-account/codes":                "/api/v4/main-account/codes",
		"/api/v4/trade-account/something/new":       "/api/v4/trade-account/something/new",
		"/api/v5/order/new":                         "/api/v5/order/new",
		"order/new":                                 "order/new",
		"":                                          "",
	} {
		require.Equal(t, want, group(endpoint), endpoint)
	}
}

// What is in no group is never wanted, whatever its name.
func TestWanted(t *testing.T) {
	all := []string{permRead, permSpot, permCollateral, permTransfer, permWebSocket}
	for _, endpoint := range []string{"/api/v4/main-account/withdraw", "/api/v4/sub-account/api-key/create", "/api/v4/convert/confirm", ""} {
		require.False(t, wanted(all, endpoint), endpoint)
	}
	for _, test := range []struct {
		permission string
		spot       bool
		collateral bool
		cancel     bool
	}{
		{permRead, false, false, false}, {permSpot, true, false, true}, {permCollateral, false, true, true}, {permTransfer, false, false, false},
	} {
		only := []string{permRead, test.permission}
		require.True(t, wanted(only, "/api/v4/orders"))
		require.Equal(t, test.spot, wanted(only, "/api/v4/order/new"), test.permission)
		require.Equal(t, test.collateral, wanted(only, "/api/v4/order/collateral/oco"), test.permission)
		require.Equal(t, test.cancel, wanted(only, "/api/v4/order/cancel"), test.permission)
		require.Equal(t, test.cancel, wanted(only, "/api/v4/order/conditional-cancel"), "what places OCO orders cancels them: %s", test.permission)
		require.False(t, wanted(only, "/api/v4/order/modify"), "it reaches the orders that the key may not place: %s", test.permission)
	}
	require.True(t, wanted([]string{permRead, permSpot, permCollateral}, "/api/v4/order/modify"))
}

// A listed key shows everything it holds for which the vocabulary has no word.
func TestHeld(t *testing.T) {
	for _, test := range []struct {
		name       string
		restricted bool
		endpoints  []string
		want       []string
	}{
		{"nothing", true, nil, []string{}},
		{"read", true, []string{"orders", "market/fee"}, []string{permRead}},
		{"spot with what it shares", true, []string{"order/cancel", "order/new", "orders"}, []string{permRead, permSpot}},
		{"what is shared, alone", true, []string{"order/cancel"}, []string{permCancel}},
		{"more than its orders", true, []string{"order/cancel", "order/modify", "order/new"}, []string{permModify, permSpot}},
		{"all orders", true, []string{"order/cancel", "order/collateral/limit", "order/modify", "order/new"}, []string{permCollateral, permSpot}},
		{"what is in no group", true, []string{"main-account/withdraw", "orders"}, []string{"/api/v4/main-account/withdraw", permRead}},
		{"everything", false, []string{"orders"}, []string{permRead, permUnrestricted}},
	} {
		k := key{RestrictAccess: test.restricted}
		for _, path := range test.endpoints {
			k.AccessEndpoints = append(k.AccessEndpoints, endpoint{prefix + path})
		}
		require.Equal(t, test.want, k.held(), test.name)
	}
}

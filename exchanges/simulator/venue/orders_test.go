package venue_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

func TestOrders(t *testing.T) {
	books := &venue.Books{}
	desk, other := books.AddAccount(&venue.Account{ID: "desk"}), books.AddAccount(&venue.Account{ID: "other"})
	require.Empty(t, books.OpenOrders(desk, "spot", ""))

	first := venue.Order{ID: "1", ClientID: "mine", Section: "spot", Market: "BTCUSDT"}
	second := venue.Order{ID: "2", Section: "spot", Market: "ETHUSDT"}
	future := venue.Order{ID: "1", Section: "futures", Market: "BTCUSDT"}
	for _, o := range []venue.Order{first, second, future} {
		books.PlaceOrder(desk, o)
	}
	require.Equal(t, []venue.Order{first, second}, books.OpenOrders(desk, "spot", ""))
	require.Equal(t, []venue.Order{second}, books.OpenOrders(desk, "spot", "ETHUSDT"))
	require.Equal(t, []venue.Order{future}, books.OpenOrders(desk, "futures", ""))
	require.Empty(t, books.OpenOrders(other, "spot", ""), "an order belongs to its account")

	for _, none := range []struct{ section, id, clientID string }{
		{"spot", "3", ""}, {"futures", "2", ""}, {"spot", "", "theirs"}, {"spot", "", ""}, {"spot", "3", "mine"},
	} {
		_, found := books.CancelOrder(desk, none.section, none.id, none.clientID)
		require.False(t, found, none)
	}
	_, found := books.CancelOrder(other, "spot", "1", "")
	require.False(t, found, "nobody cancels an order of another account")

	cancelled, found := books.CancelOrder(desk, "spot", "", "mine")
	require.True(t, found)
	require.Equal(t, first, cancelled)
	_, found = books.CancelOrder(desk, "spot", "1", "")
	require.False(t, found, "it is cancelled once")
	_, found = books.CancelOrder(desk, "futures", "1", "")
	require.True(t, found)
	require.Equal(t, []venue.Order{second}, books.OpenOrders(desk, "spot", ""))
}

// An account that never cancels must not fill the memory.
func TestOldestOrdersAreDropped(t *testing.T) {
	books := &venue.Books{}
	desk := books.AddAccount(&venue.Account{ID: "desk"})
	for i := range 1000 {
		books.PlaceOrder(desk, venue.Order{ID: strconv.Itoa(i)})
	}
	open := books.OpenOrders(desk, "", "")
	require.Less(t, len(open), 500)
	require.Equal(t, "999", open[len(open)-1].ID)
}

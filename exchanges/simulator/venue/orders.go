package venue

import (
	"slices"
	"time"
)

// Order is an order that an account has placed. Nothing ever fills it: it is open
// until it is cancelled.
type Order struct {
	ID       string
	ClientID string // the client's own name for it; empty if it gave none
	Section  string // part of the exchange that took it, such as spot or futures, in words of the rules
	Market   string // what is traded, as requests name it
	Side     string // in the exchange's words, like Kind
	Kind     string
	Price    string // empty for an order at the market's price
	Amount   string
	Placed   time.Time
}

// maxOrders is how many open orders of an account are kept. A load test that never
// cancels loses its oldest ones.
const maxOrders = 200

// PlaceOrder adds an open order to an account.
func (b *Books) PlaceOrder(a *Account, o Order) {
	if b.orders == nil {
		b.orders = make(map[*Account][]Order)
	}
	all := append(b.orders[a], o)
	b.orders[a] = all[max(len(all)-maxOrders, 0):]
}

// OpenOrders lists an account's open orders in a section, oldest first: those on one
// market or, if it is empty, on all.
func (b *Books) OpenOrders(a *Account, section, market string) []Order {
	var open []Order
	for _, o := range b.orders[a] {
		if o.Section == section && (market == "" || o.Market == market) {
			open = append(open, o)
		}
	}
	return open
}

// CancelOrder removes an account's open order in a section and returns it. Either the
// order's id names it or, if that is empty, the client's. It returns false if there
// is no such order.
func (b *Books) CancelOrder(a *Account, section, id, clientID string) (Order, bool) {
	i := slices.IndexFunc(b.orders[a], func(o Order) bool {
		if id == "" {
			return o.Section == section && clientID != "" && o.ClientID == clientID
		}
		return o.Section == section && o.ID == id
	})
	if i < 0 {
		return Order{}, false
	}
	o := b.orders[a][i]
	b.orders[a] = slices.Delete(b.orders[a], i, i+1)
	return o, true
}

// PlaceOrder adds an open order to the calling key's account. It fills in the time.
func (c *Call) PlaceOrder(o Order) {
	o.Placed = c.Now
	c.Books.PlaceOrder(c.Key.Account, o)
}

// OpenOrders lists the open orders of the calling key's account, as
// [Books.OpenOrders] does.
func (c *Call) OpenOrders(section, market string) []Order {
	return c.Books.OpenOrders(c.Key.Account, section, market)
}

// CancelOrder removes an open order of the calling key's account, as
// [Books.CancelOrder] does.
func (c *Call) CancelOrder(section, id, clientID string) (Order, bool) {
	return c.Books.CancelOrder(c.Key.Account, section, id, clientID)
}

package simulator

import (
	"crypto"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// rules are what one exchange's file supplies: its wire format, its signature
// check and its restrictions. Everything else is the same for all exchanges.
//
// The methods are called with the venue locked, so an exchange may keep state of
// its own (sessions, nonces) in plain fields.
type rules interface {
	// seed enters the master accounts and the root keys of every kind. The
	// RSA key pair is shared by all roots that sign with RSA, and is made
	// only when first asked for, because that takes a while. The rules must
	// not hold on to what they enter: a reset works with copies.
	seed(b *books, now time.Time, rsaPair func() crypto.Signer)
	// addSubAccount enters one more sub-account of a master.
	addSubAccount(b *books, now time.Time, master *account) *account
	routes() []route
	// authenticate finds the calling key and checks signature, time and
	// address. It returns either the key or the refusal.
	authenticate(c *call) (*key, *answer)
	// rateLimited is the answer to one request too many.
	rateLimited(c *call, q quota) *answer
	// notFound is the answer to a request that no route takes.
	notFound(c *call) *answer
}

// resetter is implemented by rules that keep state beyond the books.
type resetter interface{ reset() }

// slowStarter is implemented by rules of an exchange that documents that a new
// key may take a while to work, and enter it as [call.starts] says.
type slowStarter interface{ startsSlowly() }

// route is one endpoint.
type route struct {
	pattern   string // as http.ServeMux has it
	operation exchanges.Operation
	public    bool // needs no authentication
	limits    []limit
	permit    func(*call) *answer // nil, or checks what the calling key may do: nil or the refusal
	handle    func(*call) *answer
	// choose, where one path serves several operations, picks the route by
	// what the request says; the route itself then needs its pattern only.
	choose func(*call) route
}

// listing is one exchange in the simulator.
type listing struct {
	name  string
	rules func() rules
}

// venues lists the exchanges in the order of their ports. New ones go to the
// end, so that the ports of the others stay.
func venues() []listing {
	return []listing{
		{"bybit", newBybit},
		{"okx", newOKX},
		{"binance", newBinance},
		{"kucoin", newKuCoin},
		{"bitget", newBitget},
		{"hyperliquid", newHyperliquid},
		{"deribit", newDeribit},
		{"gate", newGate},
		{"htx", newHTX},
		{"orderly", newOrderly},
		{"mexc", newMEXC},
		{"whitebit", newWhiteBIT},
		{"bingx", newBingX},
		{"bitfinex", newBitfinex},
		{"coinex", newCoinEx},
	}
}

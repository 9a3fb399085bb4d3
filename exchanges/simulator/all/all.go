// Package all lists every simulated exchange.
package all

import (
	"vault-plugin-secrets-exchange/exchanges/simulator/binance"
	"vault-plugin-secrets-exchange/exchanges/simulator/bingx"
	"vault-plugin-secrets-exchange/exchanges/simulator/bitfinex"
	"vault-plugin-secrets-exchange/exchanges/simulator/bitget"
	"vault-plugin-secrets-exchange/exchanges/simulator/bybit"
	"vault-plugin-secrets-exchange/exchanges/simulator/coinex"
	"vault-plugin-secrets-exchange/exchanges/simulator/deribit"
	"vault-plugin-secrets-exchange/exchanges/simulator/gate"
	"vault-plugin-secrets-exchange/exchanges/simulator/htx"
	"vault-plugin-secrets-exchange/exchanges/simulator/hyperliquid"
	"vault-plugin-secrets-exchange/exchanges/simulator/kucoin"
	"vault-plugin-secrets-exchange/exchanges/simulator/mexc"
	"vault-plugin-secrets-exchange/exchanges/simulator/okx"
	"vault-plugin-secrets-exchange/exchanges/simulator/orderly"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/whitebit"
)

// Venues lists the exchanges in the order of their ports. Add a new exchange at
// the end, so that the others keep their ports.
func Venues() []venue.Listing {
	return []venue.Listing{
		bybit.Venue(),
		okx.Venue(),
		binance.Venue(),
		kucoin.Venue(),
		bitget.Venue(),
		hyperliquid.Venue(),
		deribit.Venue(),
		gate.Venue(),
		htx.Venue(),
		orderly.Venue(),
		mexc.Venue(),
		whitebit.Venue(),
		bingx.Venue(),
		bitfinex.Venue(),
		coinex.Venue(),
	}
}

// Package catalog is the one list of all exchanges.
package catalog

import (
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/binance"
	"vault-plugin-secrets-exchange/exchanges/bingx"
	"vault-plugin-secrets-exchange/exchanges/bitfinex"
	"vault-plugin-secrets-exchange/exchanges/bitget"
	"vault-plugin-secrets-exchange/exchanges/bybit"
	"vault-plugin-secrets-exchange/exchanges/coinex"
	"vault-plugin-secrets-exchange/exchanges/deribit"
	"vault-plugin-secrets-exchange/exchanges/gate"
	"vault-plugin-secrets-exchange/exchanges/htx"
	"vault-plugin-secrets-exchange/exchanges/hyperliquid"
	"vault-plugin-secrets-exchange/exchanges/kucoin"
	"vault-plugin-secrets-exchange/exchanges/mexc"
	"vault-plugin-secrets-exchange/exchanges/okx"
	"vault-plugin-secrets-exchange/exchanges/orderly"
	"vault-plugin-secrets-exchange/exchanges/whitebit"
)

// All returns every exchange, in alphabetical order.
func All() []exchanges.Exchange {
	return []exchanges.Exchange{
		binance.New(),
		bingx.New(),
		bitfinex.New(),
		bitget.New(),
		bybit.New(),
		coinex.New(),
		deribit.New(),
		gate.New(),
		htx.New(),
		hyperliquid.New(),
		kucoin.New(),
		mexc.New(),
		okx.New(),
		orderly.New(),
		whitebit.New(),
	}
}

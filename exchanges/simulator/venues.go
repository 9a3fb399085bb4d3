package simulator

import "vault-plugin-secrets-exchange/exchanges/simulator/venue"

// venues lists the exchanges in the order of their ports. New ones go to the
// end, so that the ports of the others stay.
func venues() []venue.Listing {
	return []venue.Listing{
		{Name: "bybit", New: newBybit},
		{Name: "okx", New: newOKX},
		{Name: "binance", New: newBinance},
		{Name: "kucoin", New: newKuCoin},
		{Name: "bitget", New: newBitget},
		{Name: "hyperliquid", New: newHyperliquid},
		{Name: "deribit", New: newDeribit},
		{Name: "gate", New: newGate},
		{Name: "htx", New: newHTX},
		{Name: "orderly", New: newOrderly},
		{Name: "mexc", New: newMEXC},
		{Name: "whitebit", New: newWhiteBIT},
		{Name: "bingx", New: newBingX},
		{Name: "bitfinex", New: newBitfinex},
		{Name: "coinex", New: newCoinEx},
	}
}

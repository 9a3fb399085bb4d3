package all_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// The order is that of the ports, and people know the ports: only ever append.
func TestOrder(t *testing.T) {
	s := simulator.New(simulator.Options{}, all.Venues()...)
	require.Equal(t, []string{
		"bybit", "okx", "binance", "kucoin", "bitget", "hyperliquid", "deribit", "gate",
		"htx", "orderly", "mexc", "whitebit", "bingx", "bitfinex", "coinex",
	}, s.Exchanges())
	for _, name := range s.Exchanges() {
		require.NotEmpty(t, s.Exchange(name).SubAccounts, name)
	}
}

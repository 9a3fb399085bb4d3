package exchangetest

import (
	"context"

	"vault-plugin-secrets-exchange/exchanges"
)

// Settle deletes a key and has the exchange prove it, as the engine does with a key
// that every list must show by now, for tests of what is specific to an exchange.
// The account reports its variant, as every account does that embeds a client of
// package rest.
func Settle(ctx context.Context, account exchanges.Account, ref exchanges.KeyRef) error {
	variant := account.(interface{ Variant() exchanges.Variant }).Variant()
	ref.Age = variant.Staleness()
	return exchanges.SettleOne(ctx, account, variant, ref)
}

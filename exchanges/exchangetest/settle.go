package exchangetest

import (
	"context"

	"vault-plugin-secrets-exchange/exchanges"
)

// Settle deletes a key and has the exchange prove it, as the engine does, for
// tests of what is particular to an exchange. The account says of which variant
// it is, as every one does that embeds a client of package rest.
func Settle(ctx context.Context, account exchanges.Account, ref exchanges.KeyRef) error {
	variant := account.(interface{ Variant() exchanges.Variant }).Variant()
	return exchanges.SettleOne(ctx, account, variant, ref)
}

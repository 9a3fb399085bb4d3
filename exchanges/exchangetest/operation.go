package exchangetest

import (
	"context"
	"errors"
	"slices"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// reads are the operations that change nothing.
func reads() []simulator.Operation {
	return []simulator.Operation{simulator.Inspect, simulator.ListSubAccounts, simulator.ListKeys}
}

func isRead(operation simulator.Operation) bool { return slices.Contains(reads(), operation) }

// perform makes the call of an operation; those that concern a key are about the
// order's.
func perform(ctx context.Context, account exchanges.Account, operation simulator.Operation, o order) error {
	var err error
	switch operation {
	case simulator.Inspect:
		_, err = account.Inspect(ctx)
	case simulator.ListSubAccounts:
		_, err = account.SubAccounts(ctx)
	case simulator.ListKeys:
		_, err = account.ListKeys(ctx, o.SubAccount)
	case simulator.CreateKey:
		_, err = account.CreateKey(ctx, o.KeyRequest)
	case simulator.DeleteKey:
		err = account.DeleteKey(ctx, o.ref("no-such-key"))
	default:
		err = errors.New("no call is known for the operation " + string(operation))
	}
	return err
}

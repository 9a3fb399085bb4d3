package exchangetest

import (
	"context"
	"errors"
	"slices"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// reads are the operations that ask the exchange and change nothing.
func (s *suite) reads() []simulator.Operation {
	reads := []simulator.Operation{simulator.Inspect}
	if !s.OneAccount {
		reads = append(reads, simulator.ListSubAccounts)
	}
	if s.variant.Unlisted == "" {
		reads = append(reads, simulator.ListKeys)
	}
	return reads
}

func (s *suite) isRead(operation simulator.Operation) bool {
	return slices.Contains(s.reads(), operation)
}

// proof is the operation that proves a deletion: the list, or, where there is
// none, what the key itself is told.
func (s *suite) proof() simulator.Operation {
	if s.variant.Unlisted != "" {
		return simulator.Inspect
	}
	return simulator.ListKeys
}

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
		err = o.delete(ctx, account, noSuchKey())
	default:
		err = errors.New("no call is known for the operation " + string(operation))
	}
	return err
}

package exchangetest

import (
	"context"
	"errors"
	"slices"

	"vault-plugin-secrets-exchange/exchanges"
)

// reads are the operations that ask the exchange and change nothing.
func (s *suite) reads() []exchanges.Operation {
	reads := []exchanges.Operation{exchanges.OpInspect}
	if !s.OneAccount {
		reads = append(reads, exchanges.OpSubAccounts)
	}
	if s.variant.Unlisted == "" {
		reads = append(reads, exchanges.OpListKeys)
	}
	return reads
}

func (s *suite) isRead(operation exchanges.Operation) bool {
	return slices.Contains(s.reads(), operation)
}

// proof is the operation that proves a deletion: the list, or, where there is
// none, what the key itself is told.
func (s *suite) proof() exchanges.Operation {
	if s.variant.Unlisted != "" {
		return exchanges.OpInspect
	}
	return exchanges.OpListKeys
}

// perform makes the call of an operation; those that concern a key are about the
// order's.
func perform(ctx context.Context, account exchanges.Account, operation exchanges.Operation, o order) error {
	var err error
	switch operation {
	case exchanges.OpInspect:
		_, err = account.Inspect(ctx)
	case exchanges.OpSubAccounts:
		_, err = account.SubAccounts(ctx)
	case exchanges.OpListKeys:
		_, err = account.ListKeys(ctx, o.SubAccount)
	case exchanges.OpCreateKey:
		_, err = account.CreateKey(ctx, o.KeyRequest)
	case exchanges.OpDeleteKey:
		err = account.DeleteKey(ctx, o.ref(noSuchKey()))
	default:
		err = errors.New("no call is known for the operation " + string(operation))
	}
	return err
}

package exchangetest

import (
	"context"
	"errors"
	"slices"

	"vault-plugin-secrets-exchange/exchanges"
)

// reads are the operations that query the exchange and change nothing.
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

// proof is the operation that proves a deletion: listing the keys or, where there
// is no list, using the key itself.
func (s *suite) proof() exchanges.Operation {
	if s.variant.Unlisted != "" {
		return exchanges.OpInspect
	}
	return exchanges.OpListKeys
}

// perform makes the call for an operation; those that concern a key use the
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
		err = o.delete(ctx, account, noSuchKey())
	default:
		err = errors.New("there is no call for the operation " + string(operation))
	}
	return err
}

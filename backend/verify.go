package backend

import (
	"context"
	"fmt"
	"strings"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// verify compares the key with what was asked for, and takes down what the exchange
// added to it. Where the create answer leaves out the addresses, the exchange's list
// shows them.
func (e *engine) verify(ctx context.Context, o *order, key exchanges.Key, claim *ledger.Claim) error {
	entry := claim.Entry()
	if !isWhole(key, entry.KeyType) {
		return o.link.failed(&exchanges.Error{
			Kind: exchanges.ErrOutcomeUnknown, Exchange: o.link.Exchange, Operation: exchanges.OpCreateKey, Message: "the answer holds no key",
		})
	}
	addition, err := o.judge(key.Permissions)
	if err != nil {
		return refuse("%s; the key was deleted", err)
	}
	claim.Added(addition)
	addresses := key.Addresses
	if addresses == nil && len(entry.Addresses) > 0 {
		listed, err := e.find(ctx, o.link, entry)
		if err != nil {
			return o.link.failed(fmt.Errorf("the new key's addresses could not be checked, so it was deleted: %w", err))
		}
		if listed != nil {
			addresses = listed.Addresses
		}
	}
	if !sameAddresses(addresses, entry.Addresses) {
		return refuse("the exchange bound the key to the addresses [%s] instead of [%s]; the key was deleted",
			strings.Join(addresses, ", "), strings.Join(entry.Addresses, ", "))
	}
	return nil
}

// isWhole reports whether the answer to a create call held a whole key of the type.
func isWhole(key exchanges.Key, t exchanges.KeyType) bool {
	switch {
	case key.ID == "" || key.APIKey == "":
		return false
	case t == exchanges.KeyHMAC:
		return key.APISecret != ""
	case t == exchanges.KeyBearer:
		return key.Token != ""
	}
	return true
}

// find looks a key up in the exchange's list, by its id or else by its label;
// nil if it is not there.
func (e *engine) find(ctx context.Context, l *link, entry ledger.Entry) (*exchanges.KeyInfo, error) {
	keys, err := l.account.ListKeys(ctx, entry.SubAccount)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if (entry.ExchangeKeyID != "" && key.ID == entry.ExchangeKeyID) || (entry.ExchangeKeyID == "" && entry.Label != "" && key.Label == entry.Label) {
			return &key, nil
		}
	}
	return nil, nil
}

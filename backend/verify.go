package backend

import (
	"context"
	"fmt"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// verify compares the key with what was asked for. Where the create answer
// does not tell the addresses, the exchange's list does.
func (e *engine) verify(ctx context.Context, o *order, m *minted) error {
	if !m.complete() {
		return o.link.failed(&exchanges.Error{
			Kind: exchanges.ErrOutcomeUnknown, Exchange: o.link.Exchange, Operation: exchanges.OpCreateKey, Message: "the answer holds no key",
		})
	}
	if err := o.link.variant.CheckGrant(o.grant, m.key.Permissions); err != nil {
		return refuse("%s; the key was deleted", err)
	}
	addresses := m.key.Addresses
	if addresses == nil && len(m.entry.Addresses) > 0 {
		listed, err := e.find(ctx, o.link, m.entry)
		if err != nil {
			return o.link.failed(fmt.Errorf("the new key's addresses could not be checked, so it was deleted: %w", err))
		}
		if listed != nil {
			addresses = listed.Addresses
		}
	}
	if !sameAddresses(addresses, m.entry.Addresses) {
		return refuse("the exchange bound the key to the addresses [%s] instead of [%s]; the key was deleted",
			strings.Join(addresses, ", "), strings.Join(m.entry.Addresses, ", "))
	}
	return nil
}

// complete reports whether the answer to a create call held a whole key.
func (m *minted) complete() bool {
	switch {
	case m.key.ID == "" || m.key.APIKey == "":
		return false
	case m.entry.KeyType == exchanges.KeyHMAC:
		return m.key.APISecret != ""
	case m.entry.KeyType == exchanges.KeyBearer:
		return m.key.Token != ""
	}
	return true
}

// find looks a key up in the exchange's list, by its id or else by its label;
// nil if it is not there.
func (e *engine) find(ctx context.Context, l *link, entry keyEntry) (*exchanges.KeyInfo, error) {
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

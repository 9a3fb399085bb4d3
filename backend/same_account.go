package backend

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// lineage names the line of root credentials that the connection's belongs to: those
// that were written one after the other, each proved to be of the account of the one
// before. What was made with one of them is in the account that the present one
// reaches. It is named by how the line began; empty if nothing is known that names it.
func (c connection) lineage() string {
	first := cmp.Or(c.Credential.APIKey, c.Account)
	if c.Lineage != "" || first == "" {
		return c.Lineage
	}
	return shortHash(idLength, "lineage", c.Exchange, c.Environment, c.Variant, c.BaseURL, c.Credential.Broker, first)
}

// succeed settles which line the connection's credential belongs to once it replaces
// that of the connection before. A root key is of one account for ever, so that
// another secret of the same key needs no proof.
func (c *connection) succeed(before connection, proved bool) {
	old, fresh := before.Credential, c.Credential
	sameKey := fresh.APIKey != "" && fresh.APIKey == old.APIKey && fresh.Broker == old.Broker
	switch {
	case c.sameAccess(before):
		c.Lineage = before.Lineage
	case c.samePlace(before) && (proved || sameKey):
		c.Lineage = before.lineage()
	default:
		c.Lineage = ""
	}
}

// proofPlaces is in how many sub-accounts a key is looked for that proves whose a
// root key is. One of them is enough; who finds none in so many has another account.
const proofPlaces = 10

// proveAccount refuses a new root credential unless it lists a key of the connection.
// It is for exchanges that do not say whose a root key is: another account's would
// work, and the keys that there are could no longer be deleted.
func (e *engine) proveAccount(ctx context.Context, s logical.Storage, l *link) error {
	const remedy = "; nothing was written. Revoke the keys first, or write with force=true if you know that it is of the same account"
	if l.variant.Unlisted != "" {
		return refuse("connection %q has keys, and %s neither says which account the new credential belongs to, nor lists keys by which to tell"+remedy, l.name, l.about.DisplayName)
	}
	keys, err := e.ledger.Keys(ctx, s, ofConnection(l.name))
	if err != nil {
		return err
	}
	places := busiest(keys)
	for _, place := range places[:min(len(places), proofPlaces)] {
		listed, err := l.account.ListKeys(ctx, place)
		switch {
		case err != nil && isRefusalOfPlace(err):
			continue // Another account has no such sub-account.
		case err != nil:
			return refuse("could not ask whether the new credential belongs to the account in which connection %q has keys: %s"+remedy, l.name, err)
		}
		keys, err := e.ledger.Keys(ctx, s, inSubAccount(l.name, place))
		if err != nil {
			return err
		}
		if slices.ContainsFunc(keys, func(key ledger.Key) bool { return isAmong(listed, key) }) {
			return nil
		}
	}
	return refuse("%s does not say which account the new credential belongs to, and it lists none of the keys of connection %q (looked for in %s): it seems to belong to another account, with which they could not be revoked"+remedy,
		l.about.DisplayName, l.name, strings.Join(places[:min(len(places), proofPlaces)], ", "))
}

// busiest are the sub-accounts of the keys, those with most live keys first: a key
// that is being made or deleted may not be listed.
func busiest(keys []ledger.Key) []string {
	live := map[string]int{}
	for _, key := range keys {
		live[key.SubAccount] += 0
		if key.State == ledger.Live {
			live[key.SubAccount]++
		}
	}
	return slices.SortedFunc(maps.Keys(live), func(a, b string) int {
		if live[a] != live[b] {
			return live[b] - live[a]
		}
		return strings.Compare(a, b)
	})
}

// isAmong reports whether a key of the ledger is in an exchange's list, as far as what
// is shown of each lets tell.
func isAmong(listed []exchanges.KeyInfo, ours ledger.Key) bool {
	return slices.ContainsFunc(listed, func(key exchanges.KeyInfo) bool {
		if key.Masked && key.Label != "" && ours.Label != "" {
			return key.Label == ours.Label
		}
		return ours.ExchangeKeyID != "" && key.MayBe(ours.ExchangeKeyID) || ours.Label != "" && key.Label == ours.Label
	})
}

package backend

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// finding is one key on which exchange and ledger do not agree.
type finding struct {
	subAccount string
	key        exchanges.KeyInfo
	// id in the ledger, for a key that only the ledger knows.
	id string
}

// comparison is what a reconciliation found.
type comparison struct {
	// known keys are at the exchange and in the ledger.
	known int
	// strays bear this mount's label, and the ledger does not know them.
	strays []finding
	// foreign keys bear no label of this mount.
	foreign []finding
	// missing keys are live in the ledger, but the exchange does not list them.
	missing []finding
}

// known is what the ledger says of an exchange's keys, whatever their connection: two
// connections may share a parent account, and neither may delete the other's keys.
type known map[string]bool

// knownAt is what the ledger's keys say of those at an exchange.
func knownAt(exchange string, keys []ledger.Key) known {
	names := known{}
	for _, key := range keys {
		if key.Exchange == exchange {
			names[key.ExchangeKeyID], names[key.Label] = true, true
		}
	}
	delete(names, "")
	return names
}

// compare sorts the keys of one sub-account. It is a pure function of what the
// exchange lists there, the connection's own keys there, what the whole ledger
// knows, and the mount's tag.
func (c *comparison) compare(subAccount string, listed []exchanges.KeyInfo, own []ledger.Key, of known, tag string) {
	// A masked key is recognized by its label; without one it could be any key.
	seen, anyone := map[string]bool{}, false
	for _, key := range listed {
		seen[key.ID] = true
		if key.Masked {
			seen[key.Label] = true
			anyone = anyone || key.Label == ""
		}
		switch {
		case of[key.ID] || of[key.Label]:
			c.known++
		case strings.HasPrefix(key.Label, tag):
			c.strays = append(c.strays, finding{subAccount: subAccount, key: key})
		default:
			c.foreign = append(c.foreign, finding{subAccount: subAccount, key: key})
		}
	}
	for _, key := range own {
		if key.State == ledger.Live && !seen[key.ExchangeKeyID] && !seen[key.Label] && !anyone {
			c.missing = append(c.missing, finding{subAccount: subAccount, id: key.ID, key: exchanges.KeyInfo{ID: key.ExchangeKeyID, Label: key.Label, CreatedAt: key.Created}})
		}
	}
}

// reconcile compares every sub-account in which the connection may mint, or holds
// keys, with the ledger.
func (e *engine) reconcile(ctx context.Context, s logical.Storage, l *link) (*comparison, error) {
	if l.variant.Unlisted != "" {
		return nil, refuse("%s lists no keys, so there is nothing to compare the ledger with", l.about.DisplayName)
	}
	accounts, err := l.account.SubAccounts(ctx)
	if err != nil {
		return nil, l.failed(err)
	}
	counts, err := e.subAccountsOf(ctx, s, l.name)
	if err != nil {
		return nil, err
	}
	held := map[string]bool{}
	for name := range counts {
		held[l.variant.SubAccountName(name)] = true
	}
	listed := map[string][]exchanges.KeyInfo{}
	for _, account := range accounts {
		name := l.variant.SubAccountName(account.Name)
		if account.NoKeys != "" || !held[name] && !l.allowsSubAccount(account.Name) {
			continue
		}
		if listed[name], err = l.account.ListKeys(ctx, account.Name); err != nil {
			return nil, l.failed(err)
		}
	}
	// Read after the lists, so that a key minted meanwhile is known: its entry is
	// older than the key.
	keys, err := e.ledger.Keys(ctx, s, anyKey)
	if err != nil {
		return nil, err
	}
	// By the ledger's few spellings first, since to find the one spelling takes a while.
	spelt, own := map[string][]ledger.Key{}, map[string][]ledger.Key{}
	for _, key := range keys {
		if key.Connection == l.name {
			spelt[key.SubAccount] = append(spelt[key.SubAccount], key)
		}
	}
	for name, keys := range spelt {
		name = l.variant.SubAccountName(name)
		own[name] = append(own[name], keys...)
	}
	var c comparison
	atExchange := knownAt(l.Exchange, keys)
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		c.compare(name, listed[name], own[name], atExchange, e.tag)
	}
	return &c, nil
}

// adopt takes a stray into the ledger as a key that must go, so that its deletion
// is as durable as any other.
func (e *engine) adopt(ctx context.Context, s logical.Storage, l *link, stray finding) error {
	claim, err := e.ledger.Claim(ctx, s, shortHash(idLength, "stray", e.mountUUID, l.name, stray.subAccount, stray.key.ID))
	if err != nil {
		return err
	}
	defer claim.Release()
	if claim.Exists() {
		return nil // It was adopted before, and is still to be deleted.
	}
	return claim.Adopt(ctx, ledger.Entry{
		Connection: l.name, Exchange: l.Exchange, SubAccount: stray.subAccount,
		ExchangeKeyID: stray.key.ID, Label: stray.key.Label, Permissions: stray.key.Permissions, Addresses: stray.key.Addresses,
		Risk: exchanges.RiskCritical, Created: orNow(stray.key.CreatedAt, e.now()), Cause: causeStray,
	})
}

func orNow(t, now time.Time) time.Time {
	if t.IsZero() {
		return now
	}
	return t
}

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

// knownAt is what the entries say of the keys at an exchange.
func knownAt(exchange string, entries []ledger.Entry) known {
	names := known{}
	for _, entry := range entries {
		if entry.Exchange == exchange {
			names[entry.ExchangeKeyID], names[entry.Label] = true, true
		}
	}
	delete(names, "")
	return names
}

// compare sorts the keys of one sub-account. It is a pure function of what the
// exchange lists there, the connection's own entries there, what the whole ledger
// knows, and the mount's tag.
func (c *comparison) compare(subAccount string, listed []exchanges.KeyInfo, own []ledger.Entry, of known, tag string) {
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
	for _, entry := range own {
		if entry.State == ledger.Live && !seen[entry.ExchangeKeyID] && !seen[entry.Label] && !anyone {
			c.missing = append(c.missing, finding{subAccount: subAccount, id: entry.ID, key: exchanges.KeyInfo{ID: entry.ExchangeKeyID, Label: entry.Label, CreatedAt: entry.Created}})
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
	keys, err := e.ledger.Keys(ctx, s, ofConnection(l.name))
	if err != nil {
		return nil, err
	}
	held := map[string]bool{}
	for _, key := range keys {
		held[l.variant.SubAccountName(key.SubAccount)] = true
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
	entries, err := e.ledger.Entries(ctx, s, anyKey)
	if err != nil {
		return nil, err
	}
	own := map[string][]ledger.Entry{}
	for _, entry := range entries {
		if entry.Connection == l.name {
			name := l.variant.SubAccountName(entry.SubAccount)
			own[name] = append(own[name], entry)
		}
	}
	var c comparison
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		c.compare(name, listed[name], own[name], knownAt(l.Exchange, entries), e.tag)
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

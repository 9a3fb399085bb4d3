package backend

import (
	"context"
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

// compare sorts the keys of one sub-account. It is a pure function of what the
// exchange lists, what the ledger holds there, and the mount's tag.
func (c *comparison) compare(subAccount string, listed []exchanges.KeyInfo, entries []ledger.Entry, tag string) {
	known := map[string]bool{}
	for _, entry := range entries {
		known[entry.ExchangeKeyID] = true
		known[entry.Label] = true
	}
	delete(known, "")
	// A masked key is recognized by its label; without one it could be any key.
	seen, anyone := map[string]bool{}, false
	for _, key := range listed {
		seen[key.ID] = true
		if key.Masked {
			seen[key.Label] = true
			anyone = anyone || key.Label == ""
		}
		switch {
		case known[key.ID] || known[key.Label]:
			c.known++
		case strings.HasPrefix(key.Label, tag):
			c.strays = append(c.strays, finding{subAccount: subAccount, key: key})
		default:
			c.foreign = append(c.foreign, finding{subAccount: subAccount, key: key})
		}
	}
	for _, entry := range entries {
		if entry.State == ledger.Live && !seen[entry.ExchangeKeyID] && !seen[entry.Label] && !anyone {
			c.missing = append(c.missing, finding{subAccount: subAccount, id: entry.ID, key: exchanges.KeyInfo{ID: entry.ExchangeKeyID, Label: entry.Label, CreatedAt: entry.Created}})
		}
	}
}

// reconcile compares every sub-account in which the connection may mint, or
// holds keys, with the ledger.
func (e *engine) reconcile(ctx context.Context, s logical.Storage, l *link) (*comparison, error) {
	if l.variant.Unlisted != "" {
		return nil, refuse("%s lists no keys, so that there is nothing to compare the ledger with", l.about.DisplayName)
	}
	accounts, err := l.account.SubAccounts(ctx)
	if err != nil {
		return nil, l.failed(err)
	}
	var c comparison
	for _, account := range accounts {
		holds := inSubAccount(l.name, account.Name)
		held, err := e.ledger.Count(ctx, s, holds)
		if err != nil {
			return nil, err
		}
		if !l.allowsSubAccount(account.Name) && held == 0 {
			continue
		}
		listed, err := l.account.ListKeys(ctx, account.Name)
		if err != nil {
			return nil, l.failed(err)
		}
		// Read after the list, so that a key minted meanwhile is known: its
		// entry is older than the key.
		entries, err := e.ledger.Entries(ctx, s, holds)
		if err != nil {
			return nil, err
		}
		c.compare(account.Name, listed, entries, e.tag)
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

package backend

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// Gaps between the questions whether an exchange accepts a new key by now, which
// double from the first to the last, and the bound on each question.
const (
	firstGap     = time.Second
	lastGap      = 8 * time.Second
	probeTimeout = 5 * time.Second
)

// becomeReady learns whether the exchange accepts the new key, and waits for that,
// at the longest until the given time. A key that is not accepted yet, or of which
// that cannot be learnt, is as good as any other once its time has come: it is
// leased and will be deleted. It is recorded before the wait, so that it is known
// meanwhile; if that fails, it is discarded.
func (e *engine) becomeReady(ctx context.Context, s logical.Storage, l *link, m *minted, until time.Time) error {
	if m.ready = e.keyWorks(ctx, l, m.entry, m.key); m.ready {
		return nil
	}
	if err := e.ledger.put(ctx, s, m.entry); err != nil {
		e.discard(ctx, s, l, m.entry)
		return err
	}
	m.ready = e.awaitReady(ctx, l, m.entry, m.key, until)
	return nil
}

// awaitReady asks again and again, and reports whether the exchange accepts the
// key at last.
func (e *engine) awaitReady(ctx context.Context, l *link, entry keyEntry, key exchanges.Key, until time.Time) bool {
	for gap := firstGap; ; gap = min(2*gap, lastGap) {
		left := until.Sub(e.now())
		if left <= 0 || e.sleep(ctx, min(gap, left)) != nil {
			return false
		}
		if e.keyWorks(ctx, l, entry, key) {
			return true
		}
	}
}

// keyWorks asks once whether the exchange accepts the new key.
func (e *engine) keyWorks(ctx context.Context, l *link, entry keyEntry, key exchanges.Key) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	works, err := l.account.KeyWorks(ctx, key)
	if err != nil {
		e.Logger().Debug("the exchange could not be asked whether it accepts a new key by now", "key_id", entry.ID, "connection", entry.Connection, "error", err)
	}
	return works && err == nil
}

// notReady is the warning that goes with a key that is not accepted yet.
func notReady(l *link) string {
	return fmt.Sprintf("%s had not accepted the key when it was handed out, which may take up to %s. Until then the exchange refuses it; its lease runs meanwhile.",
		l.about.DisplayName, exchanges.Period(l.variant.ActivationDelay))
}

// sleep waits, unless the context ends first.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

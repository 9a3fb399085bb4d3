package backend

import (
	"context"
	"fmt"
	"time"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// Gaps between the questions about a new key, which double from the first to the
// last.
const (
	firstGap = time.Second
	lastGap  = 8 * time.Second
)

// probeTimeout bounds one question whether the exchange accepts the key by now.
const probeTimeout = 5 * time.Second

// becomeReady reports whether the exchange accepts the new key, and waits for that
// until the given time at the longest. A key that is not accepted yet, or of which
// nothing can be learnt, is as good as any other once its time has come: it is
// leased and will be deleted. It is recorded before the wait, so that a crash
// meanwhile leaves its id.
func (e *engine) becomeReady(ctx context.Context, claim *ledger.Claim, l *link, key exchanges.Key, until time.Time) (bool, error) {
	if e.keyWorks(ctx, l, claim.Entry().ID, key) {
		return true, nil
	}
	if err := claim.Made(ctx, exchanges.KeyRef{ID: key.ID, Token: key.Token}); err != nil {
		return false, err
	}
	return e.again(ctx, until, func() bool { return e.keyWorks(ctx, l, claim.Entry().ID, key) }), nil
}

// again asks a question, which was asked once, again and again until the answer is
// yes, and reports whether it was before the given time.
func (e *engine) again(ctx context.Context, until time.Time, ask func() bool) bool {
	for n := 1; ; n++ {
		left := until.Sub(e.now())
		if left <= 0 || e.sleep(ctx, min(exchanges.Doubling(firstGap, lastGap, n), left)) != nil {
			return false
		}
		if ask() {
			return true
		}
	}
}

// keyWorks asks once whether the exchange accepts the new key.
func (e *engine) keyWorks(ctx context.Context, l *link, id string, key exchanges.Key) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	works, err := l.account.KeyWorks(ctx, key)
	if err != nil {
		e.Logger().Debug("the exchange could not be asked whether it accepts a new key by now", "key_id", id, "connection", l.name, "error", err)
	}
	return works && err == nil
}

// openKey opens an account with a key that was made at the connection, as its user
// would.
func (e *engine) openKey(l *link, key exchanges.Credential) (exchanges.Account, error) {
	exchange, err := e.connections.exchange(l.Exchange)
	if err != nil {
		return nil, err
	}
	options := l.options()
	options.BaseURL, options.Account, options.Pacers = l.keyBaseURL(), "", e.connections.pacers
	return exchange.Open(key, options)
}

// notReady is the warning that goes with a key that is not accepted yet.
func notReady(l *link) string {
	return fmt.Sprintf("%s had not accepted the key when it was handed out. That may take up to %s; until then the exchange refuses it. Its lease is already running.",
		l.about.DisplayName, exchanges.Period(l.variant.ActivationDelay))
}

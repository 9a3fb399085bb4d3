package backend

import (
	"fmt"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/backend/ledger"
)

// slots is how many keys a role may add where.
type slots struct {
	// roleName is empty for a key that no role is asked for.
	roleName    string
	connection  string
	candidates  []string
	perAccount  int // 0 for no cap
	maxLiveKeys int // 0 for no cap
}

// choose picks the sub-account with the most free slots, that is the fewest
// keys of ours, since all have the same cap. It is a pure function of the
// tally.
func (s slots) choose(t ledger.Tally) (string, error) {
	if held := t.OfRole(s.connection, s.roleName); s.maxLiveKeys > 0 && held >= s.maxLiveKeys {
		return "", fullError("role %q holds %s, its max_live_keys", s.roleName, keyCount(held), t.NextEnd(s.connection))
	}
	best, fewest := "", 0
	for _, candidate := range s.candidates {
		held := t.InSubAccount(s.connection, candidate)
		if s.perAccount > 0 && held >= s.perAccount {
			continue
		}
		if best == "" || held < fewest {
			best, fewest = candidate, held
		}
	}
	if best == "" {
		if s.roleName == "" {
			return "", fullError("sub-account %q holds %s, the most that is allowed", strings.Join(s.candidates, ", "), keyCount(s.perAccount), t.NextEnd(s.connection))
		}
		return "", fullError("every sub-account of role %q holds %s, the most that is allowed", s.roleName, keyCount(s.perAccount), t.NextEnd(s.connection))
	}
	return best, nil
}

func fullError(format, of, keys string, next time.Time) error {
	message := fmt.Sprintf(format, of, keys)
	if !next.IsZero() {
		message += "; the next lease ends at " + timestamp(next)
	}
	return &capacityError{message + "; revoke leases that are no longer used, or try again later"}
}

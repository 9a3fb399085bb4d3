package backend

import (
	"fmt"
	"time"
)

// slots is how many keys a role may add where.
type slots struct {
	roleName    string
	connection  string
	candidates  []string
	perAccount  int // 0 for no cap
	maxLiveKeys int // 0 for no cap
}

// choose picks the sub-account with the most free slots, that is the fewest
// keys of ours, since all have the same cap. It is a pure function of the keys
// there are.
func (s slots) choose(keys map[string]*indexed) (string, error) {
	ofRole := 0
	held := map[string]int{}
	var next time.Time
	for _, key := range keys {
		if key.connection != s.connection {
			continue
		}
		held[key.subAccount]++
		if key.role == s.roleName {
			ofRole++
		}
		if key.state == stateLive && (next.IsZero() || key.expires.Before(next)) {
			next = key.expires
		}
	}
	if s.maxLiveKeys > 0 && ofRole >= s.maxLiveKeys {
		return "", full("role %q holds %s, its max_live_keys", s.roleName, plural(ofRole, "key"), next)
	}
	best := ""
	for _, candidate := range s.candidates {
		if s.perAccount > 0 && held[candidate] >= s.perAccount {
			continue
		}
		if best == "" || held[candidate] < held[best] {
			best = candidate
		}
	}
	if best == "" {
		return "", full("every sub-account of role %q holds %s, the most that is allowed", s.roleName, plural(s.perAccount, "key"), next)
	}
	return best, nil
}

func full(format, role, keys string, next time.Time) error {
	message := fmt.Sprintf(format, role, keys)
	if !next.IsZero() {
		message += "; the next lease ends at " + timestamp(next)
	}
	return &capacityError{message + "; revoke leases that are no longer used, or try again later"}
}

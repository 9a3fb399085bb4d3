package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// leftoverRoot is a root key that is not in use and must be deleted: one that was
// replaced, or one that was to be made. It is what a ledger entry is to a minted key:
// it is stored before the exchange is asked, and removed once the key is surely gone.
type leftoverRoot struct {
	// APIKey names one that was replaced.
	APIKey string `json:"api_key,omitempty"`
	// Label is that of one that was to be made, and may never have been.
	Label string `json:"label,omitempty"`
	// Account in which the key is; empty if that is not known. In the list of another
	// account its absence would prove nothing.
	Account string `json:"account,omitempty"`
	// Fingerprint is that of the credential which was replaced; whoever else holds it
	// gets its successor.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Since is when it was stored.
	Since time.Time `json:"since,omitzero"`
}

// String names the key as people know it.
func (r leftoverRoot) String() string {
	if r.APIKey != "" {
		return r.APIKey
	}
	return "label " + r.Label
}

// leftoverRoots are those of a connection.
type leftoverRoots []leftoverRoot

// UnmarshalJSON also reads what was stored when there was at most one, which had been
// replaced: its API key alone.
func (r *leftoverRoots) UnmarshalJSON(stored []byte) error {
	var one string
	if json.Unmarshal(stored, &one) != nil {
		return json.Unmarshal(stored, (*[]leftoverRoot)(r))
	}
	*r = nil
	if one != "" {
		*r = leftoverRoots{{APIKey: one}}
	}
	return nil
}

// names lists them for people.
func (r leftoverRoots) names() []string {
	names := make([]string, len(r))
	for i, root := range r {
		names[i] = root.String()
	}
	return names
}

// String names them all.
func (r leftoverRoots) String() string { return strings.Join(r.names(), ", ") }

// with returns them and one more. It shares nothing with the receiver.
func (r leftoverRoots) with(one leftoverRoot) leftoverRoots { return append(slices.Clone(r), one) }

// without returns them but for one.
func (r leftoverRoots) without(one leftoverRoot) leftoverRoots {
	return slices.DeleteFunc(slices.Clone(r), func(root leftoverRoot) bool {
		return root.APIKey == one.APIKey && root.Label == one.Label
	})
}

// of reports whether one of them is the root key of that name.
func (r leftoverRoots) of(apiKey string) bool {
	return slices.ContainsFunc(r, func(root leftoverRoot) bool { return root.APIKey != "" && root.APIKey == apiKey })
}

// stranded are those that a credential surely cannot delete: it reaches another place,
// or is of another account.
func (r leftoverRoots) stranded(samePlace bool, account string) leftoverRoots {
	return slices.DeleteFunc(slices.Clone(r), func(root leftoverRoot) bool {
		return samePlace && (root.Account == "" || account == "" || root.Account == account)
	})
}

// inherit takes over the leftover root keys of the connection as it was before a
// write. A root key that the engine made is one of them once another is written, since
// nobody else has it. Those that the new credential cannot delete are given up, which
// needs force, and are returned.
func (c *connection) inherit(before connection, force bool, at time.Time) (givenUp leftoverRoots, err error) {
	c.Leftovers = before.Leftovers
	if c.Credential.APIKey != before.Credential.APIKey {
		if before.Leftovers.of(c.Credential.APIKey) {
			return nil, invalid("api_key", "root key %s was replaced, and the engine is deleting it; write another one", c.Credential.APIKey)
		}
		if before.Made {
			c.Leftovers = c.Leftovers.with(before.replaced(at))
		}
		c.Made = false
	}
	samePlace := before.samePlace(*c)
	known := before.Leftovers.stranded(samePlace, c.Account)
	switch {
	case len(known) == 0, force:
	case before.sameAccess(*c):
		return nil, nil // They wait for a credential of their account.
	default:
		return nil, refuse("root keys are still to be deleted at the current account (%s), which the new credential cannot do. The engine tries every minute; wait for that, or delete them on the exchange's website and write with force=true", known)
	}
	givenUp = c.Leftovers.stranded(samePlace, c.Account)
	for _, root := range givenUp {
		c.Leftovers = c.Leftovers.without(root)
	}
	return givenUp, nil
}

// leftoverWarnings say what becomes of the connection's leftover root keys, and what a person
// must do.
func (e *engine) leftoverWarnings(ctx context.Context, s logical.Storage, l *link) ([]string, error) {
	if len(l.Leftovers) == 0 {
		return nil, nil
	}
	p, err := e.peersOf(ctx, s, l.name)
	if err != nil {
		return nil, err
	}
	var warnings []string
	for _, root := range l.Leftovers {
		using := p.using(l.Exchange, root.APIKey)
		switch {
		case len(using) > 0:
			warnings = append(warnings, fmt.Sprintf("root key %s was replaced; %s", root, stillUsed(using)))
		case !l.canDelete(root):
			warnings = append(warnings, fmt.Sprintf("root key %s of account %s is still to be deleted, but the current credential is not known to belong to that account: "+
				"write verify=true if it is; else delete the key on the exchange's website, and write verify=true force=true", root, root.Account))
		case root.APIKey == "":
			warnings = append(warnings, fmt.Sprintf("a root key with %s may have been made at %s, though no answer came; it is looked for and deleted every minute. "+
				"If this warning stays, delete such a key on the exchange's website", root, timestamp(root.Since)))
		default:
			warnings = append(warnings, fmt.Sprintf("root key %s was replaced and is still to be deleted, which is tried every minute. "+
				"If this warning stays, delete it on the exchange's website", root))
		}
	}
	return warnings, nil
}

// canDelete reports whether the present credential is of the account in which a
// leftover root key is.
func (l *link) canDelete(root leftoverRoot) bool {
	return l.account.canRotateRoot() && (root.Account == "" || root.Account == l.Account)
}

// leftoverGrace is how long the call may still be under way that makes a root key: a
// server that has lost its place may go on for as long as a rotation takes.
const leftoverGrace = rotateTimeout + time.Minute

// errMayCome says that a root key is not there, but may still come.
var errMayCome = errors.New("the root key is not there yet; the call that makes it may still be under way")

// clearLeftovers deletes the leftover root keys of a connection, as far as that can be
// done now.
func (e *engine) clearLeftovers(ctx context.Context, s logical.Storage, name string) error {
	l, err := e.connections.existing(ctx, s, name)
	if err != nil || len(l.Leftovers) == 0 {
		return err
	}
	if err := e.mayDelete(ctx, s, l); err != nil {
		return err
	}
	var failures []error
	for _, root := range l.Leftovers {
		if !l.canDelete(root) {
			continue
		}
		err := e.handOver(ctx, s, l, root)
		if err == nil {
			err = e.deleteRoot(ctx, s, l, root)
		}
		if err == nil {
			err = e.forgetLeftover(ctx, s, name, root)
		}
		if err != nil && !errors.Is(err, errMayCome) {
			failures = append(failures, fmt.Errorf("%s: %w", root, err))
		}
	}
	return errors.Join(failures...)
}

// deleteRoot deletes a leftover root key. It returns nil only if the key is gone, or
// surely was never made.
func (e *engine) deleteRoot(ctx context.Context, s logical.Storage, l *link, root leftoverRoot) error {
	if root.APIKey != "" {
		return e.deleteUnused(ctx, s, l, root.APIKey)
	}
	found, err := l.account.FindRoots(ctx, root.Label)
	if err != nil {
		return l.failed(err)
	}
	for _, apiKey := range found {
		if err := e.deleteUnused(ctx, s, l, apiKey); err != nil {
			return err
		}
	}
	if len(found) == 0 && e.now().Before(root.Since.Add(leftoverGrace)) {
		return errMayCome
	}
	return nil
}

// forgetLeftover removes a root key that is gone.
func (e *engine) forgetLeftover(ctx context.Context, s logical.Storage, name string, root leftoverRoot) error {
	return e.connections.table.Update(ctx, s, name, func(now *connection) (*connection, error) {
		if now == nil {
			return nil, nil
		}
		left := now.Leftovers.without(root)
		if len(left) == len(now.Leftovers) {
			return nil, nil
		}
		now.Leftovers = left
		return now, nil
	})
}

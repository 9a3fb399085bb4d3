package backend

import (
	"errors"
	"fmt"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// inspection holds what an exchange shows of a new key against what was asked for. It
// asks nobody: its verdict follows from what it is shown.
type inspection struct {
	order *order
	// added is what the exchange added to the key unasked, as far as it shows that.
	added exchanges.Addition
	// surplus is why the key must go whatever else is shown of it: it may do more
	// than was asked for.
	surplus                error
	permissions, addresses property
	// listed says that the exchange's list had the key.
	listed bool
}

// property is what a key was asked to have, and what the exchange's create answer and
// its list show of that: nil if they leave it out.
type property struct {
	name                    string
	asked, answered, listed []string
	// right says that it was shown as it was asked for.
	right bool
}

// inspect begins an inspection.
func inspect(o *order, addresses []string) *inspection {
	return &inspection{
		order:       o,
		permissions: property{name: "permissions", asked: o.grant.Permissions},
		addresses:   property{name: "addresses", asked: addresses},
	}
}

// unlisted reports whether there is no list that could show the key.
func (i *inspection) unlisted() bool { return i.order.link.variant.Unlisted != "" }

// answer takes in what the create answer shows.
func (i *inspection) answer(key exchanges.Key) {
	i.permissions.answered, i.addresses.answered = key.Permissions, key.Addresses
	i.judge(key.Permissions, key.Addresses)
}

// list takes in what the list shows, which replaces what it showed before. What was
// right once stays right, since a list may lag behind; a surplus never goes away.
func (i *inspection) list(key exchanges.KeyInfo) {
	i.listed = true
	i.permissions.listed, i.addresses.listed = key.Permissions, key.Addresses
	i.judge(key.Permissions, key.Addresses)
}

func (i *inspection) judge(permissions, addresses []string) {
	addition, err := i.order.judge(permissions)
	var differs *exchanges.GrantError
	switch {
	case err == nil:
		i.permissions.right = true
		if len(addition.Permissions) > 0 {
			i.added = addition
		}
	case !errors.As(err, &differs) || len(differs.Surplus) > 0:
		i.surplus = err
	}
	if exchanges.SameAddresses(addresses, i.addresses.asked) {
		i.addresses.right = true
	}
}

// decided reports whether another look at the list would change nothing.
func (i *inspection) decided() bool {
	return i.surplus != nil || i.permissions.right && i.addresses.right || i.unlisted()
}

// contradicted reports whether the list shows the key otherwise than it was asked for.
func (i *inspection) contradicted() bool {
	return i.permissions.contradicted() || i.addresses.contradicted()
}

func (p property) contradicted() bool { return !p.right && p.listed != nil }

// refusal says how the key is not what was asked for: the exchange gave something
// else, or does not show what it gave. It is nil if the key is as asked for.
func (i *inspection) refusal() error {
	if i.surplus != nil {
		return refuse("%s", i.surplus)
	}
	for _, p := range []property{i.permissions, i.addresses} {
		shown := p.listed
		if i.unlisted() {
			shown = p.answered
		}
		switch {
		case p.right:
		case shown != nil:
			return refuse("the exchange gave the key the %s [%s] instead of [%s]", p.name, strings.Join(shown, ", "), strings.Join(p.asked, ", "))
		default:
			return refuse("the exchange does not show that the key has the %s [%s]: its answer %s, and %s",
				p.name, strings.Join(p.asked, ", "), tells(p.answered), i.listTells())
		}
	}
	return nil
}

// tells says what was shown of a property.
func tells(shown []string) string {
	if shown == nil {
		return "leaves them out"
	}
	return fmt.Sprintf("shows [%s]", strings.Join(shown, ", "))
}

// listTells says why the list shows nothing of a property.
func (i *inspection) listTells() string {
	switch {
	case i.unlisted():
		return "it lists no keys"
	case !i.listed:
		return "its list does not have the key"
	}
	return "its list leaves them out"
}

package backend

import (
	"fmt"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// judge compares what the exchange granted with what was asked for, and returns what
// it added unasked. Some exchanges add permissions by the kind of account, so that no
// key can be made there without them: they are accepted where the connection allows
// what they carry. It is a pure function.
func (o *order) judge(given []string) (exchanges.Addition, error) {
	addition := o.link.variant.Addition(o.grant, given)
	if err := o.link.variant.CheckGrant(o.grant, without(given, addition.Permissions...)); err != nil {
		return exchanges.Addition{}, err
	}
	if missing := o.link.notAllowed(addition); len(missing) > 0 {
		return exchanges.Addition{}, fmt.Errorf("%s added %s to the key unasked, as it may to every key of such an account; to accept that, add %s to allowed_scopes of connection %q",
			o.link.about.DisplayName, strings.Join(addition.Permissions, ", "), strings.Join(missing, ","), o.link.name)
	}
	if len(addition.Permissions) > 0 && len(o.addresses) == 0 && o.link.needsAddresses(addition.Risk) {
		return exchanges.Addition{}, fmt.Errorf("%s added %s to the key unasked, so that it can do more than read: %w",
			o.link.about.DisplayName, strings.Join(addition.Permissions, ", "), o.link.addressesMissing())
	}
	return addition, nil
}

// notAllowed lists what the connection's allowed_scopes lack for what an exchange
// added to a key.
func (l *link) notAllowed(addition exchanges.Addition) []string {
	var missing []string
	for _, scope := range addition.Scopes {
		if !scope.NamedBy(l.AllowedScopes) {
			missing = append(missing, string(scope))
		}
	}
	for _, p := range l.variant.Permissions {
		if p.Beyond && slices.Contains(addition.Permissions, p.Name) && !slices.Contains(l.AllowedScopes, p.Name) {
			missing = append(missing, p.Name)
		}
	}
	return missing
}

// added is what the exchange added to a key of the ledger.
func (l *link) added(entry ledger.Entry) exchanges.Addition {
	return l.variant.Addition(exchanges.Grant{Scopes: entry.Scopes, Permissions: entry.Permissions, Risk: entry.Risk}, entry.Added)
}

// addedWarning is the warning that goes with a key to which the exchange added
// permissions; empty for any other.
func addedWarning(l *link, entry ledger.Entry) string {
	addition := l.added(entry)
	if len(addition.Permissions) == 0 {
		return ""
	}
	return fmt.Sprintf("%s added %s to the key unasked. It may let the key do more than its scopes say: %s. Connection %q allows that.",
		l.about.DisplayName, strings.Join(addition.Permissions, ", "), addition.Scopes, l.name)
}

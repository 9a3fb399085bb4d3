package backend

import (
	"context"
	"fmt"
	"slices"

	"vault-plugin-secrets-exchange/exchanges"
)

// added are the role's sub-accounts that the role before, nil for none, does not have.
func (r role) added(before *role, variant exchanges.Variant) []string {
	had := map[string]bool{}
	if before != nil && before.Connection == r.Connection {
		for _, name := range before.SubAccounts {
			had[variant.SubAccountName(name)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(r.SubAccounts), func(name string) bool { return had[variant.SubAccountName(name)] })
}

// compareSubAccounts refuses sub-accounts of a role that the exchange does not have,
// and warns of those in which it gives no keys. Where it cannot be asked, or has none
// to compare them with, that is a warning.
func (l *link) compareSubAccounts(ctx context.Context, roleName string, names []string) (warnings []string, err error) {
	known, err := l.rosterSoon(ctx, roleName)
	switch {
	case err != nil:
		return []string{fmt.Sprintf("could not ask whether sub-account %s exists on connection %q: %s. roles/%s/check shows it later", someOf(names, quote), l.name, err, roleName)}, nil
	case len(known) == 0:
		return []string{fmt.Sprintf("connection %q has no sub-accounts yet, so %s could not be checked", l.name, someOf(names, quote))}, nil
	}
	var unknown []string
	for _, name := range names {
		switch problem := known.problem(l.variant.SubAccountName(name)); problem {
		case "":
		case noSubAccount:
			unknown = append(unknown, name)
		default:
			warnings = append(warnings, fmt.Sprintf("no key can be made in sub-account %s for now: %s", quote(name), problem))
		}
	}
	if len(unknown) > 0 {
		return nil, l.unknownSubAccounts(known, unknown)
	}
	return warnings, nil
}

// subAccountProblems asks the exchange what is wrong with the order's sub-accounts; an
// exchange that has none says nothing of them.
func (o *order) subAccountProblems(ctx context.Context) (map[string]string, error) {
	problems := map[string]string{}
	known, err := o.link.rosterSoon(ctx, o.roleName)
	if err != nil || len(known) == 0 {
		return problems, err
	}
	for _, name := range o.subAccounts {
		if problem := known.problem(name); problem != "" {
			problems[name] = problem
		}
	}
	return problems, nil
}

// changedRole refuses to go by what a role was.
func changedRole(name string) error {
	return refuse("role %q was changed by another request meanwhile; nothing was written, so read it and try again", name)
}

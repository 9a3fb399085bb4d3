package backend

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/custody"
	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// importFields are the fields by which a new static role imports a key that exists.
func importFields() []string { return []string{"api_key", "api_secret", "passphrase", privateKeyField} }

// refuseImport refuses the fields of an import where there is a role already.
func refuseImport(d *framework.FieldData, name string) error {
	for _, field := range importFields() {
		if isGiven(d, field) {
			return invalid(field, "a key can be imported only when the role is created, and static role %q has one; write a new static role", name)
		}
	}
	return nil
}

// importOf is the key that a new static role is to import; nil if none was given.
func importOf(d *framework.FieldData) (*exchanges.Credential, error) {
	given := map[string]string{}
	for _, field := range importFields() {
		if isGiven(d, field) {
			given[field] = strings.TrimSpace(d.Get(field).(string))
		}
	}
	if len(given) == 0 {
		return nil, nil
	}
	switch {
	case given["api_key"] == "":
		return nil, invalid("api_key", "missing; to import a key, give it with its secret parts")
	case given["api_secret"] == "" && given[privateKeyField] == "":
		return nil, invalid("api_secret", "missing; to import a key, give its api_secret, or its private_key if it is a key pair")
	case given["api_secret"] != "" && given[privateKeyField] != "":
		return nil, invalid(privateKeyField, "cannot be combined with api_secret; give what the key signs with")
	}
	return &exchanges.Credential{
		APIKey: given["api_key"], APISecret: exchanges.Secret(given["api_secret"]), Passphrase: exchanges.Secret(given["passphrase"]),
		// As in a connection: line breaks that a shell or a JSON file kept as text.
		PrivateKey: exchanges.Secret(strings.ReplaceAll(given[privateKeyField], `\n`, "\n")),
	}, nil
}

// importStatic writes a new static role whose first key is one that a person made. The
// exchange must list the key in the sub-account and accept it. What the key may do
// beyond the role is a warning, since it goes with the first rotation.
//
// The role comes first, then the secret, then the ledger's entry: whoever finds an entry
// whose owner does not name the key deletes the key, which must not come to one that is
// in use somewhere.
func (e *engine) importStatic(ctx context.Context, req *logical.Request, name string, r staticRole, l *link, key exchanges.Credential) (warnings []string, err error) {
	key.SubAccount = l.variant.SubAccountName(r.subAccount())
	if err := e.notKnownYet(ctx, req.Storage, key.APIKey); err != nil {
		return nil, err
	}
	listed, warnings, err := findImported(ctx, l, key)
	if err != nil {
		return nil, err
	}
	rights, err := e.tryImported(ctx, l, key)
	if err != nil {
		return nil, err
	}
	if listed.Permissions != nil {
		rights = listed.Permissions
	}
	grant, err := r.check(name, l)
	if err != nil {
		return nil, err
	}
	now := e.now()
	entry := ledger.Entry{
		Connection: l.name, Exchange: l.Exchange, Lineage: l.lineage(), Owner: ownerOf(name), Kept: true,
		SubAccount: key.SubAccount, ExchangeKeyID: listed.ID, APIKey: key.APIKey, Label: listed.Label,
		Scopes: grant.Scopes, Permissions: grant.Permissions, Risk: grant.Risk, Addresses: listed.Addresses,
		KeyType: typeOf(key, r.Keys.keyType(l.variant)), Requester: requesterOf(req, "import"),
		Created: orNow(listed.CreatedAt, now), HardLimit: listed.ExpiresAt,
	}
	if rule := l.variant.Passphrase; rule != nil && rule.NeededToDelete {
		entry.Passphrase = key.Passphrase.Reveal()
	}
	warnings = append(warnings, compareImported(&entry, l, grant, rights, r)...)
	claim, err := e.ledger.Claim(ctx, req.Storage, keyStem(e.mountUUID, req.ID, 0))
	if err != nil {
		return nil, err
	}
	defer claim.Release()
	r.Version, r.Current, r.Ready = 1, claim.ID(), true
	r.Schedule.LastVaultRotation, r.Schedule.NextVaultRotation = now, r.next(now, entry.HardLimit)
	return warnings, e.takeOver(ctx, req.Storage, name, r, claim, entry, key)
}

// takeOver stores an imported key with its role, or leaves nothing of either.
func (e *engine) takeOver(ctx context.Context, s logical.Storage, name string, r staticRole, claim *ledger.Claim, entry ledger.Entry, key exchanges.Credential) error {
	err := e.staticRoles.Update(ctx, s, name, func(now *staticRole) (*staticRole, error) {
		if now != nil {
			return nil, changedRole(name)
		}
		return &r, nil
	})
	if err != nil {
		return err
	}
	err = e.custody.Put(ctx, s, claim.ID(), custody.Secret{
		APIKey: key.APIKey, APISecret: key.APISecret.Reveal(), Passphrase: key.Passphrase.Reveal(),
		PrivateKey: key.PrivateKey.Reveal(), SubAccount: key.SubAccount,
	})
	if err == nil {
		err = claim.Import(ctx, entry)
	}
	if err == nil {
		e.logKey("a key was imported", claim.Entry(), "static_role", name)
		return nil
	}
	undoing, cancel := afterwards(ctx)
	defer cancel()
	// If the ledger has the key all the same, the role must go on naming it.
	if stored, read := e.ledger.Find(undoing, s, claim.ID()); read != nil || stored != nil {
		return fmt.Errorf("%w; static-roles/%s may have taken over the key all the same: read it", err, name)
	}
	return errors.Join(err, e.custody.Delete(undoing, s, claim.ID()), e.staticRoles.Delete(undoing, s, name))
}

// notKnownYet refuses a key that the ledger has already.
func (e *engine) notKnownYet(ctx context.Context, s logical.Storage, apiKey string) error {
	keys, err := e.ledger.Keys(ctx, s, func(key ledger.Key) bool {
		// Connections can share a parent account, and no two exchanges make the same key.
		return key.APIKey == apiKey || key.ExchangeKeyID == apiKey
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	return invalid("api_key", "%s is a key of this engine already, see keys/%s; import keys that were made by hand", apiKey, keys[0].ID)
}

// findImported looks for a key to import in the list of its sub-account.
func findImported(ctx context.Context, l *link, key exchanges.Credential) (found exchanges.KeyInfo, warnings []string, err error) {
	listed, err := l.account.ListKeys(ctx, key.SubAccount)
	if err != nil {
		return found, nil, l.failed(fmt.Errorf("the key to import could not be looked up: %w", err))
	}
	exact := func(k exchanges.KeyInfo) bool { return k.ID == key.APIKey || k.APIKey == key.APIKey }
	if i := slices.IndexFunc(listed, exact); i >= 0 {
		found = listed[i]
	} else {
		// Some exchanges show no more than a part of what names a key.
		similar := slices.DeleteFunc(slices.Clone(listed), func(k exchanges.KeyInfo) bool {
			name := k
			if k.APIKey != "" {
				name.ID = k.APIKey
			}
			return !exchanges.IsMasked(name.ID) || !name.MayBe(key.APIKey)
		})
		switch {
		case len(similar) == 0:
			return found, nil, invalid("api_key", "%s lists no key %s in sub-account %q; see whether the key belongs to another sub-account, or was deleted", l.about.DisplayName, key.APIKey, key.SubAccount)
		case len(similar) > 1:
			return found, nil, invalid("api_key", "%s shows keys only in part, and %d keys of sub-account %q may be this one, so it could not be deleted later; make another key, or delete those that are not used", l.about.DisplayName, len(similar), key.SubAccount)
		}
		found = similar[0]
		if found.Masked {
			warnings = append(warnings, fmt.Sprintf("%s shows the key only as %s, labelled %q: the engine deletes it by the key that was given, and can prove that only by the label",
				l.about.DisplayName, found.ID, found.Label))
			found.ID = key.APIKey
		}
	}
	if limit := l.keyCap(l.variant); limit > 0 && len(listed) >= limit {
		warnings = append(warnings, fmt.Sprintf("sub-account %q has %s of at most %d, and a rotation needs a free slot: delete one before the first rotation", key.SubAccount, keyCount(len(listed)), limit))
	}
	return found, warnings, nil
}

// tryImported has a key to import used once, and returns what the exchange says that it
// may do; nil if it does not say.
func (e *engine) tryImported(ctx context.Context, l *link, key exchanges.Credential) (rights []string, err error) {
	user, err := e.openKey(l, key)
	if err != nil {
		return nil, refuse("the key to import cannot be used: %s", err)
	}
	defer user.Close()
	ctx, cancel := context.WithTimeout(ctx, useTimeout)
	defer cancel()
	identity, err := user.Inspect(ctx)
	switch {
	case err == nil:
		return identity.Permissions, nil
	case errors.Is(err, exchanges.ErrAuth):
		return nil, invalid("api_key", "%s does not accept the key with these secret parts: %s", l.about.DisplayName, err)
	case isRefusal(err):
		return nil, nil // Such as for Vault's own address: the key is known.
	}
	return nil, l.failed(fmt.Errorf("the key to import could not be tried: %w", err))
}

// compareImported takes down in the entry what an imported key holds otherwise than its
// role asks for, and warns of it.
func compareImported(entry *ledger.Entry, l *link, grant exchanges.Grant, rights []string, r staticRole) (warnings []string) {
	const until = "; the first rotation replaces it with a key that holds what the role says"
	var differs *exchanges.GrantError
	if rights == nil {
		warnings = append(warnings, fmt.Sprintf("%s does not show what the imported key may do", l.about.DisplayName)+until)
		entry.Risk = exchanges.RiskCritical
	} else if err := l.variant.CheckGrant(grant, rights); errors.As(err, &differs) {
		warnings = append(warnings, fmt.Sprintf("the imported key holds [%s], and the role asks for [%s]", strings.Join(rights, ", "), strings.Join(grant.Permissions, ", "))+until)
		addition := l.variant.Addition(grant, rights)
		entry.Permissions, entry.Added, entry.Risk = without(rights, differs.Surplus...), differs.Surplus, addition.Risk
		if len(differs.Surplus) > len(addition.Permissions) {
			entry.Risk = exchanges.RiskCritical // What else it may do nobody has looked up.
		}
	}
	if asked, err := parseAddresses("ip_allowlist", r.Keys.IPAllowlist); err == nil && !exchanges.SameAddresses(entry.Addresses, asked) && !l.variant.Addresses.None {
		warnings = append(warnings, fmt.Sprintf("the imported key works from [%s], and the role says [%s]", strings.Join(entry.Addresses, ", "), strings.Join(asked, ", "))+until)
	}
	return warnings
}

// typeOf is how an imported key signs; usual is the type of a pair that tells nothing
// itself.
func typeOf(key exchanges.Credential, usual exchanges.KeyType) exchanges.KeyType {
	if key.APISecret != "" {
		return exchanges.KeyHMAC
	}
	signer, err := exchanges.ParsePrivateKey(key.PrivateKey)
	if err != nil {
		return usual
	}
	switch signer.(type) {
	case ed25519.PrivateKey:
		return exchanges.KeyEd25519
	case *rsa.PrivateKey:
		return exchanges.KeyRSA
	}
	return usual
}

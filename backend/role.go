package backend

import (
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// rolePrefix is where roles lie in storage.
const rolePrefix = "role/"

// keptRoles is how many roles, and as many static roles, are kept in memory.
const keptRoles = 10_000

// role says what may be minted.
type role struct {
	Connection        string        `json:"connection"`
	SubAccounts       []string      `json:"sub_accounts"`
	Scopes            []string      `json:"scopes"`
	NativePermissions []string      `json:"native_permissions"`
	IPAllowlist       []string      `json:"ip_allowlist"`
	AllowedIPRanges   []string      `json:"allowed_ip_ranges"`
	BindClientIP      bool          `json:"bind_client_ip"`
	KeyType           string        `json:"key_type"`
	TTL               time.Duration `json:"ttl"`
	MaxTTL            time.Duration `json:"max_ttl"`
	MaxLiveKeys       int           `json:"max_live_keys"`
	MaxWait           time.Duration `json:"max_wait"`
	RequireReason     bool          `json:"require_reason"`
	RequireWrapping   bool          `json:"require_wrapping"`
	LabelTemplate     string        `json:"label_template"`
	ClientFormat      string        `json:"client_format"`
	Disabled          bool          `json:"disabled"`
	// Signing says where the secrets of keys stay, and what may be signed with them.
	Signing signingRules `json:"signing,omitzero"`
}

// defaultMaxWait is how long a mint waits for its turn at the exchange's rate
// limit where the role does not say.
const defaultMaxWait = 20 * time.Second

// maxWait is how long a mint of this role waits for the rate limit, and for the
// exchange to show the key and to accept it.
func (r role) maxWait() time.Duration {
	if r.MaxWait == 0 {
		return defaultMaxWait
	}
	return r.MaxWait
}

// makingTime is how long a mint of this role takes at the longest.
func (r role) makingTime() time.Duration { return r.maxWait() + createTimeout }

// scopes reads the role's scopes for an exchange's variant.
func (r role) scopes(variant exchanges.Variant) (exchanges.Scopes, error) {
	scopes, err := exchanges.ParseScopes(r.Scopes, variant.Offered())
	if err != nil {
		return nil, invalid("scopes", "%s", err)
	}
	return scopes, nil
}

// grant is what keys of the role hold at the exchange, within the connection's
// guard rails.
func (r role) grant(l *link) (exchanges.Grant, error) {
	scopes, err := r.scopes(l.variant)
	if err != nil {
		return exchanges.Grant{}, err
	}
	grant, err := l.variant.Grant(scopes, r.NativePermissions)
	if err != nil {
		return exchanges.Grant{}, refuse("%s", err)
	}
	return grant, l.checkGrant(l.variant, grant)
}

// keyType is the role's key type, or the exchange's default.
func (r role) keyType(variant exchanges.Variant) exchanges.KeyType {
	if r.KeyType == "" && len(variant.KeyTypes) > 0 {
		return variant.KeyTypes[0]
	}
	return exchanges.KeyType(r.KeyType)
}

// check refuses a role that its connection or exchange does not allow. It is
// asked when the role is written, and again at every mint and renewal, since
// the guard rails may have tightened.
func (r role) check(name string, l *link) (exchanges.Grant, error) {
	allowed, err := l.allowed.check(name, r, l)
	return allowed.grant, err
}

// checkAnew is check whatever was found before.
func (r role) checkAnew(name string, l *link) (exchanges.Grant, error) {
	if err := checkLabelTemplate(r.LabelTemplate); err != nil {
		return exchanges.Grant{}, err
	}
	if !l.allowsRole(name) {
		return exchanges.Grant{}, invalid("connection", "%q does not allow role %q; its allowed_roles are %s", l.name, name, strings.Join(l.AllowedRoles, ", "))
	}
	return r.checkKeys(l)
}

// checkKeys refuses keys that the connection or its exchange does not allow, whatever
// the role's name.
func (r role) checkKeys(l *link) (exchanges.Grant, error) {
	if l.variant.NoDeletion != "" && !l.AllowUndeletableKeys {
		return exchanges.Grant{}, refuse("the exchange's API cannot delete keys: %s; to mint there all the same, set allow_undeletable_keys=true on connection %q", l.variant.NoDeletion, l.name)
	}
	for _, sub := range r.SubAccounts {
		if !l.allowsSubAccount(sub) {
			return exchanges.Grant{}, invalid("sub_accounts", "%q is not allowed on connection %q, which allows %s", sub, l.name, strings.Join(l.AllowedSubAccounts, ", "))
		}
	}
	grant, err := r.grant(l)
	if err != nil {
		return exchanges.Grant{}, err
	}
	if keyType := r.keyType(l.variant); !l.variant.HasKeyType(keyType) {
		return exchanges.Grant{}, oneOf("key_type", string(keyType), list(l.variant.KeyTypes)...)
	}
	if err := checkClientFormat("client_format", r.ClientFormat, l, r.keyType(l.variant)); err != nil {
		return exchanges.Grant{}, err
	}
	if err := r.Signing.check(l, r.keyType(l.variant)); err != nil {
		return exchanges.Grant{}, err
	}
	if err := checkAddresses("ip_allowlist", r.IPAllowlist, l.variant.Addresses); err != nil {
		return exchanges.Grant{}, err
	}
	for field, addresses := range map[string][]string{"ip_allowlist": r.IPAllowlist, "allowed_ip_ranges": r.AllowedIPRanges} {
		if err := l.checkRanges(field, addresses); err != nil {
			return exchanges.Grant{}, err
		}
	}
	if l.variant.Addresses.None && len(r.AllowedIPRanges) > 0 {
		return exchanges.Grant{}, invalid("allowed_ip_ranges", "the exchange cannot bind keys to addresses; leave the field out")
	}
	if l.needsAddresses(grant.Risk) && len(r.IPAllowlist) == 0 && len(r.AllowedIPRanges) == 0 {
		return exchanges.Grant{}, l.addressesMissing()
	}
	if l.MaxTTL > 0 && max(r.TTL, r.MaxTTL) > l.MaxTTL {
		return exchanges.Grant{}, invalid("max_ttl", "%s is more than connection %q allows (max_ttl %s)", max(r.TTL, r.MaxTTL), l.name, l.MaxTTL)
	}
	return grant, nil
}

// checkForm refuses what is wrong with a role whatever its connection.
func (r role) checkForm() error {
	switch {
	case r.Connection == "":
		return invalid("connection", "missing; name a connection that was written to config/. A write replaces the whole role; to change single fields, patch it")
	case len(r.SubAccounts) == 0:
		return invalid("sub_accounts", "missing; name the sub-accounts in which keys are minted, see config/%s/sub-accounts", r.Connection)
	case len(r.Scopes) == 0 && len(r.NativePermissions) == 0:
		return invalid("scopes", "missing; give for example read, or read,trade:spot")
	case r.MaxTTL > 0 && r.TTL > r.MaxTTL:
		return invalid("ttl", "%s is more than max_ttl %s", r.TTL, r.MaxTTL)
	case r.MaxLiveKeys < 0:
		return invalid("max_live_keys", "%d is negative; give 0 for no limit, or a positive number", r.MaxLiveKeys)
	case r.MaxWait > maxMaxWait:
		return invalid("max_wait", "%s is too long; give at most %s", r.MaxWait, maxMaxWait)
	case r.BindClientIP && len(r.AllowedIPRanges) == 0:
		return invalid("allowed_ip_ranges", "missing; bind_client_ip needs the ranges in which a caller's address must lie")
	case r.BindClientIP && len(r.IPAllowlist) > 0:
		return invalid("ip_allowlist", "cannot be combined with bind_client_ip, which binds each key to its caller's address")
	}
	return nil
}

package backend

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// storeConfig writes what change makes of the connection, if that is sound and the
// credential works.
func (e *engine) storeConfig(
	ctx context.Context, req *logical.Request, d *framework.FieldData, change func(*connection, *framework.FieldData) (*connection, error),
) (*logical.Response, error) {
	name := d.Get("name").(string)
	defaultsForNull(d)
	old, err := e.connections.table.Get(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	entry, err := change(old, d)
	if err != nil {
		return nil, err
	}
	moved := old == nil || !old.sameAccess(*entry)
	if moved {
		entry.Account = "" // Nobody has asked yet whose the credential is.
	}
	l, err := e.connections.link(name, *entry)
	if err != nil {
		return nil, err
	}
	defer l.account.Close()
	if err := l.checkGuardRails(); err != nil {
		return nil, err
	}
	verify := d.Get("verify").(bool)
	_, asked := d.GetOk("verify")
	resp := &logical.Response{}
	var identity exchanges.Identity
	if verify = verify && (moved || asked); verify {
		if identity, err = verifyRoot(ctx, l); err != nil {
			return nil, err
		}
		entry.Account, resp.Warnings = identity.Account, identity.Warnings
	}
	proved := false
	if old != nil && moved {
		var warning string
		if proved, warning, err = e.checkMove(ctx, req.Storage, l, *old, *entry, verify, d.Get("force").(bool)); err != nil {
			return nil, err
		}
		if warning != "" {
			resp.AddWarning(warning)
		}
	}
	e.roots.Lock()
	defer e.roots.Unlock()
	var p peers
	if moved || d.Get("force").(bool) { // Guard rails concern nobody else.
		if p, err = e.peersOf(ctx, req.Storage, name); err != nil {
			return nil, err
		}
	}
	var givenUp leftoverRoots
	err = e.connections.table.Update(ctx, req.Storage, name, func(now *connection) (*connection, error) {
		// While the exchange was asked, another request may have written.
		written, err := change(now, d)
		if err != nil {
			return nil, err
		}
		if stale(old, now, entry, written) {
			return nil, changedMeanwhile(name)
		}
		if old == nil || written.Credential.APIKey != old.Credential.APIKey {
			if err := e.mayUse(p, *written); err != nil {
				return nil, err
			}
		}
		if moved || verify && written.sameAccess(*entry) {
			written.Account = entry.Account
		}
		if moved {
			written.Rotated = e.now()
		}
		if now != nil {
			before := *now
			before.Made = before.Made && !p.goOnWith(before)
			written.succeed(*now, proved)
			givenUp, err = written.inherit(before, d.Get("force").(bool), e.now())
		}
		return written, err
	})
	if err == nil && verify {
		e.rootExpiry.note(l, identity.ExpiresAt)
	}
	if old != nil {
		givenUp = p.unused(old.Exchange, givenUp)
	}
	if err == nil && len(givenUp) > 0 {
		resp.AddWarning(fmt.Sprintf("the engine no longer tries to delete these root keys of the former account: %s. Delete them on the exchange's website", givenUp))
	}
	if err == nil && d.Get("confirm_restore").(bool) {
		err = e.confirmRestore(ctx, req.Storage, name)
	}
	if err != nil || len(resp.Warnings) == 0 {
		return nil, err
	}
	return resp, nil
}

// defaultsForNull puts a field's default in the place of null, which would read as
// zero: as false, say, for a guard rail that is on by default.
func defaultsForNull(d *framework.FieldData) {
	defaults := newConnection().show()
	for field, value := range d.Raw {
		if value != nil {
			continue
		}
		d.Raw[field] = d.Schema[field].DefaultOrZero()
		if initial, shown := defaults[field]; shown {
			d.Raw[field] = initial
		}
	}
}

// stale reports whether a write was checked against something else than what it would
// change, or come to: old and checked are the connection before and after it as they
// were checked, now and written as they would be. A write that leaves the access alone
// may come after one that replaced the credential; one that names a credential may
// not, since that may be the one which was replaced.
func stale(old, now, checked, written *connection) bool {
	switch {
	case old == nil || now == nil:
		return (old == nil) != (now == nil) || !written.sameAccess(*checked)
	case old.sameAccess(*checked):
		return !written.sameAccess(*now) || !written.samePlace(*checked)
	}
	return !now.sameAccess(*old) || !written.sameAccess(*checked)
}

// applied is the connection with the fields that were given; a new one, if there
// was none. The secret parts of a credential belong together, so that giving one
// replaces them all.
func applied(old *connection, d *framework.FieldData) (*connection, error) {
	entry := newConnection()
	if old != nil {
		entry = *old
	}
	for _, field := range []string{"api_secret", "passphrase", privateKeyField, "totp_secret"} {
		if isGiven(d, field) {
			entry.Credential = credential{APIKey: entry.Credential.APIKey, Broker: entry.Credential.Broker}
		}
	}
	return &entry, entry.apply(d)
}

// patched is the connection, which must exist, with the fields that were given and
// no other change.
func patched(old *connection, d *framework.FieldData) (*connection, error) {
	if old == nil {
		return nil, logical.CodedError(http.StatusNotFound, fmt.Sprintf("there is no connection %q; list them with: vault list <mount>/config", d.Get("name")))
	}
	entry := *old
	return &entry, entry.apply(d)
}

// verifyRoot asks the exchange whether the root credential works and may mint.
func verifyRoot(ctx context.Context, l *link) (exchanges.Identity, error) {
	identity, err := l.account.Inspect(ctx)
	if err != nil {
		return identity, refuse("the credential could not be verified: %s; nothing was written (verify=false writes it unverified)", err)
	}
	if !identity.CanMint {
		return identity, refuse("the credential cannot mint keys: %s; nothing was written", identity.Problem)
	}
	return identity, nil
}

// checkMove refuses to point a connection elsewhere while it has keys that could
// then not be deleted. Forced, it asks nobody and warns. It says whether the new
// credential is proved to be of the account of the old one.
func (e *engine) checkMove(ctx context.Context, s logical.Storage, l *link, old, moved connection, verified, force bool) (proved bool, warning string, err error) {
	n, err := e.keysOf(ctx, s, l.name)
	reached := verified && old.samePlace(moved)
	named := old.Account != "" && moved.Account != ""
	proved = reached && named && old.Account == moved.Account
	switch {
	case err != nil || n == 0 || proved:
		return proved, "", err
	case force:
		return false, fmt.Sprintf("nobody checked whether the new credential belongs to the account in which connection %q has %s; if it does not, they can no longer be revoked", l.name, keyCount(n)), nil
	case reached && !named:
		err = e.proveAccount(ctx, s, l)
		return err == nil, "", err
	}
	return false, "", refuse("connection %q has %s at its current account, which could no longer be revoked; revoke them first, or write a new connection", l.name, keyCount(n))
}

// apply takes over the fields that were given.
func (c *connection) apply(d *framework.FieldData) error {
	for field, value := range map[string]*string{
		"exchange": &c.Exchange, "environment": &c.Environment, "variant": &c.Variant, "base_url": &c.BaseURL,
		"api_key": &c.Credential.APIKey, "api_secret": &c.Credential.APISecret, "passphrase": &c.Credential.Passphrase,
		privateKeyField: &c.Credential.PrivateKey, "totp_secret": &c.Credential.TOTPSecret, "broker": &c.Credential.Broker, "frozen": &c.Frozen,
	} {
		if given, ok := d.GetOk(field); ok {
			*value = strings.TrimSpace(given.(string))
		}
	}
	// Harmless slips: line breaks that a shell or a JSON file kept as text, and the
	// slash that browsers add to an address.
	c.Credential.PrivateKey = strings.ReplaceAll(c.Credential.PrivateKey, `\n`, "\n")
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	for field, value := range map[string]*[]string{
		"allowed_roles": &c.AllowedRoles, "allowed_sub_accounts": &c.AllowedSubAccounts, "allowed_scopes": &c.AllowedScopes,
		"allowed_ip_ranges": &c.AllowedIPRanges,
	} {
		if _, ok := d.GetOk(field); ok {
			*value = wordsOf(d, field)
		}
	}
	for field, value := range map[string]*time.Duration{
		"request_timeout": &c.RequestTimeout, "max_ttl": &c.MaxTTL, "rotation_period": &c.RotationPeriod,
	} {
		if _, ok := d.GetOk(field); ok {
			var err error
			if *value, err = duration(d, field); err != nil {
				return err
			}
		}
	}
	if multiplier, ok := d.GetOk("rate_multiplier"); ok {
		c.RateMultiplier = multiplier.(float64)
		// It is checked here, before an account is opened with it: the account would share
		// the pace of whoever else uses the root key. NaN is neither above nor below any number.
		if !(c.RateMultiplier > 0 && c.RateMultiplier <= maxRateMultiplier) {
			return invalid("rate_multiplier", "%v is not allowed; give a number above 0, such as 0.5, and at most %d", c.RateMultiplier, maxRateMultiplier)
		}
	}
	if allowed, ok := d.GetOk("allow_undeletable_keys"); ok {
		c.AllowUndeletableKeys = allowed.(bool)
	}
	if required, ok := d.GetOk("require_ip_allowlist"); ok {
		c.RequireIPAllowlist = required.(bool)
	}
	if exclusive, ok := d.GetOk("exclusive_sub_accounts"); ok {
		c.ExclusiveSubAccounts = exclusive.(bool)
	}
	if most, ok := d.GetOk("max_keys_per_sub_account"); ok {
		c.MaxKeysPerSubAccount = most.(int)
	}
	if c.Exchange == "" {
		return invalid("exchange", "missing; list the exchanges with exchanges/")
	}
	return nil
}

// maxRateMultiplier bounds rate_multiplier.
const maxRateMultiplier = 10_000

// maxRequestTimeout bounds request_timeout, so that a call ends before the
// mint that made it.
const maxRequestTimeout = createTimeout

// minRotationPeriod keeps a slip of the pen from wearing the exchange out.
const minRotationPeriod = time.Hour

// checkGuardRails refuses values that make no sense. The form of the
// credential was checked when the link was opened.
func (l *link) checkGuardRails() error {
	if err := oneOf("frozen", l.Frozen, frozenNo, frozenMinting, frozenAll); err != nil {
		return err
	}
	switch {
	case l.MaxKeysPerSubAccount < 0:
		return invalid("max_keys_per_sub_account", "%d is negative; give 0 for the exchange's cap, or a positive number", l.MaxKeysPerSubAccount)
	case l.RotationPeriod > 0 && !l.about.RootRotation:
		return invalid("rotation_period", "%s has no API call that replaces a root key; replace it by hand and write the connection again", l.about.DisplayName)
	case l.RotationPeriod > 0 && l.RotationPeriod < minRotationPeriod:
		return invalid("rotation_period", "%s is too short; give at least %s", l.RotationPeriod, minRotationPeriod)
	case l.RequestTimeout > maxRequestTimeout:
		return invalid("request_timeout", "%s is too long; give at most %s", l.RequestTimeout, maxRequestTimeout)
	}
	if _, err := parseAddresses("allowed_ip_ranges", l.AllowedIPRanges); err != nil {
		return err
	}
	for _, word := range l.AllowedScopes {
		_, err := exchanges.ParseScopes([]string{word}, nil)
		if err != nil && len(l.variant.OnlyByName([]string{word})) == 0 {
			return invalid("allowed_scopes", "%s", err)
		}
	}
	return nil
}

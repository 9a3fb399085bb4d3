package backend

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// pathConfig is config/:name, a connection.
func (e *engine) pathConfig() *framework.Path {
	return &framework.Path{
		Pattern:        "config/(?P<name>[^/]+)$",
		DisplayAttrs:   &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: "connection"},
		Fields:         configFields(),
		ExistenceCheck: e.configExists,
		Operations: managed{
			write: framework.PathOperation{
				Callback: e.writeConfig,
				Summary:  "Write a connection: the credential of a parent account, and its guard rails. Fields that are not given stay as they are.",
				Examples: []framework.RequestExample{{Description: "A Bybit master account.", Data: map[string]any{
					"exchange": "bybit", "api_key": "...", "api_secret": "...", "allowed_sub_accounts": "53888000", "max_ttl": "8h",
				}}},
			},
			patch: framework.PathOperation{
				Callback: e.patchConfig,
				Summary:  "Change single fields of a connection; null resets a field to its default.",
			},
			read: framework.PathOperation{
				Callback:  e.readConfig,
				Summary:   "Read a connection, without its secrets.",
				Responses: responses("The connection.", configAnswerFields()),
			},
			remove: framework.PathOperation{
				Callback: e.deleteConfig,
				Summary:  "Delete a connection that has no keys.",
			},
		}.operations(),
		HelpSynopsis:    "Manage a connection: the credential of a parent account at one exchange.",
		HelpDescription: configHelp,
	}
}

// pathConfigList is config/.
func (e *engine) pathConfigList() *framework.Path {
	return listPath("config", "connections", e.connections.table.List,
		"A connection is the credential of a parent account at one exchange, with the guard rails that no role on it may exceed.")
}

// privateKeyField is the one field that has several lines.
const privateKeyField = "private_key"

func configFields() map[string]*framework.FieldSchema {
	secret := func(description string) *framework.FieldSchema {
		return &framework.FieldSchema{
			Type: framework.TypeString, Description: description + " Never shown again.",
			DisplayAttrs: &framework.DisplayAttributes{Sensitive: true},
		}
	}
	fields := map[string]*framework.FieldSchema{
		"name":          nameField("connection"),
		"api_secret":    secret("Secret of the root key."),
		"passphrase":    secret("Passphrase of the root key, where the exchange has one."),
		privateKeyField: secret("Private key of a root key that signs with one (PKCS #8, PEM), or of the wallet that is the account (hexadecimal)."),
		"totp_secret":   secret("Seed of one-time codes (base32), where the exchange asks for them."),
		"verify": {
			Type: framework.TypeBool, Default: true,
			Description: "Ask the exchange whether the credential works, and refuse it if it does not. A write that changes neither the credential nor the exchange's address asks only with verify=true.",
		},
		"force": {
			Type: framework.TypeBool, Default: false, Query: true,
			Description: "On delete: revoke every key of the connection first. On write: let the connection point to another exchange, environment or account although it has keys, which can then no longer be revoked; or accept a credential that is not proved to be of the same account.",
		},
	}
	fields["confirm_restore"] = &framework.FieldSchema{
		Type: framework.TypeBool, Default: false,
		Description: "Delete keys again, after deletions were held back because storage looked restored from a snapshot; config/:name/check says why in deletions_held.",
	}
	for name, field := range guardRailFields() {
		fields[name] = field
	}
	return fields
}

// guardRailFields are the fields of a connection that are shown as they were
// written.
func guardRailFields() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"exchange":                 {Type: framework.TypeString, Description: "The exchange, see exchanges/. Required."},
		"environment":              {Type: framework.TypeString, Description: "The exchange's environment, such as production or testnet; production by default."},
		"variant":                  {Type: framework.TypeString, Description: "The kind of parent account, where the exchange has several."},
		"base_url":                 {Type: framework.TypeString, Description: "Address of the exchange, instead of the environment's: https, or http to a loopback address."},
		"api_key":                  {Type: framework.TypeString, Description: "The root key."},
		"broker":                   {Type: framework.TypeString, Description: "The broker of the account, where an exchange has several."},
		"request_timeout":          {Type: framework.TypeSignedDurationSecond, Description: "How long one request to the exchange may take; 10s by default."},
		"rate_multiplier":          {Type: framework.TypeFloat, Description: "Multiplies the exchange's documented rate limits: below 1 if other tools use the same account, above 1 if the exchange has granted more. 1 by default."},
		"allowed_roles":            {Type: framework.TypeCommaStringSlice, Description: "Names or globs of the roles that may use the connection; all by default."},
		"allowed_sub_accounts":     {Type: framework.TypeCommaStringSlice, Description: "Names or globs of the sub-accounts in which keys may be minted; all by default."},
		"allowed_scopes":           {Type: framework.TypeCommaStringSlice, Description: "Scopes that roles may give, and native permissions beyond the scopes; everything but transfer and withdraw by default."},
		"allow_undeletable_keys":   {Type: framework.TypeBool, Description: "Mint keys even where the exchange's API cannot delete them but only take their permissions away; see exchanges/. false by default."},
		"require_ip_allowlist":     {Type: framework.TypeBool, Description: "Bind every key that can do more than read to addresses; true by default."},
		"allowed_ip_ranges":        {Type: framework.TypeCommaStringSlice, Description: "CIDR blocks in which the addresses of roles and keys must lie; anywhere by default."},
		"max_ttl":                  {Type: framework.TypeSignedDurationSecond, Description: "Longest lifetime of a key, renewals included; 0 for the mount's."},
		"max_keys_per_sub_account": {Type: framework.TypeInt, Description: "Most keys of this engine in one sub-account; 0 for the exchange's cap."},
		"rotation_period":          {Type: framework.TypeSignedDurationSecond, Description: "How often the root key is replaced, if the exchange's API can do that; 0 for never."},
		"exclusive_sub_accounts":   {Type: framework.TypeBool, Description: "Nobody else keeps keys in the allowed sub-accounts, so reconcile may delete every key there that it does not know. false by default."},
		"frozen":                   {Type: framework.TypeString, Description: "What is stopped. no: nothing. minting: no new keys. all: no deletions either, for use after a restored snapshot.", AllowedValues: []any{frozenNo, frozenMinting, frozenAll}},
	}
}

func configAnswerFields() map[string]*framework.FieldSchema {
	fields := guardRailFields()
	fields["account"] = &framework.FieldSchema{Type: framework.TypeString, Description: "The exchange's name for the parent account; empty if the credential was not verified or the exchange does not say."}
	fields["last_rotated_at"] = &framework.FieldSchema{Type: framework.TypeString, Description: "When the root key was last written or replaced."}
	fields["leftover_root_keys"] = &framework.FieldSchema{Type: framework.TypeStringSlice, Description: "Root keys that are not in use but not yet deleted at the exchange; check says more."}
	fields["live_keys"] = &framework.FieldSchema{Type: framework.TypeInt, Description: "The connection's keys in the ledger."}
	for name, field := range map[string]*framework.FieldSchema{
		"effective_environment":              {Type: framework.TypeString, Description: "The environment that is used."},
		"effective_variant":                  {Type: framework.TypeString, Description: "The kind of parent account; empty if the exchange has only one."},
		"effective_base_url":                 {Type: framework.TypeString, Description: "The address of the exchange that is used."},
		"effective_frozen":                   {Type: framework.TypeString, Description: "What is really stopped: all, whatever was written, while " + holdVariable + " is in the plugin's environment.", AllowedValues: []any{frozenNo, frozenMinting, frozenAll}},
		"effective_request_timeout":          {Type: framework.TypeInt64, Description: "How long one request may take, in seconds."},
		"effective_max_keys_per_sub_account": {Type: framework.TypeInt, Description: "Most keys of this engine in one sub-account; 0 if neither the connection nor the exchange has a cap."},
	} {
		fields[name] = field
	}
	return fields
}

func (e *engine) configExists(ctx context.Context, req *logical.Request, d *framework.FieldData) (bool, error) {
	entry, err := e.connections.table.Get(ctx, req.Storage, d.Get("name").(string))
	return entry != nil, err
}

func (e *engine) writeConfig(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	return e.storeConfig(ctx, req, d, applied)
}

func (e *engine) patchConfig(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	return e.storeConfig(ctx, req, d, patched)
}

func (e *engine) readConfig(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name := d.Get("name").(string)
	l, unusable := e.connections.get(ctx, req.Storage, name)
	var c *connection
	if l != nil {
		c = &l.connection
	} else {
		var err error
		if c, err = e.connections.table.Get(ctx, req.Storage, name); err != nil || c == nil {
			return nil, err
		}
	}
	keys, err := e.keysOf(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	resp := &logical.Response{Data: c.show()}
	resp.Data["account"], resp.Data["last_rotated_at"], resp.Data["live_keys"] = c.Account, timestamp(c.Rotated), keys
	resp.Data["leftover_root_keys"] = c.Leftovers.names()
	if l == nil {
		resp.AddWarning(fmt.Sprintf("the connection cannot be used now: %v", unusable))
	} else {
		l.describe(resp.Data)
	}
	return resp, nil
}

// show shows the connection as it was written, without its secrets.
func (c connection) show() map[string]any {
	return map[string]any{
		"exchange":                 c.Exchange,
		"environment":              c.Environment,
		"variant":                  c.Variant,
		"base_url":                 c.BaseURL,
		"api_key":                  c.Credential.APIKey,
		"broker":                   c.Credential.Broker,
		"request_timeout":          seconds(c.RequestTimeout),
		"rate_multiplier":          c.RateMultiplier,
		"allowed_roles":            list(c.AllowedRoles),
		"allowed_sub_accounts":     list(c.AllowedSubAccounts),
		"allowed_scopes":           list(c.AllowedScopes),
		"allow_undeletable_keys":   c.AllowUndeletableKeys,
		"require_ip_allowlist":     c.RequireIPAllowlist,
		"allowed_ip_ranges":        list(c.AllowedIPRanges),
		"max_ttl":                  seconds(c.MaxTTL),
		"max_keys_per_sub_account": c.MaxKeysPerSubAccount,
		"rotation_period":          seconds(c.RotationPeriod),
		"exclusive_sub_accounts":   c.ExclusiveSubAccounts,
		"frozen":                   c.Frozen,
	}
}

// describe adds what the connection comes to, beside what was written.
func (l *link) describe(data map[string]any) {
	environment, _ := l.about.Environment(l.Environment)
	data["effective_environment"] = environment.Name
	data["effective_variant"] = l.variant.Name
	data["effective_base_url"] = cmp.Or(l.BaseURL, environment.BaseURL)
	data["effective_frozen"] = l.frozen()
	data["effective_request_timeout"] = seconds(cmp.Or(l.RequestTimeout, exchanges.DefaultTimeout))
	data["effective_max_keys_per_sub_account"] = l.keyCap(l.variant)
}

func (e *engine) deleteConfig(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name := d.Get("name").(string)
	keys, err := e.ledger.Keys(ctx, req.Storage, ofConnection(name))
	if err != nil {
		return nil, err
	}
	entry, err := e.connections.table.Get(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	force := d.Get("force").(bool)
	if entry != nil && len(entry.Leftovers) > 0 && !force {
		return nil, refuse("connection %q has root keys that are still to be deleted (%s). The engine tries every minute, and config/%[1]s/check says what happens to them; wait for that, or delete them on the exchange's website, and the connection with force=true", name, entry.Leftovers)
	}
	if len(keys) > 0 {
		if !force {
			return nil, refuse("connection %q has %s; revoke the leases first, or delete with force=true, which revokes them", name, keyCount(len(keys)))
		}
		if err := e.emptyConnection(ctx, req.Storage, name, keys); err != nil {
			return nil, err
		}
	}
	e.roots.Lock()
	defer e.roots.Unlock()
	p, err := e.peersOf(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	if err := e.deleteEmpty(ctx, req.Storage, name, entry); err != nil {
		return nil, err
	}
	// A connection of the same name is another one.
	if err := e.selfTests.ended.Delete(ctx, req.Storage, name); err != nil {
		return nil, err
	}
	if err := e.confirmRestore(ctx, req.Storage, name); err != nil || entry == nil {
		return nil, err
	}
	left := entry.Leftovers
	if entry.Made {
		left = left.with(entry.replaced(e.now()))
	}
	if left = p.unused(entry.Exchange, left); len(left) == 0 {
		return nil, nil
	}
	return &logical.Response{Warnings: []string{fmt.Sprintf("these root keys, which the engine made or replaced, are left at the exchange: %s. Delete them on its website", left)}}, nil
}

// deleteEmpty deletes a connection that has no keys, unless a mint has found it just before
// and has entered a key since.
func (e *engine) deleteEmpty(ctx context.Context, s logical.Storage, name string, entry *connection) error {
	if err := e.connections.table.Delete(ctx, s, name); err != nil {
		return err
	}
	n, err := e.keysOf(ctx, s, name)
	if err != nil || n == 0 || entry == nil {
		return err
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := e.connections.table.Put(ctx, s, name, *entry); err != nil {
		return fmt.Errorf("connection %q has had %s made meanwhile, and could not be put back, so write it again: %w", name, keyCount(n), err)
	}
	return refuse("connection %q has had %s made meanwhile; revoke the leases first, or delete with force=true, which revokes them", name, keyCount(n))
}

// emptyConnection revokes the keys of a connection, or says how many are left.
// Minting is frozen first, so that no new key comes in meanwhile.
func (e *engine) emptyConnection(ctx context.Context, s logical.Storage, name string, keys []ledger.Key) error {
	if err := e.connections.freeze(ctx, s, name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	var last error
	for _, key := range keys {
		if err := e.revokeByID(ctx, s, key.ID, causeConnectionDeleted); err != nil {
			last = err
		}
	}
	n, err := e.keysOf(ctx, s, name)
	if err != nil {
		return err
	}
	if n > 0 {
		return refuse("connection %q still has %s (last failure: %v); they are being deleted in the background, and minting is frozen; delete the connection again later", name, keyCount(n), last)
	}
	return nil
}

var configHelp = strings.TrimSpace(`
A connection has the root credential of a parent account, and the guard rails
that no role on it may exceed. It belongs to the security team; roles belong to
the teams that use them. Secrets can be written but never read.

A write changes only the fields that it gives, whereas a write to roles/ replaces the
whole role. The secret parts of a credential are the exception: a write that gives one
replaces them all. A patch changes only the fields that it names, secrets included. In
both, null resets a field to its default.

If the credential or the exchange's address changes, the engine first asks the exchange
whether the credential works and may mint keys. verify=false skips that.

A connection with keys cannot be deleted, unless force=true asks for the keys to be
revoked first. A connection with root keys that are still to be deleted
(leftover_root_keys) can neither be deleted nor moved to another account, unless
force=true gives them up.

If storage looks restored from a snapshot, nothing is deleted at the exchange until a
write says confirm_restore=true. NAME/check says why.
`)

package backend

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// pathRoles is roles/:name.
func (e *engine) pathRoles() *framework.Path {
	return &framework.Path{
		Pattern:        "roles/(?P<name>[^/]+)$",
		DisplayAttrs:   &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: "role"},
		Fields:         withName("role", roleWriteFields()),
		ExistenceCheck: e.roleExists,
		Operations: managed{
			write: framework.PathOperation{
				Callback: e.writeRole,
				Summary:  "Write a whole role: fields that are not given take their defaults, except disabled, which stays as it is.",
				Examples: []framework.RequestExample{{Description: "Spot trading from one address, for an hour.", Data: map[string]any{
					"connection": "bybit", "sub_accounts": "53888000", "scopes": "read,trade:spot", "ip_allowlist": "203.0.113.7", "ttl": "1h",
				}}},
			},
			patch: framework.PathOperation{
				Callback: e.patchRole,
				Summary:  "Change single fields of a role; null resets a field to its default.",
			},
			read: framework.PathOperation{
				Callback:  e.readRole,
				Summary:   "Read a role.",
				Responses: responses("The role.", roleAnswerFields()),
			},
			remove: framework.PathOperation{
				Callback: e.deleteRole,
				Summary:  "Delete a role. Its keys live on until their leases end.",
			},
		}.operations(),
		HelpSynopsis:    "Manage a role: which keys may be minted.",
		HelpDescription: rolesHelp,
	}
}

// pathRolesList is roles/.
func (e *engine) pathRolesList() *framework.Path {
	return listPath("roles", "roles", e.roles.List,
		"A role says which keys may be minted: where, with which scopes, from which addresses, and for how long.")
}

func roleFields() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"connection":         {Type: framework.TypeString, Description: "The connection, see config/. Required."},
		"sub_accounts":       {Type: framework.TypeCommaStringSlice, Description: "Sub-accounts in which keys are minted. If there are several, each key goes to the one with the most free slots. Required."},
		"scopes":             {Type: framework.TypeCommaStringSlice, Description: "What keys may do: read, trade:spot, trade:margin, trade:futures, trade:options, transfer, withdraw; trade for every trade scope. read is always included."},
		"native_permissions": {Type: framework.TypeCommaStringSlice, Description: "Permissions in the exchange's own words, for what no scope covers; see exchanges/."},
		"ip_allowlist":       {Type: framework.TypeCommaStringSlice, Description: "Addresses from which keys work; also CIDR blocks, if the exchange takes them."},
		"allowed_ip_ranges":  {Type: framework.TypeCommaStringSlice, Description: "CIDR blocks from which a caller may choose the addresses of a key."},
		"bind_client_ip":     {Type: framework.TypeBool, Default: false, Description: "Bind each key to its caller's address, which must lie in allowed_ip_ranges."},
		"key_type":           {Type: framework.TypeString, Description: "How keys sign, such as hmac or ed25519; by default the exchange's first."},
		"ttl":                {Type: framework.TypeSignedDurationSecond, Default: 0, Description: "Lifetime of a key's lease; 0 for one hour, or the mount's default if that is shorter. The lease of a batch token may end earlier: go by lease_duration."},
		"max_ttl":            {Type: framework.TypeSignedDurationSecond, Default: 0, Description: "Longest lifetime of a key, renewals included; 0 for the mount's."},
		"max_live_keys":      {Type: framework.TypeInt, Default: 0, Description: "Most keys of the role at a time; 0 for no limit."},
		"max_wait":           {Type: framework.TypeSignedDurationSecond, Default: 0, Description: "How long a mint waits for its turn at the exchange's rate limit, and for the exchange to accept the new key; 0 for 20s."},
		"require_reason":     {Type: framework.TypeBool, Default: false, Description: "Refuse a mint without a reason."},
		"require_wrapping":   {Type: framework.TypeBool, Default: false, Description: "Refuse a mint that does not ask for a wrapped answer."},
		"label_template":     {Type: framework.TypeString, Description: "Text added to a key's label at the exchange, after the ownership tag and the key's id: a template with .RoleName, .Connection, .SubAccount, .DisplayName, .EntityID and .Reason."},
		"client_format":      {Type: framework.TypeString, Description: "Add the whole key to answers as one string, client_config, for this client: ccxt, freqtrade or env. Empty for none."},
		"disabled":           {Type: framework.TypeBool, Default: false, Description: "Refuse to mint, to renew and to sign."},
		"custody":            {Type: framework.TypeString, Description: "Where the secrets of keys stay: caller (the default) hands them out; vault keeps them and signs for the caller, see sign/."},
		"allow":              {Type: framework.TypeCommaStringSlice, Description: "What may be signed, with custody=vault: request, login (to a WebSocket), fix, raw (any text, and so all of these). By default request and login, where the exchange has them."},
		"allowed_requests":   {Type: framework.TypeStringSlice, Description: "The only requests that may be signed, each a method and a path such as \"POST /api/v5/trade/order\", with * for any text in the path. Possible only where the exchange's signatures cover both, and only without login. Empty for all."},
		"allowed_actions":    {Type: framework.TypeCommaStringSlice, Description: "The only actions that may be signed, where requests name one (Hyperliquid), such as order,cancel. Empty for all."},
	}
}

// roleWriteFields are those of a role, and what is said of a write and not kept.
func roleWriteFields() map[string]*framework.FieldSchema {
	fields := roleFields()
	fields["verify"] = &framework.FieldSchema{
		Type: framework.TypeBool, Default: true,
		Description: "Ask the exchange whether the sub-accounts exist, and refuse the role if they do not. Asks only about those that are new in this write, unless verify=true is given. If the exchange does not answer within five seconds, the role is written with a warning.",
	}
	return fields
}

func roleAnswerFields() map[string]*framework.FieldSchema {
	fields := roleFields()
	for name, field := range map[string]*framework.FieldSchema{
		"effective_scopes":       {Type: framework.TypeStringSlice, Description: "What keys may do: the scopes in full."},
		"effective_key_type":     {Type: framework.TypeString, Description: "How keys sign."},
		"effective_ip_allowlist": {Type: framework.TypeStringSlice, Description: "Addresses from which keys work, as they are sent to the exchange."},
		"effective_ttl":          {Type: framework.TypeInt64, Description: "Lifetime of a key's lease, in seconds, as role, connection, mount and exchange allow."},
		"effective_max_ttl":      {Type: framework.TypeInt64, Description: "Longest lifetime of a key, renewals included, in seconds."},
		"effective_max_wait":     {Type: framework.TypeInt64, Description: "How long a mint waits, in seconds."},
	} {
		fields[name] = field
	}
	fields["risk"] = &framework.FieldSchema{Type: framework.TypeString, Description: "What a leaked key could cost: minimal, moderate or critical."}
	return fields
}

// withName adds the name in the path to a path's fields.
func withName(what string, fields map[string]*framework.FieldSchema) map[string]*framework.FieldSchema {
	fields["name"] = nameField(what)
	return fields
}

func (e *engine) roleExists(ctx context.Context, req *logical.Request, d *framework.FieldData) (bool, error) {
	r, err := e.roles.Get(ctx, req.Storage, d.Get("name").(string))
	return r != nil, err
}

func (e *engine) writeRole(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	return e.storeRole(ctx, req, d, func(now *role) (*role, error) {
		var r role
		if now != nil {
			// Only a write that names it changes it.
			r.Disabled = now.Disabled
		}
		return &r, r.apply(d, isGiven)
	})
}

func (e *engine) patchRole(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name := d.Get("name").(string)
	return e.storeRole(ctx, req, d, func(now *role) (*role, error) {
		if now == nil {
			return nil, logical.CodedError(http.StatusNotFound, "there is no role "+name)
		}
		r := *now
		return &r, r.apply(d, givenOrNull)
	})
}

// isGiven reports whether the request has the field.
func isGiven(d *framework.FieldData, field string) bool {
	_, ok := d.GetOk(field)
	return ok
}

// givenOrNull reports whether the request has the field, be it as null, for
// which FieldData.Get then returns the default.
func givenOrNull(d *framework.FieldData, field string) bool {
	_, ok := d.Raw[field]
	return ok
}

// apply takes over the fields that has reports.
func (r *role) apply(d *framework.FieldData, has func(*framework.FieldData, string) bool) error {
	for field, value := range map[string]*string{
		"connection": &r.Connection, "key_type": &r.KeyType, "label_template": &r.LabelTemplate,
		"client_format": &r.ClientFormat, "custody": &r.Signing.Custody,
	} {
		if has(d, field) {
			*value = strings.TrimSpace(d.Get(field).(string))
		}
	}
	for field, value := range map[string]*[]string{
		"sub_accounts": &r.SubAccounts, "scopes": &r.Scopes, "native_permissions": &r.NativePermissions,
		"allow": &r.Signing.Allow, "allowed_requests": &r.Signing.AllowedRequests, "allowed_actions": &r.Signing.AllowedActions,
	} {
		if has(d, field) {
			*value = wordsOf(d, field)
		}
	}
	for field, value := range map[string]*bool{
		"bind_client_ip": &r.BindClientIP, "require_reason": &r.RequireReason,
		"require_wrapping": &r.RequireWrapping, "disabled": &r.Disabled,
	} {
		if has(d, field) {
			*value = d.Get(field).(bool)
		}
	}
	if has(d, "max_live_keys") {
		r.MaxLiveKeys = d.Get("max_live_keys").(int)
	}
	for field, value := range map[string]*time.Duration{"ttl": &r.TTL, "max_ttl": &r.MaxTTL, "max_wait": &r.MaxWait} {
		if has(d, field) {
			var err error
			if *value, err = duration(d, field); err != nil {
				return err
			}
		}
	}
	for field, value := range map[string]*[]string{"ip_allowlist": &r.IPAllowlist, "allowed_ip_ranges": &r.AllowedIPRanges} {
		if has(d, field) {
			*value = wordsOf(d, field)
			if _, err := parseAddresses(field, *value); err != nil {
				return err
			}
		}
	}
	return nil
}

// storeRole writes what change makes of the role, if that is sound, the connection
// allows it, and the exchange has the sub-accounts.
func (e *engine) storeRole(ctx context.Context, req *logical.Request, d *framework.FieldData, change func(*role) (*role, error)) (*logical.Response, error) {
	name := d.Get("name").(string)
	old, err := e.roles.Get(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	checked, err := change(old)
	if err != nil {
		return nil, err
	}
	l, err := e.checkStored(ctx, req.Storage, name, *checked)
	if err != nil {
		return nil, err
	}
	var warnings []string
	verify := d.Get("verify").(bool)
	asked := checked.added(old, l.variant)
	if verify && isGiven(d, "verify") {
		asked = checked.SubAccounts
	}
	if verify && len(asked) > 0 {
		if warnings, err = l.compareSubAccounts(ctx, name, asked); err != nil {
			return nil, err
		}
	}
	var written *role
	err = e.roles.Update(ctx, req.Storage, name, func(now *role) (*role, error) {
		// While the exchange was asked, another request may have written.
		var err error
		if written, err = change(now); err != nil {
			return nil, err
		}
		if l, err = e.checkStored(ctx, req.Storage, name, *written); err != nil {
			return nil, err
		}
		unasked := written.added(now, l.variant)
		if written.Connection == checked.Connection {
			unasked = without(unasked, asked...)
		}
		if verify && len(unasked) > 0 {
			return nil, changedRole(name)
		}
		return written, nil
	})
	if err != nil {
		return nil, err
	}
	return warned(append(warnings, lifetimeWarnings(*written, e.System())...)), nil
}

// checkStored refuses a role that is unsound, or that its connection does not
// allow. It returns the connection.
func (e *engine) checkStored(ctx context.Context, s logical.Storage, name string, r role) (*link, error) {
	if err := r.checkForm(); err != nil {
		return nil, err
	}
	l, err := e.connectionOf(ctx, s, r)
	if err != nil {
		return nil, err
	}
	_, err = r.check(name, l)
	return l, err
}

// connectionOf is the connection that a role which is to be written names.
func (e *engine) connectionOf(ctx context.Context, s logical.Storage, r role) (*link, error) {
	l, err := e.connections.get(ctx, s, r.Connection)
	if err == nil && l == nil {
		return nil, invalid("connection", "there is no connection %q; write it to config/%[1]s first", r.Connection)
	}
	return l, err
}

// lifetimeWarnings warn where the mount allows less than the role asks for, and of
// keys that live long.
func lifetimeWarnings(r role, system logical.SystemView) []string {
	var warnings []string
	if limit := system.MaxLeaseTTL(); limit > 0 && max(r.TTL, r.MaxTTL) > limit {
		warnings = append(warnings, "the mount's maximum lease time, "+limit.String()+", is less than the role's: keys live no longer than that")
	}
	if r.TTL > longTTL {
		warnings = append(warnings, r.TTL.String()+" is a long life for a key; a lease that is renewed gives a client the same, and ends sooner when the client is gone")
	}
	return warnings
}

func (e *engine) readRole(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	r, err := e.roles.Get(ctx, req.Storage, d.Get("name").(string))
	if err != nil || r == nil {
		return nil, err
	}
	data := r.show()
	maps.Copy(data, map[string]any{
		"sub_accounts":       list(r.SubAccounts),
		"allowed_ip_ranges":  list(r.AllowedIPRanges),
		"bind_client_ip":     r.BindClientIP,
		"ttl":                seconds(r.TTL),
		"max_ttl":            seconds(r.MaxTTL),
		"max_live_keys":      r.MaxLiveKeys,
		"max_wait":           seconds(r.MaxWait),
		"effective_max_wait": seconds(r.maxWait()),
		"require_reason":     r.RequireReason,
		"require_wrapping":   r.RequireWrapping,
	})
	resp := &logical.Response{Data: data}
	if err := e.describeRole(ctx, req.Storage, *r, d.Get("name").(string), data); err != nil {
		resp.AddWarning("keys cannot be minted for this role now: " + err.Error())
	}
	return resp, nil
}

// show is what was written of the keys of a role, leased or static.
func (r role) show() map[string]any {
	return map[string]any{
		"connection":         r.Connection,
		"scopes":             list(r.Scopes),
		"native_permissions": list(r.NativePermissions),
		"ip_allowlist":       list(r.IPAllowlist),
		"key_type":           r.KeyType,
		"label_template":     r.LabelTemplate,
		"client_format":      r.ClientFormat,
		"disabled":           r.Disabled,
		"custody":            cmp.Or(r.Signing.Custody, custodyCaller),
		"allow":              list(r.Signing.Allow),
		"allowed_requests":   list(r.Signing.AllowedRequests),
		"allowed_actions":    list(r.Signing.AllowedActions),
	}
}

// describeRole adds what the role comes to at its exchange, beside what was written.
func (e *engine) describeRole(ctx context.Context, s logical.Storage, r role, name string, data map[string]any) error {
	l, err := e.connections.existing(ctx, s, r.Connection)
	if err != nil {
		return err
	}
	grant, err := r.check(name, l)
	if err != nil {
		return err
	}
	data["effective_scopes"] = grant.Scopes.Strings()
	addresses, err := parseAddresses("ip_allowlist", r.IPAllowlist)
	if err != nil {
		return err
	}
	data["effective_ip_allowlist"] = list(addresses)
	data["effective_key_type"] = string(r.keyType(l.variant))
	data["risk"] = string(grant.Risk)
	life, err := mintLifetime(0, r, l.connection, e.vault.leaseLimits(needsUsual(0, r)))
	if err != nil {
		return err
	}
	life = life.within(l.variant, r.makingTime())
	data["effective_ttl"], data["effective_max_ttl"] = seconds(life.ttl), seconds(life.maxTTL)
	return nil
}

func (e *engine) deleteRole(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	return nil, e.roles.Delete(ctx, req.Storage, d.Get("name").(string))
}

var rolesHelp = strings.TrimSpace(`
A role says which keys may be minted: on which connection and in which of its
sub-accounts, with which scopes, from which addresses, and for how long. It can
never give more than its connection allows; that is checked when the role is
written and again at every mint and renewal.

A write asks the exchange whether the sub-accounts that it newly names exist, and is
refused if they do not. verify=false skips that. If the exchange cannot be asked, the
role is written with a warning, and a read of NAME/check says later whether they exist.

If an exchange cannot grant a scope alone, the role is refused, and the error names
the exact set of scopes to ask for. Nothing is ever widened silently.

With custody=vault nobody gets the secret of a key. creds/ then answers with
sign_path, where the requester of the key can have requests and logins signed.

A write replaces the whole role. A patch changes the fields that it names, and null
resets a field to its default. A read shows what was written, and the values in
effect in effective_* fields.
`)

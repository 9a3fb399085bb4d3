package backend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/rotation"
)

// pathStaticRoles is static-roles/:name.
func (e *engine) pathStaticRoles() *framework.Path {
	return &framework.Path{
		Pattern:        "static-roles/(?P<name>[^/]+)$",
		DisplayAttrs:   &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: "static-role"},
		Fields:         withName("static role", staticRoleWriteFields()),
		ExistenceCheck: e.staticRoleExists,
		Operations: managed{
			write: framework.PathOperation{
				Callback: e.writeStaticRole,
				Summary:  "Write a whole static role, and make or import its first key. Fields that are not given take their defaults, except disabled, which stays as it is.",
				Examples: []framework.RequestExample{{Description: "Replaced every Saturday at 02:00 UTC, the old key good for ten minutes more.", Data: map[string]any{
					"connection": "bybit", "sub_account": "53888000", "scopes": "read,trade:spot", "ip_allowlist": "203.0.113.7",
					"rotation_schedule": "0 2 * * 6", "rotation_window": "1h", "overlap": "10m",
				}}},
			},
			patch: framework.PathOperation{
				Callback: e.patchStaticRole,
				Summary:  "Change single fields of a static role; null resets a field to its default.",
			},
			read: framework.PathOperation{
				Callback:  e.readStaticRole,
				Summary:   "Read a static role and the state of its rotation.",
				Responses: responses("The static role.", staticRoleAnswerFields()),
			},
			remove: framework.PathOperation{
				Callback:  e.deleteStaticRole,
				Summary:   "Delete a static role. Its keys are deleted at the exchange first.",
				Responses: map[int][]framework.Response{http.StatusNoContent: {{Description: "Deleted, and its keys with it."}}},
			},
		}.operations(),
		HelpSynopsis:    "Manage a static role: one lasting key that is replaced on a schedule.",
		HelpDescription: staticRolesHelp,
	}
}

// pathStaticRolesList is static-roles/.
func (e *engine) pathStaticRolesList() *framework.Path {
	return listPath("static-roles", "static roles", e.staticRoles.List,
		"A static role has one key that lasts, and is replaced from time to time without a gap.")
}

// staticRoleFields are the fields of a static role that are kept.
func staticRoleFields() map[string]*framework.FieldSchema {
	leased := roleFields()
	fields := map[string]*framework.FieldSchema{
		"sub_account":       {Type: framework.TypeString, Description: "Sub-account in which the key is. Required; it cannot be changed."},
		"rotation_period":   {Type: framework.TypeSignedDurationSecond, Default: 0, Description: "How often the key is replaced. Give this or rotation_schedule."},
		"rotation_schedule": {Type: framework.TypeString, Description: "When the key is replaced: minute, hour, day of the month, month, day of the week, in UTC, such as \"0 2 * * 6\"."},
		"rotation_window":   {Type: framework.TypeSignedDurationSecond, Default: 0, Description: "How long after a scheduled time the rotation may begin, at least 1h. If it misses that, it waits for the next time. 0 for no limit."},
		"overlap":           {Type: framework.TypeSignedDurationSecond, Default: seconds(defaultOverlap), Description: "How long the old key keeps working after it is replaced."},
	}
	for _, same := range []string{
		"connection", "scopes", "native_permissions", "ip_allowlist", "key_type", "label_template", "client_format",
		"custody", "allow", "allowed_requests", "allowed_actions",
	} {
		fields[same] = leased[same]
	}
	fields["connection"].Description += " It cannot be changed."
	fields["disabled"] = &framework.FieldSchema{Type: framework.TypeBool, Default: false, Description: "Neither hand out nor replace the key."}
	return fields
}

// staticRoleWriteFields are those of a static role, and what is said of a write.
func staticRoleWriteFields() map[string]*framework.FieldSchema {
	fields := staticRoleFields()
	secret := &framework.DisplayAttributes{Sensitive: true}
	for name, field := range map[string]*framework.FieldSchema{
		"verify":     {Type: framework.TypeBool, Default: true, Description: "When the role is created, ask the exchange whether the sub-account exists, and refuse the role if it does not."},
		"api_key":    {Type: framework.TypeString, Description: "An existing key to import. Only when the role is created."},
		"api_secret": {Type: framework.TypeString, Description: "Secret of the key to import.", DisplayAttrs: secret},
		"passphrase": {Type: framework.TypeString, Description: "Passphrase of the key to import, where the exchange has one.", DisplayAttrs: secret},
		privateKeyField: {
			Type: framework.TypeString, Description: "Private key (PEM, or as the exchange's page says) of the key to import, for the asymmetric key types.", DisplayAttrs: secret,
		},
	} {
		fields[name] = field
	}
	return fields
}

func staticRoleAnswerFields() map[string]*framework.FieldSchema {
	fields := staticRoleFields()
	text := func(description string) *framework.FieldSchema {
		return &framework.FieldSchema{Type: framework.TypeString, Description: description}
	}
	for name, field := range map[string]*framework.FieldSchema{
		"effective_scopes":          {Type: framework.TypeStringSlice, Description: "What the next key may do: the scopes in full."},
		"effective_key_type":        text("How the next key signs."),
		"effective_rotation_period": {Type: framework.TypeInt64, Description: "The longest time between two rotations, in seconds, as role and exchange allow."},
		"risk":                      text("What a leaked key could cost: minimal, moderate or critical."),
		"version":                   {Type: framework.TypeInt, Description: "How many keys the role has had; 0 for none yet."},
		"key_id":                    text("Id of the current key in the ledger, see keys/; empty if there is none."),
		"previous_key_id":           text("Id of the previous key, during the overlap."),
		"previous_api_key":          text("The previous key, during the overlap."),
		"previous_retires_at":       text("When the previous key is deleted."),
		"last_vault_rotation":       text("When the current key came into use."),
		"next_vault_rotation":       text("When it will be replaced."),
		"failures":                  {Type: framework.TypeInt, Description: "How many rotations in a row have failed."},
		"last_error":                text("Why the last rotation failed."),
		"next_attempt_at":           text("When the rotation is tried again after a failure."),
		"overdue_seconds":           {Type: framework.TypeInt64, Description: "How long ago the key should have been replaced."},
	} {
		fields[name] = field
	}
	return fields
}

func (e *engine) staticRoleExists(ctx context.Context, req *logical.Request, d *framework.FieldData) (bool, error) {
	r, err := e.staticRoles.Get(ctx, req.Storage, d.Get("name").(string))
	return r != nil, err
}

func (e *engine) writeStaticRole(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	return e.storeStaticRole(ctx, req, d, func(now *staticRole) (*staticRole, error) {
		r := staticRole{Overlap: defaultOverlap}
		if now != nil {
			r = *now
			r.Keys, r.Overlap = role{Disabled: now.Keys.Disabled}, defaultOverlap
			r.Schedule = rotation.RotationSchedule{}
		}
		return r.applied(now, d, isGiven)
	})
}

func (e *engine) patchStaticRole(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	return e.storeStaticRole(ctx, req, d, func(now *staticRole) (*staticRole, error) {
		if now == nil {
			return nil, logical.CodedError(http.StatusNotFound, fmt.Sprintf("there is no static role %q", d.Get("name")))
		}
		return now.applied(now, d, givenOrNull)
	})
}

func (e *engine) readStaticRole(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name := d.Get("name").(string)
	r, err := e.staticRoles.Get(ctx, req.Storage, name)
	if err != nil || r == nil {
		return nil, err
	}
	data := r.Keys.show()
	maps.Copy(data, map[string]any{
		"sub_account":       r.subAccount(),
		"rotation_period":   seconds(r.Schedule.RotationPeriod),
		"rotation_schedule": r.Schedule.RotationSchedule,
		"rotation_window":   seconds(r.Schedule.RotationWindow),
		"overlap":           seconds(r.Overlap),
		"failures":          r.Failures,
		"last_error":        r.LastError,
		"next_attempt_at":   timestamp(r.NextTry),
		"overdue_seconds":   seconds(r.overdue(e.now())),
		"previous_key_id":   r.Previous.ID,
		"key_id":            r.Current,
	})
	r.tell(data)
	resp := &logical.Response{Data: data}
	if err := e.describeStatic(ctx, req.Storage, *r, name, data); err != nil {
		resp.AddWarning("the key cannot be replaced now: " + err.Error())
	} else if held, err := e.rotationHeld(ctx, req.Storage, *r); err != nil || held != "" {
		resp.AddWarning(fmt.Sprintf("the key is not replaced for now: %s", orError(held, err)))
	}
	return resp, nil
}

// orError is what is told, or the error in whose way it is.
func orError(told string, err error) string {
	if err != nil {
		return err.Error()
	}
	return told
}

// tell adds which key is in use and when it changes, in the words of Vault's database
// engine.
func (r staticRole) tell(data map[string]any) {
	data["version"] = r.Version
	data["last_vault_rotation"] = timestamp(r.Schedule.LastVaultRotation)
	data["next_vault_rotation"] = timestamp(r.Schedule.NextVaultRotation)
	data["previous_api_key"] = r.Previous.APIKey
	data["previous_retires_at"] = timestamp(r.Previous.RetireAt)
}

// describeStatic adds what the role comes to at its exchange, beside what was written.
func (e *engine) describeStatic(ctx context.Context, s logical.Storage, r staticRole, name string, data map[string]any) error {
	l, err := e.connections.existing(ctx, s, r.Keys.Connection)
	if err != nil {
		return err
	}
	grant, err := r.check(name, l)
	if err != nil {
		return err
	}
	data["effective_scopes"] = grant.Scopes.Strings()
	data["effective_key_type"] = string(r.Keys.keyType(l.variant))
	data["effective_rotation_period"] = seconds(r.life(l.variant) - r.Overlap)
	data["risk"] = string(grant.Risk)
	return nil
}

// deleteStaticRole ends the keys of a role and then the role itself. From the beginning
// no other key is made.
func (e *engine) deleteStaticRole(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name, s := d.Get("name").(string), req.Storage
	if err := e.disableStatic(ctx, s, name); err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	done, err := e.scheduler.take(waiting, staticJob(name))
	if err != nil {
		return nil, refuse("static role %q is being rotated, which ends soon, since the role is disabled now; delete it again then", name)
	}
	defer done()
	keys, err := e.ledger.Keys(ctx, s, ofOwner(ownerOf(name)))
	if err != nil {
		return nil, err
	}
	var failures []error
	for _, key := range keys {
		ending, cancel := revokeBudget(ctx)
		err := e.revokeByID(ending, s, key.ID, causeRoleDeleted)
		cancel()
		if err != nil {
			failures = append(failures, fmt.Errorf("key %s: %w", key.ID, err))
		}
		e.overlaps.end(key.ID)
	}
	if len(failures) > 0 {
		return nil, fmt.Errorf("static role %q is disabled and stays until its keys are deleted; the engine keeps trying, so delete the role again later: %w", name, errors.Join(failures...))
	}
	return nil, e.staticRoles.Delete(ctx, s, name)
}

var staticRolesHelp = strings.TrimSpace(`
A static role has one lasting key, for programs that cannot handle leases. A read of
static-creds/NAME always shows a key that works. Every rotation_period, or at the
times of rotation_schedule, the engine makes a new key, compares and tries it, puts it
in the place of the old one, and deletes the old one after the overlap. The overlap
must give programs time to read the new key and log in with it, since some exchanges
end the sessions of a deleted key.

A schedule has the form of Vault's own: minute, hour, day of the month, month and day
of the week, in UTC. With rotation_window, of at least one hour, a rotation that could
not begin within the window waits for the next scheduled time.

To import an existing key, give it when you create the role. The exchange must list it
in the sub-account and accept it. The first rotation replaces it, with the overlap,
and the engine deletes it like any other key of the role.

The secret parts of the key are kept in Vault, under a seal-wrapped path, and are
deleted with the key. Guard rails, freezes and the connection's kill switch apply as
for leased keys; the kill switch also disables the role. Deleting the role deletes its
keys first.

Disabling the mount ends leases only, so delete the static roles first.
`)

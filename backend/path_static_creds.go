package backend

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// pathStaticCreds is static-creds/:name, the present key of a static role. It is read on
// the node that may write, which knows of a rotation first.
func (e *engine) pathStaticCreds() *framework.Path {
	return &framework.Path{
		Pattern:      "static-creds/(?P<name>[^/]+)$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "read", OperationSuffix: "static-role-credentials"},
		Fields:       map[string]*framework.FieldSchema{"name": nameField("static role")},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: &framework.PathOperation{
				Callback:                    e.readStaticCreds,
				Summary:                     "Read the current key of a static role.",
				Responses:                   responses("The present key.", staticCredsFields()),
				ForwardPerformanceStandby:   true,
				ForwardPerformanceSecondary: true,
			},
		},
		HelpSynopsis:    "Read the current key of a static role.",
		HelpDescription: staticCredsHelp,
	}
}

// staticCredsFields are those of creds/, and when the key is replaced.
func staticCredsFields() map[string]*framework.FieldSchema {
	fields := credsFields()
	fields["expires_at"] = &framework.FieldSchema{Type: framework.TypeString, Description: "When the exchange ends the key, if it does; it is replaced before that.", Required: true}
	text := func(description string) *framework.FieldSchema {
		return &framework.FieldSchema{Type: framework.TypeString, Description: description, Required: true}
	}
	for name, field := range map[string]*framework.FieldSchema{
		"version":             {Type: framework.TypeInt, Description: "How many keys the role has had, this one included.", Required: true},
		"ttl":                 {Type: framework.TypeInt64, Description: "Seconds until the next rotation, when a read shows the next key; at least 1.", Required: true},
		"rotation_period":     {Type: framework.TypeInt64, Description: "Seconds between two rotations; with a schedule, between the last and the next. Vault Agent needs this field to read again after ttl.", Required: true},
		"last_vault_rotation": text("When the key came into use."),
		"next_vault_rotation": text("When it will be replaced."),
		"previous_api_key":    text("The previous key while it still works; empty otherwise."),
		"previous_retires_at": text("When the previous key is deleted."),
	} {
		fields[name] = field
	}
	return fields
}

func (e *engine) readStaticCreds(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name := d.Get("name").(string)
	r, err := e.existingStatic(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	if r.Keys.Disabled {
		return nil, refuse("static role %q is disabled", name)
	}
	if r.Keys.Signing.inVault() {
		return nil, refuse("static role %q keeps its key in Vault; have requests and logins signed at sign/%[1]s", name)
	}
	l, err := e.connections.get(ctx, req.Storage, r.Keys.Connection)
	switch {
	case err != nil:
		return nil, err
	case l == nil:
		return nil, refuse("static role %q names connection %q, which does not exist; write it to config/%[2]s", name, r.Keys.Connection)
	}
	// The guard rails may have tightened.
	if _, err := r.check(name, l); err != nil {
		return nil, err
	}
	working, err := e.keyInUse(ctx, req.Storage, *r)
	if err != nil {
		return nil, err
	}
	if working == nil {
		return nil, e.noKeyNow(name, *r)
	}
	entry, err := e.ledger.Find(ctx, req.Storage, r.Current)
	if err != nil {
		return nil, err
	}
	secret, err := e.custody.Get(ctx, req.Storage, r.Current)
	if err != nil {
		return nil, err
	}
	if entry == nil || secret == nil {
		return nil, e.noKeyNow(name, *r)
	}
	m := &minted{entry: *entry, key: secret.Key(entry.ExchangeKeyID), privateKey: secret.Credential().PrivateKey}
	now := e.now()
	m.ready = r.Ready || now.After(r.Schedule.LastVaultRotation.Add(l.variant.ActivationDelay))
	data := credsData(m, l, r.Keys.ClientFormat)
	r.tell(data)
	data["expires_at"] = timestamp(entry.HardLimit)
	data["ttl"], data["rotation_period"] = seconds(r.timeLeft(now)), seconds(r.period())
	resp := &logical.Response{Data: data}
	if !m.ready {
		resp.AddWarning(notReady(l))
	}
	if warning := addedWarning(l, *entry); warning != "" {
		resp.AddWarning(warning)
	}
	return resp, nil
}

// noKeyNow says that a static role has no key that works, and why.
func (e *engine) noKeyNow(name string, r staticRole) error {
	why := "it was revoked, or is not made yet"
	if r.LastError != "" {
		why = r.LastError
	}
	return logical.CodedError(http.StatusServiceUnavailable, fmt.Sprintf("static role %q has no key now: %s; another is made as soon as possible, see static-roles/%[1]s", name, why))
}

var staticCredsHelp = strings.TrimSpace(`
Shows the current key of the static role, with the same fields as creds/ but without
a lease. Read again after ttl seconds, when there is a new key. The old one keeps
working for the role's overlap, until previous_retires_at.

Vault Agent does this by itself, and renders its templates anew after each rotation.
`)

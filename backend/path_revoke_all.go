package backend

import (
	"context"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
)

// pathConfigRevokeAll is config/:name/revoke-all, the kill switch of a
// connection.
func (e *engine) pathConfigRevokeAll() *framework.Path {
	return e.pathRevokeAll("config", "connection", e.stopConnection, ofConnection)
}

// pathRolesRevokeAll is roles/:name/revoke-all, the kill switch of a role.
func (e *engine) pathRolesRevokeAll() *framework.Path {
	return e.pathRevokeAll("roles", "role", e.stopRole, ofRole)
}

// pathRevokeAll is a kill switch: stop ends minting, and which selects the keys.
func (e *engine) pathRevokeAll(
	folder, what string,
	stop func(ctx context.Context, s logical.Storage, name string) error,
	which func(name string) keyCondition,
) *framework.Path {
	answer := func(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
		keys, err := e.ledger.Keys(ctx, req.Storage, which(d.Get("name").(string)))
		if err != nil {
			return nil, err
		}
		left := map[ledger.State]int{}
		for _, key := range keys {
			left[key.State]++
		}
		return &logical.Response{Data: map[string]any{
			"keys_left": len(keys), "live": left[ledger.Live], "pending": left[ledger.Pending], "revoking": left[ledger.Revoking],
		}}, nil
	}
	revoke := func(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
		name := d.Get("name").(string)
		if err := stop(ctx, req.Storage, name); err != nil {
			return nil, err
		}
		if err := e.revokeAll(ctx, req.Storage, which(name)); err != nil {
			return nil, err
		}
		return answer(ctx, req, d)
	}
	fields := map[string]*framework.FieldSchema{
		"keys_left": {Type: framework.TypeInt, Description: "Keys that are not yet gone.", Required: true},
		"live":      {Type: framework.TypeInt, Description: "Of these, keys in use.", Required: true},
		"pending":   {Type: framework.TypeInt, Description: "Of these, keys being made or in doubt.", Required: true},
		"revoking":  {Type: framework.TypeInt, Description: "Of these, keys whose deletion is under way.", Required: true},
	}
	return &framework.Path{
		Pattern:      folder + "/(?P<name>[^/]+)/revoke-all$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "revoke-all", OperationSuffix: what + "-keys"},
		Fields:       map[string]*framework.FieldSchema{"name": nameField(what)},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.UpdateOperation: &framework.PathOperation{
				Callback:                    revoke,
				Summary:                     "Stop minting here and revoke every key.",
				Responses:                   responses(http.StatusOK, "How many keys are left.", fields),
				ForwardPerformanceStandby:   true,
				ForwardPerformanceSecondary: true,
			},
			logical.ReadOperation: &framework.PathOperation{
				Callback:     answer,
				Summary:      "Read how far the revocation has come.",
				Responses:    responses(http.StatusOK, "How many keys are left.", fields),
				DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "read", OperationSuffix: what + "-revocation"},
			},
		},
		HelpSynopsis:    "The kill switch: revoke every key of this " + what + ".",
		HelpDescription: revokeAllHelp,
	}
}

// stopConnection freezes minting on a connection that must exist.
func (e *engine) stopConnection(ctx context.Context, s logical.Storage, name string) error {
	if _, err := e.connections.existing(ctx, s, name); err != nil {
		return err
	}
	return e.connections.freeze(ctx, s, name)
}

// stopRole disables a role. One that is gone has nothing to stop, and its keys
// are revoked all the same.
func (e *engine) stopRole(ctx context.Context, s logical.Storage, name string) error {
	return e.roles.Update(ctx, s, name, func(now *role) (*role, error) {
		if now == nil || now.Disabled {
			return nil, nil
		}
		now.Disabled = true
		return now, nil
	})
}

var revokeAllHelp = strings.TrimSpace(`
An update stops minting (frozen=minting on the connection, disabled=true on the
role), condemns every key, and deletes the keys in the background as fast as the
exchange's rate limit allows. A read says how many are left. Minting stays
stopped until it is allowed again on the connection or role.
`)

package backend

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// pathRolesCheck is roles/:name/check, a dry run.
func (e *engine) pathRolesCheck() *framework.Path {
	return &framework.Path{
		Pattern:      "roles/(?P<name>[^/]+)/check$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "check", OperationSuffix: "role"},
		Fields:       map[string]*framework.FieldSchema{"name": nameField("role")},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: &framework.PathOperation{
				Callback: e.checkRole,
				Summary:  "Ask whether a key could be minted now, without minting one.",
				Responses: responses("Whether a key could be minted.", map[string]*framework.FieldSchema{
					"ok":            {Type: framework.TypeBool, Description: "Whether a read of creds/ would succeed now.", Required: true},
					"problem":       {Type: framework.TypeString, Description: "What is in the way.", Required: true},
					"scopes":        {Type: framework.TypeStringSlice, Description: "What a key could do."},
					"permissions":   {Type: framework.TypeStringSlice, Description: "The same in the exchange's words."},
					"risk":          {Type: framework.TypeString, Description: "What a leaked key could cost."},
					"ttl":           {Type: framework.TypeInt64, Description: "Lifetime of a key, in seconds."},
					"max_ttl":       {Type: framework.TypeInt64, Description: "Longest lifetime, renewals included, in seconds."},
					"sub_account":   {Type: framework.TypeString, Description: "Where the key would be minted."},
					"set_aside":     {Type: framework.TypeMap, Description: "Sub-accounts of the pool that refused a key in the last ten minutes and are left out for now, with the reason."},
					"keys_of_role":  {Type: framework.TypeInt, Description: "Keys that the role holds now.", Required: true},
					"max_live_keys": {Type: framework.TypeInt, Description: "How many it may hold; 0 for no limit."},
				}),
			},
		},
		HelpSynopsis:    "Check whether a key could be minted for the role now.",
		HelpDescription: "Does everything that a read of creds/ does, up to asking the exchange about the root credential, but makes no key.",
	}
}

func (e *engine) checkRole(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name := d.Get("name").(string)
	keys, err := e.ledger.Count(ctx, req.Storage, ofRole(name))
	if err != nil {
		return nil, err
	}
	data := map[string]any{"ok": false, "problem": "", "keys_of_role": keys}
	if err := e.rehearse(ctx, req, name, data); err != nil {
		data["problem"] = err.Error()
	} else {
		data["ok"] = true
	}
	return &logical.Response{Data: data}, nil
}

// rehearse does what a mint does up to the call that creates the key, and
// fills in what it finds.
func (e *engine) rehearse(ctx context.Context, req *logical.Request, name string, data map[string]any) error {
	o, err := e.order(ctx, req, name, wish{reason: "check"})
	if err != nil {
		return err
	}
	data["scopes"], data["permissions"], data["risk"] = o.grant.Scopes.Strings(), list(o.grant.Permissions), string(o.grant.Risk)
	data["ttl"], data["max_ttl"] = seconds(o.lifetime.ttl), seconds(o.lifetime.maxTTL)
	data["max_live_keys"] = o.role.MaxLiveKeys
	data["set_aside"] = e.places.refused(o)
	subAccount, err := e.ledger.Choose(ctx, req.Storage, o.slots(e.places.good(o)).choose)
	if err != nil {
		return err
	}
	data["sub_account"] = subAccount
	identity, err := o.link.account.Inspect(ctx)
	switch {
	case err != nil:
		return err
	case !identity.CanMint:
		return refuse("the root credential of connection %q cannot mint keys: %s", o.link.name, identity.Problem)
	}
	return nil
}

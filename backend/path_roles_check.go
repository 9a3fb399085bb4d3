package backend

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
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
					"ok":                   {Type: framework.TypeBool, Description: "Whether a read of creds/ would succeed now.", Required: true},
					"problem":              {Type: framework.TypeString, Description: "What prevents a mint.", Required: true},
					"scopes":               {Type: framework.TypeStringSlice, Description: "What a key could do."},
					"permissions":          {Type: framework.TypeStringSlice, Description: "Its permissions in the exchange's words."},
					"risk":                 {Type: framework.TypeString, Description: "What a leaked key could cost."},
					"ttl":                  {Type: framework.TypeInt64, Description: "Lifetime of a key, in seconds."},
					"max_ttl":              {Type: framework.TypeInt64, Description: "Longest lifetime, renewals included, in seconds."},
					"sub_account":          {Type: framework.TypeString, Description: "Where the key would be minted."},
					"sub_account_problems": {Type: framework.TypeMap, Description: "Sub-accounts of the role that do not exist, or in which no key can be made now, with the reason."},
					"set_aside":            {Type: framework.TypeMap, Description: "Sub-accounts that refused a key in the last ten minutes and are skipped for now, with the reason."},
					"keys_of_role":         {Type: framework.TypeInt, Description: "Keys that the role has now.", Required: true},
					"max_live_keys":        {Type: framework.TypeInt, Description: "How many it may have; 0 for no limit."},
				}),
			},
		},
		HelpSynopsis: "Check whether a key could be minted for the role now.",
		HelpDescription: "Does everything that a read of creds/ does, including a question to the exchange about the root credential, but makes no key. " +
			"It also asks the exchange whether the role's sub-accounts exist.",
	}
}

func (e *engine) checkRole(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name := d.Get("name").(string)
	keys := 0
	err := e.ledger.Tell(ctx, req.Storage, func(t ledger.Tally) {
		for _, connection := range t.Connections() {
			keys += t.OfRole(connection, name)
		}
	})
	if err != nil {
		return nil, err
	}
	resp := &logical.Response{Data: map[string]any{"ok": false, "problem": "", "keys_of_role": keys}}
	if err := e.rehearse(ctx, req, name, resp); err != nil {
		resp.Data["problem"] = err.Error()
	} else {
		resp.Data["ok"] = true
	}
	return resp, nil
}

// rehearse does what a mint does up to the call that creates the key, and
// fills in what it finds.
func (e *engine) rehearse(ctx context.Context, req *logical.Request, name string, resp *logical.Response) error {
	o, err := e.order(ctx, req, name, wish{reason: "check"})
	if err != nil {
		return err
	}
	if err := o.settle(e.vault.leaseLimits(o.wantUsual)); err != nil {
		return err
	}
	data := resp.Data
	data["scopes"], data["permissions"], data["risk"] = o.grant.Scopes.Strings(), list(o.grant.Permissions), string(o.grant.Risk)
	data["ttl"], data["max_ttl"] = seconds(o.lifetime.ttl), seconds(o.lifetime.maxTTL)
	data["max_live_keys"] = o.role.MaxLiveKeys
	data["set_aside"] = e.places.refused(o)
	problems, err := o.subAccountProblems(ctx)
	if err != nil {
		resp.AddWarning("could not ask the exchange whether it has the role's sub-accounts: " + err.Error())
	}
	data["sub_account_problems"] = problems
	bad := slices.Collect(maps.Keys(problems))
	candidates := without(e.places.good(o), bad...)
	if len(candidates) == 0 {
		candidates = without(o.subAccounts, bad...)
	}
	if len(candidates) == 0 {
		return refuse("no key can be made in any sub-account of role %q; %s: %s", name, quote(o.subAccounts[0]), problems[o.subAccounts[0]])
	}
	subAccount, err := e.ledger.Choose(ctx, req.Storage, o.slots(candidates).choose)
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

package backend

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// pathStaticRolesCheck is static-roles/:name/check, a dry run.
func (e *engine) pathStaticRolesCheck() *framework.Path {
	return &framework.Path{
		Pattern:      "static-roles/(?P<name>[^/]+)/check$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "check", OperationSuffix: "static-role"},
		Fields:       map[string]*framework.FieldSchema{"name": nameField("static role")},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: &framework.PathOperation{
				Callback: e.checkStaticRole,
				Summary:  "Ask whether the key could be replaced now, without replacing it.",
				Responses: responses("Whether the key could be replaced.", map[string]*framework.FieldSchema{
					"ok":            {Type: framework.TypeBool, Description: "Whether a rotation would succeed now, as far as can be told.", Required: true},
					"problem":       {Type: framework.TypeString, Description: "What prevents a rotation.", Required: true},
					"scopes":        {Type: framework.TypeStringSlice, Description: "What the next key could do."},
					"permissions":   {Type: framework.TypeStringSlice, Description: "Its permissions in the exchange's words."},
					"risk":          {Type: framework.TypeString, Description: "What a leaked key could cost."},
					"keys_of_role":  {Type: framework.TypeInt, Description: "Keys that the role has now: two during an overlap.", Required: true},
					"keys_at_place": {Type: framework.TypeInt, Description: "Keys that the exchange lists in the sub-account, including those of others."},
					"most_keys":     {Type: framework.TypeInt, Description: "How many keys the sub-account may hold; 0 if no limit is known."},
				}),
			},
		},
		HelpSynopsis: "Check whether the key of a static role could be replaced now.",
		HelpDescription: "Does everything that a rotation does, including a question to the exchange about the root credential, and checks that " +
			"the sub-account has a free slot for the second key during the overlap. Makes no key.",
	}
}

func (e *engine) checkStaticRole(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name := d.Get("name").(string)
	r, err := e.existingStatic(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	keys, err := e.ledger.Count(ctx, req.Storage, ofOwner(ownerOf(name)))
	if err != nil {
		return nil, err
	}
	resp := &logical.Response{Data: map[string]any{"ok": false, "problem": "", "keys_of_role": keys}}
	if err := e.rehearseRotation(ctx, req.Storage, name, *r, resp.Data); err != nil {
		resp.Data["problem"] = err.Error()
	} else {
		resp.Data["ok"] = true
	}
	return resp, nil
}

// rehearseRotation does what a rotation does up to the call that creates the key, and
// fills in what it finds.
func (e *engine) rehearseRotation(ctx context.Context, s logical.Storage, name string, r staticRole, data map[string]any) error {
	c := succession{overlap: r.Overlap}
	o, err := e.staticOrder(ctx, s, name, r, c)
	if err != nil {
		return err
	}
	l := o.link
	data["scopes"], data["permissions"], data["risk"] = o.grant.Scopes.Strings(), list(o.grant.Permissions), string(o.grant.Risk)
	most := l.keyCap(l.variant)
	data["most_keys"] = most
	if err := e.mayDelete(ctx, s, l); err != nil {
		return err
	}
	if err := e.mayRotate(ctx, s, name, r, c); err != nil {
		return err
	}
	if _, err := e.ledger.Choose(ctx, s, o.slots(o.subAccounts).choose); err != nil {
		return err
	}
	listed, err := l.account.ListKeys(ctx, o.subAccounts[0])
	if err != nil {
		return err
	}
	data["keys_at_place"] = len(listed)
	if most > 0 && len(listed) >= most {
		return refuse("sub-account %q has %s, and at most %d fit: a rotation needs a free slot", r.subAccount(), keyCount(len(listed)), most)
	}
	identity, err := l.account.Inspect(ctx)
	switch {
	case err != nil:
		return err
	case !identity.CanMint:
		return refuse("the root credential of connection %q cannot mint keys: %s", l.name, identity.Problem)
	}
	return nil
}

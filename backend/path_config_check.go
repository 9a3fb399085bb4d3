package backend

import (
	"context"
	"slices"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// pathConfigCheck is config/:name/check, which asks the exchange now.
func (e *engine) pathConfigCheck() *framework.Path {
	return &framework.Path{
		Pattern:      "config/(?P<name>[^/]+)/check$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "check", OperationSuffix: "connection"},
		Fields:       map[string]*framework.FieldSchema{"name": nameField("connection")},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: &framework.PathOperation{
				Callback: e.checkConfig,
				Summary:  "Ask the exchange whose root credential this is and what it may do.",
				Responses: responses("What the exchange answered.", map[string]*framework.FieldSchema{
					"can_mint":           {Type: framework.TypeBool, Description: "Whether keys can be minted with it.", Required: true},
					"problem":            {Type: framework.TypeString, Description: "If they cannot, what is missing and how to fix it."},
					"account":            {Type: framework.TypeString, Description: "The exchange's name for the account."},
					"permissions":        {Type: framework.TypeStringSlice, Description: "The root key's rights in the exchange's words.", Required: true},
					"ip_allowlist":       {Type: framework.TypeStringSlice, Description: "Addresses from which the root key works; empty means anywhere, or that the exchange does not say.", Required: true},
					"expires_at":         {Type: framework.TypeString, Description: "When the exchange ends the root key; empty for never."},
					"clock_offset_ms":    {Type: framework.TypeInt64, Description: "The exchange's clock minus this host's, in milliseconds."},
					"deletions_held":     {Type: framework.TypeString, Description: "Why deletions at the exchange are held back, and what to do about it; empty if they are not."},
					"leftover_root_keys": {Type: framework.TypeStringSlice, Description: "Root keys that are not in use but not yet deleted at the exchange; warnings say what happens to them.", Required: true},
					"warnings":           {Type: framework.TypeStringSlice, Description: "What deserves attention.", Required: true},
				}),
			},
		},
		HelpSynopsis: "Check a connection's root credential at the exchange, now.",
		HelpDescription: "Asks the exchange about the root credential, and shows its rights, the addresses " +
			"it is bound to, when it expires, how far the clocks are apart, and whether deletions are held back. Changes nothing.",
	}
}

func (e *engine) checkConfig(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	l, err := e.connections.existing(ctx, req.Storage, d.Get("name").(string))
	if err != nil {
		return nil, err
	}
	identity, err := l.account.Inspect(ctx)
	if err != nil {
		return nil, l.failed(err)
	}
	e.rootExpiry.note(l, identity.ExpiresAt)
	leftover, err := e.leftoverWarnings(ctx, req.Storage, l)
	if err != nil {
		return nil, err
	}
	return &logical.Response{Data: map[string]any{
		"can_mint":           identity.CanMint,
		"problem":            identity.Problem,
		"account":            identity.Account,
		"permissions":        list(identity.Permissions),
		"ip_allowlist":       list(identity.Addresses),
		"expires_at":         timestamp(identity.ExpiresAt),
		"clock_offset_ms":    identity.ClockOffset.Milliseconds(),
		"deletions_held":     e.whyHeld(l),
		"leftover_root_keys": l.Leftovers.names(),
		"warnings":           list(append(slices.Clone(identity.Warnings), leftover...)),
	}}, nil
}

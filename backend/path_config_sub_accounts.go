package backend

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// pathConfigSubAccounts is config/:name/sub-accounts.
func (e *engine) pathConfigSubAccounts() *framework.Path {
	return &framework.Path{
		Pattern:      "config/(?P<name>[^/]+)/sub-accounts$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: "sub-accounts"},
		Fields:       map[string]*framework.FieldSchema{"name": nameField("connection")},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: &framework.PathOperation{
				Callback: e.readSubAccounts,
				Summary:  "List the sub-accounts at the exchange.",
				Responses: responses("The sub-accounts.", map[string]*framework.FieldSchema{
					"sub_accounts": {
						Type: framework.TypeSlice, Required: true,
						Description: "For each: name, alias, frozen, allowed (by the connection), live_keys (of this engine), max_keys (0 for no cap).",
					},
				}),
			},
		},
		HelpSynopsis:    "List the sub-accounts of a connection's parent account.",
		HelpDescription: "Asks the exchange for the sub-accounts, and shows with each how many keys of this engine it holds and how many it may hold.",
	}
}

func (e *engine) readSubAccounts(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	l, err := e.connections.existing(ctx, req.Storage, d.Get("name").(string))
	if err != nil {
		return nil, err
	}
	accounts, err := l.account.SubAccounts(ctx)
	if err != nil {
		return nil, l.failed(err)
	}
	shown := make([]map[string]any, len(accounts))
	for i, account := range accounts {
		held, err := e.ledger.Count(ctx, req.Storage, inSubAccount(l.name, account.Name))
		if err != nil {
			return nil, err
		}
		shown[i] = map[string]any{
			"name":      account.Name,
			"alias":     account.Alias,
			"frozen":    account.Frozen,
			"allowed":   l.allowsSubAccount(account.Name),
			"live_keys": held,
			"max_keys":  l.keyCap(l.variant),
		}
	}
	return &logical.Response{Data: map[string]any{"sub_accounts": shown}}, nil
}

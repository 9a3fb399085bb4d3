package backend

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// pathInfo is info.
func (e *engine) pathInfo() *framework.Path {
	return &framework.Path{
		Pattern:      "info$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: "info"},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: &framework.PathOperation{
				Callback: e.readInfo,
				Summary:  "Read the plugin's version.",
				Responses: responses("The version.", map[string]*framework.FieldSchema{
					"version":   {Type: framework.TypeString, Description: "Version of the plugin.", Required: true},
					"commit":    {Type: framework.TypeString, Description: "Commit that it was built from, if known.", Required: true},
					"exchanges": {Type: framework.TypeStringSlice, Description: "Exchanges at which keys can be minted.", Required: true},
					"label_tag": {Type: framework.TypeString, Description: "The tag that begins the label of every key of this mount.", Required: true},
					"held":      {Type: framework.TypeBool, Description: "Whether " + holdVariable + " in the plugin's environment acts as frozen=all on every connection.", Required: true},
				}),
			},
		},
		HelpSynopsis:    "Show the plugin's version and the exchanges it knows.",
		HelpDescription: "Shows the plugin's version and commit, the exchanges at which it can mint, the tag that begins the label of every key of this mount, and whether " + holdVariable + " in the plugin's environment stops everything.",
	}
}

func (e *engine) readInfo(context.Context, *logical.Request, *framework.FieldData) (*logical.Response, error) {
	return &logical.Response{Data: map[string]any{
		"version":   e.build.Version,
		"commit":    e.build.Commit,
		"exchanges": e.exchangeNames(),
		"label_tag": e.tag,
		"held":      e.connections.held,
	}}, nil
}

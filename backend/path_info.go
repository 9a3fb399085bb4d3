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
				Summary:  "Read which version of the engine this is.",
				Responses: responses("The version.", map[string]*framework.FieldSchema{
					"version":   {Type: framework.TypeString, Description: "Version of the plugin.", Required: true},
					"commit":    {Type: framework.TypeString, Description: "Commit that it was built from, if known.", Required: true},
					"exchanges": {Type: framework.TypeStringSlice, Description: "Exchanges at which it can mint.", Required: true},
					"label_tag": {Type: framework.TypeString, Description: "How the label of every key of this mount begins.", Required: true},
					"held":      {Type: framework.TypeBool, Description: "Whether " + holdVariable + " in the plugin's environment acts as frozen=all on every connection.", Required: true},
				}),
			},
		},
		HelpSynopsis:    "Show the version of the engine and the exchanges it knows.",
		HelpDescription: "Shows the version and commit of the plugin, the exchanges at which it can mint, the tag with which the label of every key of this mount begins, and whether everything is held by " + holdVariable + " in the plugin's environment.",
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

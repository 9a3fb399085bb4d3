package backend

import (
	"context"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// pathConfigRotateRoot is config/:name/rotate-root.
func (e *engine) pathConfigRotateRoot() *framework.Path {
	return &framework.Path{
		Pattern:      "config/(?P<name>[^/]+)/rotate-root$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "rotate", OperationSuffix: "root-credential"},
		Fields:       map[string]*framework.FieldSchema{"name": nameField("connection")},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.UpdateOperation: &framework.PathOperation{
				Callback: e.rotateConfig,
				Summary:  "Replace the root key through the exchange's API.",
				Responses: responses("The root key was replaced.", map[string]*framework.FieldSchema{
					"api_key":     {Type: framework.TypeString, Description: "The new root key; its secret is not shown.", Required: true},
					"old_deleted": {Type: framework.TypeBool, Description: "Whether the old root key has been deleted; if not, the engine tries again every minute.", Required: true},
				}),
				ForwardPerformanceStandby:   true,
				ForwardPerformanceSecondary: true,
			},
		},
		HelpSynopsis:    "Replace the root key, if the exchange's API can do that.",
		HelpDescription: rotateRootHelp,
	}
}

func (e *engine) rotateConfig(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	key, deleted, err := e.rotateRoot(ctx, req.Storage, d.Get("name").(string), req.ID, false)
	if err != nil {
		return nil, err
	}
	return &logical.Response{Data: map[string]any{"api_key": key, "old_deleted": deleted}}, nil
}

var rotateRootHelp = strings.TrimSpace(`
Makes a new root key with the same rights, tries it, stores it, and deletes the
old one. The old key stays in use until the new one is stored. Other connections
of the mount with the same credential get the new one too. Existing keys stay, and
are deleted with the new root key when their time comes. A root key that could not
be deleted yet is listed in leftover_root_keys of the connection, and the engine
tries again every minute.

Most exchanges have no API call for this. Then the answer says what to do by hand.
With rotation_period on the connection, the engine rotates by itself.
`)

package backend

import (
	"context"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// managed are the operations on what is written whole, patched, read and deleted by name:
// connections, roles and static roles. The node that may write does all but the reading.
type managed struct{ write, patch, read, remove framework.PathOperation }

func (m managed) operations() map[logical.Operation]framework.OperationHandler {
	m.write.Responses, m.patch.Responses = writtenWithWarnings(), writtenWithWarnings()
	if m.remove.Responses == nil {
		m.remove.Responses = map[int][]framework.Response{http.StatusNoContent: {{Description: "Deleted."}}}
	}
	for _, op := range []*framework.PathOperation{&m.write, &m.patch, &m.remove} {
		op.ForwardPerformanceStandby, op.ForwardPerformanceSecondary = true, true
	}
	update := m.write // The engine wraps each operation of a path once.
	return map[logical.Operation]framework.OperationHandler{
		logical.CreateOperation: &m.write,
		logical.UpdateOperation: &update,
		logical.PatchOperation:  &m.patch,
		logical.ReadOperation:   &m.read,
		logical.DeleteOperation: &m.remove,
	}
}

// writtenWithWarnings declares the answers of a write that may warn.
func writtenWithWarnings() map[int][]framework.Response {
	return map[int][]framework.Response{
		http.StatusNoContent: {{Description: "Written."}},
		http.StatusOK:        {{Description: "Written, with warnings."}},
	}
}

// listPath is the path that lists the names of what, which lie in a folder.
func listPath(folder, what string, names func(context.Context, logical.Storage) ([]string, error), help string) *framework.Path {
	return &framework.Path{
		Pattern:      folder + "/?$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: strings.ReplaceAll(what, " ", "-")},
		Fields:       listFields(),
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ListOperation: &framework.PathOperation{
				Callback: func(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
					found, err := names(ctx, req.Storage)
					return listAnswer(found, err, d)
				},
				Summary:   "List the " + what + ".",
				Responses: responses("Names of the "+what+".", listAnswerFields()),
			},
		},
		HelpSynopsis:    "List the " + what + ".",
		HelpDescription: help,
	}
}

// warned is an answer with nothing but warnings; nil if there are none.
func warned(warnings []string) *logical.Response {
	if len(warnings) == 0 {
		return nil
	}
	return &logical.Response{Warnings: warnings}
}

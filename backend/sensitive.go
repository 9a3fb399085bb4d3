package backend

import (
	"context"

	"github.com/hashicorp/vault/sdk/helper/errutil"
	"github.com/hashicorp/vault/sdk/logical"
)

// HandleExistenceCheck implements [logical.Backend]. It comes before every
// write.
func (e *engine) HandleExistenceCheck(ctx context.Context, req *logical.Request) (checkFound, exists bool, err error) {
	if err := e.checkSensitive(req); err != nil {
		return false, false, errutil.UserError{Err: err.Error()}
	}
	return e.Backend.HandleExistenceCheck(ctx, req)
}

// HandleRequest implements [logical.Backend].
func (e *engine) HandleRequest(ctx context.Context, req *logical.Request) (*logical.Response, error) {
	if err := e.checkSensitive(req); err != nil {
		return answer(err)
	}
	return e.Backend.HandleRequest(ctx, req)
}

// checkSensitive refuses a list or an object where a secret goes. The framework
// refuses it too, but its message, which Vault logs, quotes what was given.
func (e *engine) checkSensitive(req *logical.Request) error {
	path := e.Route(req.Path)
	if path == nil {
		return nil
	}
	for name, value := range req.Data {
		field := path.Fields[name]
		if field == nil || field.DisplayAttrs == nil || !field.DisplayAttrs.Sensitive {
			continue
		}
		switch value.(type) {
		case []any, map[string]any:
			return invalid(name, "must be a string; what was given is not shown here, since it may be secret")
		}
	}
	return nil
}

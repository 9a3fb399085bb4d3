package backend

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
)

// pathKeysForget is keys/:id/forget. It is a path of its own, and not a parameter of
// the deletion, since Vault's policies do not look at the parameters of a DELETE.
func (e *engine) pathKeysForget() *framework.Path {
	return &framework.Path{
		Pattern:      "keys/(?P<id>[^/]+)/forget$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "forget", OperationSuffix: "key"},
		Fields: map[string]*framework.FieldSchema{
			"id": {Type: framework.TypeString, Description: "The key's id in the ledger, key_id in the answer of creds/.", Required: true},
		},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.UpdateOperation: &framework.PathOperation{
				Callback:                    e.forgetKey,
				Summary:                     "Remove a key that cannot be deleted from the ledger, without proof that it is gone.",
				Responses:                   responses("What was known of the key.", keyFields()),
				ForwardPerformanceStandby:   true,
				ForwardPerformanceSecondary: true,
			},
		},
		HelpSynopsis:    "Forget a key that the engine cannot delete.",
		HelpDescription: keysForgetHelp,
	}
}

// forgetKey removes a key's entry on somebody's word, who is named in the log.
func (e *engine) forgetKey(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	id, err := keyIDField(d)
	if err != nil {
		return nil, err
	}
	ctx, cancel := revokeBudget(ctx)
	defer cancel()
	claim, err := e.ledger.Claim(ctx, req.Storage, id)
	if err != nil {
		return nil, e.unreadableKey(id, err)
	}
	defer claim.Release()
	entry := claim.Entry()
	switch {
	case !claim.Exists():
		return nil, logical.CodedError(http.StatusNotFound, "there is no key "+id+" in the ledger; list the ids with: vault list <mount>/keys")
	case entry.State == ledger.Live || entry.Attempts == 0:
		return nil, refuse("key %s can be forgotten only once its deletion was tried and has failed; try it with: vault delete <mount>/keys/%[1]s", id)
	case entry.State == ledger.Pending && e.now().Before(entry.Created.Add(ledger.PendingGrace)):
		return nil, refuse("key %s can be forgotten only %s after it was asked for: until then the call that makes it may still be on its way", id, ledger.PendingGrace)
	}
	resp := e.showKey(ctx, req.Storage, entry)
	if err := e.dropSecret(ctx, req.Storage, entry); err != nil {
		return nil, err
	}
	if err := claim.Forget(ctx); err != nil {
		return nil, err
	}
	e.Logger().Warn(loggedForgotten,
		"key_id", entry.ID, "role", entry.Role, "connection", entry.Connection, "sub_account", entry.SubAccount,
		"exchange", entry.Exchange, "api_key", entry.APIKey, "label", entry.Label, "last_error", entry.LastError,
		"display_name", req.DisplayName, "entity_id", req.EntityID)
	for _, warning := range e.forgottenWarnings(entry) {
		resp.AddWarning(warning)
	}
	return resp, nil
}

// forgottenWarnings say what may be left of a forgotten key, and how to look for it.
func (e *engine) forgottenWarnings(entry ledger.Entry) []string {
	var names []string
	if entry.ExchangeKeyID != "" {
		names = append(names, "the id "+entry.ExchangeKeyID)
	}
	if entry.Label != "" {
		names = append(names, "the label "+entry.Label)
	}
	if len(names) == 0 {
		names = append(names, fmt.Sprintf("no label, made at about %s", timestamp(entry.Created)))
	}
	warnings := []string{fmt.Sprintf("nobody has proved that this key is gone, and the engine no longer looks after it. Look for a key with %s on the website of %s, in sub-account %s, and delete it there. "+
		"If config/%s/reconcile can list the sub-account, it shows the key as one of its strays",
		strings.Join(names, " and "), e.connections.displayName(entry.Exchange), quote(entry.SubAccount), entry.Connection)}
	if entry.APIKey != "" {
		warnings = append(warnings, "whoever got this key may still use it. If Vault keeps a lease of it, a revocation of the lease asks for its deletion again")
	}
	return warnings
}

var keysForgetHelp = strings.TrimSpace(`
Removes a key's entry from the ledger without proof that the key is gone. Use it for
a key that the exchange will not let the engine find or delete, such as one in a
sub-account that has been renamed. The exchange is not asked. From then on nobody
looks after the key, if it still exists. The answer says how to look for it, and the
server's log says who forgot it.

Only a key whose deletion was tried and failed can be forgotten. Give this path a
policy of its own: whoever may use it can let a key outlive its lease.
`)

package backend

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
)

// pathKeysLookup is keys/lookup, which finds a key by what the exchange calls it. No
// key has the id lookup, since ids are longer.
func (e *engine) pathKeysLookup() *framework.Path {
	return &framework.Path{
		Pattern:      "keys/lookup$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "look-up", OperationSuffix: "key"},
		Fields: map[string]*framework.FieldSchema{
			"api_key": {Type: framework.TypeString, Required: true, Description: "The API key, as the exchange's own log shows it; for key type bearer the fingerprint of the token."},
		},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.UpdateOperation: &framework.PathOperation{
				Callback:  e.lookUpKey,
				Summary:   "Find out whose an API key is.",
				Responses: responses("The key.", keyFields()),
			},
		},
		HelpSynopsis: "Find a key of the ledger by its API key.",
		HelpDescription: "Shows the same as keys/ID for the key with this api_key: who asked for it, what it may do, until when. The " +
			"answer is 404 if the key is gone, or if this mount never made it.",
	}
}

func (e *engine) lookUpKey(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	apiKey := strings.TrimSpace(d.Get("api_key").(string))
	if apiKey == "" {
		return nil, invalid("api_key", "missing; give the API key as the exchange's log shows it")
	}
	keys, err := e.ledger.Keys(ctx, req.Storage, called(apiKey))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(keys, func(a, b ledger.Key) int { return cmp.Compare(a.ID, b.ID) })
	for _, key := range keys {
		entry, err := e.ledger.Find(ctx, req.Storage, key.ID)
		if err != nil {
			return nil, err
		}
		if entry != nil {
			return e.showKey(ctx, req.Storage, *entry), nil
		}
	}
	return nil, logical.CodedError(http.StatusNotFound, "no key in the ledger has that api_key; it is gone, or this mount did not make it")
}

// called selects the keys of that API key. Where it is not known, as of a stray or of a
// key in the making, the exchange's id of the key is most often the same.
func called(apiKey string) keyCondition {
	return func(key ledger.Key) bool { return cmp.Or(key.APIKey, key.ExchangeKeyID) == apiKey }
}

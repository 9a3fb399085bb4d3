package backend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/backend/store"
)

// pathKeys is keys/:id, one key in the ledger.
func (e *engine) pathKeys() *framework.Path {
	return &framework.Path{
		Pattern:      "keys/(?P<id>[^/]+)$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: "key"},
		Fields: map[string]*framework.FieldSchema{
			"id": {Type: framework.TypeString, Description: "The key's id in the ledger, key_id in the answer of creds/.", Required: true},
		},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: &framework.PathOperation{
				Callback:  e.readKey,
				Summary:   "Read what is known of a key, without secrets.",
				Responses: responses("The key.", keyFields()),
			},
			logical.DeleteOperation: &framework.PathOperation{
				Callback:                    e.deleteKeyNow,
				Summary:                     "Delete a key at its exchange, now.",
				Responses:                   map[int][]framework.Response{http.StatusNoContent: {{Description: "The exchange confirmed it gone."}}},
				ForwardPerformanceStandby:   true,
				ForwardPerformanceSecondary: true,
			},
		},
		HelpSynopsis:    "Read or revoke one key of the ledger.",
		HelpDescription: keysHelp,
	}
}

// pathKeysList is keys/.
func (e *engine) pathKeysList() *framework.Path {
	return &framework.Path{
		Pattern:      "keys/?$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: "keys"},
		Fields:       listFields(),
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ListOperation: &framework.PathOperation{
				Callback: e.listKeys,
				Summary:  "List every key that exists or may exist, with its state.",
				Responses: responses("Ids of the keys.", detailedAnswerFields(
					"state, api_key, connection, sub_account, role, owner of a key without a lease, display_name of the requester, created_at, expires_at; or state unreadable and the problem, for an entry that is damaged or was written by a newer version")),
			},
		},
		HelpSynopsis:    "List every key of this engine.",
		HelpDescription: keysHelp,
	}
}

func (e *engine) listKeys(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	after, limit, err := pageFields(d)
	if err != nil {
		return nil, err
	}
	keys, err := e.ledger.After(ctx, req.Storage, after, limit)
	if err != nil {
		return nil, err
	}
	unreadable, err := e.ledger.Unreadable(ctx, req.Storage)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]ledger.Key, len(keys))
	ids := slices.Collect(maps.Keys(unreadable))
	for _, key := range keys {
		byID[key.ID] = key
		ids = append(ids, key.ID)
	}
	return detailedAnswer(ids, func(id string) map[string]any {
		if why, damaged := unreadable[id]; damaged {
			return map[string]any{"state": "unreadable", "problem": why}
		}
		key := byID[id]
		told := map[string]any{
			"state": string(key.State), "api_key": key.APIKey, "connection": key.Connection, "sub_account": key.SubAccount,
			"role": key.Role, "display_name": key.DisplayName, "created_at": timestamp(key.Created), "expires_at": timestamp(key.Expires),
		}
		if key.Owner != "" {
			told["owner"] = key.Owner
		}
		return told
	}, d)
}

func keyFields() map[string]*framework.FieldSchema {
	text := func(description string) *framework.FieldSchema {
		return &framework.FieldSchema{Type: framework.TypeString, Description: description, Required: true}
	}
	words := func(description string) *framework.FieldSchema {
		return &framework.FieldSchema{Type: framework.TypeStringSlice, Description: description, Required: true}
	}
	return map[string]*framework.FieldSchema{
		"key_id":          text("Id in the ledger."),
		"state":           text("pending: being made, or in doubt; live: in use; revoking: being deleted, and not yet proved gone."),
		"connection":      text("The connection."),
		"exchange":        text("The exchange."),
		"sub_account":     text("The sub-account."),
		"api_key":         text("The API key, as the exchange's own log shows it; empty while it is not known."),
		"exchange_key_id": text("The key's id in the exchange's API; most often the API key itself."),
		"label":           text("Its label at the exchange."),
		"role":            text("The role that it was minted for."),
		"owner":           text("What it belongs to, if it has no lease: static/NAME for a static role."),
		"scopes":          words("What it may do."),
		"permissions":     words("Its permissions in the exchange's words."),
		"risk":            text("What a leak could cost."),
		"ip_allowlist":    words("Addresses from which it works; empty means anywhere."),
		"key_type":        text("How it signs."),
		"entity_id":       text("Vault entity of the requester."),
		"display_name":    text("Name of the requester's token."),
		"client_address":  text("Where the request came from."),
		"reason":          text("Why it was asked for."),
		"created_at":      text("When it was asked for."),
		"expires_at":      text("When it is deleted unless its lease is renewed."),
		"hard_limit":      text("When it is deleted in any case; for a key of a static role, when the exchange ends it."),
		"retires_at":      text("When the old key of a static role is deleted, after a rotation."),
		"last_used":       text("When Vault last signed with the key, if the role has custody=vault; empty for never. A restart may lose the last hour."),
		"uses":            {Type: framework.TypeInt, Description: "How often Vault signed with the key.", Required: true},
		"revocation_delay": {
			Type: framework.TypeInt64, Required: true,
			Description: "How long the key may keep working after the exchange has confirmed its deletion, in seconds.",
		},
		"cause":           text("Why it must be deleted; empty for a key that is pending or live."),
		"revoke_attempts": {Type: framework.TypeInt, Description: "Attempts at deletion that failed.", Required: true},
		"last_error":      text("The last failure."),
		"next_attempt_at": text("When deletion is tried next."),
		"age_seconds":     {Type: framework.TypeInt64, Description: "Age of the key.", Required: true},
		"added_permissions": {
			Type: framework.TypeStringSlice, Required: true,
			Description: "Permissions, in the exchange's words, that the exchange added on its own and that may let the key do more than its scopes say. Mostly none.",
		},
	}
}

func (e *engine) readKey(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	id, err := keyIDField(d)
	if err != nil {
		return nil, err
	}
	entry, err := e.ledger.Find(ctx, req.Storage, id)
	if err != nil || entry == nil {
		return nil, e.unreadableKey(id, err)
	}
	return e.showKey(ctx, req.Storage, *entry), nil
}

// showKey shows a key of the ledger, without secrets.
func (e *engine) showKey(ctx context.Context, s logical.Storage, entry ledger.Entry) *logical.Response {
	var delay time.Duration
	if l, err := e.connections.get(ctx, s, entry.Connection); err == nil && l != nil {
		delay = l.variant.RevocationDelay
	}
	cause := ""
	if entry.State == ledger.Revoking {
		cause = causeOf(entry)
	}
	uses, used := e.uses.unrecorded(entry.ID)
	if used.IsZero() {
		used = entry.LastUsed
	}
	return &logical.Response{Data: map[string]any{
		"key_id":            entry.ID,
		"state":             string(entry.State),
		"connection":        entry.Connection,
		"exchange":          entry.Exchange,
		"sub_account":       entry.SubAccount,
		"api_key":           entry.APIKey,
		"exchange_key_id":   entry.ExchangeKeyID,
		"label":             entry.Label,
		"role":              entry.Role,
		"owner":             entry.Owner,
		"scopes":            entry.Scopes.Strings(),
		"permissions":       list(entry.Permissions),
		"added_permissions": list(entry.Added),
		"risk":              string(entry.Risk),
		"ip_allowlist":      list(entry.Addresses),
		"key_type":          string(entry.KeyType),
		"entity_id":         entry.Requester.EntityID,
		"display_name":      entry.Requester.DisplayName,
		"client_address":    entry.Requester.Address,
		"reason":            entry.Requester.Reason,
		"created_at":        timestamp(entry.Created),
		"expires_at":        timestamp(entry.Expires),
		"hard_limit":        timestamp(entry.HardLimit),
		"retires_at":        timestamp(entry.RetireAt),
		"last_used":         timestamp(used),
		"uses":              entry.Uses + uses,
		"revocation_delay":  seconds(delay),
		"cause":             cause,
		"revoke_attempts":   entry.Attempts,
		"last_error":        entry.LastError,
		"next_attempt_at":   timestamp(entry.NextTry),
		"age_seconds":       seconds(e.now().Sub(entry.Created)),
	}}
}

// deleteKeyNow revokes a key without its lease. The lease, when it ends, finds
// nothing left to do.
func (e *engine) deleteKeyNow(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	id, err := keyIDField(d)
	if err != nil {
		return nil, err
	}
	ctx, cancel := revokeBudget(ctx)
	defer cancel()
	return nil, e.unreadableKey(id, e.revokeByID(ctx, req.Storage, id, causeByHand))
}

// unreadableKey adds to an error what can be done about a key whose entry cannot be read,
// if that is what it says.
func (e *engine) unreadableKey(id string, err error) error {
	if damaged := (*store.UnreadableError)(nil); !errors.As(err, &damaged) {
		return err
	}
	return fmt.Errorf("%w. The engine cannot tell which key it is: revoke its lease, which can, or delete the key on the exchange's website, where its label begins with %s%s",
		err, e.tag, ledger.Entry{ID: id}.Stem())
}

// keyIDField refuses what cannot be an id.
func keyIDField(d *framework.FieldData) (string, error) {
	id := d.Get("id").(string)
	if checkName("id", id) != nil {
		return "", invalid("id", "%.64q is not a key id; list the ids with: vault list <mount>/keys", id)
	}
	return id, nil
}

var keysHelp = strings.TrimSpace(`
The ledger has one entry for each key that exists at an exchange, or may exist
there: it is written before the exchange is asked for the key, and removed only
once the exchange has confirmed the key gone. Whatever becomes of the lease, the
engine keeps trying to delete a key in the background until it is gone.

An entry that is damaged, or that a newer version of the plugin wrote, is listed as
unreadable. Everything else keeps working. Upgrade the plugin, or look for the key on the
exchange's website: its label contains the id.

A key that the exchange never lets the engine delete stays listed, and its
last_error says why. ID/forget gives it up.

Nothing here is secret, but it shows what every team does: grant it separately
from creds/.
`)

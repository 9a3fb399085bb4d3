package backend

import (
	"context"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
)

// pathConfigRevokeAll is config/:name/revoke-all, the kill switch of a connection.
func (e *engine) pathConfigRevokeAll() *framework.Path {
	return e.pathRevokeAll(ledger.OfConnection, "connection", ofConnection, e.configExists)
}

// pathRolesRevokeAll is roles/:name/revoke-all, the kill switch of a role.
func (e *engine) pathRolesRevokeAll() *framework.Path {
	return e.pathRevokeAll(ledger.OfRole, "role", ofRole, e.roleExists)
}

// killSwitch is a kill switch's path: which selects the keys that are under it.
type killSwitch struct {
	*engine
	kind   ledger.Kind
	what   string
	which  func(name string) keyCondition
	exists framework.ExistenceFunc
}

func (e *engine) pathRevokeAll(kind ledger.Kind, what string, which func(string) keyCondition, exists framework.ExistenceFunc) *framework.Path {
	k := killSwitch{e, kind, what, which, exists}
	attributes := func(verb, suffix string) *framework.DisplayAttributes {
		return &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: verb, OperationSuffix: suffix}
	}
	return &framework.Path{
		Pattern:      string(kind) + "/(?P<name>[^/]+)/revoke-all$",
		DisplayAttrs: attributes("revoke-all", what+"-keys"),
		Fields:       map[string]*framework.FieldSchema{"name": nameField(what)},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.UpdateOperation: &framework.PathOperation{
				Callback:                    k.throw,
				Summary:                     "Throw the kill switch: stop minting here and revoke every key.",
				Responses:                   responses("How far the revocation has come.", killSwitchFields()),
				ForwardPerformanceStandby:   true,
				ForwardPerformanceSecondary: true,
			},
			logical.ReadOperation: &framework.PathOperation{
				Callback:     k.read,
				Summary:      "Read how far the revocation is.",
				Responses:    responses("How far the revocation has come.", killSwitchFields()),
				DisplayAttrs: attributes("read", what+"-revocation"),
			},
			logical.DeleteOperation: &framework.PathOperation{
				Callback:                    k.lift,
				Summary:                     "Lift the kill switch: allow minting again. Keys that it condemned are still deleted.",
				Responses:                   map[int][]framework.Response{http.StatusNoContent: {{Description: "Lifted."}}},
				DisplayAttrs:                attributes("lift", what+"-revocation"),
				ForwardPerformanceStandby:   true,
				ForwardPerformanceSecondary: true,
			},
		},
		HelpSynopsis:    "The kill switch: revoke every key of this " + what + ".",
		HelpDescription: revokeAllHelp,
	}
}

func killSwitchFields() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"on":         {Type: framework.TypeBool, Description: "Whether the switch is on, so that no key is minted here.", Required: true},
		"since":      {Type: framework.TypeString, Description: "When it was last thrown; empty for never.", Required: true},
		"keys_left":  {Type: framework.TypeInt, Description: "Keys that are not yet gone.", Required: true},
		"live":       {Type: framework.TypeInt, Description: "Of these, keys in use.", Required: true},
		"pending":    {Type: framework.TypeInt, Description: "Of these, keys that are being made or are in doubt.", Required: true},
		"revoking":   {Type: framework.TypeInt, Description: "Of these, keys that are being deleted.", Required: true},
		"failing":    {Type: framework.TypeInt, Description: "Of these, keys whose deletion has failed at least once; keys/ shows why.", Required: true},
		"last_error": {Type: framework.TypeString, Description: "The last error of the key whose deletion has failed most often.", Required: true},
	}
}

func (k killSwitch) throw(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name := d.Get("name").(string)
	exists, err := k.exists(ctx, req, d)
	if err != nil {
		return nil, err
	}
	if !exists {
		keys, err := k.ledger.Count(ctx, req.Storage, k.which(name))
		if err != nil {
			return nil, err
		}
		if keys == 0 {
			return nil, invalid("name", "there is no %s %q and no key of one; list them with: vault list <mount>/%s", k.what, name, k.kind)
		}
	}
	if err := k.ledger.Throw(ctx, req.Storage, k.kind, name); err != nil {
		return nil, err
	}
	k.drainer.start(req.Storage)
	resp, err := k.read(ctx, req, d)
	if k.kind == ledger.OfConnection && err == nil {
		if failure := k.disableStaticOf(ctx, req.Storage, name); failure != nil {
			resp.AddWarning("static roles of the connection could not be disabled; that is tried again: " + failure.Error())
		}
	}
	return resp, err
}

func (k killSwitch) read(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name := d.Get("name").(string)
	now, err := k.ledger.Switch(ctx, req.Storage, k.kind, name)
	if err != nil {
		return nil, err
	}
	keys, err := k.ledger.Keys(ctx, req.Storage, k.which(name))
	if err != nil {
		return nil, err
	}
	left, failing := map[ledger.State]int{}, 0
	var worst ledger.Key
	for _, key := range keys {
		left[key.State]++
		if key.Attempts > 0 {
			failing++
		}
		if key.Attempts > worst.Attempts {
			worst = key
		}
	}
	return &logical.Response{Data: map[string]any{
		"on": now.On, "since": timestamp(now.Since),
		"keys_left": len(keys), "live": left[ledger.Live], "pending": left[ledger.Pending], "revoking": left[ledger.Revoking],
		"failing": failing, "last_error": worst.LastError,
	}}, nil
}

func (k killSwitch) lift(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	return nil, k.ledger.Lift(ctx, req.Storage, k.kind, d.Get("name").(string))
}

// checkSwitches refuses a role or connection whose kill switch is on.
func (e *engine) checkSwitches(ctx context.Context, s logical.Storage, roleName, connection string) error {
	for _, of := range []struct {
		kind       ledger.Kind
		what, name string
	}{{ledger.OfRole, "role", roleName}, {ledger.OfConnection, "connection", connection}} {
		now, err := e.ledger.Switch(ctx, s, of.kind, of.name)
		if err != nil {
			return err
		}
		if now.On {
			return refuse("%s %q was stopped by its kill switch at %s; to allow new keys again: vault delete <mount>/%s/%s/revoke-all",
				of.what, of.name, timestamp(now.Since), of.kind, of.name)
		}
	}
	return nil
}

var revokeAllHelp = strings.TrimSpace(`
A write throws the kill switch. From then on no key is minted here, and every key
that was minted before is condemned. This takes a single write to storage. The
engine deletes the keys in the background, as fast as the exchange's rate limit
allows, and continues after restarts and failovers. A read says how many keys are
left, and what fails.

The switch of a connection takes the keys of its static roles too, and disables
these roles. They get no new key until somebody enables them again.

Deleting this path lifts the switch, so that keys can be minted again. It does not
spare the keys that were condemned. Deleting the connection or role and writing it
anew does not lift the switch.
`)

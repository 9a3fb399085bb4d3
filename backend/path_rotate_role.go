package backend

import (
	"context"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// pathRotateRole is rotate-role/:name.
func (e *engine) pathRotateRole() *framework.Path {
	return &framework.Path{
		Pattern:      "rotate-role/(?P<name>[^/]+)$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "rotate", OperationSuffix: "static-role-key"},
		Fields: withName("static role", map[string]*framework.FieldSchema{
			"overlap":     {Type: framework.TypeSignedDurationSecond, Description: "How long the present key stays good; by default as the role says."},
			"compromised": {Type: framework.TypeBool, Default: false, Description: "Others have the present key: end it, and the one before it, first, and then make another. Until that is done there is none."},
		}),
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.UpdateOperation: &framework.PathOperation{
				Callback: e.rotateRole,
				Summary:  "Replace the key of a static role now.",
				Responses: responses("The key was replaced.", map[string]*framework.FieldSchema{
					"version":             {Type: framework.TypeInt, Description: "How many keys the role has had, this one included.", Required: true},
					"key_id":              {Type: framework.TypeString, Description: "Id of the new key in the ledger, see keys/.", Required: true},
					"last_vault_rotation": {Type: framework.TypeString, Description: "When it came into use.", Required: true},
					"next_vault_rotation": {Type: framework.TypeString, Description: "When it is to be replaced.", Required: true},
					"previous_api_key":    {Type: framework.TypeString, Description: "The key before it, while it is good; else empty.", Required: true},
					"previous_retires_at": {Type: framework.TypeString, Description: "When that one is deleted.", Required: true},
				}),
				ForwardPerformanceStandby:   true,
				ForwardPerformanceSecondary: true,
			},
		},
		HelpSynopsis:    "Replace the key of a static role now.",
		HelpDescription: rotateRoleHelp,
	}
}

func (e *engine) rotateRole(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name := d.Get("name").(string)
	if _, err := e.existingStatic(ctx, req.Storage, name); err != nil {
		return nil, err
	}
	overlap, err := duration(d, "overlap")
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	done, err := e.scheduler.take(waiting, staticJob(name))
	if err != nil {
		return nil, refuse("the key of static role %q is being replaced already; static-roles/%[1]s shows when it is done. To end the current key at once, delete it: keys/ID", name)
	}
	c := succession{overlap: overlap, compromised: d.Get("compromised").(bool), requester: requesterOf(req, "rotate-role"), requestID: req.ID}
	r, err := e.existingStatic(ctx, req.Storage, name)
	if err == nil && !isGiven(d, "overlap") {
		c.overlap = r.Overlap
	}
	if err == nil {
		err = e.mayRotate(ctx, req.Storage, name, *r, c)
	}
	if err != nil {
		done()
		return nil, err
	}
	if err := e.rotateInTurn(ctx, req.Storage, name, done, c); err != nil {
		return nil, err
	}
	if r, err = e.existingStatic(ctx, req.Storage, name); err != nil {
		return nil, err
	}
	data := map[string]any{"key_id": r.Current}
	r.tell(data)
	return &logical.Response{Data: data}, nil
}

// mayRotate refuses a rotation that somebody asks for and that would leave the role
// with more than two keys.
func (e *engine) mayRotate(ctx context.Context, s logical.Storage, name string, r staticRole, c succession) error {
	if least, _ := r.intervals(); c.overlap >= least {
		return invalid("overlap", "%s is not shorter than the %s between two rotations; give less, or 0 for none", exchanges.Period(c.overlap), exchanges.Period(least))
	}
	if c.compromised {
		return nil
	}
	if now := e.now(); r.Previous.ID != "" {
		return refuse("static role %q still has its previous key until %s; rotate again in %s. If the key is compromised, give compromised=true, which deletes both at once",
			name, timestamp(r.Previous.RetireAt), max(time.Second, r.Previous.RetireAt.Sub(now).Round(time.Second)))
	}
	keys, err := e.ledger.Keys(ctx, s, ofOwner(ownerOf(name)))
	if err != nil || len(keys) < 2 {
		return err
	}
	for _, key := range keys {
		if key.ID != r.Current {
			return refuse("static role %q still has key %s of an earlier rotation, which is not gone yet; keys/%[2]s shows why. Rotate again when it is", name, key.ID)
		}
	}
	return nil
}

var rotateRoleHelp = strings.TrimSpace(`
Makes a new key for the static role and puts it in the place of the current one, which
keeps working for the overlap. With rotation_period, the next rotation is counted from
now.

During the overlap of the last rotation this is refused, with the time to wait, since a
role never has more than two keys.

With compromised=true the order is turned round: the current key, and the previous one
if it still exists, are deleted first, and then a new one is made. Programs have no
working key until they read it. The keys are deleted even if no new one can be made,
for instance because the connection is frozen.
`)

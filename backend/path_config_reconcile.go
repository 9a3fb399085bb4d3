package backend

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// pathConfigReconcile is config/:name/reconcile.
func (e *engine) pathConfigReconcile() *framework.Path {
	return &framework.Path{
		Pattern:      "config/(?P<name>[^/]+)/reconcile$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "reconcile", OperationSuffix: "connection"},
		Fields: map[string]*framework.FieldSchema{
			"name":    nameField("connection"),
			"dry_run": {Type: framework.TypeBool, Default: true, Description: "Only report; false deletes the strays."},
		},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.UpdateOperation: &framework.PathOperation{
				Callback: e.reconcileConfig,
				Summary:  "Compare the exchange's keys with the ledger, and delete strays if asked.",
				Responses: responses("What was found.", map[string]*framework.FieldSchema{
					"dry_run":  {Type: framework.TypeBool, Description: "Whether strays were left alone.", Required: true},
					"known":    {Type: framework.TypeInt, Description: "Keys that are both at the exchange and in the ledger.", Required: true},
					"strays":   {Type: framework.TypeSlice, Description: "Keys with this mount's label that the ledger does not know; deleted unless dry_run or masked. With exclusive_sub_accounts, foreign keys too.", Required: true},
					"foreign":  {Type: framework.TypeSlice, Description: "Keys that are not this mount's: for each sub_account, api_key, label, permissions, age.", Required: true},
					"missing":  {Type: framework.TypeSlice, Description: "Keys that are live in the ledger but that the exchange does not list.", Required: true},
					"deleting": {Type: framework.TypeInt, Description: "Strays that are now being deleted in the background.", Required: true},
				}),
				ForwardPerformanceStandby:   true,
				ForwardPerformanceSecondary: true,
			},
		},
		HelpSynopsis:    "Compare the keys at the exchange with the ledger.",
		HelpDescription: reconcileHelp,
	}
}

func (e *engine) reconcileConfig(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	l, err := e.connections.existing(ctx, req.Storage, d.Get("name").(string))
	if err != nil {
		return nil, err
	}
	c, err := e.reconcile(ctx, req.Storage, l)
	if err != nil {
		return nil, err
	}
	strays, foreign := c.strays, c.foreign
	if l.ExclusiveSubAccounts {
		strays, foreign = slices.Concat(strays, foreign), nil
	}
	dryRun := d.Get("dry_run").(bool)
	deleting := 0
	if !dryRun {
		if deleting, err = e.adoptAll(ctx, req.Storage, l, strays); err != nil {
			return nil, err
		}
	}
	now := e.now()
	show := func(f finding) map[string]any { return showFinding(f, now) }
	return &logical.Response{Data: map[string]any{
		"dry_run":  dryRun,
		"known":    c.known,
		"strays":   each(strays, show),
		"foreign":  each(foreign, show),
		"missing":  each(c.missing, show),
		"deleting": deleting,
	}}, nil
}

// adoptAll takes the strays into the ledger and starts deleting them. A masked
// key cannot be deleted, since its id is not known.
func (e *engine) adoptAll(ctx context.Context, s logical.Storage, l *link, strays []finding) (int, error) {
	if err := e.mayDelete(ctx, s, l); err != nil {
		return 0, err
	}
	adopted := 0
	for _, stray := range strays {
		if stray.key.Masked {
			continue
		}
		if err := e.adopt(ctx, s, l, stray); err != nil {
			return adopted, err
		}
		adopted++
	}
	e.drainer.start(s)
	return adopted, nil
}

func showFinding(f finding, now time.Time) map[string]any {
	shown := map[string]any{
		"sub_account": f.subAccount, "api_key": f.key.ID, "label": f.key.Label, "permissions": list(f.key.Permissions),
		"ip_allowlist": list(f.key.Addresses), "created_at": timestamp(f.key.CreatedAt), "masked": f.key.Masked,
	}
	if !f.key.CreatedAt.IsZero() {
		shown["age_seconds"] = seconds(now.Sub(f.key.CreatedAt))
	}
	if f.id != "" {
		shown["key_id"] = f.id
	}
	return shown
}

var reconcileHelp = strings.TrimSpace(`
Lists the keys of every sub-account in which the connection may mint, and
compares them with the ledger. A stray has this mount's label but is not in the
ledger, for instance because it was minted after the snapshot from which Vault was
restored. Strays are only reported, unless dry_run=false asks for their deletion.

A key that the exchange shows only in part (masked) cannot be deleted through
its API. The engine recognizes it by its label. Delete such a stray on the
exchange's website.

Keys without this mount's label are never touched, unless the connection says
exclusive_sub_accounts=true. After a restore, hold the plugin (EXCHANGE_HOLD=1 in
its environment) or freeze the connection first, look at a dry run, and then decide.
`)

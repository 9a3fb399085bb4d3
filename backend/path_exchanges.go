package backend

import (
	"context"
	"slices"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// pathExchanges is exchanges/:name, the description of one exchange.
func (e *engine) pathExchanges() *framework.Path {
	return &framework.Path{
		Pattern:      "exchanges/(?P<name>[^/]+)$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: "exchange"},
		Fields:       map[string]*framework.FieldSchema{"name": nameField("exchange")},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: &framework.PathOperation{
				Callback:  e.readExchange,
				Summary:   "Read what an exchange can do.",
				Responses: responses("The exchange.", exchangeFields()),
			},
		},
		HelpSynopsis:    "Show what an exchange can do.",
		HelpDescription: exchangesHelp,
	}
}

// pathExchangesList is exchanges/.
func (e *engine) pathExchangesList() *framework.Path {
	return &framework.Path{
		Pattern:      "exchanges/?$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: "exchanges"},
		Fields:       listFields(),
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ListOperation: &framework.PathOperation{
				Callback: func(_ context.Context, _ *logical.Request, d *framework.FieldData) (*logical.Response, error) {
					return listAnswer(e.exchangeNames(), nil, d)
				},
				Summary:   "List the exchanges at which keys can be minted.",
				Responses: responses("Names of the exchanges.", listAnswerFields()),
			},
		},
		HelpSynopsis:    "List the exchanges at which keys can be minted.",
		HelpDescription: exchangesHelp,
	}
}

// exchangeNames lists the catalogue in order.
func (e *engine) exchangeNames() []string {
	var names []string
	for _, exchange := range e.connections.catalog {
		names = append(names, exchange.Describe().Name)
	}
	slices.Sort(names)
	return names
}

func exchangeFields() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"display_name":  {Type: framework.TypeString, Description: "The exchange's own spelling.", Required: true},
		"documentation": {Type: framework.TypeString, Description: "The exchange's page on sub-account keys.", Required: true},
		"environments":  {Type: framework.TypeSlice, Description: "For each: name, base_url, key_base_url, note; the first is the default.", Required: true},
		"credentials":   {Type: framework.TypeSlice, Description: "Forms of a root credential; for each: name, fields, note.", Required: true},
		"variants": {
			Type: framework.TypeSlice, Required: true,
			Description: "Kinds of parent account, the first of which is the default. For each: name, summary, scopes, permissions, inseparable sets of scopes, key types, limits, address rules, " +
				"activation_delay and revocation_delay (how long a new key may be refused, and a deleted one may go on working, in seconds; 0 if nothing is documented), " +
				"native_expiry (whether the exchange can end a key by itself, rounded to granularity and after max at the latest, in seconds; 0 for no bound), rate limits.",
		},
		"root_rotation": {Type: framework.TypeBool, Description: "Whether the root key can be replaced through the API.", Required: true},
		"notes":         {Type: framework.TypeStringSlice, Description: "What an operator should know.", Required: true},
	}
}

func (e *engine) readExchange(_ context.Context, _ *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	exchange, err := e.connections.exchange(d.Get("name").(string))
	if err != nil {
		return nil, err
	}
	about := exchange.Describe()
	return &logical.Response{Data: map[string]any{
		"display_name":  about.DisplayName,
		"documentation": about.Documentation,
		"environments":  each(about.Environments, showEnvironment),
		"credentials":   each(about.Credentials, showCredentialForm),
		"variants":      each(about.Variants, showVariant),
		"root_rotation": about.RootRotation,
		"notes":         list(about.Notes),
	}}, nil
}

func showEnvironment(e exchanges.Environment) map[string]any {
	keyBaseURL := e.KeyBaseURL
	if keyBaseURL == "" {
		keyBaseURL = e.BaseURL
	}
	return map[string]any{"name": e.Name, "base_url": e.BaseURL, "key_base_url": keyBaseURL, "note": e.Note}
}

func showCredentialForm(f exchanges.CredentialForm) map[string]any {
	return map[string]any{"name": f.Name, "fields": list(f.Fields), "note": f.Note}
}

func showVariant(v exchanges.Variant) map[string]any {
	shown := map[string]any{
		"name":                 v.Name,
		"summary":              v.Summary,
		"sub_account_naming":   v.SubAccountNaming,
		"scopes":               v.Offered().Strings(),
		"inseparable":          v.Inseparable(),
		"permissions":          each(v.Permissions, showPermission),
		"key_types":            list(v.KeyTypes),
		"keys_per_sub_account": v.KeysPerSubAccount,
		"label_length":         v.Label.MaxLength,
		"addresses": map[string]any{
			"none": v.Addresses.None, "max": v.Addresses.Max, "ipv6": v.Addresses.IPv6, "cidr": v.Addresses.CIDR, "note": v.Addresses.Note,
		},
		"activation_delay": seconds(v.ActivationDelay),
		"passphrase":       v.Passphrase != nil,
		"native_expiry":    map[string]any{"supported": false, "granularity": 0, "max": 0},
		"listing":          "keys are listed",
		"revocation_delay": seconds(v.RevocationDelay),
		"revocation":       "revocation deletes a key",
		"rate_limits":      each(v.RateLimits, showRateLimit),
	}
	if expiry := v.NativeExpiry; expiry != nil {
		shown["native_expiry"] = map[string]any{"supported": true, "granularity": seconds(expiry.Granularity), "max": seconds(expiry.Max)}
	}
	if v.Unlisted != "" {
		shown["listing"] = v.Unlisted
	}
	if v.NoDeletion != "" {
		shown["revocation"] = v.NoDeletion
	}
	return shown
}

func showPermission(p exchanges.Permission) map[string]any {
	how := "by scope"
	switch {
	case p.Automatic:
		how = "added by the exchange"
	case p.ByName || p.Beyond:
		how = "by name, in native_permissions"
	}
	risk := p.Scopes.Risk()
	if p.Beyond {
		risk = exchanges.RiskCritical
	}
	return map[string]any{"name": p.Name, "scopes": p.Scopes.Strings(), "granted": how, "risk": string(risk), "note": p.Note}
}

func showRateLimit(r exchanges.RateLimit) map[string]any {
	return map[string]any{"operation": r.Operation.Words(), "limit": r.String()}
}

const exchangesHelp = "Shows each exchange's environments, the root credential that it needs, the scopes that it offers, " +
	"scopes that only come together, key types, limits and address rules. Nothing is asked over the network."

package backend

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// facts are what is known of each thing of one kind, by its name.
type facts map[string]map[string]any

// pathExchangesEnvironments is exchanges/:name/environments.
func (e *engine) pathExchangesEnvironments() *framework.Path {
	return e.pathExchangesFacts(factList{
		below: "environments", suffix: "environments", what: "environments of an exchange",
		told: "base_url; key_base_url, where a minted key is used; hosts, where else it is used; streams, each a channel and the URL of its WebSocket; note",
		of: func(about exchanges.Description, _ *framework.FieldData) (facts, error) {
			found := facts{}
			for _, environment := range about.Environments {
				found[environment.Name] = map[string]any{
					"base_url": environment.BaseURL, "key_base_url": cmp.Or(environment.KeyBaseURL, environment.BaseURL), "note": environment.Note,
					"hosts": list(environment.Hosts), "streams": namedURLs(environment.Streams),
				}
			}
			return found, nil
		},
	})
}

// namedURLs shows URLs by name, in order, never null.
func namedURLs(urls map[string]string) []string {
	shown := []string{}
	for _, name := range slices.Sorted(maps.Keys(urls)) {
		shown = append(shown, name+" "+urls[name])
	}
	return shown
}

// pathExchangesCredentials is exchanges/:name/credentials.
func (e *engine) pathExchangesCredentials() *framework.Path {
	return e.pathExchangesFacts(factList{
		below: "credentials", suffix: "credentials", what: "kinds of root credential that an exchange takes",
		told: "fields of a connection that it needs; note, which says where such a credential is made and which rights it needs",
		of: func(about exchanges.Description, _ *framework.FieldData) (facts, error) {
			found := facts{}
			for _, form := range about.Credentials {
				found[form.Name] = map[string]any{"fields": list(form.Fields), "note": form.Note}
			}
			return found, nil
		},
	})
}

// pathExchangesVariants is exchanges/:name/variants.
func (e *engine) pathExchangesVariants() *framework.Path {
	return e.pathExchangesFacts(factList{
		below: "variants", suffix: "variants", what: "kinds of parent account at an exchange",
		told: "summary, scopes, key_types, keys_per_sub_account, activation_delay, revocation_delay, as a read of each explains them",
		of: func(about exchanges.Description, _ *framework.FieldData) (facts, error) {
			found := facts{}
			for _, variant := range about.Variants {
				shown := showVariant(variant)
				found[variantID(variant)] = map[string]any{}
				for _, field := range []string{"summary", "scopes", "key_types", "keys_per_sub_account", "activation_delay", "revocation_delay"} {
					found[variantID(variant)][field] = shown[field]
				}
			}
			return found, nil
		},
	})
}

// pathExchangesPermissions is exchanges/:name/variants/:variant/permissions.
func (e *engine) pathExchangesPermissions() *framework.Path {
	return e.pathExchangesFacts(factList{
		below: "variants/(?P<variant>[^/]+)/permissions", suffix: "permissions", what: "permissions that a key can have at an exchange",
		told: "scopes that it carries; granted, which says how a role gets it; risk; note",
		more: map[string]*framework.FieldSchema{"variant": variantField()},
		of: func(about exchanges.Description, d *framework.FieldData) (facts, error) {
			variant, err := variantNamed(about, d)
			found := facts{}
			for _, permission := range variant.Permissions {
				found[permission.Name] = showPermission(permission)
			}
			return found, err
		},
	})
}

// factList says what is listed of an exchange.
type factList struct {
	// below is where, after exchanges/:name/; suffix is that of the operation's name.
	below, suffix string
	// what is listed, and what is told of each.
	what, told string
	// more are the fields besides those of every such list.
	more map[string]*framework.FieldSchema
	of   func(exchanges.Description, *framework.FieldData) (facts, error)
}

func (e *engine) pathExchangesFacts(l factList) *framework.Path {
	fields := withName("exchange", listFields())
	maps.Copy(fields, l.more)
	return &framework.Path{
		Pattern:      "exchanges/(?P<name>[^/]+)/" + l.below + "/?$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: l.suffix},
		Fields:       fields,
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ListOperation: &framework.PathOperation{
				Callback: func(_ context.Context, _ *logical.Request, d *framework.FieldData) (*logical.Response, error) {
					about, err := e.exchangeNamed(d)
					if err != nil {
						return nil, err
					}
					found, err := l.of(about, d)
					if err != nil {
						return nil, err
					}
					return detailedAnswer(slices.Collect(maps.Keys(found)), func(name string) map[string]any { return found[name] }, d)
				},
				Summary:   "List the " + l.what + ".",
				Responses: responses("Their names.", detailedAnswerFields(l.told)),
			},
		},
		HelpSynopsis: "List the " + l.what + ".",
		HelpDescription: "Lists the " + l.what + ", with what the plugin knows of each. Makes no network call. " +
			"On the command line use: vault list -detailed",
	}
}

func showPermission(p exchanges.Permission) map[string]any {
	how := "by scope"
	switch {
	case p.Automatic:
		how = "not by a role: the exchange may add it unasked"
	case p.ByName || p.Beyond:
		how = "by name, in native_permissions"
	}
	risk := p.Scopes.Risk()
	if p.Beyond {
		risk = exchanges.RiskCritical
	}
	return map[string]any{"scopes": p.Scopes.Strings(), "granted": how, "risk": string(risk), "note": p.Note}
}

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
		HelpDescription: "Lists the exchanges that the plugin knows. exchanges/<name> shows what one can do. Makes no network call.",
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
		"environments":  {Type: framework.TypeStringSlice, Description: "Its environments; the first is the default. environments/ below shows the address of each.", Required: true},
		"credentials":   {Type: framework.TypeStringSlice, Description: "Kinds of root credential; credentials/ below shows what each needs.", Required: true},
		"variants":      {Type: framework.TypeStringSlice, Description: "Kinds of parent account; the first is the default. variants/ below shows what each can do.", Required: true},
		"root_rotation": {Type: framework.TypeBool, Description: "Whether the root key can be replaced through the API.", Required: true},
		"notes":         {Type: framework.TypeStringSlice, Description: "What an operator should know.", Required: true},
	}
}

func (e *engine) readExchange(_ context.Context, _ *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	about, err := e.exchangeNamed(d)
	if err != nil {
		return nil, err
	}
	return &logical.Response{Data: map[string]any{
		"display_name":  about.DisplayName,
		"documentation": about.Documentation,
		"environments":  namesOf(about.Environments, func(e exchanges.Environment) string { return e.Name }),
		"credentials":   namesOf(about.Credentials, func(f exchanges.CredentialForm) string { return f.Name }),
		"variants":      namesOf(about.Variants, variantID),
		"root_rotation": about.RootRotation,
		"notes":         list(about.Notes),
	}}, nil
}

// exchangeNamed describes the exchange that the path names.
func (e *engine) exchangeNamed(d *framework.FieldData) (exchanges.Description, error) {
	exchange, err := e.connections.exchange(d.Get("name").(string))
	if err != nil {
		return exchanges.Description{}, err
	}
	return exchange.Describe(), nil
}

const exchangesHelp = "Shows an exchange's environments, the kinds of root credential that it takes, and its variants, which are the " +
	"kinds of parent account. The lists environments/, credentials/ and variants/ below have the details; vault list -detailed prints them as " +
	"tables. Makes no network call."

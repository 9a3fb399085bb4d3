package backend

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// pathExchangesVariant is exchanges/:name/variants/:variant, what one kind of parent
// account can do.
func (e *engine) pathExchangesVariant() *framework.Path {
	return &framework.Path{
		Pattern:      "exchanges/(?P<name>[^/]+)/variants/(?P<variant>[^/]+)$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: "variant"},
		Fields:       withName("exchange", map[string]*framework.FieldSchema{"variant": variantField()}),
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: &framework.PathOperation{
				Callback:  e.readVariant,
				Summary:   "Read what one kind of parent account can do.",
				Responses: responses("The variant.", variantFields()),
			},
		},
		HelpSynopsis: "Show what one kind of parent account can do at an exchange.",
		HelpDescription: "Shows the scopes that can be granted, those that can only be granted together, key types, limits and address rules. " +
			"permissions/ below lists the exchange's own permissions. Durations are in seconds. Makes no network call.",
	}
}

// onlyVariant names the variant of an exchange that has no others, and so no name
// for it.
const onlyVariant = "default"

func variantID(v exchanges.Variant) string { return cmp.Or(v.Name, onlyVariant) }

func variantField() *framework.FieldSchema {
	return &framework.FieldSchema{
		Type: framework.TypeString, Required: true,
		Description: "The kind of parent account, as a connection's variant names it; " + onlyVariant + " where the exchange has only one.",
	}
}

// variantNamed is the exchange's variant that the path names.
func variantNamed(about exchanges.Description, d *framework.FieldData) (exchanges.Variant, error) {
	id := d.Get("variant").(string)
	for _, variant := range about.Variants {
		if variantID(variant) == id {
			return variant, nil
		}
	}
	return exchanges.Variant{}, oneOf("variant", id, namesOf(about.Variants, variantID)...)
}

func variantFields() map[string]*framework.FieldSchema {
	field := func(kind framework.FieldType, description string) *framework.FieldSchema {
		return &framework.FieldSchema{Type: kind, Description: description, Required: true}
	}
	return map[string]*framework.FieldSchema{
		"variant":                   field(framework.TypeString, "The value for a connection's variant; empty if the exchange has only one."),
		"summary":                   field(framework.TypeString, "Which accounts are of this kind."),
		"sub_account_naming":        field(framework.TypeString, "How sub-accounts are named."),
		"scopes":                    field(framework.TypeStringSlice, "Scopes that keys can have."),
		"inseparable":               field(framework.TypeStringSlice, "Sets of scopes that can only be granted together, as a role would name them."),
		"permissions":               field(framework.TypeStringSlice, "The exchange's own permissions; permissions/ below has the details."),
		"key_types":                 field(framework.TypeStringSlice, "How keys can sign; the first is the default."),
		"keys_per_sub_account":      field(framework.TypeInt, "The exchange's cap; 0 if none is documented."),
		"label_length":              field(framework.TypeInt, "How long a key's label may be, in bytes; 0 if keys have none."),
		"address_binding":           field(framework.TypeBool, "Whether keys can be bound to addresses."),
		"address_binding_max":       field(framework.TypeInt, "How many addresses a key may have; 0 if no number is documented."),
		"address_binding_ipv6":      field(framework.TypeBool, "Whether IPv6 addresses are documented."),
		"address_binding_cidr":      field(framework.TypeBool, "Whether CIDR blocks are documented."),
		"address_binding_note":      field(framework.TypeString, "What happens to keys without addresses."),
		"passphrase":                field(framework.TypeBool, "Whether keys have a passphrase."),
		"activation_delay":          field(framework.TypeInt64, "How long a new key may be refused, in seconds; 0 if nothing is documented."),
		"revocation_delay":          field(framework.TypeInt64, "How long a deleted key may keep working, in seconds; 0 if nothing is documented."),
		"revocation":                field(framework.TypeString, "What revocation does."),
		"listing":                   field(framework.TypeString, "Whether the exchange lists keys, and what happens if not."),
		"native_expiry":             field(framework.TypeBool, "Whether the exchange can make a key that expires by itself."),
		"native_expiry_granularity": field(framework.TypeInt64, "The unit to which the expiry is rounded, in seconds; 0 for less than a second."),
		"native_expiry_max":         field(framework.TypeInt64, "The longest possible expiry, in seconds; 0 for no limit."),
		"signing_custody":           field(framework.TypeString, "Whether the secret of a minted key can stay in Vault, which then signs; the reason if not."),
		"signing_key_types":         field(framework.TypeStringSlice, "Key types that sign each request."),
		"signing_raw_key_types":     field(framework.TypeStringSlice, "Key types that sign any text, where a role allows raw."),
		"signing_binds":             field(framework.TypeStringSlice, "Parts of a request that a signature covers: method, host, path, query, body. The others can be changed after signing."),
		"signing_note":              field(framework.TypeString, "What else to know about what a signature covers."),
		"signing_validity":          field(framework.TypeInt64, "How long a signed request is accepted, in seconds; 0 if not documented."),
		"signing_once":              field(framework.TypeBool, "Whether a signed request is accepted only once."),
		"logins":                    field(framework.TypeStringSlice, "WebSocket channels to which a key can log in; the first is the default."),
		"logon_key_types":           field(framework.TypeStringSlice, "Key types that log on to FIX sessions."),
		"rate_limits":               field(framework.TypeStringSlice, "Documented rate limits that apply to minting and revoking."),
	}
}

func (e *engine) readVariant(_ context.Context, _ *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	about, err := e.exchangeNamed(d)
	if err != nil {
		return nil, err
	}
	variant, err := variantNamed(about, d)
	if err != nil {
		return nil, err
	}
	return &logical.Response{Data: showVariant(variant)}, nil
}

func showVariant(v exchanges.Variant) map[string]any {
	var expiry exchanges.ExpiryRule
	if v.NativeExpiry != nil {
		expiry = *v.NativeExpiry
	}
	return map[string]any{
		"variant":                   v.Name,
		"summary":                   v.Summary,
		"sub_account_naming":        v.SubAccountNaming,
		"scopes":                    v.Offered().Strings(),
		"inseparable":               inseparable(v),
		"permissions":               namesOf(v.Permissions, func(p exchanges.Permission) string { return p.Name }),
		"key_types":                 list(v.KeyTypes),
		"keys_per_sub_account":      v.KeysPerSubAccount,
		"label_length":              v.Label.MaxLength,
		"address_binding":           !v.Addresses.None,
		"address_binding_max":       v.Addresses.Max,
		"address_binding_ipv6":      v.Addresses.IPv6,
		"address_binding_cidr":      v.Addresses.CIDR,
		"address_binding_note":      v.Addresses.Note,
		"passphrase":                v.Passphrase != nil,
		"activation_delay":          seconds(v.ActivationDelay),
		"revocation_delay":          seconds(v.RevocationDelay),
		"revocation":                cmp.Or(v.NoDeletion, "revocation deletes a key"),
		"listing":                   cmp.Or(v.Unlisted, "keys are listed"),
		"native_expiry":             v.NativeExpiry != nil,
		"native_expiry_granularity": seconds(expiry.Granularity),
		"native_expiry_max":         seconds(expiry.Max),
		"signing_custody":           cmp.Or(v.Signing.NoCustody, "a minted key's secret can stay in Vault"),
		"signing_key_types":         list(v.Signing.Requests),
		"signing_raw_key_types":     list(v.Signing.Raw),
		"signing_binds":             list(v.Signing.Binds),
		"signing_note":              cmp.Or(v.Signing.RequestsLogIn, v.Signing.Unbound),
		"signing_validity":          seconds(v.Signing.Validity),
		"signing_once":              v.Signing.Once,
		"logins":                    namesOf(v.Signing.Logins, func(c exchanges.Channel) string { return c.Name }),
		"logon_key_types":           list(v.Signing.Logons),
		"rate_limits":               namesOf(v.RateLimits, func(r exchanges.RateLimit) string { return r.Operation.Words() + ": " + r.String() }),
	}
}

// inseparable lists the sets of scopes that only come together, but for read, which
// every key has.
func inseparable(v exchanges.Variant) []string {
	sets := []string{}
	for _, scopes := range v.Inseparable() {
		sets = append(sets, strings.Join(without(scopes, string(exchanges.ScopeRead)), ","))
	}
	slices.Sort(sets)
	return slices.Compact(sets)
}

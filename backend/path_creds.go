package backend

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// pathCreds is creds/:name, where keys are minted.
func (e *engine) pathCreds() *framework.Path {
	operation := func(summary string) *framework.PathOperation {
		return &framework.PathOperation{
			Callback:                    e.readCreds,
			Summary:                     summary,
			Responses:                   responses("A new API key.", credsFields()),
			Examples:                    []framework.RequestExample{{Description: "A key for ten minutes that can only read.", Data: map[string]any{"ttl": "10m", "scopes": "read", "reason": "DESK-1234"}}},
			ForwardPerformanceStandby:   true,
			ForwardPerformanceSecondary: true,
		}
	}
	narrowed := operation("Mint an API key with less than the role gives.")
	narrowed.DisplayAttrs = &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "generate", OperationSuffix: "credentials-with-parameters"}
	return &framework.Path{
		Pattern:      "creds/(?P<name>[^/]+)$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "generate", OperationSuffix: "credentials"},
		Fields: map[string]*framework.FieldSchema{
			"name":         nameField("role"),
			"ttl":          {Type: framework.TypeSignedDurationSecond, Query: true, Description: "Lifetime of the key, at most the role's."},
			"scopes":       {Type: framework.TypeCommaStringSlice, Query: true, Description: "Scopes of the key, at most the role's."},
			"ip_allowlist": {Type: framework.TypeCommaStringSlice, Query: true, Description: "Addresses from which the key works, within what the role allows."},
			"reason":       {Type: framework.TypeString, Query: true, Description: "Why the key is needed; kept in the ledger."},
			"format":       {Type: framework.TypeString, Query: true, Description: "Add client_config for this client instead of the role's client_format: ccxt, freqtrade or env."},
		},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation:   operation("Mint an API key."),
			logical.UpdateOperation: narrowed,
		},
		HelpSynopsis:    "Mint an API key at the role's exchange.",
		HelpDescription: credsHelp,
	}
}

// maxReason is how long a reason may be, in characters.
const maxReason = 200

func (e *engine) readCreds(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	w := wish{scopes: wordsOf(d, "scopes"), reason: d.Get("reason").(string), format: strings.TrimSpace(d.Get("format").(string))}
	var err error
	if w.ttl, err = duration(d, "ttl"); err != nil {
		return nil, err
	}
	if w.ipAllowlist, err = parseAddresses("ip_allowlist", wordsOf(d, "ip_allowlist")); err != nil {
		return nil, err
	}
	if length := utf8.RuneCountInString(w.reason); length > maxReason {
		return nil, invalid("reason", "%d characters long; give at most %d", length, maxReason)
	}
	o, err := e.order(ctx, req, d.Get("name").(string), w)
	if err != nil {
		return nil, err
	}
	if o.role.RequireWrapping && (req.WrapInfo == nil || req.WrapInfo.TTL <= 0) {
		return nil, refuse("role %q answers only with a wrapped response; ask for one with a wrap TTL (vault read -wrap-ttl=60s ...)", o.roleName)
	}
	m, err := e.mint(ctx, req.Storage, o)
	e.metrics.mints.WithLabelValues(o.link.name, result(err)).Inc()
	if err != nil {
		return nil, err
	}
	e.logKey(loggedMinted, m.entry, "expires_at", timestamp(m.entry.Expires))
	return e.lease(m, o), nil
}

// credsData is what the caller gets: the only place where a key's secret parts
// are ever shown. All of them are always there, empty where the key has none or where it
// stays in Vault, so that a template may name any. The whole of it stands in client_config in the format, if
// there is one.
func credsData(m *minted, l *link, format string) map[string]any {
	environment, _ := l.about.Environment(l.Environment)
	data := map[string]any{
		"api_key":           m.key.APIKey,
		"key_type":          string(m.entry.KeyType),
		"key_id":            m.entry.ID,
		"exchange":          m.entry.Exchange,
		"environment":       environment.Name,
		"variant":           l.variant.Name,
		"base_url":          l.keyBaseURL(),
		"sub_account":       m.entry.SubAccount,
		"scopes":            m.entry.Scopes.Strings(),
		"added_permissions": list(m.entry.Added),
		"ip_allowlist":      list(m.entry.Addresses),
		"risk":              string(m.entry.Risk),
		"expires_at":        timestamp(m.entry.Expires),
		"ready":             m.ready,
	}
	secrets := map[string]exchanges.Secret{
		"api_secret": m.key.APISecret, "passphrase": m.key.Passphrase, "private_key": m.privateKey, "token": m.key.Token,
	}
	if m.entry.Kept && m.entry.Owner == "" {
		data["sign_path"] = signKeyPrefix + m.entry.ID
		for field := range secrets {
			secrets[field] = ""
		}
	}
	for field, secret := range secrets {
		data[field] = secret.Reveal()
	}
	if format != "" {
		data["client_config"] = clientConfig(format, l, data)
	}
	return data
}

func credsFields() map[string]*framework.FieldSchema {
	sensitive := &framework.DisplayAttributes{Sensitive: true}
	return map[string]*framework.FieldSchema{
		"api_key":       {Type: framework.TypeString, Description: "The API key; for key type bearer a fingerprint of the token.", Required: true},
		"api_secret":    {Type: framework.TypeString, Description: "Its secret, for key type hmac; empty otherwise.", Required: true, DisplayAttrs: sensitive},
		"passphrase":    {Type: framework.TypeString, Description: "Its passphrase, where the exchange has one; empty otherwise.", Required: true, DisplayAttrs: sensitive},
		"private_key":   {Type: framework.TypeString, Description: "Its private key (PKCS #8, PEM), for the asymmetric key types; empty otherwise.", Required: true, DisplayAttrs: sensitive},
		"token":         {Type: framework.TypeString, Description: "The token to send instead, for key type bearer; empty otherwise.", Required: true, DisplayAttrs: sensitive},
		"client_config": {Type: framework.TypeString, Description: "The whole key as one string, for the client in format or in the role's client_format; missing without either.", DisplayAttrs: sensitive},
		"sign_path":     {Type: framework.TypeString, Description: "If the role has custody=vault: the path, below the mount, that signs with the key. The secret stays in Vault."},
		"key_type":      {Type: framework.TypeString, Description: "How the key signs.", Required: true},
		"key_id":        {Type: framework.TypeString, Description: "Id in the ledger, see keys/.", Required: true},
		"exchange":      {Type: framework.TypeString, Description: "The exchange.", Required: true},
		"environment":   {Type: framework.TypeString, Description: "The exchange's environment.", Required: true},
		"variant":       {Type: framework.TypeString, Description: "The kind of parent account; empty if the exchange has only one.", Required: true},
		"base_url":      {Type: framework.TypeString, Description: "The address at which the key is used.", Required: true},
		"sub_account":   {Type: framework.TypeString, Description: "The sub-account that the key belongs to.", Required: true},
		"scopes":        {Type: framework.TypeStringSlice, Description: "What the key may do.", Required: true},
		"ip_allowlist":  {Type: framework.TypeStringSlice, Description: "Addresses from which the key works; empty means anywhere.", Required: true},
		"risk":          {Type: framework.TypeString, Description: "What a leak could cost: minimal, moderate or critical.", Required: true},
		"expires_at":    {Type: framework.TypeString, Description: "When the key is deleted unless its lease is renewed.", Required: true},
		"ready":         {Type: framework.TypeBool, Description: "Whether the exchange already accepts the key. Some exchanges take a while, and may take longer than the role's max_wait.", Required: true},
		"added_permissions": {
			Type: framework.TypeStringSlice, Required: true,
			Description: "Permissions, in the exchange's words, that the exchange added on its own and that may let the key do more than its scopes say. Mostly none.",
		},
	}
}

var credsHelp = strings.TrimSpace(`
A read makes a new API key at the exchange, in one of the role's sub-accounts, with
exactly the role's scopes and addresses. The secret is shown once and not stored,
except for a bearer token, which is needed to delete the token. The key is deleted
at the exchange when its lease ends or is revoked.

Each read is a new key: take all fields from one read.

A write may ask for less than the role gives: a shorter ttl, fewer scopes, narrower
ip_allowlist. It may also give a reason, which the ledger keeps.

Some exchanges take a while to accept a new key. The read waits for that, up to
the role's max_wait. Then ready says whether the exchange accepts the key.

If the role has custody=vault, the secret stays in Vault and nobody sees it.
sign_path then says where the requester can have requests and logins signed.

With format, or client_format on the role, client_config has the whole key as one
string: for ccxt as JSON for its constructor, for freqtrade as a configuration file,
for env as lines of NAME='value'.
`)

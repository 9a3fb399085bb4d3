package backend

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/request"
	"vault-plugin-secrets-exchange/exchanges"
)

// signKeyPrefix is where leased keys sign whose secret stays in Vault.
const signKeyPrefix = "sign/key/"

// bodyField is the field that holds a request's body.
const bodyField = "body"

// inputField is the field that holds a text to be signed.
const inputField = "input"

// maxBatch is how many requests one call may have signed.
const maxBatch = 100

// pathsSign are the paths below sign/: of leased keys, and of static roles, whose secret
// stays in Vault.
func (e *engine) pathsSign() []*framework.Path {
	var paths []*framework.Path
	for _, by := range []struct {
		path, field, suffix string
		schema              *framework.FieldSchema
	}{
		// The first must come first: no static role is called key.
		{signKeyPrefix, "key_id", "with-key", &framework.FieldSchema{Type: framework.TypeString, Required: true, Description: "The key_id from creds/. Only whoever read the key there can use it."}},
		{"sign/", "name", "with-static-role", nameField("static role")},
	} {
		for _, what := range e.signables() {
			what.fields[by.field] = by.schema
			paths = append(paths, &framework.Path{
				Pattern:      by.path + "(?P<" + by.field + ">[^/]+)" + what.below + "$",
				DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "sign", OperationSuffix: what.name + "-" + by.suffix},
				Fields:       what.fields,
				Operations: map[logical.Operation]framework.OperationHandler{
					logical.UpdateOperation: &framework.PathOperation{
						Callback:                    what.handler,
						Summary:                     what.summary,
						Responses:                   responses(what.description, what.shown),
						ForwardPerformanceStandby:   true,
						ForwardPerformanceSecondary: true,
					},
				},
				HelpSynopsis:    what.summary,
				HelpDescription: signHelp,
			})
		}
	}
	return paths
}

// signable is one kind of thing that can be signed.
type signable struct {
	below, name, summary, description string
	fields, shown                     map[string]*framework.FieldSchema
	handler                           framework.OperationFunc
}

// signables are the kinds of things that can be signed.
func (e *engine) signables() []signable {
	batched := requestFields()
	batched["batch_input"] = &framework.FieldSchema{
		Type:        framework.TypeSlice,
		Description: fmt.Sprintf("Up to %d requests, each with the fields of a single one; leave those out.", maxBatch),
	}
	results := signedFields()
	results["batch_results"] = &framework.FieldSchema{Type: framework.TypeSlice, Description: "For each request of batch_input, in order: the answer to a single request, or error."}
	login := signedFields()
	login["message"] = &framework.FieldSchema{Type: framework.TypeString, Description: "The text to send first on the connection; missing if the login is a request."}
	login["channel"] = &framework.FieldSchema{Type: framework.TypeString, Description: "The channel to which it logs in.", Required: true}
	login["note"] = &framework.FieldSchema{Type: framework.TypeString, Description: "What the session is for, or what to do with the answer.", Required: true}
	login["url"].Description = "Where to connect, or to send the request; empty if that is not known for the connection's base_url."
	return []signable{
		{"", "request", "Sign a request.", "A request, ready to be sent as it is.", batched, results, e.signRequests},
		{"/login", "login", "Sign a login to the exchange's WebSocket.", "A login.", map[string]*framework.FieldSchema{
			"channel":  {Type: framework.TypeString, Description: "The channel to log in to, one of the logins of exchanges/; the first by default."},
			"validity": {Type: framework.TypeSignedDurationSecond, Description: "How long the login is valid, at most 10s, at an exchange whose logins say it (Bybit)."},
		}, login, e.signOneLogin},
		{"/fix", "logon", "Sign a logon to a FIX session.", "Fields of a Logon message.", map[string]*framework.FieldSchema{
			"sender_comp_id": {Type: framework.TypeString, Description: "SenderCompID (49) of the Logon."},
			"target_comp_id": {Type: framework.TypeString, Description: "TargetCompID (56)."},
			"msg_seq_num":    {Type: framework.TypeInt, Default: 1, Description: "MsgSeqNum (34)."},
			"sending_time":   {Type: framework.TypeString, Description: "SendingTime (52), such as 20240627-11:17:25.223, in UTC; now by default."},
		}, map[string]*framework.FieldSchema{
			"fields": {Type: framework.TypeKVPairs, Description: "The fields that prove who logs on, by their tags, and the fields that the proof covers.", Required: true},
		}, e.signOneLogon},
		{"/raw", "text", "Sign a text that an SDK has made up.", "A signature.", map[string]*framework.FieldSchema{
			inputField: {Type: framework.TypeString, Description: "The text, as the SDK passes it to its signing function."},
		}, map[string]*framework.FieldSchema{
			"signature":  {Type: framework.TypeString, Description: "The signature, in the exchange's encoding.", Required: true},
			"api_key":    {Type: framework.TypeString, Description: "The key that signed. If it is not the one that the SDK names, drop the signature: the key was replaced.", Required: true},
			"passphrase": {Type: framework.TypeString, Description: "The key's passphrase, if the exchange has one; every request must contain it.", Required: true, DisplayAttrs: &framework.DisplayAttributes{Sensitive: true}},
		}, e.signOneText},
	}
}

// requestFields are those of a request to be signed.
func requestFields() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"method":       {Type: framework.TypeString, Description: "GET, POST, PUT, DELETE or PATCH."},
		"path":         {Type: framework.TypeString, Description: "The path, without host and query, such as /v5/order/create."},
		"query":        {Type: framework.TypeString, Description: "The query, percent-encoded, without the parameters that signing adds."},
		bodyField:      {Type: framework.TypeString, Description: "The body, JSON or a form."},
		"body_base64":  {Type: framework.TypeString, Description: "The body in base64, instead of body."},
		"content_type": {Type: framework.TypeString, Description: "application/json or application/x-www-form-urlencoded; by default whichever the body is."},
		"host":         {Type: framework.TypeString, Description: "One of the exchange's hosts, see environments of exchanges/; by default that of base_url."},
	}
}

// signedFields are those of a signed request.
func signedFields() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"method":      {Type: framework.TypeString, Description: "The method of the request."},
		"url":         {Type: framework.TypeString, Description: "Where to send it. It may contain the signature."},
		"headers":     {Type: framework.TypeKVPairs, Description: "Its headers; send them all. They may contain a signature or a passphrase.", DisplayAttrs: &framework.DisplayAttributes{Sensitive: true}},
		"body":        {Type: framework.TypeString, Description: "Its body; send it byte for byte."},
		"body_base64": {Type: framework.TypeString, Description: "Its body in base64, instead of body, if it is not text."},
		"valid_until": {Type: framework.TypeString, Description: "Until when the exchange accepts it; empty if the exchange does not say."},
	}
}

func (e *engine) signRequests(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	s, err := e.signerOf(ctx, req, d)
	if err != nil {
		return nil, err
	}
	if batch, given := d.GetOk("batch_input"); given {
		return e.signBatch(ctx, s, batch.([]any), d)
	}
	form, err := requestForm(d)
	if err != nil {
		return nil, err
	}
	return e.signed(s, signRequest, func() (map[string]any, error) { return e.signRequest(ctx, s, form) })
}

// signBatch signs several requests, each for itself.
func (e *engine) signBatch(ctx context.Context, s *signer, batch []any, d *framework.FieldData) (*logical.Response, error) {
	for field := range requestFields() {
		if isGiven(d, field) {
			return nil, invalid(field, "cannot be combined with batch_input; give each request's own in the list")
		}
	}
	if len(batch) == 0 || len(batch) > maxBatch {
		return nil, invalid("batch_input", "%d requests given; give 1 to %d", len(batch), maxBatch)
	}
	results := make([]any, len(batch))
	for i, item := range batch {
		form, err := batchForm(item)
		var resp *logical.Response
		if err == nil {
			resp, err = e.signed(s, signRequest, func() (map[string]any, error) { return e.signRequest(ctx, s, form) })
		}
		var input *inputError
		var failure *exchanges.Error
		switch {
		case err == nil:
			results[i] = resp.Data
		case errors.As(err, &input), errors.As(err, &failure):
			results[i] = map[string]any{"error": err.Error()}
		default:
			return nil, err
		}
	}
	return &logical.Response{Data: map[string]any{"batch_results": results}}, nil
}

// batchForm reads one item of batch_input as the fields of a single request are read.
func batchForm(item any) (request.Form, error) {
	given, isObject := item.(map[string]any)
	if !isObject {
		return request.Form{}, invalid("batch_input", "each item must be an object with the fields of a request")
	}
	fields := requestFields()
	for name, value := range given {
		if fields[name] == nil {
			return request.Form{}, invalid(fmt.Sprintf("%.64q", name), "not a field of a request; the fields are %s", strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
		}
		if err := checkText(name, fields[name], value); err != nil {
			return request.Form{}, err
		}
	}
	return requestForm(&framework.FieldData{Raw: given, Schema: fields})
}

// requestForm reads a request from its fields.
func requestForm(d *framework.FieldData) (request.Form, error) {
	form := request.Form{
		Method: d.Get("method").(string), Path: d.Get("path").(string), Query: d.Get("query").(string),
		ContentType: d.Get("content_type").(string), Host: d.Get("host").(string), Body: []byte(d.Get(bodyField).(string)),
	}
	encoded := d.Get("body_base64").(string)
	if encoded == "" {
		return form, nil
	}
	if len(form.Body) > 0 {
		return form, invalid("body_base64", "cannot be combined with body; give one of them")
	}
	var err error
	if form.Body, err = base64.StdEncoding.DecodeString(encoded); err != nil {
		return form, invalid("body_base64", "not base64 with padding")
	}
	return form, nil
}

func (e *engine) signOneLogin(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	s, err := e.signerOf(ctx, req, d)
	if err != nil {
		return nil, err
	}
	asked := exchanges.LoginRequest{Channel: d.Get("channel").(string)}
	if asked.Validity, err = duration(d, "validity"); err != nil {
		return nil, err
	}
	return e.signed(s, signLogin, func() (map[string]any, error) { return e.signLogin(ctx, s, asked) })
}

func (e *engine) signOneLogon(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	s, err := e.signerOf(ctx, req, d)
	if err != nil {
		return nil, err
	}
	logon := exchanges.Logon{
		SenderCompID: d.Get("sender_comp_id").(string), TargetCompID: d.Get("target_comp_id").(string),
		MsgSeqNum: d.Get("msg_seq_num").(int), SendingTime: d.Get("sending_time").(string),
	}
	return e.signed(s, signFIX, func() (map[string]any, error) { return e.signLogon(ctx, s, logon) })
}

func (e *engine) signOneText(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	s, err := e.signerOf(ctx, req, d)
	if err != nil {
		return nil, err
	}
	return e.signed(s, signRaw, func() (map[string]any, error) { return s.signText(e.now(), d.Get(inputField).(string)) })
}

// signed answers with what was signed, and counts it.
func (e *engine) signed(s *signer, kind string, sign func() (map[string]any, error)) (*logical.Response, error) {
	data, err := sign()
	e.metrics.signatures.WithLabelValues(s.roleName, kind, result(err)).Inc()
	if err != nil {
		return nil, err
	}
	e.uses.note(s.id, e.now())
	return &logical.Response{Data: data}, nil
}

var signHelp = strings.TrimSpace(`
With custody=vault a role hands out keys without their secrets, and creds/ answers with
sign_path. Whoever read the key there, and nobody else, can have requests, WebSocket
logins and FIX logons signed below that path. A static role with custody=vault hands
out nothing: sign/NAME signs with its current key. Vault sends nothing to the exchange.
Send the answer yourself, unchanged and soon. The role says what may be signed, in
allow, allowed_requests and allowed_actions.

A request that could be read in two ways is refused. Whatever an SDK has added with a
dummy secret (timestamp, signature) is replaced.

With allow=raw, /raw signs any text, for SDKs that take a signing function. No rules
apply there, and a signed text may be dated ahead, so it may stay good until the key is
deleted.

A signature protects only the parts of a request that it covers: see signing_binds of a
variant in exchanges/.
`)

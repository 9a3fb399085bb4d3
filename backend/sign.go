package backend

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/backend/request"
	"vault-plugin-secrets-exchange/exchanges"
)

// signerOf returns the signer that a path below sign/ names: of a leased key, or of a
// static role.
func (e *engine) signerOf(ctx context.Context, req *logical.Request, d *framework.FieldData) (*signer, error) {
	if _, leased := d.Schema["key_id"]; leased {
		return e.handle(ctx, req, d)
	}
	name := d.Get("name").(string)
	id, changes := e.signers.inUse(name)
	if id == "" {
		r, err := e.existingStatic(ctx, req.Storage, name)
		switch {
		case err != nil:
			return nil, err
		case !r.Keys.Signing.inVault():
			return nil, refuse("static role %q hands its key out, see static-creds/%[1]s; only one with custody=vault signs", name)
		case r.Current == "":
			return nil, e.noKeyNow(name, *r)
		}
		id = r.Current
		e.signers.putInUse(name, id, changes)
	}
	s, err := e.signer(ctx, req.Storage, id)
	if err != nil {
		return nil, err
	}
	return s, e.maySign(ctx, req.Storage, s)
}

// handle returns the signer of a leased key whose secret stays in Vault, for whoever
// asked for that key.
func (e *engine) handle(ctx context.Context, req *logical.Request, d *framework.FieldData) (*signer, error) {
	id := d.Get("key_id").(string)
	if err := checkName("key_id", id); err != nil {
		return nil, err
	}
	s, err := e.signer(ctx, req.Storage, id)
	if err != nil {
		return nil, err
	}
	if s.static() || !isRequester(s.requester, req) {
		return nil, logical.CodedError(http.StatusForbidden, "key_id: the key was leased to somebody else; only whoever read it from creds/ can have anything signed with it")
	}
	return s, e.maySign(ctx, req.Storage, s)
}

// maySign refuses a key that is stopped or at its end. It asks memory alone, once the
// ledger's index is loaded.
func (e *engine) maySign(ctx context.Context, storage logical.Storage, s *signer) error {
	key, known, err := e.ledger.Lookup(ctx, storage, s.id)
	live := known && key.State == ledger.Live
	// A key that a kill switch has doomed is live until its turn to be deleted comes.
	ended := !live || !e.now().Before(key.WantedGone)
	switch {
	case err != nil:
		return err
	case live && key.Owner == "" && !e.now().Before(key.Expires):
		return refuse("the key's lease has ended; read creds/ for a new one")
	case ended && s.static():
		return logical.CodedError(http.StatusServiceUnavailable, fmt.Sprintf("the key of static role %q was revoked; another is made as soon as possible, see static-roles/%[1]s", s.roleName))
	case ended:
		return refuse("the key is revoked; read creds/ for a new one")
	case s.disabled:
		return refuse("role %q is disabled", s.roleName)
	case s.link.frozen() != frozenNo:
		return refuse("connection %q is frozen (%s)", s.link.name, s.link.freeze())
	}
	leasing := s.roleName
	if key.Owner != "" {
		leasing = "" // Kill switches are of roles that lease keys, and of connections.
	}
	if err := e.checkSwitches(ctx, storage, leasing, s.link.name); err != nil {
		return err
	}
	if !s.rules.inVault() {
		return refuse("role %q does not have custody=vault any more; read creds/ for a new key", s.roleName)
	}
	// The guard rails and the exchange's facts may have changed since the role was written.
	return s.rules.check(s.link, s.keyType)
}

// signRequest signs one request.
func (e *engine) signRequest(ctx context.Context, s *signer, form request.Form) (map[string]any, error) {
	signing := s.link.variant.Signing
	read, err := request.Read(form, signing)
	if err != nil {
		var wrong *request.Error
		if errors.As(err, &wrong) {
			return nil, invalid(wrong.Field, "%s", wrong.Problem)
		}
		return nil, err
	}
	if err := s.rules.permits(read, s.rules.allowed(signing, s.keyType)); err != nil {
		return nil, err
	}
	s.signs(e.now())
	signed, err := s.account.SignRequest(ctx, read.UserRequest)
	if err != nil {
		return nil, s.link.failed(err)
	}
	var until time.Time
	if signing.Validity > 0 {
		until = e.now().Add(signing.Validity)
	}
	return s.show(signed, until)
}

// signLogin signs a login to a WebSocket.
func (e *engine) signLogin(ctx context.Context, s *signer, asked exchanges.LoginRequest) (map[string]any, error) {
	signing := s.link.variant.Signing
	if allowed := s.rules.allowed(signing, s.keyType); !slices.Contains(allowed, signLogin) {
		return nil, refuse("the role does not allow logins (its allow: %s); whoever manages it can add login", strings.Join(allowed, ", "))
	}
	if asked.Channel == "" {
		asked.Channel = signing.Channels(s.keyType)[0].Name
	}
	s.signs(e.now())
	login, err := s.account.SignLogin(ctx, asked)
	if err != nil {
		return nil, s.link.failed(err)
	}
	data := map[string]any{}
	if login.Request != nil {
		if data, err = s.show(login.Request, login.ValidUntil); err != nil {
			return nil, err
		}
	} else {
		data["url"], data["message"], data["valid_until"] = login.URL, string(login.Message), timestamp(login.ValidUntil)
	}
	data["channel"], data["note"] = login.Channel.Name, login.Channel.Note
	return data, s.sealed(login.URL, string(login.Message))
}

// signLogon signs a logon to FIX.
func (e *engine) signLogon(ctx context.Context, s *signer, logon exchanges.Logon) (map[string]any, error) {
	if allowed := s.rules.allowed(s.link.variant.Signing, s.keyType); !slices.Contains(allowed, signFIX) {
		return nil, refuse("the role does not allow FIX logons (its allow: %s); whoever manages it can add fix", strings.Join(allowed, ", "))
	}
	s.signs(e.now())
	fields, err := s.account.SignLogon(ctx, logon)
	if err != nil {
		return nil, s.link.failed(err)
	}
	shown := map[string]string{}
	for tag, value := range fields {
		shown[strconv.Itoa(tag)] = value
		if err := s.sealed(value); err != nil {
			return nil, err
		}
	}
	return map[string]any{"fields": shown}, nil
}

// signText signs a text of the caller's making.
func (s *signer) signText(now time.Time, text string) (map[string]any, error) {
	if allowed := s.rules.allowed(s.link.variant.Signing, s.keyType); !slices.Contains(allowed, signRaw) {
		return nil, refuse("the role does not allow raw (its allow: %s); whoever manages it can add raw", strings.Join(allowed, ", "))
	}
	if text == "" {
		return nil, invalid(inputField, "missing; give the text to be signed")
	}
	s.signs(now)
	signature, err := s.account.SignRaw(text)
	if err != nil {
		return nil, s.link.failed(err)
	}
	data := map[string]any{"api_key": s.apiKey, "signature": signature, "passphrase": s.passphrase.Reveal()}
	return data, s.sealed(signature)
}

// show is a signed request as its sender needs it.
func (s *signer) show(signed *http.Request, until time.Time) (map[string]any, error) {
	body, err := io.ReadAll(signed.Body)
	if err != nil {
		return nil, err
	}
	headers := map[string]string{}
	for name, values := range signed.Header {
		if name == "User-Agent" {
			continue // It is the sender's own.
		}
		headers[name] = strings.Join(values, ", ")
		if err := s.sealed(values...); err != nil {
			return nil, err
		}
	}
	if err := s.sealed(signed.URL.String(), string(body)); err != nil {
		return nil, err
	}
	data := map[string]any{
		"method": signed.Method, "url": signed.URL.String(), "headers": headers, "valid_until": timestamp(until),
	}
	if utf8.Valid(body) {
		data["body"] = string(body)
	} else {
		data["body_base64"] = base64.StdEncoding.EncodeToString(body)
	}
	return data, nil
}

// sealed fails if a text would reveal a secret of the key.
func (s *signer) sealed(texts ...string) error {
	if slices.ContainsFunc(texts, s.reveals) {
		return errors.New("what was signed holds a secret of the key, and is not shown; report this as a bug")
	}
	return nil
}

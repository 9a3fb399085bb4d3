package signclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// signTimeout is how long Vault may take to sign, where the context does not end sooner.
// It leaves time for the repetitions of Vault's client, which cover a change of leader.
const signTimeout = 10 * time.Second

// Signer has requests and logins signed by one key that stays in Vault. Its methods may be
// called concurrently.
type Signer struct {
	vault *api.Client
	path  string
}

// New returns a signer for the key at that path: MOUNT/sign/ROLE for a static role, and
// MOUNT/ followed by sign_path of the answer of creds/ for a leased key. It asks Vault
// nothing. The client's token is used as it is at the time of each call.
func New(vault *api.Client, path string) (*Signer, error) {
	if vault == nil {
		return nil, errors.New("vault: no client given; make one with api.NewClient")
	}
	if !isSignPath(path) {
		return nil, fmt.Errorf("path: %.128q is not where Vault signs; give MOUNT/sign/ROLE or MOUNT/sign/key/ID, without v1/ and /login", path)
	}
	return &Signer{vault, path}, nil
}

// isSignPath reports whether Vault signs requests at a path.
func isSignPath(path string) bool {
	parts := strings.Split(path, "/")
	for _, part := range parts {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "?#% ") {
			return false
		}
	}
	if parts[0] == "v1" {
		return false
	}
	named := len(parts) - 1
	if named > 0 && parts[named-1] == "key" {
		named--
	}
	return named >= 2 && parts[named-1] == "sign" && (parts[named] != "key" || named < len(parts)-1)
}

// answer is what Vault answers: a signed request, or a login.
type answer struct {
	Method     string            `json:"method"`
	URL        string            `json:"url"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
	BodyBase64 []byte            `json:"body_base64"`
	ValidUntil string            `json:"valid_until"`
	Message    string            `json:"message"`
	Channel    string            `json:"channel"`
	Note       string            `json:"note"`
}

// ask has Vault sign.
func (s *Signer) ask(ctx context.Context, path string, fields map[string]any) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	secret, err := s.vault.Logical().WriteWithContext(ctx, path, fields)
	var refused *api.ResponseError
	switch {
	case errors.As(err, &refused):
		return nil, &Refusal{Path: path, Response: refused}
	case err != nil:
		return nil, fmt.Errorf("ask Vault to sign at %s: %w; nothing was sent to the exchange, so it is safe to try again once Vault answers", path, err)
	case secret == nil:
		return nil, s.unreadable(path, errors.New("it is empty"))
	}
	raw, err := json.Marshal(secret.Data)
	if err != nil {
		return nil, s.unreadable(path, err)
	}
	signed := &answer{}
	if err := json.Unmarshal(raw, signed); err != nil {
		return nil, s.unreadable(path, err)
	}
	return signed, nil
}

// unreadable says that the answer is not one of the secrets engine.
func (s *Signer) unreadable(path string, why error) error {
	return fmt.Errorf("what Vault answered at %s is nothing signed: %w; check that the secrets engine for exchanges is mounted there", path, why)
}

// request is the signed request, ready to be sent.
func (a *answer) request(ctx context.Context) (*http.Request, error) {
	if a.Method == "" || a.URL == "" {
		return nil, errors.New("it has no method or no url")
	}
	body := a.BodyBase64
	if len(body) == 0 {
		body = []byte(a.Body)
	}
	request, err := http.NewRequestWithContext(ctx, a.Method, a.URL, bodyOf(body))
	if err != nil {
		return nil, errors.New("its method or url cannot be read") // The URL may hold a signature.
	}
	if !slices.Contains([]string{"http", "https"}, request.URL.Scheme) || request.URL.Host == "" {
		return nil, errors.New("its url does not name a host by http or https")
	}
	for name, value := range a.Headers {
		request.Header.Set(name, value)
	}
	return request, nil
}

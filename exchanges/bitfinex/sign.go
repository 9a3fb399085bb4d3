package bitfinex

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// Headers of a request: always a nonce, and either a token or a key and a
// signature.
const (
	headerToken     = "bfx-token"
	headerNonce     = "bfx-nonce"
	headerKey       = "bfx-apikey"
	headerSignature = "bfx-signature"
)

// signer adds Bitfinex's headers (https://docs.bitfinex.com/docs/rest-auth).
type signer struct {
	apiKey    string
	signature rest.Signature
	// token, if there is one, is sent in place of a key and a signature.
	token  exchanges.Secret
	nonces *nonces
}

func newSigner(credential exchanges.Credential) (signer, error) {
	s := signer{apiKey: credential.APIKey, token: credential.Token, nonces: &nonces{}}
	if s.token == "" {
		var err error
		s.signature, err = rest.Schemes{HMAC: rest.HexHMAC384}.Signature(credential)
		return s, err
	}
	if s.apiKey != "" && s.apiKey != fingerprint(s.token) {
		return s, &exchanges.Error{Kind: exchanges.ErrInvalid, Message: fmt.Sprintf("api_key: it belongs to a different token, %s", fingerprint(s.token))}
	}
	return s, nil
}

// as returns how to sign with a token, with numbers from the same series.
func (s signer) as(token exchanges.Secret) func(*rest.Request, time.Time) error {
	s.token = token
	return s.sign
}

// sign adds a nonce, and the token or else the key and a signature. The path that
// is signed is longer than the one that is requested.
func (s signer) sign(request *rest.Request, at time.Time) error {
	nonce := s.nonces.next(at)
	request.Header.Set(headerNonce, nonce)
	if request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if s.token != "" {
		request.Header.Set(headerToken, s.token.Reveal())
		return nil
	}
	signature, err := s.signature("/api" + request.Path + nonce + string(request.Body))
	if err != nil {
		return err
	}
	request.Signature = signature
	request.Header.Set(headerKey, s.apiKey)
	request.Header.Set(headerSignature, signature)
	return nil
}

// nonces gives out the numbers by which Bitfinex tells requests apart: microseconds
// since 1970, as in its own SDK, each larger than the one before.
type nonces struct {
	mu   sync.Mutex
	last int64
}

func (n *nonces) next(at time.Time) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = max(at.UnixMicro(), n.last+1)
	return strconv.FormatInt(n.last, 10)
}

package deribit

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// signer authenticates one API key
// (https://docs.deribit.com/articles/authentication). A key with a secret signs
// each request. A key pair signs only its login, and its calls carry the token from
// that.
type signer struct {
	apiKey string
	// signsRequests reports whether each request is signed.
	signsRequests bool
	// signature signs a text, in the encoding of the key's type.
	signature rest.Signature
	// login returns the parameters of public/auth.
	login func(at time.Time) (params, error)
	// session names the logins, as no other signer's are named.
	session string
}

func newSigner(credential exchanges.Credential) (signer, error) {
	signature, err := rest.Schemes{HMAC: rest.HexHMAC, Ed25519: ed25519Signature}.Signature(credential)
	s := signer{apiKey: credential.APIKey, signature: signature, session: newSession()}
	s.login = s.signedLogin
	if secret := credential.APISecret; secret != "" {
		s.signsRequests = true
		// For a key with a secret, sending the secret itself is the only login that
		// Deribit documents for HTTP.
		s.login = func(time.Time) (params, error) {
			return params{"grant_type": "client_credentials", "client_id": s.apiKey, "client_secret": secret.Reveal()}, nil
		}
	}
	return s, err
}

// ed25519Signature signs as rest.Ed25519 does, in URL-safe base64.
func ed25519Signature(key ed25519.PrivateKey) rest.Signature {
	return func(text string) (string, error) {
		return base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(text))), nil
	}
}

// signedLogin logs in with a signature.
func (s signer) signedLogin(at time.Time) (params, error) {
	nonce := rand.Text()
	signature, err := s.signature(loginText(at, nonce))
	return params{
		"grant_type": "client_signature", "client_id": s.apiKey, "timestamp": at.UnixMilli(), "nonce": nonce, "data": "",
		"signature": signature,
	}, err
}

// loginText is what a login signs: it has no data of its own.
func loginText(at time.Time, nonce string) string {
	return milliseconds(at) + "\n" + nonce + "\n"
}

// sign completes a login, or signs a request.
func (s signer) sign(request *rest.Request, at time.Time) error {
	switch {
	case request.Path == pathOf(methodAuth):
		login, err := s.login(at)
		if err != nil {
			return err
		}
		login["scope"] = sessionScope(s.session)
		request.Signature, _ = login["signature"].(string)
		body, err := json.Marshal(newMessage(methodAuth, login))
		request.Body = body
		return err
	case s.signsRequests:
		nonce := rand.Text()
		signature, err := s.signature(requestText(request, at, nonce))
		if err != nil {
			return err
		}
		request.Signature = signature
		request.Header.Set("Authorization", "deri-hmac-sha256 id="+s.apiKey+",ts="+milliseconds(at)+",sig="+request.Signature+",nonce="+nonce)
	}
	return nil
}

// requestText is what a request signs.
func requestText(request *rest.Request, at time.Time, nonce string) string {
	return strings.Join([]string{milliseconds(at), nonce, request.Method, request.Target(), string(request.Body), ""}, "\n")
}

func milliseconds(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }

// newSession makes up a name, since a login ends the session of its name: two that use
// one key, such as two connections, would end each other's. Deribit keeps 16 named
// sessions of a key and ends the oldest for a seventeenth, which is as a rule one that
// nobody uses any more.
func newSession() string {
	var suffix [4]byte
	_, _ = rand.Read(suffix[:]) // It never fails.
	return "vault_" + hex.EncodeToString(suffix[:])
}

// sessionScope asks for a token that is not bound to one TCP connection.
func sessionScope(name string) string { return "session:" + name }

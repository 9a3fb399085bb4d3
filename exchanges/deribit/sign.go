package deribit

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// signer authenticates one API key
// (https://docs.deribit.com/articles/authentication). A key with a secret signs
// each request. A key pair signs its login only, and its calls carry the token
// of that.
type signer struct {
	apiKey       string
	signsRequest bool
	// signature of a text, in the encoding of the key's type.
	signature func(text string) string
	// login returns the parameters of public/auth.
	login func(at time.Time) params
}

// newSigner chooses the scheme by the parts that the credential has.
func newSigner(credential exchanges.Credential) (signer, error) {
	switch {
	case credential.APIKey == "":
		return signer{}, fmt.Errorf("api_key: missing")
	case credential.PrivateKey != "" && credential.APISecret != "":
		return signer{}, fmt.Errorf("private_key: give either api_secret (HMAC) or private_key (Ed25519), not both")
	case credential.PrivateKey != "":
		key, err := exchanges.ParsePrivateKey(credential.PrivateKey)
		if err != nil {
			return signer{}, err
		}
		ed25519Key, ok := key.(ed25519.PrivateKey)
		if !ok {
			return signer{}, fmt.Errorf("private_key: give an Ed25519 key; how other keys sign at Deribit is not documented")
		}
		return pairSigner(credential.APIKey, ed25519Key), nil
	case credential.APISecret != "":
		return secretSigner(credential.APIKey, credential.APISecret), nil
	}
	return signer{}, fmt.Errorf("api_secret: missing; give api_secret (HMAC) or private_key (Ed25519)")
}

// secretSigner signs with HMAC. It logs in with the secret itself, the one way
// that Deribit documents for HTTP.
func secretSigner(apiKey string, secret exchanges.Secret) signer {
	return signer{
		apiKey:       apiKey,
		signsRequest: true,
		signature: func(text string) string {
			mac := hmac.New(sha256.New, []byte(secret.Reveal()))
			mac.Write([]byte(text))
			return hex.EncodeToString(mac.Sum(nil))
		},
		login: func(time.Time) params {
			return params{"grant_type": "client_credentials", "client_id": apiKey, "client_secret": secret.Reveal()}
		},
	}
}

// pairSigner signs with Ed25519.
func pairSigner(apiKey string, key ed25519.PrivateKey) signer {
	s := signer{
		apiKey: apiKey,
		signature: func(text string) string {
			return base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(text)))
		},
	}
	s.login = func(at time.Time) params {
		nonce := rand.Text()
		return params{
			"grant_type": "client_signature", "client_id": apiKey, "timestamp": at.UnixMilli(), "nonce": nonce, "data": "",
			"signature": s.signature(loginText(at, nonce)),
		}
	}
	return s
}

// loginText is what a login signs: it has no data of its own.
func loginText(at time.Time, nonce string) string {
	return milliseconds(at) + "\n" + nonce + "\n"
}

// sign completes a login, or signs a request.
func (s signer) sign(request *rest.Request, at time.Time) error {
	switch {
	case request.Path == pathOf(methodAuth):
		login := s.login(at)
		login["scope"] = sessionScope(sessionName())
		request.Signature, _ = login["signature"].(string)
		body, err := json.Marshal(newMessage(methodAuth, login))
		request.Body = body
		return err
	case s.signsRequest:
		nonce := rand.Text()
		request.Signature = s.signature(requestText(request, at, nonce))
		request.Header.Set("Authorization", "deri-hmac-sha256 id="+s.apiKey+",ts="+milliseconds(at)+",sig="+request.Signature+",nonce="+nonce)
	}
	return nil
}

// requestText is what a request signs.
func requestText(request *rest.Request, at time.Time, nonce string) string {
	target := request.Path
	if request.Query != "" {
		target += "?" + request.Query
	}
	return strings.Join([]string{milliseconds(at), nonce, request.Method, target, string(request.Body), ""}, "\n")
}

func milliseconds(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }

// sessionName is the same for all logins from this host. Deribit keeps 16 named
// sessions of a key and ends the oldest for a seventeenth.
func sessionName() string {
	host, _ := os.Hostname()
	digest := sha256.Sum256([]byte(host))
	return "vault_" + hex.EncodeToString(digest[:4])
}

// sessionScope asks for a token that is not bound to one TCP connection.
func sessionScope(name string) string { return "session:" + name }

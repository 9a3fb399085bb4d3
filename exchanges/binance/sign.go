package binance

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// recvWindow is how old a request may be when Binance reads it, in ms.
const recvWindow = "5000"

// signer adds the API key, the timestamp and the signature to a request
// (https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security).
type signer struct {
	apiKey string
	// signature of a string, in the encoding of the key's type.
	signature func(text string) (string, error)
}

// newSigner chooses the scheme by the parts that the credential has.
func newSigner(credential exchanges.Credential) (signer, error) {
	switch {
	case credential.APIKey == "":
		return signer{}, fmt.Errorf("api_key: missing")
	case credential.PrivateKey != "" && credential.APISecret != "":
		return signer{}, fmt.Errorf("private_key: give either api_secret (HMAC) or private_key (Ed25519 or RSA), not both")
	case credential.PrivateKey != "":
		key, err := exchanges.ParsePrivateKey(credential.PrivateKey)
		if err != nil {
			return signer{}, err
		}
		switch key := key.(type) {
		case ed25519.PrivateKey:
			return signer{credential.APIKey, ed25519Signature(key)}, nil
		case *rsa.PrivateKey:
			return signer{credential.APIKey, rsaSignature(key)}, nil
		}
		return signer{}, fmt.Errorf("private_key: Binance takes Ed25519 and RSA keys only")
	case credential.APISecret != "":
		return signer{credential.APIKey, hmacSignature(credential.APISecret)}, nil
	}
	return signer{}, fmt.Errorf("api_secret: missing; give api_secret (HMAC) or private_key (Ed25519 or RSA)")
}

// sign puts what it adds into the query, whatever the method. What is signed
// is the query directly followed by the body, both as sent.
func (s signer) sign(request *rest.Request, at time.Time) error {
	query := rest.Query("recvWindow", recvWindow, "timestamp", strconv.FormatInt(at.UnixMilli(), 10))
	if request.Query != "" {
		query = request.Query + "&" + query
	}
	signature, err := s.signature(query + string(request.Body))
	if err != nil {
		return err
	}
	request.Signature = signature
	request.Query = query + "&signature=" + url.QueryEscape(signature)
	request.Header.Set("X-MBX-APIKEY", s.apiKey)
	return nil
}

func hmacSignature(secret exchanges.Secret) func(string) (string, error) {
	return func(text string) (string, error) {
		mac := hmac.New(sha256.New, []byte(secret.Reveal()))
		mac.Write([]byte(text))
		return hex.EncodeToString(mac.Sum(nil)), nil
	}
}

func ed25519Signature(key ed25519.PrivateKey) func(string) (string, error) {
	return func(text string) (string, error) {
		return base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(text))), nil
	}
}

func rsaSignature(key *rsa.PrivateKey) func(string) (string, error) {
	return func(text string) (string, error) {
		digest := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
		return base64.StdEncoding.EncodeToString(signature), err
	}
}

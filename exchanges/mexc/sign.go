package mexc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// recvWindow is how old a request may be when MEXC reads it, in ms.
const recvWindow = "5000"

// signer adds the API key, the timestamp and the signature to a request
// (https://www.mexc.com/api-docs/spot-v3/introduction).
type signer struct {
	apiKey string
	secret exchanges.Secret
}

// newSigner checks that the credential has the two parts that MEXC asks for.
func newSigner(credential exchanges.Credential) (signer, error) {
	switch {
	case credential.APIKey == "":
		return signer{}, fmt.Errorf("api_key: missing")
	case credential.PrivateKey != "":
		return signer{}, fmt.Errorf("private_key: MEXC has no key pairs; give api_secret")
	case credential.APISecret == "":
		return signer{}, fmt.Errorf("api_secret: missing")
	}
	return signer{apiKey: credential.APIKey, secret: credential.APISecret}, nil
}

// sign puts what it adds into the query, whatever the method. What is signed
// is the query directly followed by the body, both as sent.
func (s signer) sign(request *rest.Request, at time.Time) error {
	query := rest.Query("recvWindow", recvWindow, "timestamp", strconv.FormatInt(at.UnixMilli(), 10))
	if request.Query != "" {
		query = request.Query + "&" + query
	}
	request.Signature = s.signature(query + string(request.Body))
	request.Query = query + "&signature=" + request.Signature
	request.Header.Set("X-MEXC-APIKEY", s.apiKey)
	if request.Header.Get("Content-Type") == "" {
		// MEXC wants one also where there is no body.
		request.Header.Set("Content-Type", contentType)
	}
	return nil
}

// contentType is what MEXC takes on every call.
const contentType = "application/json"

// signature is the HMAC-SHA256 of a text in lower-case hex.
func (s signer) signature(text string) string {
	mac := hmac.New(sha256.New, []byte(s.secret.Reveal()))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

package htx

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// timestampLayout is how HTX writes times in requests, always in UTC.
const timestampLayout = "2006-01-02T15:04:05"

// signer adds HTX's signature to the query
// (https://huobiapi.github.io/docs/spot/v1/en/#authentication).
type signer struct {
	apiKey string
	method string
	// signature signs a string, in base64.
	signature rest.Signature
}

func newSigner(credential exchanges.Credential) (signer, error) {
	method := "HmacSHA256"
	if credential.PrivateKey != "" {
		method = "Ed25519"
	}
	signature, err := rest.Schemes{HMAC: rest.Base64HMAC, Ed25519: rest.Ed25519}.Signature(credential)
	return signer{credential.APIKey, method, signature}, err
}

// sign puts what it adds into the query, whatever the method. The body is not
// signed.
func (s signer) sign(request *rest.Request, at time.Time) error {
	parameters, err := url.ParseQuery(request.Query)
	if err != nil {
		return fmt.Errorf("the query string is not properly encoded")
	}
	parameters.Set("AccessKeyId", s.apiKey)
	parameters.Set("SignatureMethod", s.method)
	parameters.Set("SignatureVersion", "2")
	parameters.Set("Timestamp", at.UTC().Format(timestampLayout))
	// Encode sorts by name, as HTX wants it, but writes a space as a plus.
	query := strings.ReplaceAll(parameters.Encode(), "+", "%20")

	text := strings.Join([]string{request.Method, request.Host, request.Path, query}, "\n")
	if request.Signature, err = s.signature(text); err != nil {
		return err
	}
	request.Query = query + "&Signature=" + url.QueryEscape(request.Signature)
	return nil
}

package okx

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// timestampLayout is how OKX writes times in requests, always in UTC.
const timestampLayout = "2006-01-02T15:04:05.000Z"

// signer adds OKX's signature headers
// (https://www.okx.com/docs-v5/en/#overview-rest-authentication).
type signer struct {
	apiKey     string
	secret     exchanges.Secret
	passphrase exchanges.Secret
	demo       bool
}

// newSigner checks that the credential has the three parts that OKX asks for.
func newSigner(credential exchanges.Credential, environment string) (signer, error) {
	switch {
	case credential.APIKey == "":
		return signer{}, fmt.Errorf("api_key: missing")
	case credential.PrivateKey != "":
		return signer{}, fmt.Errorf("private_key: OKX has no key pairs; give api_secret and passphrase")
	case credential.APISecret == "":
		return signer{}, fmt.Errorf("api_secret: missing")
	case credential.Passphrase == "":
		return signer{}, fmt.Errorf("passphrase: missing; it was chosen when the API key was made, and OKX cannot show it again")
	}
	return signer{
		apiKey: credential.APIKey, secret: credential.APISecret, passphrase: credential.Passphrase,
		demo: environment == demo,
	}, nil
}

func (s signer) sign(request *rest.Request, at time.Time) error {
	target := request.Path
	if request.Query != "" {
		target += "?" + request.Query
	}
	timestamp := at.UTC().Format(timestampLayout)
	mac := hmac.New(sha256.New, []byte(s.secret.Reveal()))
	mac.Write([]byte(timestamp + request.Method + target))
	mac.Write(request.Body)

	request.Signature = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	request.Header.Set("OK-ACCESS-KEY", s.apiKey)
	request.Header.Set("OK-ACCESS-SIGN", request.Signature)
	request.Header.Set("OK-ACCESS-TIMESTAMP", timestamp)
	request.Header.Set("OK-ACCESS-PASSPHRASE", s.passphrase.Reveal())
	if s.demo {
		request.Header.Set("x-simulated-trading", "1")
	}
	return nil
}

package okx

import (
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
	passphrase exchanges.Secret
	signature  rest.Signature
	demo       bool
}

func newSigner(credential exchanges.Credential, environment string) (signer, error) {
	signature, err := rest.Schemes{HMAC: rest.Base64HMAC, Passphrase: true}.Signature(credential)
	return signer{credential.APIKey, credential.Passphrase, signature, environment == demo}, err
}

func (s signer) sign(request *rest.Request, at time.Time) error {
	timestamp := at.UTC().Format(timestampLayout)
	signature, err := s.signature(timestamp + request.Method + request.Target() + string(request.Body))
	if err != nil {
		return err
	}
	request.Signature = signature
	request.Header.Set("OK-ACCESS-KEY", s.apiKey)
	request.Header.Set("OK-ACCESS-SIGN", request.Signature)
	request.Header.Set("OK-ACCESS-TIMESTAMP", timestamp)
	request.Header.Set("OK-ACCESS-PASSPHRASE", s.passphrase.Reveal())
	if s.demo {
		request.Header.Set("x-simulated-trading", "1")
	}
	return nil
}

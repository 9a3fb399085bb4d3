package bitget

import (
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// signer adds Bitget's signature headers
// (https://www.bitget.com/api-doc/common/signature).
type signer struct {
	apiKey     string
	passphrase exchanges.Secret
	signature  rest.Signature
}

func newSigner(credential exchanges.Credential) (signer, error) {
	signature, err := rest.Schemes{HMAC: rest.Base64HMAC, RSA: rest.RSA, Passphrase: true}.Signature(credential)
	return signer{credential.APIKey, credential.Passphrase, signature}, err
}

func (s signer) sign(request *rest.Request, at time.Time) error {
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	signature, err := s.signature(timestamp + request.Method + request.Target() + string(request.Body))
	if err != nil {
		return err
	}
	request.Signature = signature
	request.Header.Set("ACCESS-KEY", s.apiKey)
	request.Header.Set("ACCESS-SIGN", request.Signature)
	request.Header.Set("ACCESS-TIMESTAMP", timestamp)
	request.Header.Set("ACCESS-PASSPHRASE", s.passphrase.Reveal())
	request.Header.Set("locale", "en-US")
	return nil
}

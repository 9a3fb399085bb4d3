package kucoin

import (
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// keyVersion is the version of every key that KuCoin makes today.
const keyVersion = "3"

// jsonType must be on every request, even on one without a body.
const jsonType = "application/json"

// signer adds KuCoin's signature headers
// (https://www.kucoin.com/docs-new/authentication).
type signer struct {
	apiKey    string
	signature rest.Signature
	// passphrase is what is sent in place of the passphrase: the same on
	// each request, and so itself a secret.
	passphrase exchanges.Secret
}

func newSigner(credential exchanges.Credential) (signer, error) {
	signature, err := rest.Schemes{HMAC: rest.Base64HMAC, Passphrase: true}.Signature(credential)
	if err != nil {
		return signer{}, err
	}
	passphrase, err := signature(credential.Passphrase.Reveal())
	return signer{credential.APIKey, signature, exchanges.Secret(passphrase)}, err
}

// sign signs the query as it was before percent-encoding. The query is sent
// percent-encoded.
func (s signer) sign(request *rest.Request, at time.Time) error {
	target := request.Path
	if request.Query != "" {
		plain, err := rest.PlainQuery(request.Query)
		if err != nil {
			return err
		}
		target += "?" + plain
	}
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	signature, err := s.signature(timestamp + request.Method + target + string(request.Body))
	if err != nil {
		return err
	}
	request.Signature = signature
	request.Header.Set("Content-Type", jsonType)
	request.Header.Set("KC-API-KEY", s.apiKey)
	request.Header.Set("KC-API-KEY-VERSION", keyVersion)
	request.Header.Set("KC-API-PASSPHRASE", s.passphrase.Reveal())
	request.Header.Set("KC-API-SIGN", request.Signature)
	request.Header.Set("KC-API-TIMESTAMP", timestamp)
	return nil
}

package kucoin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
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
	apiKey string
	secret exchanges.Secret
	// passphrase is what is sent in place of the passphrase: the same on
	// each request, and so itself a secret.
	passphrase exchanges.Secret
}

// newSigner checks that the credential has the three parts that KuCoin asks
// for.
func newSigner(credential exchanges.Credential) (signer, error) {
	switch {
	case credential.APIKey == "":
		return signer{}, fmt.Errorf("api_key: missing")
	case credential.PrivateKey != "":
		return signer{}, fmt.Errorf("private_key: KuCoin has no key pairs; give api_secret and passphrase")
	case credential.APISecret == "":
		return signer{}, fmt.Errorf("api_secret: missing")
	case credential.Passphrase == "":
		return signer{}, fmt.Errorf("passphrase: missing; it was chosen when the API key was made, and KuCoin cannot show it again")
	}
	return signer{
		apiKey: credential.APIKey, secret: credential.APISecret,
		passphrase: exchanges.Secret(signature(credential.APISecret, credential.Passphrase.Reveal())),
	}, nil
}

// sign signs the query as it is before percent-encoding, which is how it is
// sent.
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
	request.Signature = signature(s.secret, timestamp+request.Method+target+string(request.Body))

	request.Header.Set("Content-Type", jsonType)
	request.Header.Set("KC-API-KEY", s.apiKey)
	request.Header.Set("KC-API-KEY-VERSION", keyVersion)
	request.Header.Set("KC-API-PASSPHRASE", s.passphrase.Reveal())
	request.Header.Set("KC-API-SIGN", request.Signature)
	request.Header.Set("KC-API-TIMESTAMP", timestamp)
	return nil
}

func signature(secret exchanges.Secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

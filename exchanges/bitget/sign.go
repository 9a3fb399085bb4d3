package bitget

import (
	"crypto/rsa"
	"fmt"
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

// newSigner chooses the scheme by the parts that the credential has.
func newSigner(credential exchanges.Credential) (signer, error) {
	s := signer{apiKey: credential.APIKey, passphrase: credential.Passphrase}
	switch {
	case credential.APIKey == "":
		return signer{}, fmt.Errorf("api_key: missing")
	case credential.PrivateKey != "" && credential.APISecret != "":
		return signer{}, fmt.Errorf("private_key: give either api_secret (HMAC) or private_key (RSA), not both")
	case credential.PrivateKey == "" && credential.APISecret == "":
		return signer{}, fmt.Errorf("api_secret: missing; give api_secret (HMAC) or private_key (RSA)")
	case credential.Passphrase == "":
		return signer{}, fmt.Errorf("passphrase: missing; it was chosen when the API key was made, and Bitget cannot show it again")
	case credential.APISecret != "":
		s.signature = rest.Base64HMAC(credential.APISecret)
		return s, nil
	}
	key, err := exchanges.ParsePrivateKey(credential.PrivateKey)
	if err != nil {
		return signer{}, err
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		return signer{}, fmt.Errorf("private_key: Bitget takes RSA keys only")
	}
	s.signature = rest.RSA(rsaKey)
	return s, nil
}

func (s signer) sign(request *rest.Request, at time.Time) error {
	target := request.Path
	if request.Query != "" {
		target += "?" + request.Query
	}
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	signature, err := s.signature(timestamp + request.Method + target + string(request.Body))
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

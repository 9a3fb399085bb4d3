package gate

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// signer adds Gate's signature headers
// (https://www.gate.com/docs/developers/apiv4/en/#apiv4-signed-request-requirements).
type signer struct {
	apiKey string
	secret exchanges.Secret
}

// newSigner checks that the credential has the two parts that Gate asks for.
func newSigner(credential exchanges.Credential) (signer, error) {
	switch {
	case credential.APIKey == "":
		return signer{}, fmt.Errorf("api_key: missing")
	case credential.PrivateKey != "":
		return signer{}, fmt.Errorf("private_key: Gate has no key pairs; give api_secret")
	case credential.APISecret == "":
		return signer{}, fmt.Errorf("api_secret: missing")
	}
	return signer{apiKey: credential.APIKey, secret: credential.APISecret}, nil
}

// sign signs the hash of the body, and the query as it is before
// percent-encoding, which is how it is sent.
func (s signer) sign(request *rest.Request, at time.Time) error {
	query, err := rest.PlainQuery(request.Query)
	if err != nil {
		return err
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	body := sha512.Sum512(request.Body)
	text := strings.Join([]string{request.Method, request.Path, query, hex.EncodeToString(body[:]), timestamp}, "\n")
	mac := hmac.New(sha512.New, []byte(s.secret.Reveal()))
	mac.Write([]byte(text))

	request.Signature = hex.EncodeToString(mac.Sum(nil))
	request.Header.Set("Accept", "application/json")
	request.Header.Set("KEY", s.apiKey)
	request.Header.Set("SIGN", request.Signature)
	request.Header.Set("Timestamp", timestamp)
	return nil
}

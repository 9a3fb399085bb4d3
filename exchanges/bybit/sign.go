package bybit

import (
	"crypto/rsa"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// recvWindow is how old a request may be when Bybit reads it, in ms.
const recvWindow = "5000"

// signer adds Bybit's signature headers
// (https://bybit-exchange.github.io/docs/v5/guide#authentication).
type signer struct {
	apiKey string
	// signature of a string, in the encoding that goes into the header.
	signature rest.Signature
}

// newSigner chooses the scheme by the parts that the credential has.
func newSigner(credential exchanges.Credential) (signer, error) {
	switch {
	case credential.APIKey == "":
		return signer{}, fmt.Errorf("api_key: missing")
	case credential.PrivateKey != "" && credential.APISecret != "":
		return signer{}, fmt.Errorf("private_key: give either api_secret (HMAC) or private_key (RSA), not both")
	case credential.PrivateKey != "":
		key, err := exchanges.ParsePrivateKey(credential.PrivateKey)
		if err != nil {
			return signer{}, err
		}
		rsaKey, ok := key.(*rsa.PrivateKey)
		if !ok {
			return signer{}, fmt.Errorf("private_key: Bybit takes RSA keys only")
		}
		return signer{credential.APIKey, rest.RSA(rsaKey)}, nil
	case credential.APISecret != "":
		return signer{credential.APIKey, rest.HexHMAC(credential.APISecret)}, nil
	}
	return signer{}, fmt.Errorf("api_secret: missing; give api_secret (HMAC) or private_key (RSA)")
}

func (s signer) sign(request *rest.Request, at time.Time) error {
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	payload := request.Query
	if request.Method == http.MethodPost {
		payload = string(request.Body)
	}
	signature, err := s.signature(timestamp + s.apiKey + recvWindow + payload)
	if err != nil {
		return err
	}
	request.Signature = signature
	request.Header.Set("X-BAPI-API-KEY", s.apiKey)
	request.Header.Set("X-BAPI-TIMESTAMP", timestamp)
	request.Header.Set("X-BAPI-RECV-WINDOW", recvWindow)
	request.Header.Set("X-BAPI-SIGN", signature)
	return nil
}

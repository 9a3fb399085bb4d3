package bybit

import (
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
	// signature signs a string, in the encoding that goes into the header.
	signature rest.Signature
}

func newSigner(credential exchanges.Credential) (signer, error) {
	signature, err := rest.Schemes{HMAC: rest.HexHMAC, RSA: rest.RSA}.Signature(credential)
	return signer{credential.APIKey, signature}, err
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

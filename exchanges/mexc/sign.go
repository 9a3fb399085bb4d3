package mexc

import (
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// recvWindow is how old a request may be when MEXC reads it, in ms.
const recvWindow = "5000"

// signer adds the API key, the timestamp and the signature to a request
// (https://www.mexc.com/api-docs/spot-v3/introduction).
type signer struct {
	apiKey    string
	signature rest.Signature
}

func newSigner(credential exchanges.Credential) (signer, error) {
	signature, err := rest.Schemes{HMAC: rest.HexHMAC}.Signature(credential)
	return signer{credential.APIKey, signature}, err
}

// sign puts what it adds into the query, whatever the method. What is signed
// is the query directly followed by the body, both as sent.
func (s signer) sign(request *rest.Request, at time.Time) error {
	query := rest.Query("recvWindow", recvWindow, "timestamp", strconv.FormatInt(at.UnixMilli(), 10))
	if request.Query != "" {
		query = request.Query + "&" + query
	}
	signature, err := s.signature(query + string(request.Body))
	if err != nil {
		return err
	}
	request.Signature = signature
	request.Query = query + "&signature=" + request.Signature
	request.Header.Set("X-MEXC-APIKEY", s.apiKey)
	if request.Header.Get("Content-Type") == "" {
		// MEXC requires one even where there is no body.
		request.Header.Set("Content-Type", contentType)
	}
	return nil
}

// contentType is what MEXC accepts on every call.
const contentType = "application/json"

package binance

import (
	"crypto/ed25519"
	"net/url"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// recvWindow is how old a request may be when Binance reads it, in ms.
const recvWindow = "5000"

// signer adds the API key, the timestamp and the signature to a request
// (https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security).
type signer struct {
	apiKey string
	// signature signs a string, in the encoding of the key's type.
	signature rest.Signature
	// ed25519 says that the key is of that type, which alone opens sessions.
	ed25519 bool
}

func newSigner(credential exchanges.Credential) (signer, error) {
	s := signer{apiKey: credential.APIKey}
	var err error
	s.signature, err = rest.Schemes{HMAC: rest.HexHMAC, RSA: rest.RSA, Ed25519: func(key ed25519.PrivateKey) rest.Signature {
		s.ed25519 = true
		return rest.Ed25519(key)
	}}.Signature(credential)
	return s, err
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
	request.Query = query + "&signature=" + url.QueryEscape(signature)
	request.Header.Set("X-MBX-APIKEY", s.apiKey)
	return nil
}

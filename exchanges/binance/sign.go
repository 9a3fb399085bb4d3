package binance

import (
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
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
	// signature of a string, in the encoding of the key's type.
	signature rest.Signature
}

// newSigner chooses the scheme by the parts that the credential has.
func newSigner(credential exchanges.Credential) (signer, error) {
	switch {
	case credential.APIKey == "":
		return signer{}, fmt.Errorf("api_key: missing")
	case credential.PrivateKey != "" && credential.APISecret != "":
		return signer{}, fmt.Errorf("private_key: give either api_secret (HMAC) or private_key (Ed25519 or RSA), not both")
	case credential.PrivateKey != "":
		key, err := exchanges.ParsePrivateKey(credential.PrivateKey)
		if err != nil {
			return signer{}, err
		}
		switch key := key.(type) {
		case ed25519.PrivateKey:
			return signer{credential.APIKey, rest.Ed25519(key)}, nil
		case *rsa.PrivateKey:
			return signer{credential.APIKey, rest.RSA(key)}, nil
		}
		return signer{}, fmt.Errorf("private_key: Binance takes Ed25519 and RSA keys only")
	case credential.APISecret != "":
		return signer{credential.APIKey, rest.HexHMAC(credential.APISecret)}, nil
	}
	return signer{}, fmt.Errorf("api_secret: missing; give api_secret (HMAC) or private_key (Ed25519 or RSA)")
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

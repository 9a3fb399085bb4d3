package coinex

import (
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// signer adds CoinEx's signature headers
// (https://docs.coinex.com/api/v2/authorization).
type signer struct {
	apiKey    string
	signature rest.Signature
}

func newSigner(credential exchanges.Credential) (signer, error) {
	signature, err := rest.Schemes{HMAC: rest.HexHMAC}.Signature(credential)
	return signer{credential.APIKey, signature}, err
}

// sign signs method, path, query and body as sent, followed by the time. How old
// a request may be when CoinEx reads it is left at CoinEx's default of 5 seconds.
func (s signer) sign(request *rest.Request, at time.Time) error {
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	signature, err := s.signature(request.Method + request.Target() + string(request.Body) + timestamp)
	if err != nil {
		return err
	}
	request.Signature = signature
	request.Header.Set("Content-Type", jsonType)
	request.Header.Set("X-COINEX-KEY", s.apiKey)
	request.Header.Set("X-COINEX-SIGN", request.Signature)
	request.Header.Set("X-COINEX-TIMESTAMP", timestamp)
	return nil
}

// jsonType must be on every signed request, even on one without a body.
const jsonType = "application/json"

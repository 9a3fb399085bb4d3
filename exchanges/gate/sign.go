package gate

import (
	"crypto/sha512"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// signer adds Gate's signature headers
// (https://www.gate.com/docs/developers/apiv4/en/#apiv4-signed-request-requirements).
type signer struct {
	apiKey    string
	signature rest.Signature
}

func newSigner(credential exchanges.Credential) (signer, error) {
	signature, err := rest.Schemes{HMAC: rest.HexHMAC512}.Signature(credential)
	return signer{credential.APIKey, signature}, err
}

// sign signs the hash of the body, and the query as it was before percent-encoding.
// The query is sent percent-encoded.
func (s signer) sign(request *rest.Request, at time.Time) error {
	query, err := rest.PlainQuery(request.Query)
	if err != nil {
		return err
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	body := sha512.Sum512(request.Body)
	text := strings.Join([]string{request.Method, request.Path, query, hex.EncodeToString(body[:]), timestamp}, "\n")
	if request.Signature, err = s.signature(text); err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("KEY", s.apiKey)
	request.Header.Set("SIGN", request.Signature)
	request.Header.Set("Timestamp", timestamp)
	return nil
}

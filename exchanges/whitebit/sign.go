package whitebit

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// nonceWindow is how far a nonce may be off WhiteBIT's clock, either way.
const nonceWindow = 5 * time.Second

// signer puts WhiteBIT's replay fields into the body, and signs it
// (https://docs.whitebit.com/, section "Authentication").
type signer struct {
	apiKey    string
	signature rest.Signature

	mu   sync.Mutex // guards last
	last int64      // the nonce used last
}

func newSigner(credential exchanges.Credential) (*signer, error) {
	signature, err := rest.Schemes{HMAC: rest.HexHMAC512}.Signature(credential)
	return &signer{apiKey: credential.APIKey, signature: signature}, err
}

// sign replaces the body: it must be a JSON object, and carries the path and
// the nonce besides the parameters.
func (s *signer) sign(request *rest.Request, at time.Time) error {
	if request.Method != http.MethodPost || request.Query != "" {
		return fmt.Errorf("WhiteBIT takes signed requests as POST only, with the parameters in the body")
	}
	parameters := map[string]any{}
	if len(request.Body) > 0 {
		var given map[string]json.RawMessage
		if err := json.Unmarshal(request.Body, &given); err != nil || given == nil {
			return fmt.Errorf("the body must be a JSON object")
		}
		for name, value := range given {
			parameters[name] = value
		}
	}
	parameters["request"] = request.Path
	parameters["nonce"] = s.nonce(at)
	parameters["nonceWindow"] = true
	body, err := json.Marshal(parameters)
	if err != nil {
		return fmt.Errorf("the body cannot be encoded")
	}
	request.Body = body
	request.Payload = base64.StdEncoding.EncodeToString(body)
	if request.Signature, err = s.signature(request.Payload); err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-TXC-APIKEY", s.apiKey)
	request.Header.Set("X-TXC-PAYLOAD", request.Payload)
	request.Header.Set("X-TXC-SIGNATURE", request.Signature)
	return nil
}

// nonce returns the time in milliseconds, or the next free number: within its
// window WhiteBIT accepts each nonce once. A last nonce that lies far ahead dates
// from before the clock was set back, and does not count.
func (s *signer) nonce(at time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := at.UnixMilli()
	if ahead := s.last - next; ahead >= 0 && ahead < nonceWindow.Milliseconds() {
		next = s.last + 1
	}
	s.last = next
	return strconv.FormatInt(next, 10)
}

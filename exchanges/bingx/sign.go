package bingx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// signer adds the timestamp and the signature to a request's parameters
// (https://bingx-api.github.io/docs, section "Authentication").
type signer struct {
	apiKey    string
	signature rest.Signature
}

func newSigner(credential exchanges.Credential) (signer, error) {
	signature, err := rest.Schemes{HMAC: rest.HexHMAC}.Signature(credential)
	return signer{credential.APIKey, signature}, err
}

// sign replaces the parameters, which are in a JSON body or else in the query. They
// are sent in the order in which they are signed, because BingX does not say
// whether it sorts them itself.
func (s signer) sign(request *rest.Request, at time.Time) error {
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	request.Header.Set("X-BX-APIKEY", s.apiKey)
	if len(request.Body) > 0 {
		return s.signBody(request, timestamp)
	}
	return s.signQuery(request, timestamp)
}

// These are the parameters that sign adds, replacing any that are there.
const (
	timestampName = "timestamp"
	signatureName = "signature"
)

// parameter is one parameter, as it is signed and as it is sent.
type parameter struct{ name, signed, sent string }

func (s signer) signQuery(request *rest.Request, timestamp string) error {
	given, err := url.ParseQuery(request.Query)
	if err != nil {
		return fmt.Errorf("the query string is not properly percent-encoded")
	}
	given.Set(timestampName, timestamp)
	given.Del(signatureName)
	var parameters []parameter
	for name, values := range given {
		for _, value := range values {
			parameters = append(parameters, parameter{name, name + "=" + value, url.QueryEscape(name) + "=" + url.QueryEscape(value)})
		}
	}
	sent, err := s.signed(request, parameters)
	if err != nil {
		return err
	}
	request.Query = strings.Join(append(sent, signatureName+"="+request.Signature), "&")
	return nil
}

func (s signer) signBody(request *rest.Request, timestamp string) error {
	if request.Query != "" {
		return fmt.Errorf("BingX takes the parameters in the query or in a JSON body, not in both")
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(request.Body, &given); err != nil || given == nil {
		return fmt.Errorf("the body must be a JSON object")
	}
	given[timestampName] = json.RawMessage(timestamp)
	delete(given, signatureName)
	var parameters []parameter
	for name, value := range given {
		plain, encoded, err := texts(name, value)
		if err != nil {
			return err
		}
		parameters = append(parameters, parameter{name, plain, encoded})
	}
	sent, err := s.signed(request, parameters)
	if err != nil {
		return err
	}
	request.Body = []byte("{" + strings.Join(append(sent, strconv.Quote(signatureName)+":"+strconv.Quote(request.Signature)), ",") + "}")
	request.Header.Set("Content-Type", "application/json")
	return nil
}

// texts returns a member of a JSON object as it is signed, a string without its
// quotes and everything else without blanks, and as it is sent.
func texts(name string, value json.RawMessage) (signed, sent string, err error) {
	var compact bytes.Buffer
	if err = json.Compact(&compact, value); err != nil {
		return "", "", fmt.Errorf("the body must be a JSON object")
	}
	plain := compact.String()
	if strings.HasPrefix(plain, `"`) {
		if err = json.Unmarshal(value, &plain); err != nil {
			return "", "", fmt.Errorf("the body must be a JSON object")
		}
	}
	quoted, err := json.Marshal(name)
	return name + "=" + plain, string(quoted) + ":" + compact.String(), err
}

// signed sorts the parameters by name, signs them, and returns what is sent of
// each.
func (s signer) signed(request *rest.Request, parameters []parameter) (sent []string, err error) {
	slices.SortStableFunc(parameters, func(a, b parameter) int { return strings.Compare(a.name, b.name) })
	var signed []string
	for _, p := range parameters {
		signed, sent = append(signed, p.signed), append(sent, p.sent)
	}
	request.Signature, err = s.signature(strings.Join(signed, "&"))
	return sent, err
}

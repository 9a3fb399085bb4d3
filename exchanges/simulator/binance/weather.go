package binance

import (
	"cmp"
	"net/http"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// The variants, as roots name them.
const (
	masterVariant = "master"
	linkVariant   = "link"
)

// Binance's own conditions.
const (
	// olderList: the list of keys has an older form: list in place of rows, or at
	// Exchange Link a single key without the array around it, and whole.
	olderList = "older_list"
	// fullSubAccount: the refusal of one key too many has another code.
	fullSubAccount = "full_sub_account"
	// frozenSubAccount: keys of a sub-account cannot be deleted, as if it were frozen.
	frozenSubAccount = "frozen_sub_account"
	// optionsCall: Exchange Link has no call for options any more.
	optionsCall = "options_call"
	// publicKeyForm: a public key is refused as PEM.
	publicKeyForm = "public_key_form"
	// noSecret: the answer to a creation with a public key writes the missing secret in
	// another way.
	noSecret = "no_secret"
)

// The values of conditions that can be had in several ways.
const (
	asBadValue   = "bad_value"
	asNewCode    = "new_code"
	keepsItsKeys = "keeps_keys"
	gone         = "gone"
	notPEM       = "not_pem"
	asNull       = "null"
	asEmpty      = "empty"
	isAbsent     = "absent"
)

// noSuchCode stands for a code that is not documented.
const noSuchCode = -29999

// Forecast is what Binance's documentation leaves open, or in which its pages and SDKs
// differ.
func (e *exchange) Forecast() venue.Forecast {
	creates := []exchanges.Operation{exchanges.OpCreateKey}
	master := []string{masterVariant}
	return venue.Forecast{
		Shape:    venue.Shape{KeyList: "rows|.", Page: ".", KeyName: "apikey"},
		Variants: map[string][]string{venue.MissingList: master, venue.BareList: master, venue.MaskedKeys: master},
		Grants:   true,
		Sources: map[string]string{
			venue.MaskedKeys: "The sample of Exchange Link's list hides part of each key, that of the sub-account API none.",
			venue.BareList:   "An older sample has no page around the list.",
		},
		Own: []venue.Condition{
			{
				Name: olderList, Values: []string{venue.On}, Operations: []exchanges.Operation{exchanges.OpListKeys},
				Source: "Change logs of Binance's connectors name the array rows in place of list; a sample of an SDK has a single, whole key.",
			},
			{
				Name: fullSubAccount, Values: []string{asBadValue, asNewCode}, Operations: creates, Variants: master, Elsewhere: true,
				Source: "The questions and answers name the cap of 30 keys; no page has the code.",
			},
			{
				Name: frozenSubAccount, Values: []string{keepsItsKeys}, Operations: []exchanges.Operation{exchanges.OpDeleteKey}, Elsewhere: true,
				Source: "No page says what a frozen sub-account refuses.",
			},
			{
				Name: optionsCall, Values: []string{gone}, Operations: []exchanges.Operation{exchanges.OpEditKey},
				Variants: []string{linkVariant}, Elsewhere: true,
				Source: "The page of the call is gone from the documentation; SDKs still have it.",
			},
			{
				Name: publicKeyForm, Values: []string{notPEM}, Operations: creates, Elsewhere: true,
				Source: "No page says in which form the public key is sent.",
			},
			{
				Name: noSecret, Values: []string{asNull, asEmpty, isAbsent}, Operations: creates, Elsewhere: true,
				Source: "No page says what the answer has in place of the secret of a key made from a public key.",
			},
		},
	}
}

// RefuseParameter answers as Binance does to a value that it does not accept.
func (e *exchange) RefuseParameter(c *venue.Call, name string) *venue.Answer {
	return e.badParameter(c, &venue.Complaint{Param: name, Reason: venue.BadValue})
}

// isFull is the refusal of one key too many.
func (e *exchange) isFull(c *venue.Call) *venue.Answer {
	code := unsupported
	switch c.Weather(fullSubAccount) {
	case asBadValue:
		code = badValue
	case asNewCode:
		code = noSuchCode
	}
	return e.refuse(c, code, "The sub-account has reached the maximum number of API keys.")
}

// setSecret writes the secret of a new key into the answer or, for a key made from a
// public key, what stands in its place; in calm weather that is as given.
func (e *exchange) setSecret(c *venue.Call, body map[string]any, k *venue.Key, calm string) {
	if k.Public == nil {
		body["secretKey"] = k.Secret
		return
	}
	switch cmp.Or(c.Weather(noSecret), calm) {
	case asNull:
		body["secretKey"] = nil
	case asEmpty:
		body["secretKey"] = ""
	}
}

// hasOptionsCall reports whether Exchange Link has the call for options; the answer is
// for when it has not.
func (e *exchange) hasOptionsCall(c *venue.Call) (bool, *venue.Answer) {
	return c.Weather(optionsCall) == "", venue.TextAnswer(http.StatusNotFound, "text/html", "<html><body>404 Not Found</body></html>")
}

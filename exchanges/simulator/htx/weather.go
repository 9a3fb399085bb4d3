package htx

import (
	"strconv"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// HTX's own conditions.
const (
	// oneTimeCode: making a key takes a one-time code from a parent user without an
	// authenticator app too; takes none from any; or is refused with a code that is
	// not documented if the one-time code is missing or wrong.
	oneTimeCode = "one_time_code"
	// textNumbers: numbers are in quotes.
	textNumbers = "text_numbers"
	// answerForm: answers have members that were added later, or not even those that
	// newer samples show.
	answerForm = "answer_form"
	// fullUser: a sub-user is full with as few keys as an older page says.
	fullUser = "full_user"
	// lockedUser: keys of a locked sub-user cannot be deleted.
	lockedUser = "locked_user"
)

// The values of conditions that can be had in several ways.
const (
	required      = "required"
	optional      = "optional"
	unlisted      = "unlisted_code"
	newer         = "newer"
	older         = "older"
	withFiveKeys  = "5_keys"
	keepsItsKeys  = "keeps_keys"
	noSuchCode    = 2999
	fewestMaxKeys = 5
)

// Forecast is what HTX's documentation leaves open, or in which its pages and SDKs
// differ.
func (e *exchange) Forecast() venue.Forecast {
	create := []exchanges.Operation{exchanges.OpCreateKey}
	return venue.Forecast{
		Shape: venue.Shape{
			KeyList: "data", KeyAddresses: "ipAddresses",
			Optional: []string{"data.note", "data.permission", "data.ipAddresses"}, Permissions: "data.permission",
		},
		Grants: true,
		Sources: map[string]string{
			venue.CreateAnswer: "The sample of the documentation has the permissions in another order than the request.",
		},
		Own: []venue.Condition{
			{
				Name: oneTimeCode, Values: []string{required, optional, unlisted}, Operations: create, Elsewhere: true,
				Source: "The documentation requires otpToken, HTX's Go SDK does not; no page says how a wrong one is refused.",
			},
			{
				Name: textNumbers, Values: []string{venue.On},
				Operations: []exchanges.Operation{exchanges.OpInspect, exchanges.OpSubAccounts, exchanges.OpListKeys},
				Source:     "The samples have errCode as a text in one call and as a number in another.",
			},
			{
				Name: answerForm, Values: []string{newer, older},
				Operations: []exchanges.Operation{exchanges.OpInspect, exchanges.OpSubAccounts, exchanges.OpListKeys, exchanges.OpDeleteKey},
				Source:     "Samples of the documentation and of HTX's SDKs differ.",
			},
			{
				Name: fullUser, Values: []string{withFiveKeys}, Operations: create, Elsewhere: true,
				Source: "The section on sub-users says 20 keys; an older quick start says 5.",
			},
			{
				Name: lockedUser, Values: []string{keepsItsKeys}, Operations: []exchanges.Operation{exchanges.OpDeleteKey}, Elsewhere: true,
				Source: "The documentation does not say what a locked sub-user refuses.",
			},
		},
	}
}

// RefuseParameter answers as HTX does to a value that it does not accept.
func (e *exchange) RefuseParameter(c *venue.Call, name string) *venue.Answer {
	return e.badParameter(c, &venue.Complaint{Param: name, Reason: venue.BadValue})
}

// number writes a number, in quotes if that is what the weather is like.
func number(c *venue.Call, n int64) any {
	if c.Weather(textNumbers) != "" {
		return strconv.FormatInt(n, 10)
	}
	return n
}

package whitebit

import (
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// The conditions of WhiteBIT's own.
const (
	// endpointsListed: a new key that may use every endpoint lists them.
	endpointsListed = "endpoints_listed"
	// barredEndpoints: none are barred from keys of sub-accounts.
	barredEndpoints = "barred_endpoints"
	// switching: the endpoint switches do not do or show what they should.
	switching = "switches"
	// blockedSubAccount: the keys of a blocked sub-account cannot be deleted, or not
	// even listed.
	blockedSubAccount = "blocked_sub_account"
)

// The values of these conditions.
const (
	none        = "none"
	ineffective = "ineffective" // an edit changes nothing
	unshown     = "unshown"     // the list shows no key as restricted
	incomplete  = "incomplete"  // an endpoint that nobody documented stays on
	passedOver  = "passed_over" // barred endpoints stay off without a word
	noDeletion  = "refuses_deletion"
	noList      = "refuses_list"
)

// Forecast is what WhiteBIT's documentation leaves open or says in two ways.
func (e *exchange) Forecast() venue.Forecast {
	edit, list := []exchanges.Operation{exchanges.OpEditKey}, []exchanges.Operation{exchanges.OpListKeys}
	return venue.Forecast{
		Shape: venue.Shape{
			KeyList: "data", Page: ".", KeyName: "apiKey",
			Optional: []string{"title", "isEnabled", "type", "lastActivity", "restrictAccess", "accessEndpoints"},
		},
		Grants: true,
		Sources: map[string]string{
			venue.BareList:     `The section "Sub-account API keys" shows a list of keys as an array in one place and as an object with limit and offset in another.`,
			venue.CreateAnswer: `The section "Sub-account API keys" does not say which fields of a new key are always there.`,
		},
		Own: []venue.Condition{
			{
				Name: endpointsListed, Values: []string{venue.On}, Operations: []exchanges.Operation{exchanges.OpCreateKey},
				Source: "The OpenAPI document of August 2026 calls accessEndpoints the list of allowed endpoints, which may be empty for an unrestricted key.",
			},
			{
				Name: barredEndpoints, Values: []string{none}, Operations: edit,
				Source: "The OpenAPI document of August 2026 has a refusal of such endpoints. It does not name them.",
			},
			{
				Name: switching, Values: []string{ineffective, unshown, incomplete, passedOver}, Operations: list, Hostile: true,
				Source: "The documentation has the switches and says neither that they make a key read-only, nor how the list shows that, nor which endpoints there are.",
			},
			{
				Name: blockedSubAccount, Values: []string{noDeletion, noList}, Operations: []exchanges.Operation{exchanges.OpDeleteKey, exchanges.OpListKeys},
				Source: "The documentation does not say what blocking a sub-account does to the management of its keys.", Elsewhere: true,
			},
		},
	}
}

// RefuseParameter answers as WhiteBIT does to a field that it does not like. None of
// those that clients need is in doubt.
func (e *exchange) RefuseParameter(_ *venue.Call, name string) *venue.Answer {
	return e.badParameter(&venue.Complaint{Param: name, Reason: venue.BadValue})
}

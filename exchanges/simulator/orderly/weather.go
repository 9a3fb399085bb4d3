package orderly

import (
	"net/http"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Orderly's own conditions.
const (
	// unknownKey: the question for a key does not find one that is being removed, and
	// is answered in some way if it finds none.
	unknownKey = "unknown_key"
	// knownLate: the question for a new key finds it only after a while.
	knownLate = "known_late"
	// statusFilter: the list shows keys of every status, whatever was asked for.
	statusFilter = "status_filter"
	// ownKeyLate: a new key of the main account works only after a while.
	ownKeyLate = "own_key_late"
	// restrictionForm: a key's addresses are read from the query alone.
	restrictionForm = "restriction_form"
	// shortTags: a tag as long as the plugin's labels is refused.
	shortTags = "short_tags"
	// shortestLife: a key must live for a day.
	shortestLife = "shortest_life"
	// fullAccount: an account can have only a few keys.
	fullAccount = "full_account"
	// registeredTwice: a key that is registered already is refused as a bad request.
	registeredTwice = "registered_twice"
	// wrongClock: a refusal of a timestamp does not say so.
	wrongClock = "wrong_clock"
)

// The values of conditions that can be had in several ways.
const (
	asFailure    = "minus_1000"
	asMissing    = "minus_1006"
	asNull       = "null"
	asInvalid    = "minus_1005"
	asAuth       = "minus_1002"
	inTheQuery   = "query"
	withThree    = "3_keys"
	oneDay       = "24h"
	fewKeys      = 3
	shortTag     = 16
	unknownError = -1000
)

// Forecast is what Orderly's documentation leaves open, or in which its pages, its
// OpenAPI file and its connectors differ. Keys are public, so no list masks them.
func (e *exchange) Forecast() venue.Forecast {
	const silent = "The page on error codes does not say."
	delays, once := []string{"3s", "20s"}, []string{venue.On}
	operations := func(all ...exchanges.Operation) []exchanges.Operation { return all }
	return venue.Forecast{
		Shape: venue.Shape{
			KeyList: "data.rows", Page: "data", KeyAddresses: "ip_restriction_list",
			Optional: []string{"data.id", "data.ip_restriction_list"},
		},
		Grants: true,
		// Orderly's front end sends both, its OpenAPI file has neither.
		Refusable: map[string]exchanges.Operation{"page": exchanges.OpListKeys, "size": exchanges.OpListKeys},
		Sources: map[string]string{
			venue.Refuses: "Orderly's front end sends page and size, but its OpenAPI file does not have them.",
		},
		Own: []venue.Condition{
			{
				Name: unknownKey, Values: []string{asMissing, asFailure, asInvalid, asNull}, Operations: operations(exchanges.OpCheckKey),
				Source: silent + " Nor does any page say how long a key stays REMOVING, and whether it is found then.",
			},
			{Name: knownLate, Values: delays, Operations: operations(exchanges.OpCheckKey), Source: "The documentation does not say how soon a new key is known."},
			{Name: statusFilter, Values: once, Operations: operations(exchanges.OpListKeys), Source: "The parameter key_status is optional; whether it filters is not said."},
			{Name: ownKeyLate, Values: delays, Operations: operations(exchanges.OpInspect), Source: "The documentation does not say how soon a new key works."},
			{
				Name: restrictionForm, Values: []string{inTheQuery}, Operations: operations(exchanges.OpEditKey),
				Source: "The API's description shows query parameters, Orderly's connectors send a JSON body.",
			},
			{Name: shortTags, Values: once, Operations: operations(exchanges.OpCreateKey), Hostile: true, Source: "The length of a tag is not documented."},
			{Name: shortestLife, Values: []string{oneDay}, Operations: operations(exchanges.OpCreateKey), Elsewhere: true, Source: "The shortest life of a key is not documented."},
			{Name: fullAccount, Values: []string{withThree}, Operations: operations(exchanges.OpCreateKey), Elsewhere: true, Source: "How many keys an account can have is not documented."},
			{Name: registeredTwice, Values: []string{asInvalid}, Operations: operations(exchanges.OpCreateKey), Elsewhere: true, Source: silent},
			{Name: wrongClock, Values: []string{asInvalid, asAuth}, Operations: operations(exchanges.OpListKeys, exchanges.OpDeleteKey), Elsewhere: true, Source: silent},
		},
	}
}

// RefuseParameter answers as Orderly does to a parameter that it does not have.
func (e *exchange) RefuseParameter(_ *venue.Call, name string) *venue.Answer {
	return e.badParameter(&venue.Complaint{Param: name, Reason: venue.Unknown})
}

// delayed reports whether less time than a condition says has passed.
func delayed(c *venue.Call, condition string, since time.Time) bool {
	delay, err := time.ParseDuration(c.Weather(condition))
	return err == nil && c.Now.Sub(since) < delay
}

// badTime refuses a timestamp.
func (e *exchange) badTime(c *venue.Call) *venue.Answer {
	switch c.Weather(wrongClock) {
	case asInvalid:
		return e.refuse(invalid, "bad request")
	case asAuth:
		return e.unauthorized()
	}
	return e.refuse(invalid, "the timestamp is outside of the allowed window")
}

// noSuchKey answers the question for a key that is not there.
func (e *exchange) noSuchKey(c *venue.Call) *venue.Answer {
	switch c.Weather(unknownKey) {
	case asFailure:
		return e.refuse(unknownError, "orderly key does not exist")
	case asInvalid:
		return e.refuse(invalid, "orderly_key is not valid")
	case asNull:
		return venue.JSONAnswer(http.StatusOK, map[string]any{"success": true, "timestamp": c.Now.UnixMilli(), "data": nil})
	}
	return e.refuse(missing, "the key does not exist")
}

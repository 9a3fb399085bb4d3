package gate

import (
	"net/http"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Gate's own conditions.
const (
	// createForm: the answer to a creation is an array with the key.
	createForm = "create_form"
	// missingFlag: answers leave out the flag of a permission that is not read-only.
	missingFlag = "missing_flag"
	// rootKeysForm: the keys of the main account are a single object.
	rootKeysForm = "root_keys_form"
	// keyCap: a sub-account is full with as few keys as an older sentence says, or the
	// refusal of one key too many has another label.
	keyCap = "key_cap"
	// lockedSubAccount: keys of a sub-account cannot be deleted, as if it were locked.
	lockedSubAccount = "locked_sub_account"
	// rootRight: the root key lacks what managing keys needs.
	rootRight = "root_right"
)

// The values of conditions that can be had in several ways.
const (
	asArray      = "array"
	asObject     = "object"
	atFive       = "5_keys"
	newLabel     = "new_label"
	keepsItsKeys = "keeps_keys"
	isForbidden  = "forbidden"
	onlyReads    = "read_only"
)

// fewestMaxKeys is the cap of an older sentence.
const fewestMaxKeys = 5

// Forecast is what Gate's documentation leaves open, or what its pages say in two
// ways.
func (e *exchange) Forecast() venue.Forecast {
	creates := []exchanges.Operation{exchanges.OpCreateKey}
	return venue.Forecast{
		Shape: venue.Shape{
			KeyList: ".", KeyAddresses: "ip_whitelist",
			Optional: []string{"name", "perms", "ip_whitelist"}, Permissions: "perms",
		},
		Grants: true,
		Own: []venue.Condition{
			{
				Name: createForm, Values: []string{asArray}, Operations: creates,
				Source: "Older documents show an array with the key, newer ones the key itself.",
			},
			{
				Name: missingFlag, Values: []string{venue.On}, Operations: []exchanges.Operation{exchanges.OpCreateKey, exchanges.OpListKeys}, Elsewhere: true,
				Source: "The official Go client leaves out a flag that is false.",
			},
			{
				Name: rootKeysForm, Values: []string{asObject}, Operations: []exchanges.Operation{exchanges.OpInspect}, Elsewhere: true,
				Source: "The documentation's sample is an array, the official clients have a single object.",
			},
			{
				Name: keyCap, Values: []string{atFive, newLabel}, Operations: creates, Elsewhere: true,
				Source: "One sentence of the documentation says 20 keys, another 5; no page has the label.",
			},
			{
				Name: lockedSubAccount, Values: []string{keepsItsKeys}, Operations: []exchanges.Operation{exchanges.OpDeleteKey}, Elsewhere: true,
				Source: "SUB_ACCOUNT_LOCKED is listed; no page says for which calls.",
			},
			{
				Name: rootRight, Values: []string{isForbidden, onlyReads}, Operations: creates, Elsewhere: true,
				Source: "No page says which permission the root key needs, or how Gate refuses one without it.",
			},
		},
	}
}

// RefuseParameter answers as Gate does to a value that it does not accept.
func (e *exchange) RefuseParameter(c *venue.Call, name string) *venue.Answer {
	return e.badParameter(c, &venue.Complaint{Param: name, Reason: venue.BadValue})
}

// isFull is the refusal of one key too many in a sub-account; nil if it has room.
func (e *exchange) isFull(c *venue.Call, sub *venue.Account) *venue.Answer {
	most, label := maxKeys, "BAD_REQUEST"
	switch c.Weather(keyCap) {
	case atFive:
		most = fewestMaxKeys
	case newLabel:
		label = "API_KEY_LIMIT"
	}
	if len(c.Books.KeysOf(sub)) < most {
		return nil
	}
	return e.refuse(c, http.StatusBadRequest, label, "The number of API keys has reached the upper limit")
}

// lacksRight is the refusal of a root key that lacks a right; nil if it does not.
func (e *exchange) lacksRight(c *venue.Call) *venue.Answer {
	switch c.Weather(rootRight) {
	case isForbidden:
		return e.forbidden(c, "Operation is forbidden")
	case onlyReads:
		if c.Method != http.MethodGet {
			return e.refuse(c, http.StatusForbidden, "READ_ONLY", "API key is read only")
		}
	}
	return nil
}

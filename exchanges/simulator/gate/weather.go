package gate

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Gate's own conditions.
const (
	// createForm: the answer to a creation is an array with the key.
	createForm = "create_form"
	// missingFlag: answers leave out the flag of a permission that is not read-only.
	missingFlag = "missing_flag"
	// numberForm: user IDs and times are texts, times with a fraction.
	numberForm = "number_form"
	// rootKeysForm: the keys of the main account are a single object, or nobody may ask
	// for them.
	rootKeysForm = "root_keys_form"
	// keyCap: a sub-account is full with as few keys as an older sentence says, or the
	// refusal of one key too many has another label.
	keyCap = "key_cap"
	// lockedSubAccount: keys of a sub-account cannot be deleted, as if it were locked.
	lockedSubAccount = "locked_sub_account"
	// rootRight: the root key lacks what managing keys needs.
	rootRight = "root_right"
	// addressRefusal: a call from another address is refused with another label.
	addressRefusal = "address_refusal"
	// unboundKey: a key without addresses ends after 90 days.
	unboundKey = "unbound_key"
)

// The values of conditions that can be had in several ways.
const (
	asArray      = "array"
	asText       = "text"
	asObject     = "object"
	atFive       = "5_keys"
	newLabel     = "new_label"
	badValue     = "bad_value"
	keepsItsKeys = "keeps_keys"
	isForbidden  = "forbidden"
	onlyReads    = "read_only"
	ownLabel     = "ip_forbidden"
	ends         = "ends"
)

const (
	// fewestMaxKeys is the cap of an older sentence.
	fewestMaxKeys = 5
	// unboundLife is how long a key without addresses lives that a person makes on the
	// website.
	unboundLife = 90 * 24 * time.Hour
)

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
				Name: numberForm, Values: []string{asText},
				Operations: []exchanges.Operation{exchanges.OpSubAccounts, exchanges.OpCreateKey, exchanges.OpListKeys},
				Source:     "The documentation's samples have numbers, the official clients' types texts.",
			},
			{
				Name: rootKeysForm, Values: []string{asObject, isForbidden}, Operations: []exchanges.Operation{exchanges.OpInspect}, Elsewhere: true,
				Source: "The documentation's sample is an array, the official clients have a single object; no page says which keys may ask.",
			},
			{
				Name: keyCap, Values: []string{atFive, newLabel, badValue}, Operations: creates, Elsewhere: true,
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
			{
				Name: addressRefusal, Values: []string{ownLabel}, Operations: []exchanges.Operation{exchanges.OpInspect}, Elsewhere: true,
				Source: "The page of labels has IP_FORBIDDEN; clients expect FORBIDDEN with a sentence about the list of addresses.",
			},
			{
				Name: unboundKey, Values: []string{ends}, Operations: []exchanges.Operation{exchanges.OpListKeys, exchanges.OpUseKey}, Elsewhere: true,
				Source: "A help page says that keys without addresses end after 90 days, of keys that a person makes on the website.",
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
	case badValue:
		label = "INVALID_PARAM_VALUE"
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

// refuseAddress is the refusal of a call from an address that a key is not bound to.
func (e *exchange) refuseAddress(c *venue.Call) *venue.Answer {
	if c.Weather(addressRefusal) == ownLabel {
		return e.refuse(c, http.StatusForbidden, "IP_FORBIDDEN", "IP not in the list")
	}
	return e.forbidden(c, "Request IP not in whitelist: "+c.Caller.String())
}

// number is a user ID as answers write it.
func number(c *venue.Call, id string) any {
	if c.Weather(numberForm) == asText {
		return id
	}
	return json.Number(id)
}

// unixTime is a time as answers write it.
func unixTime(c *venue.Call, t time.Time) any {
	if c.Weather(numberForm) == asText {
		return strconv.FormatInt(t.Unix(), 10) + ".0"
	}
	return t.Unix()
}

// endUnbound ends the keys without addresses whose time is up, if the weather says so.
func (e *exchange) endUnbound(c *venue.Call) {
	if c.Weather(unboundKey) == "" {
		return
	}
	for _, k := range slices.Clone(c.Books.Keys) {
		if k.Kind == "" && len(k.IPs) == 0 && c.Now.Sub(k.Created) >= unboundLife {
			c.Books.RemoveKey(k, c.Now)
		}
	}
}

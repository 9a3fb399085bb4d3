package bitget

import (
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// The variants, as roots name them.
const (
	unifiedVariant = "unified"
	classicVariant = "classic"
	brokerVariant  = "broker"
)

// Bitget's own conditions.
const (
	// typeWords: answers write the type of a key as another page does.
	typeWords = "type_words"
	// textFlags: a page says whether there is another in a text, not a boolean.
	textFlags = "text_flags"
	// otherListName: the list of keys is called list, not items.
	otherListName = "list_name"
	// emptiedKey: an edit without permissions gives a classic key the default ones, or
	// the list leaves out the permissions of a key without any.
	emptiedKey = "emptied_key"
	// frozenSubAccount: keys of a sub-account cannot be deleted, as if it were frozen.
	frozenSubAccount = "frozen_sub_account"
	// goneKey: a key to be deleted that is gone is refused with another code.
	goneKey = "gone_key"
	// deletedKeyName: the parameter that names the key to be deleted is called apikey.
	deletedKeyName = "deleted_key_name"
	// fullSubAccount: the refusal of one key too many has a code that no page has.
	fullSubAccount = "full_sub_account"
)

// The values of conditions that can be had in several ways.
const (
	getsDefaults = "defaults"
	showsNoList  = "no_list"
	keepsItsKeys = "keeps_keys"
	inLowerCase  = "lower_case"
	asNewCode    = "new_code"
)

// Forecast is what Bitget's documentation leaves open, or says in two ways.
func (e *exchange) Forecast() venue.Forecast {
	deletes, lists := []exchanges.Operation{exchanges.OpDeleteKey}, []exchanges.Operation{exchanges.OpListKeys}
	unified, classic := []string{unifiedVariant}, []string{classicVariant}
	return venue.Forecast{
		Shape: venue.Shape{
			KeyList: "data.items|data", Page: "data", KeyAddresses: "ips|ipList",
			Optional:    []string{"data.ips|data.ipList", "data.permissions|data.permList", "data.note|data.label"},
			Permissions: "data.permissions|data.permList",
		},
		Variants: map[string][]string{venue.BareList: unified},
		Grants:   true,
		Own: []venue.Condition{
			{
				Name: typeWords, Values: []string{venue.On}, Operations: []exchanges.Operation{exchanges.OpCreateKey, exchanges.OpListKeys},
				Variants: []string{unifiedVariant, brokerVariant},
				Source:   "The pages write read_only, readonly and read-only.",
			},
			{
				Name: textFlags, Values: []string{venue.On}, Operations: lists, Variants: unified,
				Source: "The table of the page makes hasNext a text, the sample a boolean.",
			},
			{
				Name: otherListName, Values: []string{venue.On}, Operations: lists, Variants: unified,
				Source: "The documentation calls the array items; it has been seen as list.",
			},
			{
				Name: emptiedKey, Values: []string{getsDefaults, showsNoList}, Operations: []exchanges.Operation{exchanges.OpDeleteKey, exchanges.OpListKeys},
				Variants: classic, Elsewhere: true,
				Source: "An older page says that an edit without permissions gives the default ones; no page shows a key without any.",
			},
			{
				Name: frozenSubAccount, Values: []string{keepsItsKeys}, Operations: deletes, Elsewhere: true,
				Source: "No page says which calls a frozen sub-account refuses.",
			},
			{
				Name: goneKey, Values: []string{unknownKey, noUsersKey, noSubKey}, Operations: deletes, Elsewhere: true,
				Source: "Three codes fit a key that does not exist, two of which are also said of the calling key.",
			},
			{
				Name: deletedKeyName, Values: []string{inLowerCase}, Operations: deletes, Variants: unified,
				Source: "The page's table says apikey; its sample says apiKey.",
			},
			{
				Name: fullSubAccount, Values: []string{asNewCode}, Operations: []exchanges.Operation{exchanges.OpCreateKey}, Variants: unified, Elsewhere: true,
				Source: "The page of version 3's codes has none for a sub-account that is full.",
			},
		},
	}
}

// RefuseParameter answers as Bitget does to a value that it does not accept.
func (e *exchange) RefuseParameter(c *venue.Call, name string) *venue.Answer {
	return e.badParameter(c, &venue.Complaint{Param: name, Reason: venue.BadValue})
}

// typeOf is how answers write the type of a key.
func (s surface) typeOf(c *venue.Call, k *venue.Key) string {
	if c.Weather(typeWords) == "" {
		return k.Permissions[0]
	}
	if k.Permissions[0] == s.readOnly {
		return "read-only"
	}
	return "read-write"
}

// defaults are the permissions of a classic key for which none are asked.
func defaults() []string { return []string{"spot_trade", "contract_trade"} }

// refuseDeletion is why the weather lets no key be deleted; nil if it does.
func (e *exchange) refuseDeletion(c *venue.Call) *venue.Answer {
	if c.Weather(frozenSubAccount) != "" {
		return e.refuse(c, noSubAccess)
	}
	return nil
}

// fullCode is the code that says that a sub-account holds as many keys as it may.
func (e *exchange) fullCode(c *venue.Call) string {
	if c.Weather(fullSubAccount) != "" && e.isUnified(c) {
		return undocumented
	}
	return tooManyKeys
}

package bybit

import (
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Bybit's own conditions.
const (
	// derivatives: every key gets Derivatives, or none does. In calm weather those do
	// that may trade contracts.
	derivatives = "derivatives"
	// earn: a key that can write gets Earn unasked.
	earn = "earn"
	// listReadOnly: the list shows readOnly the other way round, or as a number.
	listReadOnly = "list_read_only"
	// fullSubAccount: a sub-account holds few keys.
	fullSubAccount = "full_sub_account"
	// frozenSubAccount: keys of a frozen sub-account cannot be deleted.
	frozenSubAccount = "frozen_sub_account"
	// noteRule: a note is refused if it is longer than the driver's, or if a key has it.
	noteRule = "note_rule"
	// fewAddresses: a key can be bound to few addresses.
	fewAddresses = "few_addresses"
	// demoKeys: keys of demo accounts are not in the list, or the list is refused.
	demoKeys = "demo_keys"
)

// The values of conditions that can be had in several ways.
const (
	forEveryKey     = "every_key"
	forNoKey        = "no_key"
	reversed        = "reversed"
	asNumber        = "number"
	withTwoKeys     = "2_keys"
	keepsItsKeys    = "keeps_keys"
	atMost20        = "20_characters"
	unique          = "unique"
	withFour        = "4_addresses"
	unlisted        = "unlisted"
	listRefused     = "list_refused"
	fewestKeys      = 2
	fewestAddresses = 4
	shortestNote    = 20
)

// noSuchCode stands for a code that is not documented.
const noSuchCode = 149999

// Forecast is what Bybit's documentation leaves open, or in which its pages differ.
func (e *exchange) Forecast() venue.Forecast {
	creates := []exchanges.Operation{exchanges.OpCreateKey}
	lists := []exchanges.Operation{exchanges.OpListKeys}
	return venue.Forecast{
		Shape: venue.Shape{
			KeyList: "result.result", Page: "result", KeyAddresses: "ips",
			Optional: []string{"result.note", "result.permissions", "result.readOnly"}, Permissions: "result.permissions",
		},
		Grants: true,
		Own: []venue.Condition{
			{
				Name: derivatives, Values: []string{forEveryKey, forNoKey}, Operations: []exchanges.Operation{exchanges.OpCreateKey, exchanges.OpListKeys},
				Source: `The create page said until 2026-01 that Bybit adds Derivatives "according to your account is UTA or Classic"; ` +
					"its change log of 2023-09-18 ties it to ContractTrade.",
			},
			{
				Name: earn, Values: []string{venue.On}, Operations: creates, Hostile: true,
				Source: "The create page's sample asks for Wallet alone and shows Earn in the answer.",
			},
			{
				Name: listReadOnly, Values: []string{reversed, asNumber}, Operations: lists,
				Source: "The Chinese list page says that true means read-write, the English one nothing; other pages have a number.",
			},
			{
				Name: fullSubAccount, Values: []string{withTwoKeys}, Operations: creates, Elsewhere: true,
				Source: "No page says how many keys a sub-account may have, or how Bybit refuses one more.",
			},
			{
				Name: frozenSubAccount, Values: []string{keepsItsKeys}, Operations: []exchanges.Operation{exchanges.OpDeleteKey}, Elsewhere: true,
				Source: "The page of codes has 141004 for a sub-account that is not normal, and does not say for which calls.",
			},
			{
				Name: noteRule, Values: []string{atMost20, unique}, Operations: creates, Elsewhere: true,
				Source: "No page says how long a note may be, or whether two keys may share one.",
			},
			{
				Name: fewAddresses, Values: []string{withFour}, Operations: creates, Elsewhere: true,
				Source: "No page says to how many addresses a key may be bound.",
			},
			{
				Name: demoKeys, Values: []string{unlisted, listRefused}, Operations: lists, Elsewhere: true,
				Source: "The demo page has the calls that make, edit and delete keys of demo accounts, but not the one that lists them.",
			},
		},
	}
}

// RefuseParameter answers as Bybit does to any parameter that it does not like.
func (e *exchange) RefuseParameter(c *venue.Call, name string) *venue.Answer {
	return e.badParameter(c, &venue.Complaint{Param: name, Reason: venue.BadValue})
}

// refuseCreation is why the weather has no room for a key; nil if it has.
func (e *exchange) refuseCreation(c *venue.Call, k *venue.Key) *venue.Answer {
	keys := c.Books.KeysOf(k.Account)
	switch {
	case c.Weather(fullSubAccount) != "" && len(keys) >= fewestKeys:
		return e.refuse(c, noSuchCode, "the number of API keys has reached its limit")
	case c.Weather(fewAddresses) != "" && len(k.IPs) > fewestAddresses:
		return e.badParameter(c, &venue.Complaint{Param: "ips", Reason: venue.BadValue})
	case c.Weather(noteRule) == atMost20 && len(k.Label) > shortestNote:
		return e.badParameter(c, &venue.Complaint{Param: "note", Reason: venue.BadValue})
	case c.Weather(noteRule) == unique:
		for _, other := range keys {
			if other.Label == k.Label {
				return e.badParameter(c, &venue.Complaint{Param: "note", Reason: venue.BadValue})
			}
		}
	}
	return nil
}

// listedReadOnly is how the list writes that a key is read-only: as a boolean, unlike
// all other answers.
func (e *exchange) listedReadOnly(c *venue.Call, k *venue.Key) any {
	switch c.Weather(listReadOnly) {
	case reversed:
		return !k.Has(readOnlyMark)
	case asNumber:
		return e.readOnlyNumber(k)
	}
	return k.Has(readOnlyMark)
}

package okx

import (
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// OKX's own conditions.
const (
	// shortWords: all answers write "read" for read_only, as the one to an edit does.
	shortWords = "short_words"
	// impliedRead: a key that is asked for trade alone does not get read_only.
	impliedRead = "implied_read"
	// keyCap: the sub-accounts of a master account share the 50 keys.
	keyCap = "key_cap"
	// labelScope: labels must be unique in a sub-account only.
	labelScope = "label_scope"
	// frozenSubAccount: keys of a sub-account cannot be deleted, as if it were frozen.
	frozenSubAccount = "frozen_sub_account"
	// goneKey: the key that a call is about, if it is gone, is refused with another code.
	goneKey = "gone_key"
	// minting: keys of sub-accounts cannot be minted, as in a region, or can be in demo
	// trading.
	minting = "minting"
)

// The values of conditions that can be had in several ways.
const (
	never         = "never"
	ofTheMaster   = "master"
	ofSubAccounts = "sub_account"
	keepsItsKeys  = "keeps_keys"
	nowhere       = "nowhere"
	inDemoToo     = "in_demo_too"
)

// Forecast is what OKX's documentation leaves open, or what its pages say in two ways.
func (e *exchange) Forecast() venue.Forecast {
	creates, deletes := []exchanges.Operation{exchanges.OpCreateKey}, []exchanges.Operation{exchanges.OpDeleteKey}
	return venue.Forecast{
		Shape: venue.Shape{
			KeyList: "data", KeyAddresses: "ip",
			Optional: []string{"data.label", "data.perm", "data.ip", "data.ts"}, Permissions: "data.perm",
		},
		Grants: true,
		Own: []venue.Condition{
			{
				Name: shortWords, Values: []string{venue.On}, Operations: []exchanges.Operation{exchanges.OpCreateKey, exchanges.OpListKeys},
				Source: "The sample of an edit answers read for read_only; the other samples do not.",
			},
			{
				Name: impliedRead, Values: []string{never}, Operations: creates, Elsewhere: true,
				Source: "The brokers' page says that read_only is the default and cannot be removed; that of sub-accounts says nothing.",
			},
			{
				Name: keyCap, Values: []string{ofTheMaster}, Operations: creates, Elsewhere: true,
				Source: "The text of 59501 says that each account can create up to 50 keys, and not which account.",
			},
			{
				Name: labelScope, Values: []string{ofSubAccounts}, Operations: creates, Elsewhere: true,
				Source: "The text of 59502 says that a label exists, and not where.",
			},
			{
				Name: frozenSubAccount, Values: []string{keepsItsKeys}, Operations: deletes, Elsewhere: true,
				Source: "59508 and 59519 are for suspended and frozen sub-accounts; no page says for which calls.",
			},
			{
				Name: goneKey, Values: []string{unknownKey, notInSubAccount}, Operations: deletes, Elsewhere: true,
				Source: "Lists of codes have 59506 and 59605 for the key that a call is about; 50119 bears the text of 59506.",
			},
			{
				Name: minting, Values: []string{nowhere, inDemoToo}, Operations: creates, Elsewhere: true,
				Source: "No page says whether keys of sub-accounts can be minted at the regional hosts, or in demo trading.",
			},
		},
	}
}

// RefuseParameter answers as OKX does to a value that it does not accept.
func (e *exchange) RefuseParameter(c *venue.Call, name string) *venue.Answer {
	return e.badParameter(c, &venue.Complaint{Param: name, Reason: venue.BadValue})
}

// words writes permissions as answers about a key do.
func (e *exchange) words(c *venue.Call, permissions []string) string {
	text := strings.Join(permissions, ",")
	if c.Weather(shortWords) != "" {
		text = strings.ReplaceAll(text, read, "read")
	}
	return text
}

// counted are the keys that count towards the cap of a sub-account.
func (e *exchange) counted(c *venue.Call, sub *venue.Account) int {
	if c.Weather(keyCap) == "" {
		return len(e.keysOf(c, sub))
	}
	count := 0
	for _, other := range c.Books.SubAccounts(sub.Parent) {
		count += len(e.keysOf(c, other))
	}
	return count
}

package kucoin

import (
	"net/http"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// KuCoin's own conditions.
const (
	// wholeAddresses: the list hides no part of an address; in calm weather it hides the
	// middle.
	wholeAddresses = "whole_addresses"
	// addsUnified: a new key gets Unified unasked.
	addsUnified = "adds_unified"
	// deletionAnswer: a deletion is confirmed without data.
	deletionAnswer = "deletion_answer"
	// fullSubAccount: a sub-account holds few keys.
	fullSubAccount = "full_sub_account"
	// frozenSubAccount: keys of a sub-account cannot be deleted, as if it were frozen.
	frozenSubAccount = "frozen_sub_account"
	// subAccountAPI: a site does not serve the calls for sub-accounts' keys.
	subAccountAPI = "sub_account_api"
)

// The values of conditions that can be had in several ways.
const (
	withTwoKeys  = "2_keys"
	fewestKeys   = 2
	keepsItsKeys = "keeps_keys"
	notServed    = "not_served"
	withNull     = "null"
	withoutData  = "no_data"
)

// Codes for which no cause is documented.
const (
	noSuchCode    = "400999"
	accountFrozen = "411100"
)

// Forecast is what KuCoin's documentation leaves open, or shows in two ways.
func (e *exchange) Forecast() venue.Forecast {
	creates, deletes := []exchanges.Operation{exchanges.OpCreateKey}, []exchanges.Operation{exchanges.OpDeleteKey}
	return venue.Forecast{
		Shape: venue.Shape{
			KeyList:  "data",
			Optional: []string{"data.remark", "data.permission", "data.ipWhitelist"}, Permissions: "data.permission",
		},
		Grants: true,
		Sources: map[string]string{
			venue.CreateAnswer: "KuCoin's specification makes ipWhitelist optional; its sample asks for General, Spot and Futures and shows General and Futures.",
		},
		Own: []venue.Condition{
			venue.Letter("The documentation asks for the content type of every request, and for version 3 of a key that is made today. " +
				"Clients in daily use send the type with a body only, and version 2, which signs in the same way."),
			{
				Name: wholeAddresses, Values: []string{venue.On}, Operations: []exchanges.Operation{exchanges.OpListKeys},
				Source: "Older samples of the list show whole addresses, the specification shows 10.**.1.",
			},
			{
				Name: addsUnified, Values: []string{venue.On}, Operations: creates, Hostile: true,
				Source: "No page says whether a unified-trading account adds Unified to its keys.",
			},
			{
				Name: deletionAnswer, Values: []string{withNull, withoutData}, Operations: deletes,
				Source: "The sample confirms with the key; no page says that data is never missing.",
			},
			{
				Name: fullSubAccount, Values: []string{withTwoKeys}, Operations: creates, Elsewhere: true,
				Source: "No page says how many keys a sub-account may have, or how KuCoin refuses one more.",
			},
			{
				Name: frozenSubAccount, Values: []string{keepsItsKeys}, Operations: deletes, Elsewhere: true,
				Source: "411100 is for a frozen user; no page says for which calls.",
			},
			{
				Name: subAccountAPI, Values: []string{notServed}, Elsewhere: true,
				Operations: []exchanges.Operation{exchanges.OpCreateKey, exchanges.OpListKeys, exchanges.OpDeleteKey},
				Source:     "No page says whether api.kucoin.eu serves the calls for sub-accounts' keys.",
			},
		},
	}
}

// RefuseParameter answers as KuCoin does to a value that it does not accept.
func (e *exchange) RefuseParameter(c *venue.Call, name string) *venue.Answer {
	return e.badParameter(c, &venue.Complaint{Param: name, Reason: venue.BadValue})
}

// mayManageKeys is mayManage where the calls for sub-accounts' keys are served.
func (e *exchange) mayManageKeys(c *venue.Call) *venue.Answer {
	if c.Weather(subAccountAPI) != "" {
		return e.NotFound(c)
	}
	return e.mayManage(c)
}

// granted are the permissions that a new key gets for those asked.
func (e *exchange) granted(c *venue.Call, asked []string) []string {
	permissions := c.Grant(asked, vocabulary()...)
	if c.Weather(addsUnified) != "" && !slices.Contains(permissions, unified) {
		permissions = append(permissions, unified)
	}
	return permissions
}

// listedAddresses are the addresses of a key as the list shows them.
func (e *exchange) listedAddresses(c *venue.Call, k *venue.Key) string {
	if c.Weather(wholeAddresses) != "" {
		return strings.Join(k.IPs, ",")
	}
	return mask(k.IPs)
}

// confirm is the answer to a deletion that was carried out.
func (e *exchange) confirm(c *venue.Call, k *venue.Key) *venue.Answer {
	switch c.Weather(deletionAnswer) {
	case withNull:
		return e.ok(c, nil)
	case withoutData:
		return e.withQuota(c, venue.JSONAnswer(http.StatusOK, map[string]string{"code": codeOK}))
	}
	return e.ok(c, map[string]string{"subName": k.Account.ID, "apiKey": k.APIKey})
}

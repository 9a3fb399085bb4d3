package mexc

import (
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// The conditions of MEXC's own.
const (
	// rootRight: a root key that may only read is enough to make and delete keys.
	rootRight = "root_right"
	// verification: only an account that has passed identity verification may make
	// keys, and the one here has not.
	verification = "verification"
	// timeName: a key's time is spelt as in the newer documentation.
	timeName = "time_name"
	// frozenSubAccount: all sub-accounts are frozen, and their keys can be deleted, or
	// not, or not even be listed. No call freezes one.
	frozenSubAccount = "frozen_sub_account"
)

// The values of these conditions.
const (
	readSuffices = "read_suffices"
	required     = "required"
	newer        = "newer"
	deletes      = "deletes"
	noDeletion   = "refuses_deletion"
	noList       = "refuses_list"
)

// Forecast is what MEXC's documentation leaves open or says in two ways.
func (e *exchange) Forecast() venue.Forecast {
	create, lists, remove := exchanges.OpCreateKey, exchanges.OpListKeys, exchanges.OpDeleteKey
	return venue.Forecast{
		Shape: venue.Shape{
			KeyList: "subAccount", Page: ".", KeyName: "apiKey", KeyAddresses: "ip",
			Optional: []string{"subAccount", "note", "permissions", "ip", "creatTime"}, Permissions: "permissions",
		},
		Grants: true,
		Own: []venue.Condition{
			venue.Letter("The documentation asks for the content type of every request. Clients in daily use send none with a GET, which has no body."),
			{
				Name: rootRight, Values: []string{readSuffices}, Operations: []exchanges.Operation{create, remove},
				Source: "The older documents ask for SPOT_ACCOUNT_READ, the newest for SPOT_ACCOUNT_WRITE.", Elsewhere: true,
			},
			{
				Name: verification, Values: []string{required}, Operations: []exchanges.Operation{create}, Hostile: true,
				Source: "The documentation does not say whether the account must have passed identity verification; it has a call that tells.",
			},
			{
				Name: timeName, Values: []string{newer}, Operations: []exchanges.Operation{create, lists},
				Source: "The older documents write creatTime, the newer createTime.",
			},
			{
				Name: frozenSubAccount, Values: []string{deletes, noDeletion, noList}, Operations: []exchanges.Operation{remove, lists},
				Source: "The page of error codes has one for a forbidden sub-account, and does not say which calls it concerns.", Elsewhere: true,
			},
		},
	}
}

// RefuseParameter answers as MEXC does to a parameter that it does not like. None of
// those that clients need is in doubt.
func (e *exchange) RefuseParameter(_ *venue.Call, name string) *venue.Answer {
	return e.malformed(&venue.Complaint{Param: name, Reason: venue.BadValue})
}

package coinex

import (
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// The conditions of CoinEx's own.
const (
	// ownName: a key of a sub-account may not ask whose it is.
	ownName = "own_name"
	// rootRight: a key of the main account may not make keys.
	rootRight = "root_right"
	// frozenFilter: a list of sub-accounts does not go by is_frozen.
	frozenFilter = "frozen_filter"
	// fullSubAccount: a full sub-account is refused with the code of a bad parameter.
	fullSubAccount = "full_sub_account"
	// frozenSubAccount: the keys of a frozen sub-account cannot be deleted, or not
	// even listed.
	frozenSubAccount = "frozen_sub_account"
)

// The values of these conditions.
const (
	noUser       = "forbidden_user"
	noRight      = "no_right"
	undocumented = "undocumented"
	refused      = "refused"
	ignored      = "ignored"
	parameter    = "bad_parameter"
	noDeletion   = "refuses_deletion"
	noList       = "refuses_list"
)

// Forecast is what CoinEx's documentation leaves open, or what was seen to differ.
func (e *exchange) Forecast() venue.Forecast {
	return venue.Forecast{
		Shape: venue.Shape{
			KeyList: "data", KeyName: "access_id", KeyAddresses: "ip_whitelist",
			Optional: []string{"data.created_at", "data.ip_whitelist", "data.trade_enabled", "data.withdraw_enabled", "data.is_expired", "data.expires_at", "data.remark"},
		},
		Grants:    true,
		Refusable: map[string]exchanges.Operation{"limit": exchanges.OpListKeys, "sub_user_name": exchanges.OpDeleteKey},
		Sources: map[string]string{
			venue.WorksLate: "CoinEx's help centre says that a new key may take minutes to work; the API's documentation says nothing of it.",
			venue.Refuses: "The page delete-api asks for the key's number alone, while the .NET client CoinEx.Net sends the sub-account's name too. " +
				"The page list-sub-api does not say how large limit may be.",
		},
		Own: []venue.Condition{
			venue.Letter("The documentation has one form of signature, HMAC. Clients in daily use still send an older one, a hash over the text and the secret."),
			{
				Name: ownName, Values: []string{noUser, noRight, undocumented}, Operations: []exchanges.Operation{exchanges.OpUseKey},
				Source: "The documentation does not say which keys may ask /account/subs/info.", Elsewhere: true,
			},
			{
				Name: rootRight, Values: []string{refused}, Operations: []exchanges.Operation{exchanges.OpCreateKey}, Hostile: true,
				Source: "The documentation does not say which rights of a main account's key the sub-account API needs.",
			},
			{
				Name: frozenFilter, Values: []string{ignored}, Operations: []exchanges.Operation{exchanges.OpSubAccounts},
				Source: "The documentation has is_frozen, false by default, and does not say whether that leaves frozen sub-accounts out.",
			},
			{
				Name: fullSubAccount, Values: []string{parameter}, Operations: []exchanges.Operation{exchanges.OpCreateKey},
				Source: "The page of error codes has none for a sub-account that is full.", Elsewhere: true,
			},
			{
				Name: frozenSubAccount, Values: []string{noDeletion, noList}, Operations: []exchanges.Operation{exchanges.OpDeleteKey, exchanges.OpListKeys},
				Source: "The documentation does not say what freezing a sub-account does to the management of its keys.", Elsewhere: true,
			},
		},
	}
}

// RefuseParameter answers as CoinEx does to a parameter that it does not like.
func (e *exchange) RefuseParameter(c *venue.Call, name string) *venue.Answer {
	return e.malformed(c, &venue.Complaint{Param: name, Reason: venue.BadValue})
}

package deribit

import (
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// The conditions of Deribit's own.
const (
	// unscoped: keys without any scope are not made.
	unscoped = "unscoped_key"
	// listSecrets: lists do not show secrets.
	listSecrets = "list_secrets"
	// subAccountFactor: the main user's second factor does not guard sub-accounts.
	subAccountFactor = "sub_account_factor"
	// fullAccount: a full account is refused with a code that is not documented.
	fullAccount = "full_account"
	// pairLogin: key pairs do not log in over HTTP.
	pairLogin = "pair_login"
	// oldTokens: tokens outlive their key.
	oldTokens = "old_tokens"
)

// The values of these conditions.
const (
	badScope = "bad_parameter"
	newCode  = "undocumented"
	noRight  = "forbidden"
	hidden   = "hidden"
	absent   = "absent"
	refused  = "refused"
	live     = "live"
)

// Forecast is what Deribit's documentation leaves open or says in two ways.
func (e *exchange) Forecast() venue.Forecast {
	create := []exchanges.Operation{exchanges.OpCreateKey}
	return venue.Forecast{
		Shape: venue.Shape{
			KeyList: "result", KeyName: "client_id", KeyAddresses: "ip_whitelist",
			Optional: []string{
				"result.timestamp", "result.name", "result.max_scope", "result.ip_whitelist", "result.enabled", "result.default",
				"result.enabled_features",
			},
		},
		Grants: true,
		// In the variant "direct" the root key is in each list, so that none is empty.
		Variants: map[string][]string{venue.NullList: {"main"}, venue.MissingList: {"main"}},
		Sources: map[string]string{
			venue.CreateAnswer: `The reference of private/create_api_key marks no field of its answer as one that is always there.`,
		},
		Own: []venue.Condition{
			{
				Name: unscoped, Values: []string{badScope, newCode, noRight}, Operations: create,
				Source: `The reference of private/create_api_key has the level "none", and does not say whether all areas may have it, or how that is refused.`,
			},
			{
				Name: listSecrets, Values: []string{hidden}, Operations: []exchanges.Operation{exchanges.OpListKeys},
				Source: "The reference of private/list_api_keys says that no secret is shown, and its sample shows one.",
			},
			{
				Name: subAccountFactor, Values: []string{absent}, Operations: []exchanges.Operation{exchanges.OpCreateKey, exchanges.OpEditKey, exchanges.OpListKeys},
				Source: `The article "Security Keys" does not say whose second factor an exchanged login needs.`, Elsewhere: true,
			},
			{
				Name: fullAccount, Values: []string{newCode}, Operations: create,
				Source: "The page of codes has none for an account with as many keys as it may have.", Elsewhere: true,
			},
			{
				Name: pairLogin, Values: []string{refused}, Operations: []exchanges.Operation{venue.OpOther},
				Source: "Logins with a key pair are documented for WebSocket.", Elsewhere: true,
			},
			{
				Name: oldTokens, Values: []string{live}, Operations: []exchanges.Operation{exchanges.OpUseKey},
				Source: "The documentation does not say whether removing a key ends the tokens that it received.", Elsewhere: true,
			},
		},
	}
}

// RefuseParameter answers as Deribit does to a parameter that it does not like. None
// of those that clients need is in doubt.
func (e *exchange) RefuseParameter(c *venue.Call, name string) *venue.Answer {
	return e.badParameter(c, &venue.Complaint{Param: name, Reason: venue.BadValue})
}

// refuseUnscoped answers to the creation of a key without any scope, if that is
// refused.
func (e *exchange) refuseUnscoped(c *venue.Call) *venue.Answer {
	switch c.Weather(unscoped) {
	case badScope:
		return e.badParameter(c, &venue.Complaint{Param: "max_scope", Reason: venue.BadValue})
	case newCode:
		return e.refuse(c, somethingNew)
	case noRight:
		return e.refuse(c, forbidden)
	}
	return nil
}

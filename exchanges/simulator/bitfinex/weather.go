package bitfinex

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Bitfinex's own conditions.
const (
	// knownLate: no call knows a new token for a while, not even the one that deletes.
	knownLate = "known_late"
	// rootRights: a token that asks what it may do learns what its key may do.
	rootRights = "root_rights"
	// ordersAlone: the capability of orders brings no positions, nor history.
	ordersAlone = "orders_alone"
	// sharedNonces: the nonces of tokens and of their key are in one order.
	sharedNonces = "shared_nonces"
	// mayNotAsk: asking what a token may do takes the right to the account.
	mayNotAsk = "may_not_ask"
	// deadToken: a token that has ended is refused with other words.
	deadToken = "dead_token"
	// deletion: the call that deletes a token does not exist, or changes nothing.
	deletion = "deletion"
	// lackingRight: a token that asks for more than its key has gets less.
	lackingRight = "lacking_right"
	// longestToken: a token can live for a day at most.
	longestToken = "longest_token"
	// fullKey: a key can have only a few tokens.
	fullKey = "full_key"
)

// The values of conditions that can be had in several ways.
const (
	asKey       = "apikey_invalid"
	isMissing   = "missing"
	doesNothing = "does_nothing"
	grantsLess  = "grants_less"
	oneDay      = "24h"
	fewTokens   = 3
	asInvalid   = "invalid"
	asGeneric   = "generic"
)

// Forecast is what Bitfinex's documentation leaves open. It lists no tokens, and its
// answers to creations are but the token.
func (e *exchange) Forecast() venue.Forecast {
	const silent = "The documentation does not say."
	operations := func(all ...exchanges.Operation) []exchanges.Operation { return all }
	once := []string{venue.On}
	return venue.Forecast{
		Unlisted: true,
		Grants:   true,
		Own: []venue.Condition{
			{Name: knownLate, Values: []string{"3s", "20s"}, Operations: operations(exchanges.OpInspect, exchanges.OpDeleteKey), Source: silent},
			{
				Name: rootRights, Values: once, Operations: operations(exchanges.OpInspect), Hostile: true,
				Source: "The page on permissions speaks of the key's; it does not mention tokens.",
			},
			{Name: ordersAlone, Values: once, Operations: operations(exchanges.OpInspect), Source: "Older documentation has a capability of its own for positions."},
			{Name: sharedNonces, Values: once, Operations: operations(exchanges.OpInspect, exchanges.OpDeleteKey), Source: "The page on authentication speaks of a nonce for each key; it does not mention tokens."},
			{
				Name: mayNotAsk, Values: once, Operations: operations(exchanges.OpInspect), Elsewhere: true,
				Source: "The documentation does not say which capability a token needs for that.",
			},
			{Name: deadToken, Values: []string{asKey}, Operations: operations(exchanges.OpInspect, exchanges.OpDeleteKey), Elsewhere: true, Source: silent},
			{
				Name: deletion, Values: []string{isMissing, doesNothing}, Operations: operations(exchanges.OpDeleteKey), Elsewhere: true,
				Source: "Only Bitfinex's Node SDK has this call (https://github.com/bitfinexcom/bfx-api-node-rest).",
			},
			{Name: lackingRight, Values: []string{grantsLess}, Operations: operations(exchanges.OpCreateKey), Elsewhere: true, Source: silent},
			{Name: longestToken, Values: []string{oneDay}, Operations: operations(exchanges.OpCreateKey), Elsewhere: true, Source: silent},
			{Name: fullKey, Values: []string{asInvalid, asGeneric}, Operations: operations(exchanges.OpCreateKey), Elsewhere: true, Source: silent},
		},
	}
}

// RefuseParameter answers as Bitfinex does to a parameter that it does not have.
func (e *exchange) RefuseParameter(_ *venue.Call, name string) *venue.Answer {
	return e.malformed(&venue.Complaint{Param: name, Reason: venue.Unknown})
}

// late reports whether a token is not known yet.
func late(c *venue.Call, k *venue.Key) bool {
	delay, err := time.ParseDuration(c.Weather(knownLate))
	return err == nil && c.Now.Sub(k.Created) < delay
}

// dead refuses a token that does not exist, or no longer.
func (e *exchange) dead(c *venue.Call) *venue.Answer {
	if c.Weather(deadToken) != "" {
		return e.refuse(authFailed, "apikey: invalid")
	}
	return e.refuse(authFailed, "token: invalid")
}

// undeleted is the answer of a call for deletion that deletes nothing; nil if it
// deletes.
func (e *exchange) undeleted(c *venue.Call) *venue.Answer {
	switch c.Weather(deletion) {
	case isMissing:
		return e.NotFound(c)
	case doesNothing:
		return e.ok([]int{1})
	}
	return nil
}

// full refuses one token more than a key can have; nil if there is room.
func (e *exchange) full(c *venue.Call) *venue.Answer {
	code := map[string]int{asInvalid: badParams, asGeneric: generic}[c.Weather(fullKey)]
	if code == 0 || len(c.Books.Minted(e.elapsed(c))) < fewTokens {
		return nil
	}
	return e.refuse(code, "token: limit")
}

// asks is whose rights a call for permissions shows.
func (e *exchange) asks(c *venue.Call) *venue.Key {
	if c.Weather(rootRights) == "" || !e.isToken(c.Key) {
		return c.Key
	}
	for _, k := range c.Books.Keys {
		if k.Kind == venue.MainRoot {
			return k
		}
	}
	return c.Key
}

// nonceOf is whose nonces a call's must exceed.
func (e *exchange) nonceOf(c *venue.Call, caller *venue.Key) string {
	if c.Weather(sharedNonces) == "" {
		return caller.APIKey
	}
	return e.accountOf(c, caller).ID
}

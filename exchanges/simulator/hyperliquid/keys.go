package hyperliquid

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	nameLength = 16
	defaultAge = 90 * 24 * time.Hour
	maxAge     = 180 * 24 * time.Hour
	// untilMark stands between a name and the agent's end.
	untilMark = " valid_until "
)

// approval is the action that makes, replaces or removes an agent.
type approval struct {
	AgentAddress string  `json:"agentAddress"`
	AgentName    *string `json:"agentName"`
}

// agentName splits a name from the time until which it is valid.
func (e *exchange) agentName(c *venue.Call, text string) (name string, validUntil time.Time, refusal *venue.Answer) {
	name, end, bounded := strings.Cut(text, untilMark)
	validUntil = c.Now.Add(defaultAge)
	if bounded {
		ms, err := strconv.ParseInt(end, 10, 64)
		validUntil = time.UnixMilli(ms)
		if err != nil || !validUntil.After(c.Now) || validUntil.After(c.Now.Add(maxAge)) {
			return "", time.Time{}, e.refuse("Agent valid_until already expired.")
		}
	}
	letters := venue.LowerCase + venue.Digits + "-"
	if c.Weather(nameLetters) != "" {
		letters = venue.LowerCase + venue.Digits
	}
	if len(name) > nameLength || strings.Trim(name, letters) != "" {
		return "", time.Time{}, e.refuse("Invalid agent name.")
	}
	return name, validUntil, nil
}

// approveAgent adds an agent or, with the address zero, removes the agent of
// that name. Nothing of the unnamed agent is simulated except that it exists.
func (e *exchange) approveAgent(c *venue.Call) *venue.Answer {
	var request request
	var action approval
	if json.Unmarshal(c.Body, &request) != nil || json.Unmarshal(request.Action, &action) != nil {
		return e.notUnderstood(c)
	}
	if request.VaultAddress != "" {
		return e.refuse("Vault may not perform this action.")
	}
	text := ""
	if action.AgentName != nil {
		text = *action.AgentName
	}
	name, validUntil, refusal := e.agentName(c, text)
	if refusal != nil {
		return refusal
	}
	owner := e.accountOf(c, c.Key)
	if last, ok := e.removals[owner.ID]; ok && c.Documented(last) < e.pause(c) {
		return e.refuse("User has pending agent removal")
	}
	var former *venue.Key
	for _, k := range e.agents(c, owner) {
		if k.Label == name {
			former = k
		}
	}
	if action.AgentAddress == zero {
		switch {
		case c.Weather(zeroAddress) == refused:
			return e.refuse("Invalid agent address.")
		case former == nil:
			return e.noAgent(c)
		case c.Weather(zeroAddress) == doesNothing:
			return e.ok(c)
		}
		c.RemoveKey(former)
		e.noteRemoval(c, former)
		return e.ok(c)
	}
	return e.addAgent(c, owner, former, &venue.Key{
		APIKey: action.AgentAddress, Label: name, Account: owner, Permissions: []string{agentKey},
		Created: c.Now, Expires: validUntil.Add(late),
	})
}

// addAgent adds an agent, which replaces an earlier one of the same name. By a report,
// an account that has no unnamed agent can have no named ones.
func (e *exchange) addAgent(c *venue.Call, owner *venue.Account, former, k *venue.Key) *venue.Answer {
	slots := 3 + 2*len(c.Books.SubAccounts(owner))
	switch {
	case k.Label == "":
		return e.refuse("The unnamed agent is not simulated.")
	case c.Weather(standardAgent) != notNeeded && !slices.ContainsFunc(c.Books.KeysOf(owner.Parent), func(k *venue.Key) bool { return k.Has(agentKey) }):
		return e.refuse("Extra agent does not exist.")
	case c.Books.Key(k.APIKey) != nil || c.Books.Account(k.APIKey) != nil:
		return e.refuse("Extra agent already used.")
	case former == nil && len(e.agents(c, owner)) >= slots:
		return e.refuse("Too many extra agents for cumulative volume traded. Current limit is " + strconv.Itoa(slots))
	case former != nil:
		c.Books.RemoveKey(former, c.Now)
		e.noteRemoval(c, former)
	}
	c.Books.AddKey(k)
	return e.ok(c)
}

// noteRemoval starts the time in which no agent is approved. An agent that a
// fault kept is listed unchanged.
func (e *exchange) noteRemoval(c *venue.Call, k *venue.Key) {
	e.removals[k.Account.ID] = c.Now
	if c.Books.Key(k.APIKey) == nil {
		e.removed = append(e.removed, removed{k, c.Now})
	}
}

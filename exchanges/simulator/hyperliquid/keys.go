package hyperliquid

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	hyperliquidNameLength = 16
	hyperliquidDefaultAge = 90 * 24 * time.Hour
	hyperliquidMaxAge     = 180 * 24 * time.Hour
)

// hyperliquidApproval is the action that makes, replaces or removes an agent.
type hyperliquidApproval struct {
	AgentAddress string  `json:"agentAddress"`
	AgentName    *string `json:"agentName"`
}

// agentName takes a name and the end of validity apart.
func (h *hyperliquid) agentName(c *venue.Call, text string) (name string, validUntil time.Time, refusal *venue.Answer) {
	name, end, bounded := strings.Cut(text, " valid_until ")
	validUntil = c.Now.Add(hyperliquidDefaultAge)
	if bounded {
		ms, err := strconv.ParseInt(end, 10, 64)
		validUntil = time.UnixMilli(ms)
		if err != nil || !validUntil.After(c.Now) || validUntil.After(c.Now.Add(hyperliquidMaxAge)) {
			return "", time.Time{}, h.refuse("Agent valid_until already expired.")
		}
	}
	if len(name) > hyperliquidNameLength || strings.Trim(name, venue.LowerCase+venue.Digits+"-") != "" {
		return "", time.Time{}, h.refuse("Invalid agent name.")
	}
	return name, validUntil, nil
}

// approveAgent makes an agent, or with address zero removes the one of that
// name. The unnamed agent is not simulated any further than that it is there.
func (h *hyperliquid) approveAgent(c *venue.Call) *venue.Answer {
	var request hyperliquidRequest
	var action hyperliquidApproval
	if json.Unmarshal(c.Body, &request) != nil || json.Unmarshal(request.Action, &action) != nil {
		return h.notUnderstood(c)
	}
	if request.VaultAddress != "" {
		return h.refuse("Vault may not perform this action.")
	}
	text := ""
	if action.AgentName != nil {
		text = *action.AgentName
	}
	name, validUntil, refusal := h.agentName(c, text)
	if refusal != nil {
		return refusal
	}
	owner := h.accountOf(c, c.Key)
	if last, ok := h.removals[owner.ID]; ok && c.Documented(last) < hyperliquidCoolDown {
		return h.refuse("User has pending agent removal")
	}
	var former *venue.Key
	for _, k := range h.agents(c, owner) {
		if k.Label == name {
			former = k
		}
	}
	if action.AgentAddress == hyperliquidZero {
		if former == nil {
			return h.refuse("Extra agent does not exist.")
		}
		c.RemoveKey(former)
		h.noteRemoval(c, former)
		return h.ok(c)
	}
	return h.addAgent(c, owner, former, &venue.Key{
		APIKey: action.AgentAddress, Label: name, Account: owner, Permissions: []string{hyperliquidAgent},
		Created: c.Now, Expires: validUntil.Add(hyperliquidLate),
	})
}

// addAgent adds an agent in place of a former one of the same name.
func (h *hyperliquid) addAgent(c *venue.Call, owner *venue.Account, former, k *venue.Key) *venue.Answer {
	slots := 3 + 2*len(c.Books.SubAccounts(owner))
	switch {
	case k.Label == "":
		return h.refuse("The unnamed agent is not simulated.")
	case c.Books.Key(k.APIKey) != nil || c.Books.Account(k.APIKey) != nil:
		return h.refuse("Extra agent already used.")
	case former == nil && len(h.agents(c, owner)) >= slots:
		return h.refuse("Too many extra agents for cumulative volume traded. Current limit is " + strconv.Itoa(slots))
	case former != nil:
		c.Books.RemoveKey(former)
		h.noteRemoval(c, former)
	}
	c.Books.AddKey(k)
	return h.ok(c)
}

// noteRemoval starts the time in which no agent is approved. An agent that was
// kept, by a fault, is listed as it is.
func (h *hyperliquid) noteRemoval(c *venue.Call, k *venue.Key) {
	h.removals[k.Account.ID] = c.Now
	if c.Books.Key(k.APIKey) == nil {
		h.removed = append(h.removed, hyperliquidRemoved{k, c.Now})
	}
}

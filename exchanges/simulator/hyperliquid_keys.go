package simulator

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
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
func (h *hyperliquid) agentName(c *call, text string) (name string, validUntil time.Time, refusal *answer) {
	name, end, bounded := strings.Cut(text, " valid_until ")
	validUntil = c.now.Add(hyperliquidDefaultAge)
	if bounded {
		ms, err := strconv.ParseInt(end, 10, 64)
		validUntil = time.UnixMilli(ms)
		if err != nil || !validUntil.After(c.now) || validUntil.After(c.now.Add(hyperliquidMaxAge)) {
			return "", time.Time{}, h.refuse("Agent valid_until already expired.")
		}
	}
	if len(name) > hyperliquidNameLength || strings.Trim(name, lowerCase+digits+"-") != "" {
		return "", time.Time{}, h.refuse("Invalid agent name.")
	}
	return name, validUntil, nil
}

// approveAgent makes an agent, or with address zero removes the one of that
// name. The unnamed agent is not simulated any further than that it is there.
func (h *hyperliquid) approveAgent(c *call) *answer {
	var request hyperliquidRequest
	var action hyperliquidApproval
	if json.Unmarshal(c.body, &request) != nil || json.Unmarshal(request.Action, &action) != nil {
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
	owner := h.accountOf(c, c.key)
	if last, ok := h.removals[owner.id]; ok && c.documented(last) < hyperliquidCoolDown {
		return h.refuse("User has pending agent removal")
	}
	var former *key
	for _, k := range h.agents(c, owner) {
		if k.label == name {
			former = k
		}
	}
	if action.AgentAddress == hyperliquidZero {
		if former == nil {
			return h.refuse("Extra agent does not exist.")
		}
		c.removeKey(former)
		h.noteRemoval(c, former)
		return h.ok(c)
	}
	return h.addAgent(c, owner, former, &key{
		apiKey: action.AgentAddress, label: name, account: owner, permissions: []string{hyperliquidAgent},
		created: c.now, expires: validUntil.Add(hyperliquidLate),
	})
}

// addAgent adds an agent in place of a former one of the same name.
func (h *hyperliquid) addAgent(c *call, owner *account, former, k *key) *answer {
	slots := 3 + 2*len(c.books.subAccounts(owner))
	switch {
	case k.label == "":
		return h.refuse("The unnamed agent is not simulated.")
	case c.books.key(k.apiKey) != nil || c.books.account(k.apiKey) != nil:
		return h.refuse("Extra agent already used.")
	case former == nil && len(h.agents(c, owner)) >= slots:
		return h.refuse("Too many extra agents for cumulative volume traded. Current limit is " + strconv.Itoa(slots))
	case former != nil:
		c.books.removeKey(former)
		h.noteRemoval(c, former)
	}
	c.books.addKey(k)
	return h.ok(c)
}

// noteRemoval starts the time in which no agent is approved. An agent that was
// kept, by a fault, is listed as it is.
func (h *hyperliquid) noteRemoval(c *call, k *key) {
	h.removals[k.account.id] = c.now
	if c.books.key(k.apiKey) == nil {
		h.removed = append(h.removed, hyperliquidRemoved{k, c.now})
	}
}

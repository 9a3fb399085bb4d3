package simulator

import (
	"crypto"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// hyperliquid plays the API of Hyperliquid's main chain as documented at
// https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api. Its errors
// are sentences: those that the documentation leaves open are what was seen in
// use, or else ours.
//
// A wallet is a master account here, and what it has at the exchange is the one
// account below it, so that this account is what keys are minted for. Below that
// are its sub-accounts, which have no keys.
type hyperliquid struct {
	nonces   map[string][]int64   // used, of each signer, in ascending order
	removals map[string]time.Time // last one, of each account
	removed  []hyperliquidRemoved // oldest first
}

// hyperliquidRemoved is an agent that is gone and may still be listed.
type hyperliquidRemoved struct {
	*key
	at time.Time
}

func newHyperliquid() rules {
	h := &hyperliquid{}
	h.reset()
	return h
}

func (h *hyperliquid) reset() {
	h.nonces, h.removals, h.removed = make(map[string][]int64), make(map[string]time.Time), nil
}

// The permissions of keys: what the owner's wallet may do, and what an agent.
const (
	hyperliquidOwner = "owner"
	hyperliquidAgent = "agent"
)

const (
	// hyperliquidCoolDown is how long approvals are refused after a removal.
	hyperliquidCoolDown = 5 * time.Second
	// hyperliquidListed is how long a removed agent is still listed.
	hyperliquidListed = 1500 * time.Millisecond
	// hyperliquidLate is how late an agent's end takes effect.
	hyperliquidLate = 15 * time.Minute
)

func (h *hyperliquid) seed(books *books, now time.Time, _ func() crypto.Signer) {
	for _, kind := range []string{mainRoot, "unfunded"} {
		owner := newWallet()
		master := books.addAccount(&account{id: "wallet " + owner.address(), created: now})
		books.addAccount(&account{id: owner.address(), parent: master, created: now})
		root := books.addKey(&key{kind: kind, apiKey: owner.address(), private: owner.private(), account: master, created: now})
		if kind != mainRoot {
			continue
		}
		root.permissions = []string{hyperliquidOwner}
		// The unnamed agent, which no list shows.
		unnamed := newWallet()
		books.addKey(&key{
			kind: "no_right", apiKey: unnamed.address(), private: unnamed.private(), account: master, permissions: []string{hyperliquidAgent}, created: now,
		})
	}
}

func (h *hyperliquid) addSubAccount(books *books, now time.Time, master *account) *account {
	owner := books.subAccounts(master)[0]
	number := len(books.subAccounts(owner)) + 1
	return books.addAccount(&account{id: randomAddress(), name: "desk" + strconv.Itoa(number), parent: owner, created: now})
}

func (h *hyperliquid) routes() []route {
	return []route{
		{pattern: "POST /info", choose: h.chooseInfo},
		{pattern: "POST /exchange", choose: h.chooseAction},
	}
}

// hyperliquidWeight is the one limit: 1200 in a minute, by address.
func hyperliquidWeight(weight int) []limit {
	return []limit{{quota: 1200, window: time.Minute, by: perAddress, weight: weight, bucket: "all"}}
}

// chooseInfo finds the route of a question, which is what the type says.
func (h *hyperliquid) chooseInfo(c *call) route {
	chosen := route{operation: opOther, public: true, limits: hyperliquidWeight(20), handle: h.notUnderstood}
	switch jsonParams(c.body).text("type") {
	case "exchangeStatus":
		chosen.operation, chosen.handle = exchanges.OpServerTime, h.status
	case "userRole":
		chosen.operation, chosen.handle, chosen.limits = exchanges.OpInspect, h.userRole, hyperliquidWeight(60)
	case "subAccounts":
		chosen.operation, chosen.handle = exchanges.OpSubAccounts, h.subAccounts
	case "extraAgents":
		chosen.operation, chosen.handle = exchanges.OpListKeys, h.extraAgents
	}
	return chosen
}

// chooseAction finds the route of an action. An approval without an address is
// a removal.
func (h *hyperliquid) chooseAction(c *call) route {
	chosen := route{operation: exchanges.OpUseKey, limits: hyperliquidWeight(1), handle: h.notUnderstood}
	var request hyperliquidRequest
	if json.Unmarshal(c.body, &request) != nil {
		return chosen
	}
	var action struct {
		Type         string `json:"type"`
		AgentAddress string `json:"agentAddress"`
	}
	if json.Unmarshal(request.Action, &action) != nil {
		return chosen
	}
	switch action.Type {
	case "approveAgent":
		chosen.operation, chosen.permit, chosen.handle = exchanges.OpCreateKey, h.ownerOnly, h.approveAgent
		if action.AgentAddress == hyperliquidZero {
			chosen.operation = exchanges.OpDeleteKey
		}
	case "withdraw3":
		chosen.permit, chosen.handle = h.ownerOnly, h.ok
	case "noop":
		chosen.handle = h.ok
	case "order":
		chosen.handle = h.order
	case "agentSetAbstraction":
		chosen.handle = h.setAbstraction
	case "subAccountTransfer":
		chosen.handle = h.subAccountTransfer
	case "vaultTransfer":
		chosen.handle = h.vaultTransfer
	}
	return chosen
}

// ok answers an action that has no more to say.
func (h *hyperliquid) ok(*call) *answer {
	return jsonAnswer(http.StatusOK, map[string]any{"status": "ok", "response": map[string]string{"type": "default"}})
}

// refuse answers with a sentence; there are no codes.
func (h *hyperliquid) refuse(sentence string) *answer {
	return jsonAnswer(http.StatusOK, map[string]string{"status": "err", "response": sentence})
}

func (h *hyperliquid) notUnderstood(*call) *answer {
	return textAnswer(http.StatusUnprocessableEntity, "text/plain", "Failed to deserialize the JSON body into the target type")
}

func (h *hyperliquid) rateLimited(*call, quota) *answer {
	return textAnswer(http.StatusTooManyRequests, "text/plain", "Too Many Requests")
}

func (h *hyperliquid) notFound(*call) *answer {
	return textAnswer(http.StatusNotFound, "text/plain", "")
}

// ownerOnly permits what the owner's wallet alone may do. What anybody else
// signs counts as the wish of an account that does not exist.
func (h *hyperliquid) ownerOnly(c *call) *answer {
	if !c.key.has(hyperliquidOwner) {
		return h.mustDeposit(c.key.apiKey)
	}
	return nil
}

func (h *hyperliquid) mustDeposit(address string) *answer {
	return h.refuse("Must deposit before performing actions. User: " + address)
}

// status answers exchangeStatus.
func (h *hyperliquid) status(c *call) *answer {
	return jsonAnswer(http.StatusOK, map[string]any{"time": c.now.UnixMilli(), "specialStatuses": nil})
}

// user reads the address that a question is about.
func (h *hyperliquid) user(c *call) (address string, refusal *answer) {
	p := jsonParams(c.body)
	p.text("type")
	address = p.text("user")
	p.check("user", isAddress(address))
	if p.strictComplaint() != nil {
		return "", h.notUnderstood(c)
	}
	return address, nil
}

// userRole tells what an address is.
func (h *hyperliquid) userRole(c *call) *answer {
	address, refusal := h.user(c)
	if refusal != nil {
		return refusal
	}
	role := map[string]any{"role": "missing"}
	if k := h.signer(c, address); k != nil {
		role["role"] = "user"
		if k.has(hyperliquidAgent) {
			role = map[string]any{"role": "agent", "data": map[string]string{"user": h.accountOf(c, k).id}}
		}
	} else if a := c.books.account(address); a != nil && a.parent.parent != nil {
		role = map[string]any{"role": "subAccount", "data": map[string]string{"master": a.parent.id}}
	}
	return jsonAnswer(http.StatusOK, role)
}

// accountOf is the account for which a key acts.
func (h *hyperliquid) accountOf(c *call, k *key) *account {
	if k.account.parent == nil {
		return c.books.subAccounts(k.account)[0]
	}
	return k.account
}

// subAccounts lists the sub-accounts of an account; null if it has none.
func (h *hyperliquid) subAccounts(c *call) *answer {
	address, refusal := h.user(c)
	if refusal != nil {
		return refusal
	}
	var rows []any
	if owner := c.books.account(address); owner != nil {
		for _, sub := range c.books.subAccounts(owner) {
			rows = append(rows, map[string]any{
				"name": sub.name, "subAccountUser": sub.id, "master": owner.id,
				"clearinghouseState": struct{}{}, "spotState": struct{}{},
			})
		}
	}
	return jsonAnswer(http.StatusOK, rows)
}

// extraAgents lists the named agents of an account, and for a moment those that
// were removed.
func (h *hyperliquid) extraAgents(c *call) *answer {
	address, refusal := h.user(c)
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	list := func(k *key) {
		rows = append(rows, map[string]any{
			"name": k.label, "address": k.apiKey, "validUntil": k.expires.Add(-hyperliquidLate).UnixMilli(),
		})
	}
	for _, k := range h.agents(c, c.books.account(address)) {
		list(k)
	}
	h.removed = slices.DeleteFunc(h.removed, func(r hyperliquidRemoved) bool { return c.documented(r.at) >= hyperliquidListed })
	for _, r := range h.removed {
		if r.account.id == address {
			list(r.key)
		}
	}
	return jsonAnswer(http.StatusOK, rows)
}

// agents lists the live agents of an account.
func (h *hyperliquid) agents(c *call, owner *account) []*key {
	return slices.DeleteFunc(c.books.keysOf(owner), func(k *key) bool { return k.expired(c.now) })
}

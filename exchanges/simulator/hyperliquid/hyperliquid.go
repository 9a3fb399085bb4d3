// Package hyperliquid is the simulated Hyperliquid.
package hyperliquid

import (
	"crypto"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
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
	*venue.Key
	at time.Time
}

// Venue is the simulated Hyperliquid.
func Venue() venue.Listing { return venue.Listing{Name: "hyperliquid", New: newHyperliquid} }

func newHyperliquid() venue.Rules {
	h := &hyperliquid{}
	h.Reset()
	return h
}

func (h *hyperliquid) Reset() {
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

func (h *hyperliquid) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	for _, kind := range []string{venue.MainRoot, "unfunded"} {
		owner := venue.NewWallet()
		master := books.AddAccount(&venue.Account{ID: "wallet " + owner.Address(), Created: now})
		books.AddAccount(&venue.Account{ID: owner.Address(), Parent: master, Created: now})
		root := books.AddKey(&venue.Key{Kind: kind, APIKey: owner.Address(), Private: owner.Private(), Account: master, Created: now})
		if kind != venue.MainRoot {
			continue
		}
		root.Permissions = []string{hyperliquidOwner}
		// The unnamed agent, which no list shows.
		unnamed := venue.NewWallet()
		books.AddKey(&venue.Key{
			Kind: "no_right", APIKey: unnamed.Address(), Private: unnamed.Private(), Account: master, Permissions: []string{hyperliquidAgent}, Created: now,
		})
	}
}

func (h *hyperliquid) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	owner := books.SubAccounts(master)[0]
	number := len(books.SubAccounts(owner)) + 1
	return books.AddAccount(&venue.Account{ID: venue.RandomAddress(), Name: "desk" + strconv.Itoa(number), Parent: owner, Created: now})
}

func (h *hyperliquid) Routes() []venue.Route {
	return []venue.Route{
		{Pattern: "POST /info", Choose: h.chooseInfo},
		{Pattern: "POST /exchange", Choose: h.chooseAction},
	}
}

// hyperliquidWeight is the one limit: 1200 in a minute, by address.
func hyperliquidWeight(weight int) []venue.Limit {
	return []venue.Limit{{Quota: 1200, Window: time.Minute, By: venue.PerAddress, Weight: weight, Bucket: "all"}}
}

// chooseInfo finds the route of a question, which is what the type says.
func (h *hyperliquid) chooseInfo(c *venue.Call) venue.Route {
	chosen := venue.Route{Operation: venue.OpOther, Public: true, Limits: hyperliquidWeight(20), Handle: h.notUnderstood}
	switch venue.JSONParams(c.Body).Text("type") {
	case "exchangeStatus":
		chosen.Operation, chosen.Handle = exchanges.OpServerTime, h.status
	case "userRole":
		chosen.Operation, chosen.Handle, chosen.Limits = exchanges.OpInspect, h.userRole, hyperliquidWeight(60)
	case "subAccounts":
		chosen.Operation, chosen.Handle = exchanges.OpSubAccounts, h.subAccounts
	case "extraAgents":
		chosen.Operation, chosen.Handle = exchanges.OpListKeys, h.extraAgents
	}
	return chosen
}

// chooseAction finds the route of an action. An approval without an address is
// a removal.
func (h *hyperliquid) chooseAction(c *venue.Call) venue.Route {
	chosen := venue.Route{Operation: exchanges.OpUseKey, Limits: hyperliquidWeight(1), Handle: h.notUnderstood}
	var request hyperliquidRequest
	if json.Unmarshal(c.Body, &request) != nil {
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
		chosen.Operation, chosen.Permit, chosen.Handle = exchanges.OpCreateKey, h.ownerOnly, h.approveAgent
		if action.AgentAddress == hyperliquidZero {
			chosen.Operation = exchanges.OpDeleteKey
		}
	case "withdraw3":
		chosen.Permit, chosen.Handle = h.ownerOnly, h.ok
	case "noop":
		chosen.Handle = h.ok
	case "order":
		chosen.Handle = h.order
	case "agentSetAbstraction":
		chosen.Handle = h.setAbstraction
	case "subAccountTransfer":
		chosen.Handle = h.subAccountTransfer
	case "vaultTransfer":
		chosen.Handle = h.vaultTransfer
	}
	return chosen
}

// ok answers an action that has no more to say.
func (h *hyperliquid) ok(*venue.Call) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, map[string]any{"status": "ok", "response": map[string]string{"type": "default"}})
}

// refuse answers with a sentence; there are no codes.
func (h *hyperliquid) refuse(sentence string) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, map[string]string{"status": "err", "response": sentence})
}

func (h *hyperliquid) notUnderstood(*venue.Call) *venue.Answer {
	return venue.TextAnswer(http.StatusUnprocessableEntity, "text/plain", "Failed to deserialize the JSON body into the target type")
}

func (h *hyperliquid) RateLimited(*venue.Call, venue.Quota) *venue.Answer {
	return venue.TextAnswer(http.StatusTooManyRequests, "text/plain", "Too Many Requests")
}

func (h *hyperliquid) NotFound(*venue.Call) *venue.Answer {
	return venue.TextAnswer(http.StatusNotFound, "text/plain", "")
}

// ownerOnly permits what the owner's wallet alone may do. What anybody else
// signs counts as the wish of an account that does not exist.
func (h *hyperliquid) ownerOnly(c *venue.Call) *venue.Answer {
	if !c.Key.Has(hyperliquidOwner) {
		return h.mustDeposit(c.Key.APIKey)
	}
	return nil
}

func (h *hyperliquid) mustDeposit(address string) *venue.Answer {
	return h.refuse("Must deposit before performing actions. User: " + address)
}

// status answers exchangeStatus.
func (h *hyperliquid) status(c *venue.Call) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, map[string]any{"time": c.Now.UnixMilli(), "specialStatuses": nil})
}

// user reads the address that a question is about.
func (h *hyperliquid) user(c *venue.Call) (address string, refusal *venue.Answer) {
	p := venue.JSONParams(c.Body)
	p.Text("type")
	address = p.Text("user")
	p.Check("user", venue.IsAddress(address))
	if p.StrictComplaint() != nil {
		return "", h.notUnderstood(c)
	}
	return address, nil
}

// userRole tells what an address is.
func (h *hyperliquid) userRole(c *venue.Call) *venue.Answer {
	address, refusal := h.user(c)
	if refusal != nil {
		return refusal
	}
	role := map[string]any{"role": "missing"}
	if k := h.signer(c, address); k != nil {
		role["role"] = "user"
		if k.Has(hyperliquidAgent) {
			role = map[string]any{"role": "agent", "data": map[string]string{"user": h.accountOf(c, k).ID}}
		}
	} else if a := c.Books.Account(address); a != nil && a.Parent.Parent != nil {
		role = map[string]any{"role": "subAccount", "data": map[string]string{"master": a.Parent.ID}}
	}
	return venue.JSONAnswer(http.StatusOK, role)
}

// accountOf is the account for which a key acts.
func (h *hyperliquid) accountOf(c *venue.Call, k *venue.Key) *venue.Account {
	if k.Account.Parent == nil {
		return c.Books.SubAccounts(k.Account)[0]
	}
	return k.Account
}

// SubAccounts lists the sub-accounts of an account; null if it has none.
func (h *hyperliquid) subAccounts(c *venue.Call) *venue.Answer {
	address, refusal := h.user(c)
	if refusal != nil {
		return refusal
	}
	var rows []any
	if owner := c.Books.Account(address); owner != nil {
		for _, sub := range c.Books.SubAccounts(owner) {
			rows = append(rows, map[string]any{
				"name": sub.Name, "subAccountUser": sub.ID, "master": owner.ID,
				"clearinghouseState": struct{}{}, "spotState": struct{}{},
			})
		}
	}
	return venue.JSONAnswer(http.StatusOK, rows)
}

// extraAgents lists the named agents of an account, and for a moment those that
// were removed.
func (h *hyperliquid) extraAgents(c *venue.Call) *venue.Answer {
	address, refusal := h.user(c)
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	list := func(k *venue.Key) {
		rows = append(rows, map[string]any{
			"name": k.Label, "address": k.APIKey, "validUntil": k.Expires.Add(-hyperliquidLate).UnixMilli(),
		})
	}
	for _, k := range h.agents(c, c.Books.Account(address)) {
		list(k)
	}
	h.removed = slices.DeleteFunc(h.removed, func(r hyperliquidRemoved) bool { return c.Documented(r.at) >= hyperliquidListed })
	for _, r := range h.removed {
		if r.Account.ID == address {
			list(r.Key)
		}
	}
	return venue.JSONAnswer(http.StatusOK, rows)
}

// agents lists the live agents of an account.
func (h *hyperliquid) agents(c *venue.Call, owner *venue.Account) []*venue.Key {
	return slices.DeleteFunc(c.Books.KeysOf(owner), func(k *venue.Key) bool { return k.Expired(c.Now) })
}

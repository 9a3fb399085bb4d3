// Package hyperliquid plays the API of Hyperliquid's main chain as documented
// at https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api. Its
// errors are sentences. Where the documentation does not state one, it is a
// sentence seen in use, or else one of ours.
//
// A wallet is a master account here, and its account at the exchange is the one
// account below it: that is the account that keys are minted for. Below that
// are its sub-accounts, which have no keys.
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

// exchange is Hyperliquid, with the state that the books do not hold.
type exchange struct {
	nonces   map[string][]int64   // used by each signer, in ascending order
	removals map[string]time.Time // the last one of each account
	removed  []removed            // oldest first
}

// removed is an agent that no longer exists but may still be listed.
type removed struct {
	*venue.Key
	at time.Time
}

// Venue is the simulated Hyperliquid.
func Venue() venue.Listing { return venue.Listing{Name: "hyperliquid", New: newRules} }

func newRules() venue.Rules {
	e := &exchange{}
	e.Reset()
	return e
}

func (e *exchange) Reset() {
	e.nonces, e.removals, e.removed = make(map[string][]int64), make(map[string]time.Time), nil
}

// The permissions of keys: what the owner's wallet may do, and what an agent
// may do.
const (
	ownerKey = "owner"
	agentKey = "agent"
)

const (
	// coolDown is how long approvals are refused after a removal.
	coolDown = 5 * time.Second
	// listed is how long a removed agent stays in the list.
	listed = 1500 * time.Millisecond
	// late is how late an agent's end takes effect.
	late = 15 * time.Minute
)

func (e *exchange) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	for _, kind := range []string{venue.MainRoot, "unfunded", "no_agent"} {
		owner := venue.NewWallet()
		master := books.AddAccount(&venue.Account{ID: "wallet " + owner.Address(), Created: now})
		books.AddAccount(&venue.Account{ID: owner.Address(), Parent: master, Created: now})
		root := books.AddKey(&venue.Key{Kind: kind, APIKey: owner.Address(), Private: owner.Private(), Account: master, Created: now})
		if kind == "unfunded" {
			continue
		}
		root.Permissions = []string{ownerKey}
		if kind == "no_agent" {
			continue
		}
		// The unnamed agent. No list shows it.
		unnamed := venue.NewWallet()
		books.AddKey(&venue.Key{
			Kind: "no_right", APIKey: unnamed.Address(), Private: unnamed.Private(), Account: master, Permissions: []string{agentKey}, Created: now,
		})
	}
}

func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	owner := books.SubAccounts(master)[0]
	number := len(books.SubAccounts(owner)) + 1
	return books.AddAccount(&venue.Account{ID: venue.RandomAddress(), Name: "desk" + strconv.Itoa(number), Parent: owner, Created: now})
}

func (e *exchange) Routes() []venue.Route {
	return []venue.Route{
		{Pattern: "POST /info", Choose: e.chooseInfo},
		{Pattern: "POST /exchange", Choose: e.chooseAction},
	}
}

// weight is the only limit: 1200 a minute, per address.
func weight(cost int) []venue.Limit {
	return []venue.Limit{{Quota: 1200, Window: time.Minute, By: venue.PerAddress, Weight: cost, Bucket: "all"}}
}

// chooseInfo finds the route of a question by its type.
func (e *exchange) chooseInfo(c *venue.Call) venue.Route {
	chosen := venue.Route{Operation: venue.OpOther, Public: true, Limits: weight(20), Handle: e.notUnderstood}
	switch venue.JSONParams(c.Body).Text("type") {
	case "exchangeStatus":
		chosen.Operation, chosen.Handle = exchanges.OpServerTime, e.status
	case "userRole":
		chosen.Operation, chosen.Handle, chosen.Limits = exchanges.OpInspect, e.userRole, weight(60)
	case "subAccounts":
		chosen.Operation, chosen.Handle = exchanges.OpSubAccounts, e.subAccounts
	case "clearinghouseState":
		chosen.Operation, chosen.Handle, chosen.Limits = exchanges.OpUseKey, e.clearinghouse, weight(2)
	case "userAbstraction":
		chosen.Operation, chosen.Handle = exchanges.OpUseKey, e.abstraction
	case "openOrders", "frontendOpenOrders":
		chosen.Operation, chosen.Handle = exchanges.OpUseKey, e.openOrders
	case "extraAgents":
		chosen.Operation, chosen.Handle = exchanges.OpListKeys, e.extraAgents
	}
	return chosen
}

// chooseAction finds the route of an action. An approval without an address is
// a removal.
func (e *exchange) chooseAction(c *venue.Call) venue.Route {
	chosen := venue.Route{Operation: exchanges.OpUseKey, Limits: weight(1), Handle: e.notUnderstood}
	var request request
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
		chosen.Operation, chosen.Permit, chosen.Handle = exchanges.OpCreateKey, e.ownerOnly, e.approveAgent
		if action.AgentAddress == zero {
			chosen.Operation = exchanges.OpDeleteKey
		}
	case "withdraw3":
		chosen.Permit, chosen.Handle = e.ownerOnly, e.ok
	case "noop":
		chosen.Handle = e.ok
	case "order":
		chosen.Handle = e.order
	case "cancel", "cancelByCloid":
		chosen.Handle = e.cancel
	case "agentSetAbstraction":
		chosen.Handle = e.setAbstraction
	case "subAccountTransfer":
		chosen.Handle = e.subAccountTransfer
	case "vaultTransfer":
		chosen.Handle = e.vaultTransfer
	}
	return chosen
}

// ok answers an action that has nothing more to report.
func (e *exchange) ok(*venue.Call) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, map[string]any{"status": "ok", "response": map[string]string{"type": "default"}})
}

// refuse answers with a sentence. There are no codes.
func (e *exchange) refuse(sentence string) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, map[string]string{"status": "err", "response": sentence})
}

func (e *exchange) notUnderstood(*venue.Call) *venue.Answer {
	return venue.TextAnswer(http.StatusUnprocessableEntity, "text/plain", "Failed to deserialize the JSON body into the target type")
}

func (e *exchange) RateLimited(*venue.Call, venue.Quota) *venue.Answer {
	return venue.TextAnswer(http.StatusTooManyRequests, "text/plain", "Too Many Requests")
}

func (e *exchange) NotFound(*venue.Call) *venue.Answer {
	return venue.TextAnswer(http.StatusNotFound, "text/plain", "")
}

// ownerOnly permits what only the owner's wallet may do. If anybody else signs
// such an action, Hyperliquid answers as if the signer's account did not exist.
func (e *exchange) ownerOnly(c *venue.Call) *venue.Answer {
	if !c.Key.Has(ownerKey) {
		return e.mustDeposit(c.Key.APIKey)
	}
	return nil
}

func (e *exchange) mustDeposit(address string) *venue.Answer {
	return e.refuse("Must deposit before performing actions. User: " + address)
}

// status answers exchangeStatus.
func (e *exchange) status(c *venue.Call) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, map[string]any{"time": c.Now.UnixMilli(), "specialStatuses": nil})
}

// user reads the address that a question is about.
func (e *exchange) user(c *venue.Call) (address string, refusal *venue.Answer) {
	p := venue.JSONParams(c.Body)
	p.Text("type")
	address = p.Text("user")
	p.Check("user", venue.IsAddress(address))
	if p.StrictComplaint() != nil {
		return "", e.notUnderstood(c)
	}
	return address, nil
}

// userRole says what an address is.
func (e *exchange) userRole(c *venue.Call) *venue.Answer {
	address, refusal := e.user(c)
	if refusal != nil {
		return refusal
	}
	role := map[string]any{"role": "missing"}
	if k := e.signer(c, address); k != nil {
		role["role"] = "user"
		if k.Has(agentKey) {
			role = map[string]any{"role": "agent", "data": map[string]string{"user": e.accountOf(c, k).ID}}
		}
	} else if a := c.Books.Account(address); a != nil && a.Parent.Parent != nil {
		role = map[string]any{"role": "subAccount", "data": map[string]string{"master": a.Parent.ID}}
	}
	return venue.JSONAnswer(http.StatusOK, role)
}

// accountOf is the account that a key acts for.
func (e *exchange) accountOf(c *venue.Call, k *venue.Key) *venue.Account {
	if k.Account.Parent == nil {
		return c.Books.SubAccounts(k.Account)[0]
	}
	return k.Account
}

// SubAccounts lists the sub-accounts of an account; null if it has none.
func (e *exchange) subAccounts(c *venue.Call) *venue.Answer {
	address, refusal := e.user(c)
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

// extraAgents lists the named agents of an account and, for a moment, those
// that were removed.
func (e *exchange) extraAgents(c *venue.Call) *venue.Answer {
	address, refusal := e.user(c)
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	list := func(k *venue.Key) { rows = append(rows, e.row(c, k)) }
	for _, k := range c.Listed(c.Books.Account(address)) {
		if !k.Expired(c.Now) {
			list(k)
		}
	}
	e.removed = slices.DeleteFunc(e.removed, func(r removed) bool { return c.Documented(r.at) >= listed })
	for _, r := range e.removed {
		if r.Account.ID == address {
			list(r.Key)
		}
	}
	return venue.JSONAnswer(http.StatusOK, rows)
}

// agents lists the live agents of an account.
func (e *exchange) agents(c *venue.Call, owner *venue.Account) []*venue.Key {
	return slices.DeleteFunc(c.Books.KeysOf(owner), func(k *venue.Key) bool { return k.Expired(c.Now) })
}

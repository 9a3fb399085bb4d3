package hyperliquid

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
	"vault-plugin-secrets-exchange/exchanges/wallet"
)

// What calls draw from the limit of 1200 a minute.
const (
	weightRole = 60
	weightInfo = 20
)

// account is the account of one wallet. The embedded client signs the user's own
// actions.
type account struct {
	*rest.Client
	// address is the account's name.
	address string
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = Hyperliquid{}
	_ exchanges.PairMaker     = Hyperliquid{}
	_ exchanges.Account       = (*account)(nil)
	_ exchanges.RequestSigner = (*account)(nil)
)

// Open implements [exchanges.Exchange].
func (h Hyperliquid) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential, options.Environment)
	if err != nil {
		return nil, &exchanges.Error{Kind: exchanges.ErrInvalid, Message: err.Error()}
	}
	address := signer.key.Address().String()
	client, err := rest.NewClient(h.Describe(), credential, options, rest.Config{
		Sign:       signer.sign,
		Unwrap:     unwrapper{address, options.Wait(coolDown), options.Wait(tooManyRequests)}.unwrap,
		ServerTime: serverTime,
	})
	if err != nil {
		return nil, err
	}
	return &account{client, address}, nil
}

// question is a request for information about an address.
type question struct {
	Type string `json:"type"`
	User string `json:"user,omitempty"`
}

func serverTime(ctx context.Context, client *rest.Client) (time.Time, error) {
	var status struct {
		Time rest.Milliseconds `json:"time"`
	}
	err := client.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpServerTime, Method: http.MethodPost, Path: pathInfo, Weight: weightInfo, Effect: rest.ReadOnly, Unsigned: true,
		Complete: func() bool { return !status.Time.IsZero() },
	}, question{Type: "exchangeStatus"}, rest.Into(&status))
	return status.Time.Time, err
}

// ask asks about an address. The answer must be complete.
func (a *account) ask(ctx context.Context, operation exchanges.Operation, weight int, q question, answer rest.Out, complete func() bool) error {
	return a.DoJSON(ctx, rest.Call{
		Operation: operation, Method: http.MethodPost, Path: pathInfo, Weight: weight, Effect: rest.ReadOnly, Complete: complete,
	}, q, answer)
}

// The roles of an address. Vaults and sub-accounts have no key of their own.
const (
	roleUser    = "user"
	roleAgent   = "agent"
	roleMissing = "missing"
)

// role is what Hyperliquid says that an address is; of an agent, also whose.
type role struct {
	Role string `json:"role"`
	Data struct {
		User string `json:"user"`
	} `json:"data"`
}

// roleOf asks what an address is.
func (a *account) roleOf(ctx context.Context, operation exchanges.Operation, address string) (role, error) {
	var answer role
	err := a.ask(ctx, operation, weightRole, question{"userRole", address}, rest.Into(&answer), func() bool { return answer.Role != "" })
	return answer, err
}

func (a *account) Inspect(ctx context.Context) (exchanges.Identity, error) {
	answer, err := a.roleOf(ctx, exchanges.OpInspect, a.address)
	if err != nil {
		return exchanges.Identity{}, err
	}
	identity := exchanges.Identity{
		Account: a.address, Permissions: []string{answer.Role}, Addresses: []string{}, ClockOffset: a.ClockOffset(),
	}
	switch answer.Role {
	case roleUser:
		identity.CanMint = true
		identity.Warnings = []string{"the root key is the wallet's own and can withdraw all its funds: keep only trading collateral there"}
	case roleAgent:
		identity.Account = answer.Data.User
		identity.Problem = "the private_key belongs to an agent of " + answer.Data.User + "; agents cannot approve agents, so give the wallet's own key"
	case roleMissing:
		return exchanges.Identity{}, &exchanges.Error{
			Kind: exchanges.ErrAuth, Exchange: "hyperliquid", Operation: exchanges.OpInspect,
			Message: a.address + " is neither an account that has deposited nor an agent of one",
			Remedy:  "check environment, and deposit USDC to a new account first",
		}
	default:
		identity.Problem = fmt.Sprintf("the address %s is a %s", a.address, answer.Role)
	}
	return identity, nil
}

// SubAccounts lists the account itself: its agents belong to no sub-account.
func (a *account) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	var subs rest.List[struct {
		Name string `json:"name"`
	}]
	err := a.ask(ctx, exchanges.OpSubAccounts, weightInfo, question{"subAccounts", a.address}, rest.Into(&subs), nil)
	if err != nil {
		return nil, err
	}
	return []exchanges.SubAccount{{
		Name:  a.address,
		Alias: fmt.Sprintf("the account and its %d sub-accounts", len(subs.Items)),
	}}, nil
}

// own refuses any sub-account except the account itself.
func (a *account) own(subAccount string, operation exchanges.Operation) error {
	if strings.EqualFold(subAccount, a.address) {
		return nil
	}
	return &exchanges.Error{
		Kind: exchanges.ErrPermission, Exchange: "hyperliquid", Operation: operation,
		Message: fmt.Sprintf("the wallet %s has no agents for %q", a.address, subAccount),
		Remedy:  "an agent belongs to the whole account: name the wallet's own address as the sub-account",
	}
}

func (a *account) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	if err := a.own(request.SubAccount, exchanges.OpCreateKey); err != nil {
		return exchanges.Key{}, err
	}
	address, err := wallet.ParseAddress(request.PublicKey)
	if err != nil || request.Label == "" {
		// Without a name it would replace the account's unnamed agent.
		return exchanges.Key{}, &exchanges.Error{
			Kind: exchanges.ErrInvalid, Exchange: "hyperliquid", Operation: exchanges.OpCreateKey,
			Message: "an agent needs a name, and an address: the public half of a key of type secp256k1",
		}
	}
	name := request.Label
	if !request.Expires.IsZero() {
		// The time is rounded up, so that the agent does not expire before the
		// lease.
		name = until(name, request.Expires.Add(time.Millisecond-1))
	}
	if err := a.approve(ctx, rest.Call{Operation: exchanges.OpCreateKey, Effect: rest.Once}, address, name); err != nil {
		return exchanges.Key{}, err
	}
	return exchanges.Key{ID: address.String(), APIKey: address.String(), Permissions: []string{agent}}, nil
}

// approve approves an agent under a name, or removes the one with that name if the
// address is zero.
func (a *account) approve(ctx context.Context, call rest.Call, address wallet.Address, name string) error {
	var answer struct {
		Status string `json:"status"`
	}
	call.Method, call.Path, call.Limit = http.MethodPost, pathExchange, opApprove
	call.Complete = func() bool { return answer.Status == "ok" }
	body := struct {
		Action approval `json:"action"`
	}{approval{Type: typeApproval, AgentAddress: address.String(), AgentName: name}}
	return a.DoJSON(ctx, call, body, rest.Into(&answer))
}

// untilMark stands between an agent's name and its end, where both are given.
const untilMark = " valid_until "

// until is a name with the end of the agent.
func until(name string, end time.Time) string {
	return name + untilMark + strconv.FormatInt(end.UnixMilli(), 10)
}

// ListKeys lists the named agents. Hyperliquid does not list the unnamed one,
// which is never ours.
func (a *account) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	if err := a.own(subAccount, exchanges.OpListKeys); err != nil {
		return nil, err
	}
	// Hyperliquid writes null for a list of sub-accounts that is empty, and may do so
	// here too.
	var agents rest.List[struct {
		Name       string            `json:"name"`
		Address    string            `json:"address"`
		ValidUntil rest.Milliseconds `json:"validUntil"`
	}]
	err := a.ask(ctx, exchanges.OpListKeys, weightInfo, question{"extraAgents", a.address}, rest.Into(&agents), func() bool {
		for _, listed := range agents.Items {
			if _, err := wallet.ParseAddress(listed.Address); err != nil || listed.Name == "" {
				return false
			}
		}
		return agents.Present
	})
	if err != nil {
		return nil, err
	}
	var all []exchanges.KeyInfo
	for _, listed := range agents.Items {
		// Agents are listed by their bare names, as far as is known. A name with an end
		// leads to no agent.
		name, _, _ := strings.Cut(listed.Name, untilMark)
		all = append(all, exchanges.KeyInfo{
			ID: strings.ToLower(listed.Address), Label: name, Permissions: []string{agent}, ExpiresAt: listed.ValidUntil.Time,
		})
	}
	return all, nil
}

// DeleteKey removes the agent by the name under which it is listed. If the name now
// leads to another address, it leaves it alone: that is somebody else's agent.
func (a *account) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	keys, err := a.ListKeys(ctx, ref.SubAccount)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(key exchanges.KeyInfo) bool { return key.ID == ref.ID })
	if i < 0 {
		return &exchanges.Error{
			Kind: exchanges.ErrNotFound, Exchange: "hyperliquid", Operation: exchanges.OpDeleteKey, Message: "no such agent is listed",
		}
	}
	name := keys[i].Label
	if slices.ContainsFunc(keys, func(key exchanges.KeyInfo) bool { return key.Label == name && key.ID != ref.ID }) {
		// No two agents share a name: this one was replaced, and is still listed
		// for a while.
		return nil
	}
	err = a.approve(ctx, rest.Call{Operation: exchanges.OpDeleteKey, Effect: rest.Idempotent, CoolDown: coolDown}, wallet.Address{}, name)
	switch {
	case errors.Is(err, errNoAgent):
		// It was removed before, and is still listed for a while.
		return nil
	case errors.Is(err, exchanges.ErrInvalid):
		return a.replace(ctx, ref.ID, name, err)
	}
	return err
}

package bitget

import (
	"context"
	"net/http"
	"slices"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// account is what accounts of all variants share. The embedded client signs the
// user's own requests.
type account struct {
	*rest.Client
	// login makes the message that logs in.
	login rest.LoginMessage
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = Bitget{}
	_ exchanges.Account       = (*unified)(nil)
	_ exchanges.Account       = (*classic)(nil)
	_ exchanges.Account       = (*broker)(nil)
	_ exchanges.RequestSigner = (*unified)(nil)
	_ exchanges.RequestSigner = (*classic)(nil)
	_ exchanges.RequestSigner = (*broker)(nil)
	_ exchanges.LoginSigner   = (*unified)(nil)
	_ exchanges.LoginSigner   = (*classic)(nil)
	_ exchanges.LoginSigner   = (*broker)(nil)
)

// Open implements [exchanges.Exchange].
func (b Bitget) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential)
	if err != nil {
		return nil, err
	}
	client, err := rest.NewClient(b.Describe(), credential, options, rest.Config{
		Sign:       signer.sign,
		Signature:  signer.signature,
		Unwrap:     unwrap,
		ServerTime: rest.ServerTime(rest.Call{Path: "/api/v2/public/time"}, clock.time),
	})
	if err != nil {
		return nil, err
	}
	shared := account{client, signer.login}
	switch options.Variant {
	case variantClassic:
		return &classic{shared}, nil
	case variantBroker:
		return &broker{shared}, nil
	}
	return &unified{shared}, nil
}

// clock is Bitget's answer about its time.
type clock struct {
	ServerTime rest.Milliseconds `json:"serverTime"`
}

func (c clock) time() time.Time { return c.ServerTime.Time }

// Rights of a root key as version 2 of the API shows them.
const (
	manageSubAccounts = "chow"
	walletWithdrawal  = "wwow"
)

// inspectV2 asks whose the root key is, using version 2 of the API. It leaves open
// whether the key can mint.
func (a *account) inspectV2(ctx context.Context) (exchanges.Identity, error) {
	var root struct {
		UserID      rest.Text      `json:"userId"`
		IPs         rest.CommaList `json:"ips"`
		Authorities []string       `json:"authorities"`
	}
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: "/api/v2/spot/account/info", Effect: rest.ReadOnly,
		Complete: func() bool { return root.UserID != "" },
	}, rest.Into(&root))
	if err != nil {
		return exchanges.Identity{}, err
	}
	return a.identity(string(root.UserID), root.Authorities, root.IPs, walletWithdrawal), nil
}

// identity is what is known of any root key, with the warnings that its rights call
// for.
func (a *account) identity(uid string, rights, addresses []string, withdrawal string) exchanges.Identity {
	identity := exchanges.Identity{
		Account: uid, Permissions: slices.Sorted(slices.Values(rights)), Addresses: addresses,
		ClockOffset: a.ClockOffset(),
	}
	if slices.Contains(rights, withdrawal) {
		identity.Warnings = append(identity.Warnings, "the root key can withdraw, which minting never needs; use one that cannot")
	}
	return identity
}

// unboundWarning is for a root key that is bound to no address and need not be.
const unboundWarning = "the root key is bound to no address: it works from anywhere"

// statusNormal is the status of a sub-account that is neither frozen nor
// deleted. Bitget writes the others as freeze, frozen and del.
const (
	statusNormal  = "normal"
	statusDeleted = "del"
)

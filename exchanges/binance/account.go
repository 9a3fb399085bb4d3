package binance

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// formType is the only form of body that Binance reads.
const formType = "application/x-www-form-urlencoded"

// account is what accounts of both variants share. The embedded client signs the
// user's own requests.
type account struct {
	*rest.Client
	// login makes the message that logs in.
	login rest.LoginMessage
	// logon signs what a FIX Logon says of itself.
	logon func(exchanges.Logon) (map[int]string, error)
}

// What the exchange and its accounts can do.
var (
	_ exchanges.Exchange      = Binance{}
	_ exchanges.Account       = (*link)(nil)
	_ exchanges.Account       = (*master)(nil)
	_ exchanges.RequestSigner = (*link)(nil)
	_ exchanges.RequestSigner = (*master)(nil)
	_ exchanges.LoginSigner   = (*link)(nil)
	_ exchanges.LoginSigner   = (*master)(nil)
	_ exchanges.LogonSigner   = (*link)(nil)
	_ exchanges.LogonSigner   = (*master)(nil)
	_ exchanges.KeyChecker    = (*link)(nil)
	_ exchanges.KeyChecker    = (*master)(nil)
)

// Open implements [exchanges.Exchange].
func (b Binance) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	signer, err := newSigner(credential)
	if err != nil {
		return nil, err
	}
	client, err := rest.NewClient(b.Describe(), credential, options, rest.Config{
		Sign:       signer.sign,
		Signature:  signer.signature,
		Unwrap:     unwrap,
		ServerTime: rest.ServerTime(rest.Call{Path: "/api/v3/time"}, clock.time),
	})
	if err != nil {
		return nil, err
	}
	shared := account{client, signer.login, signer.logon}
	if options.Variant == variantLink {
		return &link{shared}, nil
	}
	return &master{shared}, nil
}

// clock is Binance's answer about its time.
type clock struct {
	ServerTime rest.Milliseconds `json:"serverTime"`
}

func (c clock) time() time.Time { return c.ServerTime.Time }

// The words of apiRestrictions that matter here.
const (
	ipRestrict                 = "ipRestrict"
	enableSpotAndMarginTrading = "enableSpotAndMarginTrading"
)

// notForRoots are rights that minting does not need.
func notForRoots() []string {
	return []string{"enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer"}
}

// restrictions asks what the root key may do. Every key may ask that.
func (a *account) restrictions(ctx context.Context) (flags, error) {
	var restrictions flags
	err := a.Do(ctx, rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodGet, Path: "/sapi/v1/account/apiRestrictions", Effect: rest.ReadOnly,
		Complete: func() bool { return len(restrictions) > 0 },
	}, rest.Into(&restrictions))
	return restrictions, err
}

// do makes a call that not every key may make. Binance has one code for an unknown
// key, a wrong address and a missing permission; if the key can still make a call
// that every key may, a permission is missing.
func (a *account) do(ctx context.Context, call rest.Call, out rest.Out) error {
	err := a.Do(ctx, call, out)
	var failure *exchanges.Error
	if !errors.As(err, &failure) || failure.Code != strconv.Itoa(codeBadKey) {
		return err
	}
	if _, err := a.restrictions(ctx); err != nil {
		return failure
	}
	denied := *failure
	denied.Kind, denied.Remedy = exchanges.ErrPermission, "give the root key the option Enable Spot & Margin Trading"
	return &denied
}

// inspect asks what the root key may do, and then makes the probe, a call that only
// accounts of the connection's variant may make. The code of a refused probe says
// why; a refusal without one, such as the page of a firewall, says nothing of the
// account.
func (a *account) inspect(ctx context.Context, probe rest.Call, explain func(code string) string) (exchanges.Identity, error) {
	restrictions, err := a.restrictions(ctx)
	if err != nil {
		return exchanges.Identity{}, err
	}
	identity := exchanges.Identity{ClockOffset: a.ClockOffset()}
	if !restrictions[ipRestrict] {
		identity.Addresses = []string{}
		identity.Warnings = append(identity.Warnings, "the root key is restricted to no address: it works from anywhere")
	}
	delete(restrictions, ipRestrict)
	identity.Permissions = restrictions.set()
	for _, right := range notForRoots() {
		if restrictions[right] {
			identity.Warnings = append(identity.Warnings, "the root key has "+right+", which minting never needs; switch it off")
		}
	}
	if !restrictions[enableSpotAndMarginTrading] {
		identity.Problem = "the root key lacks the option Enable Spot & Margin Trading; switch it on"
		return identity, nil
	}
	var refusal *exchanges.Error
	switch err := a.Do(ctx, probe, nil); {
	case err == nil:
		identity.CanMint = true
	case errors.As(err, &refusal) && refusal.Code != "" && refused(refusal):
		identity.Problem = explain(refusal.Code)
	default:
		return exchanges.Identity{}, err
	}
	return identity, nil
}

// refused reports whether Binance understood a call and refuses it. The same key
// was accepted a moment ago, so even ErrAuth is about the call.
func refused(failure *exchanges.Error) bool {
	return slices.Contains([]exchanges.Kind{
		exchanges.ErrAuth, exchanges.ErrPermission, exchanges.ErrInvalid, exchanges.ErrUnsupported,
	}, failure.Kind)
}

// key is a key as the answers of both surfaces show it. Field names are matched
// regardless of case, as Binance writes both apiKey and apikey.
type key struct {
	APIKey    string            `json:"apiKey"`
	Secret    exchanges.Secret  `json:"secretKey"`
	Label     string            `json:"apiName"`
	Status    rest.Text         `json:"status"`
	IPList    []string          `json:"ipList"`
	Timestamp rest.Milliseconds `json:"timestamp"`
	flags     flags
}

// UnmarshalJSON reads the named fields and, besides them, the flags.
func (k *key) UnmarshalJSON(data []byte) error {
	type fields key
	if err := json.Unmarshal(data, (*fields)(k)); err != nil {
		return err
	}
	return json.Unmarshal(data, &k.flags)
}

// permissions are the native permissions that the key holds.
func (k key) permissions() []string { return append(k.flags.set(), reading) }

// The values of a key's status.
const (
	statusAnywhere  = "1"
	statusAddresses = "2"
)

// addresses returns the bound addresses: nil if the answer does not say, empty if
// the key is bound to none.
func (k key) addresses() []string {
	if k.Status == statusAnywhere {
		return []string{}
	}
	return k.IPList
}

// info returns the key as a list entry.
func (k key) info() exchanges.KeyInfo {
	return exchanges.KeyInfo{
		ID: k.APIKey, Label: k.Label, Permissions: k.permissions(), CreatedAt: k.Timestamp.Time,
		Masked: exchanges.IsMasked(k.APIKey),
	}
}

// named reports whether every key in a list has a name.
func named(keys []key) bool {
	return !slices.ContainsFunc(keys, func(k key) bool { return k.APIKey == "" })
}

// restriction writes an address list as the status and the list.
func restriction(addresses []string) []string {
	if len(addresses) == 0 {
		return []string{"status", statusAnywhere}
	}
	return []string{"status", statusAddresses, "ipAddress", strings.Join(addresses, ",")}
}

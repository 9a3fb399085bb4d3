package htx

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// stub opens an account at a server that gives the same answer to each request
// of a path; the server's time is ours.
func stub(t *testing.T, answers map[string]string) exchanges.Account {
	return exchangetest.OpenStub(t, New(), exchanges.Credential{APIKey: "root", APISecret: "secret"}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/common/timestamp" {
			fmt.Fprintf(w, `{"status":"ok","data":%d}`, time.Now().UnixMilli())
			return
		}
		_, _ = io.WriteString(w, answers[r.URL.Path])
	})
}

func TestInspect(t *testing.T) {
	for _, test := range []struct {
		name, keys string
		days       int
		want       exchanges.Identity
	}{
		{
			"good", `{"accessKey":"root","status":"normal","permission":"trade,readOnly","ipAddresses":"203.0.113.1","validDays":-1}`, 0,
			exchanges.Identity{Permissions: []string{"readOnly", "trade"}, Addresses: []string{"203.0.113.1"}, CanMint: true},
		},
		{
			"about to expire", `{"accessKey":"root","permission":"readOnly,trade,withdraw","ipAddresses":"","validDays":3}`, 3,
			exchanges.Identity{
				Permissions: []string{"readOnly", "trade", "withdraw"}, Addresses: []string{}, CanMint: true,
				Warnings: []string{
					"the root key is bound to no address: it works from anywhere, and HTX expires it after 90 days",
					"the root key expires on ENDS",
					"the root key can withdraw, which minting never needs; use one with Trade only",
				},
			},
		},
		{
			"another one", `{"accessKey":"other","permission":"readOnly,trade"}`, 0,
			exchanges.Identity{Problem: "HTX does not list the key among the parent user's keys; make a new one"},
		},
		{
			"read-only", `{"accessKey":"root","permission":"readOnly","ipAddresses":"203.0.113.1"}`, 0,
			exchanges.Identity{
				Permissions: []string{"readOnly"}, Addresses: []string{"203.0.113.1"},
				Problem: "the key lacks the Trade permission, which HTX requires for managing sub-users' keys",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			identity, err := stub(t, map[string]string{
				"/v2/user/uid": `{"code":200,"data":63628520}`, "/v2/user/api-key": `{"code":200,"data":[` + test.keys + `]}`,
			}).Inspect(t.Context())
			require.NoError(t, err)
			if test.days > 0 {
				require.WithinDuration(t, time.Now().AddDate(0, 0, test.days), identity.ExpiresAt, time.Minute)
			}
			// The value is computed once, since the day can change while the test
			// runs.
			ends := identity.ExpiresAt.Format(time.DateOnly)
			for i, warning := range test.want.Warnings {
				test.want.Warnings[i] = strings.ReplaceAll(warning, "ENDS", ends)
			}
			identity.ClockOffset, identity.ExpiresAt = 0, time.Time{}
			test.want.Account = "63628520"
			require.Equal(t, test.want, identity)
		})
	}
}

// A sub-user may ask who it is, but not for keys.
func TestInspectSubUser(t *testing.T) {
	identity, err := stub(t, map[string]string{
		"/v2/user/uid": `{"code":200,"data":1}`, "/v2/user/api-key": `{"code":403,"message":"forbidden"}`,
	}).Inspect(t.Context())
	require.NoError(t, err)
	require.False(t, identity.CanMint)
	require.Contains(t, identity.Problem, "root key of the parent user")
}

func TestSubAccounts(t *testing.T) {
	found, err := stub(t, map[string]string{
		"/v2/sub-user/user-list": `{"code":200,"data":[{"uid":132208121,"userState":"normal","subUserName":"desk1"},{"uid":132208122,"userState":"lock"}]}`,
	}).SubAccounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []exchanges.SubAccount{{Name: "132208121", Alias: "desk1"}, {Name: "132208122", Frozen: true}}, found)
}

func TestSubAccountsAreNumbers(t *testing.T) {
	account := stub(t, nil)
	_, err := account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "desk1"})
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, `"desk1" is not a sub-account`)
	require.ErrorIs(t, exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: "desk1", ID: "x"}), exchanges.ErrInvalid)
}

// A role that asks for less than HTX's trade permission carries is told exactly
// what to ask for.
func TestTradeIsInseparable(t *testing.T) {
	variant := New().Describe().Variants[0]
	for _, words := range [][]string{{"trade:spot"}, {"transfer"}, {"trade"}} {
		wanted, err := exchanges.ParseScopes(words, variant.Offered())
		require.NoError(t, err)
		_, err = variant.Grant(wanted, nil)
		require.ErrorContains(t, err, "ask for exactly scopes=read,trade:spot,trade:margin,trade:futures,transfer")
	}
}

// guarded opens a root whose user has an authenticator app with that seed.
func guarded(t *testing.T, sim *simulator.Simulator, options exchanges.Options, seed func(string) string) (exchanges.Account, exchanges.KeyRequest) {
	access, ok := sim.Root("htx", "totp")
	require.True(t, ok)
	account, err := New().Open(exchanges.Credential{
		APIKey: access.APIKey, APISecret: exchanges.Secret(access.APISecret), TOTPSecret: exchanges.Secret(seed(access.TOTPSecret)),
	}, options)
	require.NoError(t, err)
	t.Cleanup(account.Close)
	return account, exchanges.KeyRequest{SubAccount: access.SubAccounts[0], Label: "vx1", Permissions: []string{readOnly}, Addresses: []string{"127.0.0.1"}}
}

func right(seed string) string { return seed }

// Each key takes a code of its own; revoking takes none.
func TestOneTimeCodes(t *testing.T) {
	exchangetest.Bubble(t, subject(), func(t *testing.T, sim *simulator.Simulator, options exchanges.Options) {
		account, request := guarded(t, sim, options, right)
		started := time.Now()
		for range 3 {
			key, err := account.CreateKey(t.Context(), request)
			require.NoError(t, err)
			require.NoError(t, exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: request.SubAccount, ID: key.ID}))
		}
		require.GreaterOrEqual(t, time.Since(started), time.Minute, "no code is used twice")
		require.Equal(t, 3, sim.Calls("htx", exchanges.OpCreateKey), "no code may be refused")

		_, err := account.CreateKey(exchanges.WithPatience(t.Context(), 20*time.Second), request)
		require.ErrorIs(t, err, exchanges.ErrRateLimited)
		var failure *exchanges.Error
		require.ErrorAs(t, err, &failure)
		require.Positive(t, failure.RetryAfter)
		require.Equal(t, 3, sim.Calls("htx", exchanges.OpCreateKey))
	})
}

// Codes follow the exchange's clock, even for the very first call.
func TestOneTimeCodeByTheirClock(t *testing.T) {
	exchangetest.Bubble(t, subject(), func(t *testing.T, sim *simulator.Simulator, options exchanges.Options) {
		require.NoError(t, sim.Inject(simulator.Fault{
			Exchange: "htx", Operation: exchanges.OpAny, Kind: simulator.ClockSkew, Delay: 4 * time.Minute,
		}))
		account, request := guarded(t, sim, options, right)
		_, err := account.CreateKey(t.Context(), request)
		require.NoError(t, err)
	})
}

func TestOneTimeCodeMissingOrWrong(t *testing.T) {
	exchangetest.Bubble(t, subject(), func(t *testing.T, sim *simulator.Simulator, options exchanges.Options) {
		account, request := guarded(t, sim, options, func(string) string { return "" })
		_, err := account.CreateKey(t.Context(), request)
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		require.ErrorContains(t, err, "set the connection's totp_secret")

		account, request = guarded(t, sim, options, func(string) string { return "GEZDGNBVGY3TQOJQ" })
		_, err = account.CreateKey(t.Context(), request)
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		require.ErrorContains(t, err, "totp_secret and this host's clock")
	})
}

func TestOpenRefusesASeedThatIsNone(t *testing.T) {
	_, err := New().Open(exchanges.Credential{APIKey: "root", APISecret: "secret", TOTPSecret: "not base32 0189"}, exchanges.Options{})
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, "totp_secret: ")
	require.NotContains(t, err.Error(), "0189")
}

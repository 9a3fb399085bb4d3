package backend

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// mistyped is a sub-account's name with one letter or digit wrong.
func mistyped(name string) string {
	at := strings.LastIndexAny(name, "0123456789")
	if at < 0 {
		return "x" + name[1:]
	}
	digit := "7"
	if name[at:at+1] == digit {
		digit = "8"
	}
	return name[:at] + digit + name[at+1:]
}

// TestRoleIsRefusedASubAccountThatTheExchangeDoesNotHave at every exchange: the refusal
// names what was given and what was probably meant.
func TestRoleIsRefusedASubAccountThatTheExchangeDoesNotHave(t *testing.T) {
	for _, s := range matrixSubjects(t) {
		t.Run(s.name(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, s)
				whole := b.read("roles/r")["sub_accounts"].([]string)
				wrong := mistyped(whole[0])
				pool := map[string]any{"sub_accounts": []string{whole[0], wrong}}
				b.refused(logical.PatchOperation, "roles/r", pool, "sub_accounts: ", quote(wrong)+" is not among", "near: "+quote(whole[0]), "verify=false")
				require.Equal(t, whole, b.read("roles/r")["sub_accounts"], "nothing was written")

				b.must(logical.PatchOperation, "roles/r", merge(pool, map[string]any{"verify": false}))
				require.Len(t, b.read("roles/r")["sub_accounts"], 2)
				require.NotContains(t, b.read("roles/r"), "verify")
				asked := b.sim.Calls(s.exchange.Name, exchanges.OpSubAccounts)
				b.must(logical.PatchOperation, "roles/r", map[string]any{"ttl": "5m"})
				b.must(logical.PatchOperation, "roles/r", pool)
				require.Equal(t, asked, b.sim.Calls(s.exchange.Name, exchanges.OpSubAccounts), "nothing is new")

				checked := b.read("roles/r/check")
				require.Equal(t, true, checked["ok"], checked["problem"])
				require.Equal(t, whole[0], checked["sub_account"])
				require.Equal(t, map[string]string{wrong: noSubAccount}, checked["sub_account_problems"])
				b.must(logical.PatchOperation, "roles/r", map[string]any{"sub_accounts": wrong})
				checked = b.read("roles/r/check")
				require.Equal(t, false, checked["ok"])
				require.Contains(t, checked["problem"], wrong)
				require.Contains(t, checked["problem"], noSubAccount)
			})
		})
	}
}

func TestOnlyNewSubAccountsAreAskedFor(t *testing.T) {
	d := newDesk(t)
	d.trader()
	subs := d.sim.Exchange("bybit").SubAccounts
	role := func(more map[string]any) map[string]any {
		return merge(map[string]any{"connection": "bybit", "sub_accounts": []string{subs[0], "11111111"}, "scopes": "read"}, more)
	}
	asked := func() int { return d.sim.Calls("bybit", exchanges.OpSubAccounts) }
	before := asked()
	d.write("roles/r", role(map[string]any{"verify": false}))
	d.write("roles/r", role(map[string]any{"ttl": "5m"}))
	require.Equal(t, before, asked())
	d.refused(logical.UpdateOperation, "roles/r", role(map[string]any{"verify": true}), `"11111111" is not among`)
	require.Equal(t, before+1, asked(), "verify=true asks for all")
	d.write("roles/r", role(map[string]any{"sub_accounts": []string{subs[1], "11111111"}}))
	require.Equal(t, before+2, asked(), "one is new")
	d.refused(logical.PatchOperation, "roles/r", map[string]any{"sub_accounts": []string{"11111111", "22222222", "33333333"}}, `"22222222", "33333333" are not among`)

	d.write("config/other", connectionFields("bybit", d.sim.Exchange("bybit")))
	d.refused(logical.PatchOperation, "roles/r", map[string]any{"connection": "other"}, `"11111111" is not among`, `"other"`)
}

// What is one name to the exchange is one here.
func TestSubAccountsAreComparedByTheirOneSpelling(t *testing.T) {
	d := newDesk(t)
	d.connect("binance", nil)
	sub := d.sim.Exchange("binance").SubAccounts[0]
	d.write("roles/r", map[string]any{"connection": "binance", "sub_accounts": strings.ToUpper(sub), "scopes": "read"})
	asked := d.sim.Calls("binance", exchanges.OpSubAccounts)
	d.must(logical.PatchOperation, "roles/r", map[string]any{"sub_accounts": sub})
	require.Equal(t, asked, d.sim.Calls("binance", exchanges.OpSubAccounts))
	require.Empty(t, d.read("roles/r/check")["sub_account_problems"])
}

// A desk hears of no other desk's sub-accounts.
func TestRefusalNamesOnlySubAccountsThatAreAllowed(t *testing.T) {
	d := newDesk(t)
	subs := d.sim.Exchange("bybit").SubAccounts
	d.connect("bybit", map[string]any{"allowed_sub_accounts": []string{subs[0], mistyped(subs[1])}})
	resp, err := d.do(logical.UpdateOperation, "roles/r", map[string]any{"connection": "bybit", "sub_accounts": mistyped(subs[1]), "scopes": "read"})
	require.NoError(t, err)
	require.True(t, resp.IsError())
	for _, sub := range subs[1:] {
		require.NotContains(t, resp.Error().Error(), sub)
	}
	require.Contains(t, resp.Error().Error(), "there are: "+quote(subs[0]))
}

// TestRoleIsWrittenThoughTheExchangeCannotBeAsked, with a warning, and soon.
func TestRoleIsWrittenThoughTheExchangeCannotBeAsked(t *testing.T) {
	for name, test := range map[string]struct {
		fault  simulator.Fault
		fields map[string]any
	}{
		"down":         {fault: simulator.Fault{Kind: simulator.Outage}},
		"failing":      {fault: simulator.Fault{Kind: simulator.Error5xx}},
		"rate limited": {fault: simulator.Fault{Kind: simulator.RateLimit}},
		"slow":         {fault: simulator.Fault{Kind: simulator.Slow, Delay: time.Hour}},
		"garbled":      {fault: simulator.Fault{Kind: simulator.HTMLError}},
		"at its limit": {fields: map[string]any{"rate_multiplier": .0001}},
		"wrong key":    {fields: map[string]any{"api_secret": "wrong", "verify": false, "force": true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newBubbleDesk(t, "bybit")
				d.connect("bybit", nil)
				if test.fields != nil {
					d.write("config/bybit", test.fields)
					// So that the next call must wait for its turn.
					_, _ = d.do(logical.ListOperation, "config/bybit/sub-accounts", nil)
				}
				if test.fault.Kind != "" {
					test.fault.Exchange, test.fault.Operation = "bybit", exchanges.OpSubAccounts
					require.NoError(t, d.sim.Inject(test.fault))
				}
				began := time.Now()
				resp := d.write("roles/r", map[string]any{"connection": "bybit", "sub_accounts": "11111111", "scopes": "read"})
				require.LessOrEqual(t, time.Since(began), rosterTimeout)
				require.Len(t, resp.Warnings, 1)
				require.Contains(t, resp.Warnings[0], `"11111111"`)
				require.Contains(t, resp.Warnings[0], "could not ask whether")
				require.Equal(t, []string{"11111111"}, d.read("roles/r")["sub_accounts"])

				checked := d.must(logical.ReadOperation, "roles/r/check", nil)
				require.Contains(t, fmt.Sprint(checked.Warnings), "could not ask the exchange whether")
				require.Empty(t, checked.Data["sub_account_problems"])
			})
		})
	}
}

// What another request wrote while the exchange was asked is not written over unasked.
func TestRoleThatChangesWhileTheExchangeIsAsked(t *testing.T) {
	d := newDesk(t)
	d.trader()
	subs := d.sim.Exchange("bybit").SubAccounts
	meanwhile := func(change func(*role)) {
		reads := 0
		d.storage.failing(func(call, key string) error {
			if call != "get" || key != rolePrefix+"trader" {
				return nil
			}
			// Whether there is a role, and what it is, is known without a read.
			if reads++; reads == 1 {
				now, err := roleTable().Get(t.Context(), d.storage.Storage, "trader")
				require.NoError(t, err)
				change(now)
				require.NoError(t, roleTable().Put(t.Context(), d.storage.Storage, "trader", *now))
			}
			return nil
		})
		t.Cleanup(func() { d.storage.failing(nil) })
	}
	whole := map[string]any{"connection": "bybit", "sub_accounts": subs[:2], "scopes": "read"}
	meanwhile(func(r *role) { r.SubAccounts = subs[2:] })
	d.refused(logical.UpdateOperation, "roles/trader", whole, "changed by another request", "try again")
	d.storage.failing(nil)
	require.Equal(t, subs[2:], d.read("roles/trader")["sub_accounts"])

	meanwhile(func(r *role) { r.MaxLiveKeys = 7 })
	d.must(logical.UpdateOperation, "roles/trader", whole)
}

// census is an exchange that has these sub-accounts.
type census struct {
	exchanges.Account
	accounts []exchanges.SubAccount
	failure  error
}

func (c census) SubAccounts(context.Context) ([]exchanges.SubAccount, error) {
	return c.accounts, c.failure
}

// linkTo returns a connection to an account of a test's own.
func linkTo(d *desk, account exchanges.Account, variant exchanges.Variant) *link {
	entry := newConnection()
	entry.Exchange, entry.Credential.APIKey = "bybit", "root"
	return &link{
		connection: entry, name: "c", about: exchanges.Description{DisplayName: "Bybit"}, variant: variant,
		account: guard(account, d.clock.Now, func(exchanges.Operation, error, time.Duration) {}),
	}
}

func TestSubAccountsAreComparedWithTheExchanges(t *testing.T) {
	d := newDesk(t)
	many := make([]exchanges.SubAccount, 30)
	for i := range many {
		many[i] = exchanges.SubAccount{Name: fmt.Sprintf("strategy%02d", i)}
	}
	accounts := []exchanges.SubAccount{
		{Name: "100", Alias: "alpha"}, {Name: "200", Frozen: true}, {Name: "300", NoKeys: "it is in classic mode"}, {Name: "4000000", Alias: "delta"},
	}
	for name, test := range map[string]struct {
		census  census
		names   []string
		refused string
		warned  string
	}{
		"there":            {census{accounts: accounts}, []string{"100"}, "", ""},
		"frozen":           {census{accounts: accounts}, []string{"100", "200"}, "", `sub-account "200" for now: the exchange has frozen it`},
		"out of reach":     {census{accounts: accounts}, []string{"300"}, "", `sub-account "300" for now: it is in classic mode`},
		"by its alias":     {census{accounts: accounts}, []string{"alpha"}, `"alpha" is not among the sub-accounts of connection "c"; near: "100" ("alpha"). Bybit names them by: number`, ""},
		"mistyped":         {census{accounts: accounts}, []string{"4000001"}, `near: "4000000" ("delta"). `, ""},
		"two mixed up":     {census{accounts: accounts}, []string{"0400000"}, `near: "4000000" ("delta"). `, ""},
		"nothing like it":  {census{accounts: accounts[3:]}, []string{"nobody"}, `there are: "4000000" ("delta"). `, ""},
		"of many, near":    {census{accounts: many}, []string{"strategy7", "strategy29"}, `near: "strategy07", `, ""},
		"of many, nothing": {census{accounts: many}, []string{"x"}, `there are: "strategy00", "strategy01", "strategy02", "strategy03", "strategy04" and 25 more. `, ""},
		"none there":       {census{}, []string{"100"}, "", `no sub-accounts yet, so "100"`},
		"without a name":   {census{accounts: append(slices.Clone(many), exchanges.SubAccount{})}, []string{"x"}, "", "could not ask whether"},
		"not to be asked":  {census{failure: exchanges.ErrPermission}, []string{"100"}, "", `could not ask whether sub-account "100" exists on connection "c": permission denied`},
		"control letters":  {census{accounts: []exchanges.SubAccount{{Name: "a\n\x1b", Alias: "b\n"}}}, []string{"a"}, `near: "a\n\x1b" ("b\n"). `, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := linkTo(d, test.census, exchanges.Variant{SubAccountNaming: "number"})
			warnings, err := l.compareSubAccounts(t.Context(), "r", test.names)
			if test.refused != "" {
				require.ErrorContains(t, err, test.refused)
			} else {
				require.NoError(t, err)
			}
			if test.warned != "" {
				require.Len(t, warnings, 1)
				require.Contains(t, warnings[0], test.warned)
			} else {
				require.Empty(t, warnings)
			}

			o := &order{roleName: "r", link: l, subAccounts: test.names}
			problems, err := o.subAccountProblems(t.Context())
			require.Equal(t, strings.Contains(test.warned, "could not ask whether"), err != nil)
			require.Equal(t, test.refused != "" || strings.Contains(test.warned, "for now"), len(problems) > 0)
		})
	}
}

func TestTypos(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"desk", "desk", 0}, {"desk", "dekk", 1}, {"desk", "dsek", 1}, {"desk", "des", 1}, {"desk", "deskx", 1},
		{"desk", "kesd", 2}, {"desk", "dsekx", 2}, {"desk", "", 3}, {"desk", "desk123", 3},
	} {
		require.Equal(t, test.want, min(typos(test.a, test.b, 2), 3), "%s %s", test.a, test.b)
		require.Equal(t, test.want, min(typos(test.b, test.a, 2), 3), "%s %s", test.b, test.a)
	}
}

// halfReached is an exchange in one of whose sub-accounts the root key reaches no keys.
type halfReached struct{ census }

func (h halfReached) ListKeys(_ context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	if subAccount != h.accounts[0].Name {
		return nil, exchanges.ErrPermission
	}
	return []exchanges.KeyInfo{{ID: "a", Label: "somebody's"}}, nil
}

func TestSubAccountWhoseKeysAreOutOfReach(t *testing.T) {
	d := newDesk(t)
	l := linkTo(d, halfReached{census{accounts: []exchanges.SubAccount{{Name: "100"}, {Name: "300", NoKeys: "it is in classic mode"}}}}, exchanges.Variant{})
	found, err := d.engine.reconcile(t.Context(), d.storage, l)
	require.NoError(t, err, "the others are compared")
	require.Len(t, found.foreign, 1)

	d.engine.connections.links["c"] = l
	t.Cleanup(func() { delete(d.engine.connections.links, "c") })
	info := d.must(logical.ListOperation, "config/c/sub-accounts", nil).Data["key_info"].(map[string]any)
	require.Equal(t, "it is in classic mode", info["300"].(map[string]any)["problem"])
	require.NotContains(t, info["100"], "problem")
}

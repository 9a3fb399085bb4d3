package bitfinex

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vault-plugin-secrets-exchange/exchanges"
)

// What roles are given, in Bitfinex's words as they are sent.
func TestGrants(t *testing.T) {
	variant := New().Describe().Variants[0]
	for _, test := range []struct {
		scopes, native []string
		permissions    []string
		caps           []string
		write          bool
		risk           exchanges.Risk
	}{
		{[]string{"read"}, nil, []string{"orders:read", "wallets:read"}, []string{"o", "w"}, false, exchanges.RiskMinimal},
		{[]string{"trade"}, nil, []string{"orders:write"}, []string{"o"}, true, exchanges.RiskModerate},
		{[]string{"trade", "transfer"}, nil, []string{"orders:write", "wallets:write"}, []string{"o", "w"}, true, exchanges.RiskCritical},
		{[]string{"transfer"}, nil, []string{"wallets:write"}, []string{"w"}, true, exchanges.RiskCritical},
		{[]string{"withdraw"}, nil, []string{"withdraw:write"}, []string{"wd"}, true, exchanges.RiskCritical},
		{[]string{"read"}, []string{"account:read", "orders:read"}, []string{"account:read", "orders:read"}, []string{"a", "o"}, false, exchanges.RiskMinimal},
		{[]string{"read"}, []string{"funding:write"}, []string{"funding:write"}, []string{"f"}, true, exchanges.RiskCritical},
		{[]string{"trade"}, []string{"funding:write"}, []string{"funding:write", "orders:write"}, []string{"o", "f"}, true, exchanges.RiskCritical},
	} {
		scopes, err := exchanges.ParseScopes(test.scopes, variant.Offered())
		require.NoError(t, err)
		grant, err := variant.Grant(scopes, test.native)
		require.NoError(t, err)
		require.Equal(t, test.permissions, grant.Permissions, "%v %v", test.scopes, test.native)
		require.Equal(t, scopes, grant.Scopes)
		require.Equal(t, test.risk, grant.Risk)
		caps, write := encode(grant.Permissions)
		require.Equal(t, test.caps, caps)
		require.Equal(t, test.write, write)
	}
	read := exchanges.NewScopes(exchanges.ScopeRead)
	for _, test := range []struct {
		scopes exchanges.Scopes
		native string
		want   string
	}{
		{exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeSpot), "", "ask for exactly scopes=read,trade:spot,trade:margin,trade:futures"},
		{exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeOptions), "", "is not offered"},
		{exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeTransfer), "account:read", "give them to two roles"},
		{read, "settings:write", "not known"},
		{read, "account:write", "not known"},
	} {
		_, err := variant.Grant(test.scopes, []string{test.native}[:min(1, len(test.native))])
		require.ErrorContains(t, err, test.want, "%s %s", test.scopes, test.native)
	}
}

// What a token holds follows from its text and from the rows, whichever gives more.
func TestHeld(t *testing.T) {
	const nothing = `["account",0,0],["orders",0,0],["positions",0,0],["history",0,0],["wallets",0,0],["withdraw",0,0]`
	for name, test := range map[string]struct {
		suffix, rows string
		want         []string
	}{
		"as asked":             {"-caps:o:w-read", `["orders",1,0],["wallets",1,0],["account",0,0]`, []string{"orders:read", "wallets:read"}},
		"as asked, to write":   {"-caps:o-write", `["orders",1,1],["wallets",0,0]`, []string{"orders:write"}},
		"with what goes along": {"-caps:o:wd-write", `["orders",1,1],["positions",1,1],["history",1,1],["withdraw",0,1],["ui_withdraw",1,1]`, []string{"orders:write", "withdraw:write"}},
		"with rows unknown":    {"-caps:o-read", `["orders",1,0],["eaas_agreement",1,1],["something_new",1,1,1,"x"]`, []string{"orders:read"}},
		"rows do not speak":    {"-caps:o:w-read", `["account",0,0]`, []string{"orders:read", "wallets:read"}},
		"flags as text":        {"-caps:o-read", `["orders","1","0"]`, []string{"orders:read"}},

		"caps more":              {"-caps:o:w:a-read", `["orders",1,0],["wallets",1,0],["account",1,0]`, []string{"account:read", "orders:read", "wallets:read"}},
		"caps less":              {"-caps:o-read", `["orders",1,0]`, []string{"orders:read"}},
		"caps to write":          {"-caps:o:w-write", `["orders",1,1],["wallets",1,1]`, []string{"orders:write", "wallets:write"}},
		"caps unknown":           {"-caps:o:zz-read", `["orders",1,0]`, []string{"orders:read", "zz:read"}},
		"no caps":                {"-read", nothing, nil},
		"no caps, many rights":   {"-read", `["account",1,0],["orders",1,0]`, []string{"account:read", "orders:read"}},
		"the key has less":       {"-caps:o:w-write", `["orders",1,0],["wallets",0,0]`, nil},
		"rows more":              {"-caps:o-read", `["orders",1,0],["wallets",1,0]`, []string{"orders:read", "wallets:read"}},
		"rows write":             {"-caps:o-read", `["orders",1,1]`, []string{"orders:write"}},
		"rows of the key itself": {"-caps:o-write", `["orders",1,1],["wallets",1,1],["bfxpay",1,0]`, []string{"bfxpay:read", "orders:write", "wallets:write"}},
		"positions without caps": {"-caps:w-read", `["wallets",1,0],["positions",1,0],["history",1,0]`, []string{"positions:read", "wallets:read"}},
		"withdrawals on the web": {"-caps:o-write", `["orders",1,1],["ui_withdraw",0,1]`, []string{"orders:write", "ui_withdraw:write"}},
		"history to write":       {"-caps:o-read", `["orders",1,0],["history",1,1]`, []string{"history:write", "orders:read"}},
	} {
		t.Run(name, func(t *testing.T) {
			says, err := parse(exchanges.Secret("pub:api:" + uuid + test.suffix))
			require.NoError(t, err)
			var rows []right
			require.NoError(t, json.Unmarshal([]byte("["+test.rows+"]"), &rows))
			require.Equal(t, test.want, held(says, rows))
		})
	}
}

// A token made as requested shows what was asked for, and one with an extra right
// shows that.
func TestHeldReversesEncode(t *testing.T) {
	variant := New().Describe().Variants[0]
	rapid.Check(t, func(t *rapid.T) {
		mode := rapid.SampledFrom([]string{modeRead, modeWrite}).Draw(t, "mode")
		var names []string
		for _, p := range variant.Permissions {
			if p.Mode == mode && rapid.Bool().Draw(t, p.Name) {
				names = append(names, p.Name)
			}
		}
		caps, write := encode(names)
		require.Equal(t, len(names) > 0 && mode == modeWrite, write)
		var rows []right
		for _, c := range capabilities() {
			given := slices.Contains(caps, c.word)
			rows = append(rows, right{c.name, given, given && write})
		}
		asked := exchanges.Grant{Permissions: names}
		require.NoError(t, variant.CheckGrant(asked, held(grant{caps, write}, rows)))

		more := &rows[rapid.IntRange(0, len(rows)-1).Draw(t, "more")]
		surplus := !more.write
		more.read, more.write = true, true
		require.Equal(t, surplus, variant.CheckGrant(asked, held(grant{caps, write}, rows)) != nil)
	})
}

func TestRightsMalformed(t *testing.T) {
	for _, row := range []string{`[]`, `["orders"]`, `["orders",1]`, `["",1,1]`, `[1,1,1]`, `[null,1,1]`, `["orders","x",0]`, `{}`, `"orders"`, `null`} {
		var r right
		require.Error(t, json.Unmarshal([]byte(row), &r), row)
	}
}

package backend

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
)

func TestSlotsChoose(t *testing.T) {
	soon := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	keys, storage := ledger.New(time.Now, func() time.Duration { return 0 }), &logical.InmemStorage{}
	for i, place := range [][3]string{
		{"c", "a", "r"}, {"c", "a", "other"}, {"c", "b", "r"}, {"elsewhere", "b", "r"}, {"elsewhere", "b", "r"},
	} {
		claim, err := keys.Claim(t.Context(), storage, fmt.Sprint(i))
		require.NoError(t, err)
		require.NoError(t, claim.Import(t.Context(), ledger.Entry{Connection: place[0], SubAccount: place[1], Role: place[2], Expires: soon}))
		claim.Release()
	}
	s := slots{roleName: "r", connection: "c", candidates: []string{"a", "b"}}
	got, err := keys.Choose(t.Context(), storage, s.choose)
	require.NoError(t, err)
	require.Equal(t, "b", got, "another connection's keys do not count")

	s.perAccount = 1
	_, err = keys.Choose(t.Context(), storage, s.choose)
	require.ErrorContains(t, err, "1 key")
	require.ErrorContains(t, err, timestamp(soon))
	s.perAccount, s.maxLiveKeys = 0, 2
	_, err = keys.Choose(t.Context(), storage, s.choose)
	require.ErrorContains(t, err, "max_live_keys")
}

func TestCapsAndPools(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", map[string]any{"max_keys_per_sub_account": 1})
	d.write("roles/pool", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts, "scopes": "read",
	})
	used := map[string]bool{}
	for range d.sim.Exchange("bybit").SubAccounts {
		used[d.mint("pool").Data["sub_account"].(string)] = true
	}
	require.Len(t, used, len(d.sim.Exchange("bybit").SubAccounts), "each goes where the most room is")

	_, err := d.do(logical.ReadOperation, "creds/pool", nil)
	var coded logical.HTTPCodedError
	require.ErrorAs(t, err, &coded)
	require.Equal(t, http.StatusTooManyRequests, coded.Code())
	require.ErrorContains(t, err, "the next lease ends at")
}

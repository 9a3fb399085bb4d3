package acceptance_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// What is not the caller's mistake has a status and a text that tell what to do:
// 429 for limits, 502 for the exchange and the root credential.
func TestFailures(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	for name, test := range map[string]func(*testing.T, *engine){
		"keys of the role":        testKeysOfRole,
		"keys of the sub-account": testKeysOfSubAccount,
		"rate limit":              testRateLimit,
		"root that is gone":       testRootGone,
		"root without the right":  testRootWithoutRight,
		"outage":                  testOutage,
		"lost answer":             testLostAnswer,
		"surplus":                 testSurplus,
		"freeze":                  testFreeze,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, enableDesk(t, vault))
		})
	}
}

func testKeysOfRole(t *testing.T, e *engine) {
	e.write(t, "roles/"+trader, e.role("read,trade:spot").with(fields{"max_live_keys": 1}))
	k := e.mint(t, trader)
	refused(t, e.tryRead(t, "creds/"+trader), http.StatusTooManyRequests, trader, "max_live_keys", "the next lease ends at "+k.text("expires_at"), "revoke leases")
	require.Len(t, e.simulator.Keys(), 1)
	k.revoke(t)
	e.mint(t, trader).works(t)
}

func testKeysOfSubAccount(t *testing.T, e *engine) {
	e.write(t, "config/"+desk, fields{"max_keys_per_sub_account": 1})
	e.mint(t, reader)
	refused(t, e.tryRead(t, "creds/"+trader), http.StatusTooManyRequests, "sub-account", "1 key", "the next lease ends at")
	require.Len(t, e.simulator.Keys(), 1)

	subAccounts := e.simulator.Exchange(bybit).SubAccounts
	e.write(t, "roles/"+trader, e.role("read,trade:spot").with(fields{"sub_accounts": subAccounts}))
	require.Contains(t, subAccounts[1:], e.mint(t, trader).Data["sub_account"])
}

func testRateLimit(t *testing.T, e *engine) {
	e.write(t, "roles/"+trader, e.role("read,trade:spot").with(fields{"max_wait": "1s"}))
	e.misbehave(t, exchanges.OpCreateKey, simulator.RateLimit)
	refused(t, e.tryRead(t, "creds/"+trader), http.StatusTooManyRequests, "rate limited", "try again in")
	require.Empty(t, e.list(t, "keys"))
	e.simulator.ClearFaults()
	e.mint(t, trader).works(t)
}

func testRootGone(t *testing.T, e *engine) {
	require.True(t, e.simulator.RemoveKey(bybit, e.simulator.Exchange(bybit).APIKey))
	for _, path := range []string{"creds/" + trader, "config/" + desk + "/check"} {
		refused(t, e.tryRead(t, path), http.StatusBadGateway, "authentication failed", "check config/"+desk)
	}
	_, err := e.client.Logical().ListWithContext(t.Context(), e.path+"/config/"+desk+"/sub-accounts")
	refused(t, err, http.StatusBadGateway, "authentication failed", "check config/"+desk)
	require.Empty(t, e.list(t, "keys"))
}

func testRootWithoutRight(t *testing.T, e *engine) {
	e.write(t, "config/"+desk, e.otherRoot("no_right").with(fields{"verify": false}))
	refused(t, e.tryRead(t, "creds/"+trader), http.StatusBadGateway, "permission denied", "check config/"+desk)
	check := e.read(t, "config/"+desk+"/check")
	require.Equal(t, false, check["can_mint"])
	require.NotEmpty(t, check["problem"])
	require.Empty(t, e.list(t, "keys"))
}

// An exchange that is out of service has made no key.
func testOutage(t *testing.T, e *engine) {
	k := e.mint(t, trader)
	require.NoError(t, e.simulator.Inject(simulator.Fault{Exchange: bybit, Operation: exchanges.OpAny, Kind: simulator.Outage}))
	refused(t, e.tryRead(t, "creds/"+trader), http.StatusBadGateway, "bybit", "try again")
	refused(t, e.tryRead(t, "config/"+desk+"/check"), http.StatusBadGateway, "bybit", "try again")
	require.Len(t, e.simulator.Keys(), 1)
	e.simulator.ClearFaults()
	k.works(t)
	e.mint(t, trader).works(t)
}

// A key whose create answer was lost is in the ledger as long as it may exist,
// under the id that the caller is told, and can be deleted there.
func testLostAnswer(t *testing.T, e *engine) {
	e.misbehave(t, exchanges.OpCreateKey, simulator.DropAfterCommit)
	err := e.tryRead(t, "creds/"+trader)
	ids := e.list(t, "keys")
	require.Len(t, ids, 1)
	refused(t, err, http.StatusBadGateway, "outcome unknown", "keys/"+ids[0])
	require.Len(t, e.simulator.Keys(), 1)
	require.Equal(t, "pending", e.read(t, "keys/"+ids[0])["state"])

	// The exchange forgets the key, the ledger not yet: a create call that is
	// still on its way could make it once more.
	e.simulator.ClearFaults()
	refused(t, e.tryDelete(t, "keys/"+ids[0]), http.StatusServiceUnavailable, "not listed")
	require.Empty(t, e.simulator.Keys())
	require.Equal(t, ids, e.list(t, "keys"))
}

// A key that may do more than was asked for is never handed out.
func testSurplus(t *testing.T, e *engine) {
	e.misbehave(t, exchanges.OpCreateKey, simulator.GrantMore)
	refused(t, e.tryRead(t, "creds/"+trader), http.StatusBadRequest, "granted more than was asked for", "the key was deleted")
	require.Empty(t, e.simulator.Keys())
	require.Empty(t, e.list(t, "keys"))
}

// A freeze stops minting; a whole one holds deletions back as well.
func testFreeze(t *testing.T, e *engine) {
	k := e.mint(t, trader)
	e.write(t, "config/"+desk, fields{"frozen": "all"})
	refused(t, e.tryRead(t, "creds/"+trader), http.StatusBadRequest, "frozen", desk)
	refused(t, e.tryDelete(t, "keys/"+k.text("key_id")), http.StatusBadRequest, "held back", "frozen=all")
	k.works(t)
	e.write(t, "config/"+desk, fields{"frozen": "minting"})
	require.NoError(t, e.tryDelete(t, "keys/"+k.text("key_id")))
	k.gone(t)
}

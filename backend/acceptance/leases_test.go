package acceptance_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// sweep is how long to wait for the sweeper: Vault calls it once a minute, and
// it leaves a key in peace for some seconds after a failure.
const sweep = 2 * time.Minute

// A key lives as long as its lease, whichever way that ends.
func TestLeases(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	for name, test := range map[string]func(*testing.T, *engine){
		"renewal":              testRenewal,
		"refused renewal":      testRefusedRenewal,
		"revocation":           testRevocation,
		"expiry":               testExpiry,
		"end of the token":     testEndOfToken,
		"prefix":               testPrefix,
		"end of the role":      testEndOfRole,
		"deletion in ledger":   testDeletionInLedger,
		"forced revocation":    testForcedRevocation,
		"forced connection":    testForcedConnection,
		"failed revocation":    testFailedRevocation,
		"gone at the exchange": testGoneAtExchange,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, enableDesk(t, vault))
		})
	}
}

// timeLeft asks Vault how many seconds a lease has left.
func (k *key) timeLeft(t *testing.T) int64 {
	lease, err := k.engine.client.Sys().LookupWithContext(t.Context(), k.LeaseID)
	require.NoError(t, err)
	left, err := lease.Data["ttl"].(json.Number).Int64()
	require.NoError(t, err)
	return left
}

// within checks a number of seconds against what it is if it was worked out at the
// end of the wait for an answer, or at the beginning. It and the time from which it
// was worked out are each rounded to a second.
func within(t *testing.T, seconds int, least, most time.Duration) {
	const rounding = 2 * time.Second
	told := time.Duration(seconds) * time.Second
	require.GreaterOrEqual(t, told, least-rounding)
	require.LessOrEqual(t, told, most+rounding)
}

// Renewing moves the end in Vault and in the ledger alike, up to the hard limit
// of two hours.
func testRenewal(t *testing.T, e *engine) {
	k := e.mint(t, trader)
	require.Equal(t, 600, k.LeaseDuration)
	for _, asked := range []int{3600, 1800, 7200 * 10} {
		asking := time.Now()
		granted := k.renew(t, asked)
		answered := time.Now()

		wish := time.Duration(asked) * time.Second
		limit := timestamp(t, e.read(t, "keys/"+k.text("key_id"))["hard_limit"])
		within(t, granted, min(wish, limit.Sub(answered)), min(wish, limit.Sub(asking)))
		ends := k.expires(t)
		within(t, granted, ends.Sub(answered), ends.Sub(asking))

		lease := time.Duration(granted) * time.Second
		looking := time.Now()
		left := k.timeLeft(t)
		within(t, int(left), lease-time.Since(asking), lease-looking.Sub(answered))
	}
	k.works(t)
	k.revoke(t)
	k.gone(t)
}

// A key is not renewed when its role would not give it any more, and lives on
// until its lease ends.
func testRefusedRenewal(t *testing.T, e *engine) {
	k := e.mint(t, trader)
	for want, role := range map[string]fields{
		"disabled":                             e.role("read,trade:spot").with(fields{"disabled": true}),
		"no longer gives trade:spot":           e.role("read").with(fields{"disabled": false}),
		"no longer allows the key's addresses": e.role("read,trade:spot").with(fields{"ip_allowlist": "203.0.113.7", "disabled": false}),
	} {
		e.write(t, "roles/"+trader, role)
		refused(t, k.tryRenew(t), http.StatusBadRequest, want)
	}
	e.write(t, "roles/"+trader, e.role("read,trade:spot").with(fields{"disabled": false}))
	e.write(t, "config/"+desk, fields{"frozen": "minting"})
	refused(t, k.tryRenew(t), http.StatusBadRequest, "frozen")
	e.write(t, "config/"+desk, fields{"frozen": "no"})
	k.works(t)
	k.renew(t, 0)
	k.revoke(t)
	k.gone(t)
}

func testRevocation(t *testing.T, e *engine) {
	first, second := e.mint(t, trader), e.mint(t, trader)
	first.works(t)
	first.revoke(t)
	first.gone(t)
	second.works(t)
	second.revoke(t)
	second.gone(t)
	require.Equal(t, []string{first.text("api_key"), second.text("api_key")}, e.simulator.Deletions(bybit))
	require.ErrorContains(t, first.tryRenew(t), "lease not found")
}

// A lease that nobody renews ends by itself, and its key with it.
func testExpiry(t *testing.T, e *engine) {
	e.write(t, "roles/"+trader, e.role("read,trade:spot").with(fields{"ttl": "10s"})) // so that it can be used before
	k := e.mint(t, trader)
	require.Equal(t, 10, k.LeaseDuration)
	k.works(t)
	k.ends(t)
	require.True(t, time.Now().After(timestamp(t, k.Data["expires_at"])), "the key ended before its lease")
}

// Keys end with the token that asked for them, and with the parent of that.
func testEndOfToken(t *testing.T, e *engine) {
	parent, err := e.client.Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{Policies: []string{"root"}})
	require.NoError(t, err)
	child, err := e.as(t, parent.Auth.ClientToken).client.Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{})
	require.NoError(t, err)
	k := e.as(t, child.Auth.ClientToken).mint(t, trader)
	other := e.mint(t, trader)
	k.works(t)

	require.NoError(t, e.client.Auth().Token().RevokeTreeWithContext(t.Context(), parent.Auth.ClientToken))
	k.engine = e
	k.ends(t)
	other.works(t)
}

// Revoking a prefix ends the keys of one role and no others.
func testPrefix(t *testing.T, e *engine) {
	keys := []*key{e.mint(t, trader), e.mint(t, trader), e.mint(t, trader)}
	other := e.mint(t, reader)
	require.NoError(t, e.client.Sys().RevokePrefixWithContext(t.Context(), e.path+"/creds/"+trader))
	for _, k := range keys {
		k.ends(t)
	}
	other.works(t)
}

// Revocation needs no role.
func testEndOfRole(t *testing.T, e *engine) {
	k := e.mint(t, trader)
	require.NoError(t, e.tryDelete(t, "roles/"+trader))
	refused(t, k.tryRenew(t), http.StatusBadRequest, "is gone")
	k.works(t)
	k.revoke(t)
	k.gone(t)
}

// A key that is deleted in the ledger is gone at once. Its lease cannot be
// renewed and ends without complaint.
func testDeletionInLedger(t *testing.T, e *engine) {
	k := e.mint(t, trader)
	require.NoError(t, e.tryDelete(t, "keys/"+k.text("key_id")))
	k.gone(t)
	refused(t, k.tryRenew(t), http.StatusBadRequest, "the key is revoked")
	k.revoke(t)
}

// A lease that Vault was made to forget leaves its key to the sweeper, which ends
// it once the exchange answers again.
func testForcedRevocation(t *testing.T, e *engine) {
	k := e.mint(t, trader)
	e.misbehave(t, exchanges.OpDeleteKey, simulator.Error5xx)
	require.NoError(t, e.client.Sys().RevokeForceWithContext(t.Context(), e.path+"/creds"))
	require.Error(t, k.tryRenew(t))
	k.works(t)
	e.simulator.ClearFaults()
	require.Eventually(t, func() bool { return !k.exists() }, sweep, often, "the sweeper does not delete the key")
	k.ends(t)
}

// A connection with keys is deleted by force only, and its keys before it.
func testForcedConnection(t *testing.T, e *engine) {
	k := e.mint(t, trader)
	refused(t, e.tryDelete(t, "config/"+desk), http.StatusBadRequest, "1 key", "force=true")
	k.works(t)
	_, err := e.client.Logical().DeleteWithDataWithContext(t.Context(), e.path+"/config/"+desk, map[string][]string{"force": {"true"}})
	require.NoError(t, err)
	k.gone(t)
	require.Empty(t, e.list(t, "config"))
	k.revoke(t)
}

// A revocation that the exchange does not answer is kept in the ledger, with
// what came in the way, until it succeeds.
func testFailedRevocation(t *testing.T, e *engine) {
	k := e.mint(t, trader)
	e.misbehave(t, exchanges.OpDeleteKey, simulator.Error5xx)
	refused(t, e.tryDelete(t, "keys/"+k.text("key_id")), http.StatusBadGateway, "delete key", "try again")
	entry := e.read(t, "keys/"+k.text("key_id"))
	require.Equal(t, "revoking", entry["state"])
	require.Contains(t, entry["last_error"], "delete key")
	require.NotEmpty(t, entry["next_attempt_at"])
	refused(t, k.tryRenew(t), http.StatusBadRequest, "the key is revoked")

	e.simulator.ClearFaults()
	k.revoke(t)
	k.gone(t)
}

// A key that was deleted on the exchange's website is revoked without complaint.
func testGoneAtExchange(t *testing.T, e *engine) {
	k := e.mint(t, trader)
	require.True(t, e.simulator.RemoveKey(bybit, k.text("api_key")))
	// So new a key may only not be listed yet.
	require.ErrorContains(t, k.tryRevoke(t), "has not confirmed its deletion")
	require.Eventually(t, func() bool { return k.tryRevoke(t) == nil }, unseen+soon, 10*often)
	k.gone(t)
}

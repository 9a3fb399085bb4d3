package acceptance_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// An exchange is out of service until Vault has given the leases up. Nobody waits
// for it meanwhile, what is due can be seen, and once the exchange is back it is
// deleted, whatever became of the leases.
func TestOutage(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	e := enableDesk(t, vault)
	e.write(t, "roles/short", e.role("read").with(fields{"ttl": "3s"}))
	e.write(t, "roles/forced", e.role("read"))
	kept, failed, forced, givenUp := e.mint(t, trader), e.mint(t, trader), e.mint(t, "forced"), e.mint(t, "short")

	e.misbehave(t, exchanges.OpAny, simulator.Outage)
	_, err := e.client.Logical().WriteWithContext(t.Context(), "sys/leases/revoke", fields{"lease_id": failed.LeaseID, "sync": true})
	require.Error(t, err)
	require.NoError(t, e.client.Sys().RevokeForceWithContext(t.Context(), e.path+"/creds/forced"))
	e.giveUp(t, givenUp)

	e.failsFast(t)
	for _, k := range []*key{failed, forced, givenUp} {
		entry := e.read(t, "keys/"+k.text("key_id"))
		require.Equal(t, "revoking", entry["state"])
		require.NotEmpty(t, entry["last_error"])
		require.NotEqual(t, json.Number("0"), entry["revoke_attempts"])
	}
	metrics := e.metrics(t)
	require.Contains(t, metrics, `exchange_keys{connection="desk",state="revoking"} 3`)
	require.Contains(t, metrics, `exchange_keys{connection="desk",state="live"} 1`)
	require.Contains(t, metrics, `exchange_circuit_open{connection="desk"} 1`)
	require.NotContains(t, metrics, `exchange_overdue_seconds{connection="desk"} 0`)

	e.simulator.ClearFaults()
	require.Eventually(t, func() bool { return len(e.simulator.Keys()) == 1 }, 2*sweep, often, "the sweeper does not delete the keys")
	kept.works(t)
	require.Eventually(t, func() bool { return !strings.Contains(e.metrics(t), `state="revoking"`) }, soon, often)
	metrics = e.metrics(t)
	require.Contains(t, metrics, `exchange_keys{connection="desk",state="live"} 1`)
	require.Contains(t, metrics, `exchange_circuit_open{connection="desk"} 0`)
	require.Contains(t, metrics, `exchange_overdue_seconds{connection="desk"} 0`)
	e.mint(t, trader).works(t)

	// The lease that Vault gave up is removed without complaint.
	require.Equal(t, 1, e.irrevocable(t))
	givenUp.revoke(t)
	require.Zero(t, e.irrevocable(t))
}

// giveUp lets a lease become irrevocable. Vault's own attempts to revoke it take
// up to 15 minutes, so after the first of them the lease is marked as Vault
// marks it after the last.
func (e *engine) giveUp(t *testing.T, k *key) {
	require.Eventually(t, func() bool {
		return e.read(t, "keys/"+k.text("key_id"))["last_error"] != ""
	}, soon, often, "Vault does not try to revoke the lease")

	server := e.vault.Servers[0]
	stored := "sys/raw/sys/expire/id/" + k.LeaseID
	secret, err := e.client.Logical().ReadWithContext(t.Context(), stored)
	require.NoError(t, err)
	require.NotNil(t, secret)
	var lease map[string]any
	require.NoError(t, json.Unmarshal([]byte(secret.Data["value"].(string)), &lease))
	lease["revokeErr"] = "the exchange did not answer"
	marked, err := json.Marshal(lease)
	require.NoError(t, err)
	_, err = e.client.Logical().WriteWithContext(t.Context(), stored, fields{"value": string(marked)})
	require.NoError(t, err)
	// Vault reads its leases when it starts.
	server.Kill(t)
	server.Start(t)
	require.Eventually(t, func() bool { return e.irrevocable(t) == 1 }, soon, often, "Vault does not take the lease for irrevocable")
}

// irrevocable is how many leases of this mount Vault has given up.
func (e *engine) irrevocable(t *testing.T) int {
	answer, err := e.client.Logical().ReadWithDataWithContext(t.Context(), "sys/leases", map[string][]string{"type": {"irrevocable"}})
	require.NoError(t, err)
	leases, _ := answer.Data["leases"].([]any)
	return len(leases)
}

// failsFast checks that after some attempts mints fail at once, without asking
// the exchange, and say why.
func (e *engine) failsFast(t *testing.T) {
	const reason = "the exchange has not answered since"
	require.Eventually(t, func() bool {
		err := e.tryRead(t, "creds/"+trader)
		refused(t, err, http.StatusBadGateway, "try again")
		return strings.Contains(err.Error(), reason)
	}, soon, often, "mints go on asking the exchange")
	asked, began := e.simulator.Calls(bybit, exchanges.OpAny), time.Now()
	refused(t, e.tryRead(t, "creds/"+trader), http.StatusBadGateway, reason, "tried again every", "try again")
	require.Less(t, time.Since(began), 2*time.Second)
	require.Equal(t, asked, e.simulator.Calls(bybit, exchanges.OpAny))
}

// metrics reads the mount's metrics as text.
func (e *engine) metrics(t *testing.T) string {
	response, err := e.client.Logical().ReadRawWithContext(t.Context(), e.path+"/metrics")
	require.NoError(t, err)
	defer response.Body.Close()
	require.Contains(t, response.Header.Get("Content-Type"), "text/plain")
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}

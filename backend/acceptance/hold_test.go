package acceptance_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
)

// hold is what holds the engine back, if it is in the plugin's environment.
const hold = "EXCHANGE_HOLD"

// A plugin with the hold in its environment mints nothing and deletes nothing, though
// leases are revoked and end; what was due is done once it is lifted. The plugin has it
// from its server or from the catalog.
func TestHold(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	e := enableDesk(t, vault)
	e.write(t, "roles/short", e.role("read").with(fields{"ttl": "10s"}))
	server := vault.Servers[0]
	restart := func(t *testing.T, environment ...string) {
		server.Stop(t)
		server.Environment = environment
		server.Start(t)
	}
	for name, start := range map[string]func(t *testing.T, environment ...string){
		"from the server":  restart,
		"from the catalog": vault.Register,
	} {
		t.Run(name, func(t *testing.T) {
			revoked, ended := e.mint(t, trader), e.mint(t, "short")
			deleted := e.simulator.Calls(bybit, exchanges.OpDeleteKey)
			start(t, hold+"=1")
			require.Equal(t, true, e.read(t, "info")["held"])
			require.Equal(t, "all", e.read(t, "config/"+desk)["effective_frozen"])
			refused(t, e.tryRead(t, "creds/"+trader), http.StatusBadRequest, hold, desk, "started without it")
			_, err := e.client.Logical().WriteWithContext(t.Context(), "sys/leases/revoke", fields{"lease_id": revoked.LeaseID, "sync": true})
			require.ErrorContains(t, err, hold)
			end := timestamp(t, ended.Data["expires_at"])
			for _, k := range []*key{revoked, ended} {
				require.Eventually(t, func() bool {
					entry := e.read(t, "keys/"+k.text("key_id"))
					return entry["state"] == "revoking" && entry["last_error"] != ""
				}, time.Until(end)+soon, often, "Vault does not try to revoke the lease")
				k.works(t)
			}
			require.Equal(t, deleted, e.simulator.Calls(bybit, exchanges.OpDeleteKey))

			start(t)
			require.Equal(t, false, e.read(t, "info")["held"])
			for _, k := range []*key{revoked, ended} {
				k.revoke(t)
				k.gone(t)
			}
			k := e.mint(t, trader)
			k.works(t)
			k.revoke(t)
			k.gone(t)
		})
	}
}

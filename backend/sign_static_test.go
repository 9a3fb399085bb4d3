package backend

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// TestBotSignsOverRotations has a bot sign through 50 rotations of a key that it never
// holds: whatever it is given, the exchange takes.
func TestBotSignsOverRotations(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(map[string]any{"rotation_period": "5s", "overlap": "3s", "custody": "vault"})
		d.refused(logical.ReadOperation, "static-creds/gateway", nil, "sign/gateway")
		first := d.read("static-roles/gateway")["version"].(int)
		for d.read("static-roles/gateway")["version"].(int) < first+50 {
			signed := d.write("sign/gateway", anyRequest("bybit")).Data
			require.True(t, d.sim.Verifies("bybit", sent(t, signed)))
			require.NotEmpty(t, d.write("sign/gateway/login", nil).Data["message"])
			time.Sleep(700 * time.Millisecond)
		}
		require.LessOrEqual(t, len(d.engine.signers.open), 3, "signers of keys that are gone are dropped")
	})
}

// TestStaticSigner counts storage calls, and follows what is written to the role.
func TestStaticSigner(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(map[string]any{"custody": "vault", "allow": "request"})
		d.write("sign/gateway", anyRequest("bybit"))
		time.Sleep(5 * time.Second) // for the scheduler to have looked at the role.
		reads, writes := d.storage.counted(func() {
			for range 20 {
				d.write("sign/gateway", anyRequest("bybit"))
			}
		})
		require.Zero(t, reads+writes)
		d.refused(logical.UpdateOperation, "sign/gateway/login", nil, "does not allow logins")
		require.NoError(t, d.patch("static-roles/gateway", map[string]any{"allow": "login"}))
		d.refused(logical.UpdateOperation, "sign/gateway", anyRequest("bybit"), "does not allow requests")
		require.NoError(t, d.patch("static-roles/gateway", map[string]any{"allow": nil, "disabled": true}))
		d.refused(logical.UpdateOperation, "sign/gateway", anyRequest("bybit"), "disabled")
		require.NoError(t, d.patch("static-roles/gateway", map[string]any{"disabled": false, "custody": "caller"}))
		d.refused(logical.UpdateOperation, "sign/gateway", anyRequest("bybit"), "static-creds/")
		d.refused(logical.UpdateOperation, "sign/nobody", anyRequest("bybit"), "vault list <mount>/static-roles")

		// Nobody signs with the key of a static role as if it were leased.
		require.NoError(t, d.patch("static-roles/gateway", map[string]any{"custody": "vault"}))
		id := d.read("static-roles/gateway")["key_id"].(string)
		_, err := d.do(logical.UpdateOperation, "sign/key/"+id, anyRequest("bybit"))
		require.ErrorContains(t, err, "somebody else")

		before := d.write("sign/gateway", anyRequest("bybit")).Data["headers"].(map[string]string)["X-Bapi-Api-Key"]
		d.write("rotate-role/gateway", map[string]any{"compromised": true})
		d.eventually("the role has a new key", func() bool { return d.read("static-roles/gateway")["version"] == 2 })
		after := d.write("sign/gateway", anyRequest("bybit")).Data["headers"].(map[string]string)["X-Bapi-Api-Key"]
		require.NotEqual(t, before, after)
	})
}

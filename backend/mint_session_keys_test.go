package backend

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/wallet"
)

// sessionDesk has a connection to an exchange whose keys are pairs of our
// making, cannot be bound to addresses, and end by themselves.
func sessionDesk(t *testing.T) *desk {
	d := newDesk(t)
	d.system.MaxLeaseTTLVal = 365 * 24 * time.Hour
	d.connect("hyperliquid", map[string]any{"allowed_scopes": "read,trade,transfer", "require_ip_allowlist": false})
	return d
}

func (d *desk) sessionRole(more map[string]any) map[string]any {
	return merge(map[string]any{
		"connection": "hyperliquid", "sub_accounts": d.sim.Exchange("hyperliquid").SubAccounts[0], "scopes": "trade,transfer",
	}, more)
}

// The private half is what the exchange's tools take, and nobody else has it.
func TestKeyPairInTheExchangesForm(t *testing.T) {
	d := sessionDesk(t)
	d.write("roles/agent", d.sessionRole(nil))
	lease := d.mint("agent")
	require.Equal(t, "secp256k1", lease.Data["key_type"])
	key, err := wallet.ParseKey(exchanges.Secret(lease.Data["private_key"].(string)))
	require.NoError(t, err)
	require.Equal(t, lease.Data["api_key"], key.Address().String())
	require.Equal(t, d.sim.Exchange("hyperliquid").SubAccounts[0], lease.Data["sub_account"])
	require.Empty(t, lease.Data["api_secret"])
	entry := d.entry(lease.Data["key_id"].(string))
	require.Equal(t, key.Address().String(), entry.PublicKey)
	require.Len(t, entry.Label, 16, "the label is cut to what the exchange takes")
	require.Equal(t, int64(2), d.read("keys/" + entry.ID)["revocation_delay"], "a removed agent works a little longer")
	d.keptSecrets()
	require.NoError(t, d.revoke(lease))
	require.Empty(t, d.sim.Keys())
}

// A lease never promises more than the exchange lets a key live.
func TestLifetimeWithinTheExchanges(t *testing.T) {
	d := sessionDesk(t)
	d.write("roles/agent", d.sessionRole(map[string]any{"ttl": "300d", "max_ttl": "360d"}))
	lease := d.mint("agent")
	const longest = 180*24*time.Hour - defaultMaxWait - createTimeout
	require.Equal(t, longest, lease.Secret.TTL, "the exchange counts from before the lease")
	require.Equal(t, longest, lease.Secret.MaxTTL)

	asked := lifetime{time.Hour, 2 * time.Hour}
	require.Equal(t, asked, asked.within(exchanges.Variant{}, 0))
	require.Equal(t, asked, asked.within(exchanges.Variant{NativeExpiry: &exchanges.ExpiryRule{}}, 0))
	require.Equal(t, lifetime{time.Minute, time.Minute}, asked.within(exchanges.Variant{NativeExpiry: &exchanges.ExpiryRule{Max: 2 * time.Minute}}, time.Minute))
	require.Equal(t, lifetime{time.Hour, time.Hour}, asked.within(exchanges.Variant{Unlisted: "it ends by itself"}, 0), "nothing else would bound a key that is lost")
}

// Where keys cannot be bound to addresses, security has to agree to that, and no
// role can pretend to bind them.
func TestKeysWithoutAddresses(t *testing.T) {
	d := sessionDesk(t)
	for field, value := range map[string]string{"ip_allowlist": "203.0.113.7", "allowed_ip_ranges": "203.0.113.0/24"} {
		d.refused(logical.UpdateOperation, "roles/agent", d.sessionRole(map[string]any{field: value}),
			field, "the exchange cannot bind keys to addresses")
	}
	d.write("roles/agent", d.sessionRole(nil))
	d.write("config/hyperliquid", map[string]any{"require_ip_allowlist": true})
	for _, path := range []string{"creds/agent", "roles/agent/check"} {
		resp, err := d.do(logical.ReadOperation, path, nil)
		require.NoError(t, err)
		text := ""
		if resp.IsError() {
			text = resp.Error().Error()
		} else {
			text, _ = resp.Data["problem"].(string)
		}
		require.Contains(t, text, "set require_ip_allowlist=false on the connection")
	}
	d.refused(logical.UpdateOperation, "roles/other", d.sessionRole(nil), "require_ip_allowlist=false")
}

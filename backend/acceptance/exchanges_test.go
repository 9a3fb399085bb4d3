package acceptance_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// A key of every exchange, variant, key type and breadth is minted, used,
// renewed, revoked and then refused. Run it with -v to see the table.
func TestExchanges(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	e := enable(t, vault)
	var simulated int
	for _, exchange := range catalog.All() {
		about := exchange.Describe()
		if !slices.Contains(e.simulator.Exchanges(), about.Name) {
			continue
		}
		simulated++
		for _, variant := range about.Variants {
			t.Run(about.Name+" "+variant.Name, func(t *testing.T) {
				t.Parallel()
				testVariant(t, e, about.Name, variant)
			})
		}
	}
	require.Positive(t, simulated, "no exchange is simulated")
}

// rootOf is the way to the simulator's root of a variant.
func rootOf(t *testing.T, e *engine, exchange string, variant exchanges.Variant) simulator.Access {
	access, ok := e.simulator.Root(exchange, variant.Name)
	if !ok {
		access = e.simulator.Exchange(exchange)
	}
	require.Equal(t, variant.Name, access.Variant, "the simulator has no root of this variant")
	return access
}

// connect writes a connection whose roles may give all that the variant offers.
func (e *engine) connect(t *testing.T, name, exchange string, variant exchanges.Variant, access simulator.Access) {
	e.write(t, "config/"+name, root(access, exchange).with(fields{
		"allowed_scopes": variant.Offered().Strings(), "require_ip_allowlist": !variant.Addresses.None,
		"allow_undeletable_keys": variant.NoDeletion != "",
	}))
}

// addresses are what keys of a variant are bound to, so that they work from here.
func addresses(variant exchanges.Variant) []string {
	if variant.Addresses.None {
		return []string{}
	}
	return []string{"127.0.0.1"}
}

func testVariant(t *testing.T, e *engine, exchange string, variant exchanges.Variant) {
	access := rootOf(t, e, exchange, variant)
	connection := exchange + variant.Name
	step(t, "connect", func(t *testing.T) {
		e.connect(t, connection, exchange, variant, access)
		require.Equal(t, true, e.read(t, "config/"+connection+"/check")["can_mint"])
		e.findsSubAccount(t, connection, access.SubAccounts[0])
	})

	roles := map[string][]string{"trader": variant.Offered().Strings()}
	if _, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead), nil); err == nil {
		roles["reader"] = []string{"read"}
	}
	for _, keyType := range variant.KeyTypes {
		for name, scopes := range roles {
			t.Run(string(keyType)+" "+name, func(t *testing.T) {
				role := connection + string(keyType) + name
				var k *key
				step(t, "role", func(t *testing.T) {
					e.write(t, "roles/"+role, fields{
						"connection": connection, "sub_accounts": access.SubAccounts[0], "scopes": scopes,
						"key_type": keyType, "ip_allowlist": addresses(variant), "ttl": "10m",
					})
				})
				step(t, "mint", func(t *testing.T) {
					k = e.mint(t, role)
					k.isWhole(t, exchange, variant, keyType)
					require.Equal(t, scopes, words(k.Data["scopes"]))
					require.Equal(t, access.SubAccounts[0], k.Data["sub_account"])
					k.atExchange(t, e, variant)
				})
				step(t, "use", func(t *testing.T) { k.isKnown(t, variant) })
				step(t, "renew", func(t *testing.T) { k.isRenewed(t, variant) })
				step(t, "revoke", func(t *testing.T) {
					k.revoke(t)
					k.isRevoked(t, variant)
				})
				step(t, "refused", func(t *testing.T) { k.isRefused(t, variant) })
			})
		}
	}
}

// step is one step, without which the next make no sense.
func step(t *testing.T, name string, do func(t *testing.T)) {
	if !t.Run(name, do) {
		t.FailNow()
	}
}

// findsSubAccount checks that a connection lists the sub-account as one that it
// allows.
func (e *engine) findsSubAccount(t *testing.T, connection, name string) {
	subAccounts := e.details(t, "config/"+connection+"/sub-accounts")
	require.Contains(t, subAccounts, name)
	require.Equal(t, true, subAccounts[name].(map[string]any)["allowed"])
}

// isWhole checks that an answer holds all that its owner needs, and no more.
func (k *key) isWhole(t *testing.T, exchange string, variant exchanges.Variant, keyType exchanges.KeyType) {
	require.Equal(t, exchange, k.Data["exchange"])
	require.Equal(t, string(keyType), k.Data["key_type"])
	require.NotEmpty(t, k.text("api_key"))
	require.Equal(t, keyType == exchanges.KeyHMAC, k.text("api_secret") != "")
	require.Equal(t, keyType.Asymmetric(), k.text("private_key") != "")
	require.Equal(t, keyType == exchanges.KeyBearer, k.text("token") != "")
	require.Equal(t, variant.Passphrase != nil, k.text("passphrase") != "")
	require.Equal(t, 600, k.LeaseDuration)
	require.WithinDuration(t, time.Now().Add(10*time.Minute), timestamp(t, k.Data["expires_at"]), time.Minute)
}

// atExchange checks the key as the exchange has it.
func (k *key) atExchange(t *testing.T, e *engine, variant exchanges.Variant) {
	views := e.simulator.Keys()
	i := slices.IndexFunc(views, func(v simulator.KeyView) bool { return v.APIKey == k.text("api_key") })
	require.GreaterOrEqual(t, i, 0)
	require.Equal(t, k.text("sub_account"), views[i].SubAccount)
	require.Equal(t, addresses(variant), views[i].IPs)
	stem, _, _ := strings.Cut(k.text("key_id"), "-")
	label := e.read(t, "info")["label_tag"].(string) + stem
	require.Equal(t, label[:min(len(label), variant.Label.MaxLength)], views[i].Label)
}

// isKnown checks that the exchange knows the key, though it may tell only root
// keys whose they are.
func (k *key) isKnown(t *testing.T, variant exchanges.Variant) {
	if err := k.useAs(t, variant.Name); !errors.Is(err, exchanges.ErrPermission) {
		require.NoError(t, err)
	}
}

// isRenewed checks that a renewal moves the end of the key, unless keys of the
// exchange end with their first lease.
func (k *key) isRenewed(t *testing.T, variant exchanges.Variant) {
	if variant.Unlisted != "" {
		require.ErrorContains(t, k.tryRenew(t), "not renewable")
		return
	}
	ends := k.expires(t)
	require.Equal(t, 3600, k.renew(t, 3600))
	require.Greater(t, k.expires(t).Sub(ends), 40*time.Minute)
	k.isKnown(t, variant)
}

// isRevoked checks that a key is deleted, or what comes closest to that at its
// exchange.
func (k *key) isRevoked(t *testing.T, variant exchanges.Variant) {
	require.NotContains(t, k.engine.list(t, "keys"), k.text("key_id"))
	for _, view := range k.engine.simulator.Keys() {
		if view.APIKey == k.text("api_key") {
			require.NotEmpty(t, variant.NoDeletion, "the exchange still has the key")
			require.Empty(t, view.Permissions)
		}
	}
}

// isRefused waits until the exchange refuses the key: at once, or within the
// revocation delay by the simulator's hurried clock. One that can only be emptied
// is known for ever.
func (k *key) isRefused(t *testing.T, variant exchanges.Variant) {
	if variant.NoDeletion != "" {
		k.isKnown(t, variant)
		return
	}
	if variant.RevocationDelay == 0 {
		require.ErrorIs(t, k.useAs(t, variant.Name), exchanges.ErrAuth)
		return
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.ErrorIs(c, k.useAs(t, variant.Name), exchanges.ErrAuth)
	}, soon, often)
}

package backend

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// gateway writes a connection to Bybit and a static role that trades spot on it.
func (d *desk) gateway(more map[string]any) {
	d.Helper()
	if entry, err := connectionTable().Get(d.Context(), d.storage.Storage, "bybit"); err != nil || entry == nil {
		d.connect("bybit", nil)
	}
	d.write("static-roles/gateway", merge(d.gatewayFields(), more))
}

func (d *desk) gatewayFields() map[string]any {
	return map[string]any{
		"connection": "bybit", "sub_account": d.sim.Exchange("bybit").SubAccounts[0],
		"scopes": "trade:spot", "ip_allowlist": "127.0.0.1", "rotation_period": "1h", "overlap": "10m",
	}
}

// static reads the present key of the static role.
func (d *desk) static() map[string]any {
	d.Helper()
	return d.read("static-creds/gateway")
}

// keysAt are the keys at the exchange.
func (d *desk) keysAt() []string {
	var keys []string
	for _, key := range d.sim.Keys() {
		keys = append(keys, key.APIKey)
	}
	return keys
}

// staticBubble runs a test of static roles in a bubble, with Vault's ticks.
func staticBubble(t *testing.T, test func(d *desk)) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		test(d)
	})
}

func TestStaticRoleGivesTheKeyThatIsGoodNow(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(nil)
		first := d.static()
		require.Equal(t, 1, first["version"])
		require.EqualValues(t, 3600, first["ttl"])
		require.EqualValues(t, 3600, first["rotation_period"])
		require.Equal(t, []string{first["api_key"].(string)}, d.keysAt())
		require.Equal(t, first["api_key"], d.static()["api_key"], "another read gave another key")

		time.Sleep(time.Hour + time.Second)
		second := d.static()
		require.Equal(t, 2, second["version"])
		require.NotEqual(t, first["api_key"], second["api_key"])
		require.Equal(t, first["api_key"], second["previous_api_key"])
		require.ElementsMatch(t, []string{first["api_key"].(string), second["api_key"].(string)}, d.keysAt())
		require.Len(t, d.custodyIDs(), 2)

		time.Sleep(10 * time.Minute)
		require.Equal(t, []string{second["api_key"].(string)}, d.keysAt(), "the overlap is over")
		require.Equal(t, []string{second["key_id"].(string)}, d.custodyIDs(), "a superseded secret is in storage")
		require.Equal(t, []string{second["key_id"].(string)}, d.ledgerIDs())
		third := d.static()
		require.Empty(t, third["previous_api_key"])
		require.Equal(t, second["api_key"], third["api_key"])
		d.keptSecrets()
	})
}

// TestScheduleIsKeptToTheSecond: Vault's tick comes once a minute, and none comes here.
func TestScheduleIsKeptToTheSecond(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(map[string]any{"rotation_period": "5s", "overlap": "3s"})
		time.Sleep(27 * time.Second)
		data := d.static()
		require.Equal(t, 6, data["version"], "five rotations in 27 seconds")
		time.Sleep(10 * time.Minute)
		require.LessOrEqual(t, len(d.keysAt()), 2)
	})
}

func TestRotationAtTheTimesOfASchedule(t *testing.T) {
	staticBubble(t, func(d *desk) { // 2030-01-01 was a Tuesday.
		d.gateway(map[string]any{"rotation_period": nil, "rotation_schedule": "0 2 * * 6", "rotation_window": "1h"})
		first := d.static()
		require.Equal(t, "2030-01-05T02:00:00Z", first["next_vault_rotation"])
		require.EqualValues(t, 4*24*3600+2*3600, first["rotation_period"], "Vault Agent needs it")
		time.Sleep(time.Until(time.Date(2030, 1, 5, 2, 0, 1, 0, time.UTC)))
		require.Equal(t, 2, d.static()["version"])

		// Frozen for longer than the window, it waits for the next time.
		time.Sleep(time.Until(time.Date(2030, 1, 12, 1, 0, 0, 0, time.UTC)))
		d.write("config/bybit", map[string]any{"frozen": "minting"})
		time.Sleep(3 * time.Hour)
		d.write("config/bybit", map[string]any{"frozen": "no"})
		d.tick()
		time.Sleep(time.Hour)
		require.Equal(t, 2, d.static()["version"])
		time.Sleep(time.Until(time.Date(2030, 1, 19, 2, 0, 1, 0, time.UTC)))
		require.Equal(t, 3, d.static()["version"])
	})
}

func TestRotationOnRequest(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(nil)
		first := d.static()
		rotated := d.write("rotate-role/gateway", map[string]any{"overlap": "1m"})
		require.Equal(t, first["api_key"], rotated.Data["previous_api_key"])
		second := d.static()
		require.Equal(t, rotated.Data["key_id"], second["key_id"])

		time.Sleep(20 * time.Second)
		d.refused(logical.UpdateOperation, "rotate-role/gateway", nil, "rotate again in 40s", "compromised=true")
		require.False(t, d.read("static-roles/gateway/check")["ok"].(bool))
		time.Sleep(41 * time.Second)
		require.Equal(t, []string{second["api_key"].(string)}, d.keysAt())
		require.True(t, d.read("static-roles/gateway/check")["ok"].(bool))
		d.write("rotate-role/gateway", map[string]any{"overlap": 0})
		third := d.static()
		require.Equal(t, []string{third["api_key"].(string)}, d.keysAt())
		require.Equal(t, []string{third["key_id"].(string)}, d.custodyIDs())
	})
}

func TestCompromisedKeysGoFirst(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(nil)
		first := d.static()
		d.write("rotate-role/gateway", nil)
		second := d.static()
		require.Len(t, d.keysAt(), 2)
		d.write("rotate-role/gateway", map[string]any{"compromised": true})
		third := d.static()
		require.Equal(t, []string{third["api_key"].(string)}, d.keysAt())
		require.NotContains(t, []any{first["api_key"], second["api_key"]}, third["api_key"])
		require.Empty(t, third["previous_api_key"])

		// An outage is preferred to exposure.
		d.write("config/bybit", map[string]any{"frozen": "minting"})
		d.refused(logical.UpdateOperation, "rotate-role/gateway", map[string]any{"compromised": true}, "compromised key is deleted", "frozen")
		require.Empty(t, d.keysAt())
		require.Empty(t, d.custodyIDs())
		_, err := d.do(logical.ReadOperation, "static-creds/gateway", nil)
		require.ErrorContains(t, err, "has no key now")
		d.write("config/bybit", map[string]any{"frozen": "no"})
		d.tick()
		time.Sleep(time.Minute)
		require.Equal(t, []string{d.static()["api_key"].(string)}, d.keysAt())
	})
}

func TestKeyThatIsGoneIsReplaced(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(nil)
		first := d.static()
		d.must(logical.DeleteOperation, "keys/"+first["key_id"].(string), nil)
		require.Empty(t, d.custodyIDs())
		d.tick()
		time.Sleep(time.Second)
		second := d.static()
		require.Equal(t, []string{second["api_key"].(string)}, d.keysAt())
		require.Equal(t, []string{second["key_id"].(string)}, d.custodyIDs())
	})
}

// TestCompromisedKeysAreReplacedDuringAnOverlap: that there was a key before the present
// one holds up nothing once both are ended.
func TestCompromisedKeysAreReplacedDuringAnOverlap(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(map[string]any{"rotation_period": "48h", "overlap": "24h"})
		d.write("rotate-role/gateway", nil)
		require.Len(t, d.keysAt(), 2)
		d.write("config/bybit", map[string]any{"frozen": "minting"})
		d.refused(logical.UpdateOperation, "rotate-role/gateway", map[string]any{"compromised": true}, "the compromised key is deleted", "frozen")
		require.Empty(t, d.keysAt())
		d.write("config/bybit", map[string]any{"frozen": "no"})
		d.tick()
		time.Sleep(time.Minute)
		fresh := d.static()
		require.Equal(t, []string{fresh["api_key"].(string)}, d.keysAt())
		require.Empty(t, fresh["previous_api_key"], "it is ended")
	})
}

// TestKeyThatIsGoneIsReplacedDuringAnOverlap: the key before it stays for as long as was
// promised, and can itself be ended early.
func TestKeyThatIsGoneIsReplacedDuringAnOverlap(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(map[string]any{"rotation_period": "48h", "overlap": "24h"})
		first := d.static()
		d.write("rotate-role/gateway", nil)
		d.must(logical.DeleteOperation, "keys/"+d.static()["key_id"].(string), nil)
		d.tick()
		time.Sleep(time.Minute)
		third := d.static()
		require.Equal(t, first["api_key"], third["previous_api_key"])
		require.ElementsMatch(t, []string{first["api_key"].(string), third["api_key"].(string)}, d.keysAt())
		time.Sleep(23 * time.Hour)
		require.Len(t, d.keysAt(), 2, "an overlap was cut short")

		d.must(logical.DeleteOperation, "keys/"+first["key_id"].(string), nil)
		d.tick()
		time.Sleep(time.Second)
		require.Empty(t, d.static()["previous_api_key"], "it is gone")
		d.write("rotate-role/gateway", nil)
		require.Equal(t, third["api_key"], d.static()["previous_api_key"])
		require.Len(t, d.custodyIDs(), 2)
	})
}

func TestDeletionOfAStaticRoleTakesItsKeys(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(nil)
		d.write("rotate-role/gateway", nil)
		require.Len(t, d.keysAt(), 2)
		d.inject("bybit", exchanges.OpDeleteKey, simulator.Error5xx, 100)
		_, err := d.do(logical.DeleteOperation, "static-roles/gateway", nil)
		require.ErrorContains(t, err, "stays until its keys are deleted")
		require.Equal(t, true, d.read("static-roles/gateway")["disabled"])
		d.sim.ClearFaults()
		time.Sleep(time.Hour)
		d.must(logical.DeleteOperation, "static-roles/gateway", nil)
		require.Empty(t, d.keysAt())
		require.Empty(t, d.custodyIDs())
		require.Empty(t, d.ledgerIDs())
		resp := d.must(logical.ReadOperation, "static-roles/gateway", nil)
		require.Nil(t, resp)
	})
}

func TestKillSwitchTakesStaticKeysAndDisablesTheirRoles(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(nil)
		d.write("config/bybit/revoke-all", nil)
		d.sweep()
		require.Empty(t, d.keysAt())
		require.Empty(t, d.custodyIDs())
		d.refused(logical.ReadOperation, "static-creds/gateway", nil, "disabled")
		d.must(logical.DeleteOperation, "config/bybit/revoke-all", nil)
		d.tick()
		time.Sleep(time.Hour)
		require.Empty(t, d.keysAt(), "a key was made though nobody enabled the role")
		require.NoError(t, d.patch("static-roles/gateway", map[string]any{"disabled": false}))
		time.Sleep(time.Second)
		require.Len(t, d.keysAt(), 1)
	})
}

// patch makes a patch request.
func (d *desk) patch(path string, data map[string]any) error {
	d.Helper()
	resp, err := d.do(logical.PatchOperation, path, data)
	if err == nil && resp.IsError() {
		err = resp.Error()
	}
	return err
}

func TestFreezeHoldsRotationAndRetirement(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(nil)
		first := d.static()
		d.write("config/bybit", map[string]any{"frozen": "minting"})
		time.Sleep(3 * time.Hour)
		d.tick()
		require.Equal(t, first["api_key"], d.static()["api_key"])
		require.EqualValues(t, 1, d.static()["ttl"], "a late rotation is asked for again soon")
		require.Contains(t, d.metrics(), `exchange_static_rotation_overdue_seconds{connection="bybit",static_role="gateway"} 7`)
		d.write("config/bybit", map[string]any{"frozen": "no"})
		d.tick()
		time.Sleep(time.Second)
		require.Equal(t, 2, d.static()["version"])
		d.write("config/bybit", map[string]any{"frozen": "all"})
		time.Sleep(30 * time.Minute)
		d.tick()
		require.Len(t, d.keysAt(), 2, "a key was retired though deletions are held back")
		d.write("config/bybit", map[string]any{"frozen": "no"})
		d.sweep()
		time.Sleep(time.Minute)
		require.Len(t, d.keysAt(), 1)
	})
}

func TestRotationThatFailsIsTriedAgain(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(nil)
		first := d.static()
		d.inject("bybit", exchanges.OpCreateKey, simulator.Error5xx, 3)
		time.Sleep(time.Hour + time.Second)
		require.Equal(t, first["api_key"], d.static()["api_key"])
		role := d.read("static-roles/gateway")
		require.Equal(t, 1, role["failures"])
		require.NotEmpty(t, role["last_error"])
		require.NotEmpty(t, role["next_attempt_at"])
		time.Sleep(10 * time.Minute)
		role = d.read("static-roles/gateway")
		require.Equal(t, 2, role["version"])
		require.Equal(t, 0, role["failures"])
	})
}

// TestAClockThatJumpsEndsNoOverlapEarly: the overlap is measured by a clock that nobody
// can set.
func TestAClockThatJumpsEndsNoOverlapEarly(t *testing.T) {
	d := newDesk(t)
	d.gateway(nil)
	d.write("rotate-role/gateway", nil)
	d.clock.jump(time.Hour)
	d.tick()
	d.settle()
	require.Len(t, d.keysAt(), 2)
	d.clock.jump(-time.Hour)
	d.clock.elapse(time.Minute)
	d.tick()
	d.settle()
	require.Len(t, d.keysAt(), 2)

	// A process that did not see the rotation looks twice.
	d.start()
	d.settle()
	d.clock.jump(time.Hour)
	d.tick()
	d.settle()
	require.Len(t, d.keysAt(), 2)
	d.clock.jump(-time.Hour)
}

// settle waits until the scheduler has done what was due.
func (d *desk) settle() {
	d.Helper()
	d.eventually("the scheduler has nothing to do", func() bool {
		d.engine.scheduler.mu.Lock()
		defer d.engine.scheduler.mu.Unlock()
		return len(d.engine.scheduler.busy) == 0
	})
}

func TestStaticKeysInTheLedger(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(map[string]any{"rotation_period": "3000h"})
		key := d.read("keys/" + d.static()["key_id"].(string))
		require.Equal(t, "static/gateway", key["owner"])
		require.Empty(t, key["role"])
		require.Empty(t, key["expires_at"])
		require.Equal(t, string(ledger.Live), key["state"])
		require.Equal(t, "userpass-ada", key["display_name"])
		time.Sleep(100 * 24 * time.Hour)
		d.sweep()
		require.NotEmpty(t, d.keysAt())
		d.must(logical.ListOperation, "keys/", nil)
		require.Contains(t, d.metrics(), fmt.Sprintf("exchange_overdue_keys{connection=%q} 0", "bybit"))
	})
}

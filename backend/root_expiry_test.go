package backend

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// The end of a root key is learnt once a day and told with each mint of its last days.
func TestEndOfTheRootKeyIsWarnedOf(t *testing.T) {
	d := newDesk(t)
	root, ok := d.sim.Root("bybit", "unbound")
	require.True(t, ok)
	d.write("config/bybit", connectionFields("bybit", root))
	d.connect("binance", nil)
	d.write("roles/trader", map[string]any{"connection": "bybit", "sub_accounts": root.SubAccounts[0], "scopes": "read"})
	inspections := func() int { return d.sim.Calls("bybit", exchanges.OpInspect) }
	ends, err := time.Parse(time.RFC3339, d.read("config/bybit/check")["expires_at"].(string))
	require.NoError(t, err)
	tend := func() {
		d.tick()
		d.engine.rotator.work.Wait()
	}

	asked := inspections()
	require.Empty(t, d.mint("trader").Warnings)
	tend()
	require.Equal(t, asked, inspections(), "it was inspected when it was written")
	d.clock.advance(inspectEvery)
	tend()
	require.Equal(t, asked+1, inspections())
	tend()
	require.Equal(t, asked+1, inspections())
	require.Contains(t, d.metrics(), fmt.Sprintf("exchange_root_expires_seconds{connection=\"bybit\"} %g", ends.Sub(d.clock.Now()).Seconds()))
	require.NotContains(t, d.metrics(), `exchange_root_expires_seconds{connection="binance"}`, "Binance does not tell")

	d.clock.advance(ends.Sub(d.clock.Now()) - lastDays - time.Second)
	d.start()
	require.Empty(t, d.mint("trader").Warnings, "nothing is known before the first inspection")
	tend()
	require.Empty(t, d.mint("trader").Warnings)
	d.clock.advance(time.Second)
	asked = inspections()
	warnings := d.mint("trader").Warnings
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0], ends.UTC().Format(time.RFC3339))
	require.Contains(t, warnings[0], `"bybit"`)
	require.Equal(t, asked, inspections(), "no mint asks")

	// Another root key has another end.
	d.write("config/bybit", map[string]any{"api_key": d.sim.Exchange("bybit").APIKey, "api_secret": d.sim.Exchange("bybit").APISecret})
	require.Empty(t, d.mint("trader").Warnings)
	require.NotContains(t, d.metrics(), "exchange_root_expires_seconds{")
	d.must(logical.DeleteOperation, "config/bybit", map[string]any{"force": true})
	tend()
	require.NotContains(t, d.engine.rootExpiry.known, "bybit")
}

// An exchange that cannot be asked is not asked every minute, and what was known stays.
func TestInspectionThatFailsIsPutOff(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	l, err := d.engine.connections.existing(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	ends := d.clock.Now().Add(48 * time.Hour)
	d.engine.rootExpiry.note(l, ends)
	d.clock.advance(inspectEvery)
	d.inject("bybit", exchanges.OpInspect, simulator.Error5xx, 0)
	require.Error(t, d.engine.inspectRoot(t.Context(), l))
	asked := d.sim.Calls("bybit", exchanges.OpInspect)
	require.NoError(t, d.engine.inspectRoot(t.Context(), l))
	require.Equal(t, asked, d.sim.Calls("bybit", exchanges.OpInspect))
	require.Equal(t, 24*time.Hour, d.engine.rootExpiry.left()["bybit"])
	d.clock.advance(inspectAgain)
	require.Error(t, d.engine.inspectRoot(t.Context(), l))
	require.Greater(t, d.sim.Calls("bybit", exchanges.OpInspect), asked)

	other := *l
	other.Credential.APIKey = "another"
	d.engine.rootExpiry.failed(&other)
	require.Empty(t, d.engine.rootExpiry.left(), "of the other key nothing is known")
	require.Empty(t, strings.TrimSpace(d.engine.rootExpiry.warning(l)))
}

package acceptance_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

// What a security officer does: look, stop, and see it stop.
func TestOversight(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	for name, test := range map[string]func(*testing.T, *engine){
		"stop of a connection": testStopConnection,
		"stop of a role":       testStopRole,
		"check of a role":      testCheckRole,
		"metrics":              testMetrics,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, enableDesk(t, vault))
		})
	}
	t.Run("metrics of an idle mount", func(t *testing.T) {
		t.Parallel()
		testIdleMetrics(t, enable(t, vault))
	})
}

func testStopConnection(t *testing.T, e *engine) {
	keys := []*key{e.mint(t, trader), e.mint(t, reader)}
	e.write(t, "config/"+desk+"/revoke-all", nil)
	for _, role := range []string{trader, reader} {
		refused(t, e.tryRead(t, "creds/"+role), http.StatusBadRequest, "kill switch")
	}
	for _, k := range keys {
		k.ends(t)
		k.revoke(t)
	}
	require.EqualValues(t, "0", e.read(t, "config/"+desk+"/revoke-all")["keys_left"])
}

func testStopRole(t *testing.T, e *engine) {
	k, other := e.mint(t, trader), e.mint(t, reader)
	e.write(t, "roles/"+trader+"/revoke-all", nil)
	refused(t, e.tryRead(t, "creds/"+trader), http.StatusBadRequest, "kill switch")
	k.ends(t)
	other.works(t)
	e.mint(t, reader).works(t)
}

func testCheckRole(t *testing.T, e *engine) {
	check := e.read(t, "roles/"+trader+"/check")
	require.Equal(t, true, check["ok"], check["problem"])
	require.Equal(t, e.simulator.Exchange(bybit).SubAccounts[0], check["sub_account"])
	require.Empty(t, e.simulator.Keys())

	e.write(t, "config/"+desk, fields{"frozen": "minting"})
	check = e.read(t, "roles/"+trader+"/check")
	require.Equal(t, false, check["ok"])
	require.Contains(t, check["problem"], "frozen")
}

// Prometheus scrapes the mount with a token, and gets text.
func testMetrics(t *testing.T, e *engine) {
	e.mint(t, trader)
	require.Contains(t, e.metrics(t), `exchange_keys{connection="desk",state="live"} 1`)
}

// A mount on which nothing has happened yet can be scraped too.
func testIdleMetrics(t *testing.T, e *engine) {
	require.Contains(t, e.metrics(t), "exchange_build_info{")
}

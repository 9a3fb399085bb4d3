package acceptance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
)

const (
	// gateway is the static role of the tests.
	gateway = "gateway"
	// shortPeriod is the shortest that a static role may have, and shortOverlap covers
	// the time until a reader of the key has the next one.
	shortPeriod  = 5 * time.Second
	shortOverlap = 3 * time.Second
	// rotations is how many of them a test watches.
	rotations = 10
	// renderedWithin is how soon after a rotation Vault Agent has the new key.
	renderedWithin = 2 * time.Second
)

// Keys that last, and are replaced while they are used.
func TestStaticRoles(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	for name, test := range map[string]func(*testing.T, *engine){
		"agent":           testAgent,
		"without overlap": testWithoutOverlap,
		"import":          testImport,
		"static policy":   testStaticPolicy,
		"restart":         testStaticRestart,
	} {
		t.Run(name, func(t *testing.T) {
			if name != "restart" { // which takes the server from the others
				t.Parallel()
			}
			test(t, enableDesk(t, vault))
		})
	}
}

// static writes the static role.
func (e *engine) static(t *testing.T, changes fields) {
	e.write(t, "static-roles/"+gateway, fields{
		"connection": desk, "sub_account": e.simulator.Exchange(bybit).SubAccounts[0], "scopes": "read,trade:spot",
		"ip_allowlist": "127.0.0.1", "rotation_period": shortPeriod.String(), "overlap": shortOverlap.String(),
	}.with(changes))
}

// version counts the keys of the static role.
func (k *key) version() int {
	version, _ := k.Data["version"].(json.Number).Int64()
	return int(version)
}

// present reads the present key of the static role.
func (e *engine) present(t *testing.T) *key {
	secret, err := e.client.Logical().ReadWithContext(t.Context(), e.path+"/static-creds/"+gateway)
	require.NoError(t, err)
	require.NotNil(t, secret)
	require.Empty(t, secret.LeaseID)
	return &key{secret, e}
}

// bot uses a key again and again, as a program that only reads it anew and knows
// nothing of rotations.
type bot struct {
	mu sync.Mutex
	// versions of the key that it has had, uses of it, and refusals by version.
	versions map[int]bool
	uses     int
	refusals map[int]error
	excused  map[int]bool
	stop     chan struct{}
	ended    sync.WaitGroup
}

// startBot starts a bot that gets its key from read before each use.
func startBot(t *testing.T, read func() *key) *bot {
	b := &bot{versions: map[int]bool{}, refusals: map[int]error{}, excused: map[int]bool{}, stop: make(chan struct{})}
	tick := time.NewTicker(often)
	b.ended.Go(func() {
		defer tick.Stop()
		for {
			select {
			case <-b.stop:
				return
			case <-tick.C:
			}
			k := read()
			if k == nil {
				continue
			}
			err := k.use(t)
			b.mu.Lock()
			b.uses++
			b.versions[k.version()] = true
			if errors.Is(err, exchanges.ErrAuth) && !b.excused[k.version()] {
				b.refusals[k.version()] = err
			}
			b.mu.Unlock()
		}
	})
	t.Cleanup(b.end)
	return b
}

func (b *bot) end() {
	select {
	case <-b.stop:
	default:
		close(b.stop)
	}
	b.ended.Wait()
}

// excuse lets the bot be refused with a version of the key, before or after.
func (b *bot) excuse(version int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.excused[version] = true
	delete(b.refusals, version)
}

// seen is how many versions of the key the bot has had.
func (b *bot) seen() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.versions)
}

// keyIn reads the answer of static-creds from a file that an agent renders.
func (e *engine) keyIn(file string) *key {
	raw, err := os.Open(file)
	if err != nil {
		return nil // not rendered yet
	}
	defer raw.Close()
	decoder := json.NewDecoder(raw)
	decoder.UseNumber()
	var data map[string]any
	if decoder.Decode(&data) != nil {
		return nil
	}
	return &key{&api.Secret{Data: data}, e}
}

// Vault Agent renders each new key soon, so that a bot which only reads the file is
// never refused. On a machine that is busy with something else a key may be late, but not
// most of them; only the bot's refusals after one that was not are the engine's.
func testAgent(t *testing.T, e *engine) {
	e.static(t, nil)
	// The agent looks its token up, which Vault's default policy allows.
	program := e.limited(t, e.published(t, "static")+`path "auth/token/lookup-self" { capabilities = ["read"] }`)
	file := e.vault.Agent(t, program.client.Token(),
		fmt.Sprintf(`{{ with secret "%s/static-creds/%s" }}{{ .Data | toJSON }}{{ end }}`, e.path, gateway))
	b := startBot(t, func() *key { return e.keyIn(file) })
	require.Eventually(t, func() bool { return e.keyIn(file) != nil }, sweep, often, "the agent renders nothing")

	watched, onTime, latest := 0, 0, time.Duration(0)
	for seen := e.present(t).version(); b.seen() <= rotations; watched++ {
		var rotated time.Time
		require.Eventually(t, func() bool {
			now := e.present(t).version()
			changed := now != seen
			seen = now
			rotated = time.Now()
			return changed
		}, sweep, often, "the key is not replaced")
		require.Eventually(t, func() bool { return e.keyIn(file).version() >= seen }, sweep, often/2, "the agent does not render the new key")
		took := time.Since(rotated)
		latest = max(latest, took)
		// One look at the server, and one at the file, may come late.
		if took <= renderedWithin+2*often {
			onTime++
			continue
		}
		t.Logf("version %d was rendered after %s", seen, took)
		b.excuse(seen - 1)
	}
	b.end()
	t.Logf("%d uses of %d keys; %d of %d rendered on time, the slowest after %s", b.uses, len(b.versions), onTime, watched, latest.Round(time.Millisecond))
	require.Empty(t, b.refusals)
	require.Greater(t, 2*onTime, watched, "most keys are rendered late")
	require.LessOrEqual(t, len(e.simulator.Keys()), 2)
}

// Without an overlap the same bot is refused: the test above can fail.
func testWithoutOverlap(t *testing.T, e *engine) {
	e.static(t, fields{"overlap": 0})
	file := e.vault.Agent(t, e.client.Token(),
		fmt.Sprintf(`{{ with secret "%s/static-creds/%s" }}{{ .Data | toJSON }}{{ end }}`, e.path, gateway))
	b := startBot(t, func() *key { return e.keyIn(file) })
	require.Eventually(t, func() bool { return b.seen() > 3 }, sweep, often, "the key is not replaced")
	b.end()
	t.Logf("%d keys of %d were refused", len(b.refusals), len(b.versions))
	require.NotEmpty(t, b.refusals)
}

// A key that a person made goes on working while another takes its place.
func testImport(t *testing.T, e *engine) {
	other := enableBeside(t, e.vault, e.simulator)
	other.setUp(t)
	hand := other.mint(t, trader)
	refused(t, e.tryWrite(t, "static-roles/"+gateway, fields{
		"connection": desk, "sub_account": hand.text("sub_account"), "scopes": "read,trade:spot", "ip_allowlist": "127.0.0.1",
		"rotation_period": "1h", "overlap": "2s", "api_key": "unknown", "api_secret": hand.text("api_secret"),
	}), http.StatusBadRequest, "api_key: Bybit lists no key unknown")
	e.static(t, fields{
		"rotation_period": "1h", "overlap": "2s", "sub_account": hand.text("sub_account"),
		"api_key": hand.text("api_key"), "api_secret": hand.text("api_secret"),
	})
	require.Equal(t, hand.text("api_secret"), e.present(t).text("api_secret"))

	e.write(t, "rotate-role/"+gateway, nil)
	second := e.present(t)
	require.Equal(t, hand.text("api_key"), second.text("previous_api_key"))
	hand.works(t)
	second.works(t)
	refused(t, e.tryWrite(t, "rotate-role/"+gateway, nil), http.StatusBadRequest, "rotate again in")
	require.Eventually(t, func() bool { return !hand.exists() }, soon, often, "the imported key stays")
	second.works(t)

	e.write(t, "rotate-role/"+gateway, fields{"compromised": true})
	require.ErrorIs(t, second.use(t), exchanges.ErrAuth)
	last := e.present(t)
	last.works(t)
	require.NoError(t, e.tryDelete(t, "static-roles/"+gateway))
	require.ErrorIs(t, last.use(t), exchanges.ErrAuth)
	require.Empty(t, e.list(t, "keys"))
}

// The published policy lets a program read the key of one role, and nothing else.
func testStaticPolicy(t *testing.T, e *engine) {
	e.static(t, fields{"rotation_period": "1h"})
	program := e.limited(t, e.published(t, "static"))
	program.present(t).works(t)
	program.read(t, "static-roles/"+gateway)
	refused(t, program.tryWrite(t, "rotate-role/"+gateway, nil), http.StatusForbidden)
	refused(t, program.tryDelete(t, "static-roles/"+gateway), http.StatusForbidden)
	refused(t, program.tryRead(t, "static-creds/other"), http.StatusForbidden)
	refused(t, program.tryRead(t, "keys/"+program.present(t).text("key_id")), http.StatusForbidden)
}

// A rotation that falls due while the server is down is made as soon as it is back.
func testStaticRestart(t *testing.T, e *engine) {
	e.static(t, nil)
	first := e.present(t)
	server := e.vault.Servers[0]
	server.Kill(t)
	due := timestamp(t, first.text("next_vault_rotation"))
	require.Eventually(t, func() bool { return time.Now().After(due) }, soon, often)
	server.Start(t)
	require.Eventually(t, func() bool { return e.present(t).text("key_id") != first.text("key_id") }, soon, often, "the key is not replaced")
	e.present(t).works(t)
}

// Whichever server is lost at whichever moment of a rotation, the role names a key that
// is good, and nothing is left of what was under way.
func TestStaticFailover(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 3)
	e := enableDesk(t, vault)
	e.static(t, nil)
	for _, killed := range []bool{true, false} {
		version := e.present(t).Data["version"]
		// A key whose answer was lost is settled first, which takes some minutes.
		require.Eventually(t, func() bool { return e.present(t).Data["version"] != version }, 3*sweep, often, "the key is not replaced")
		began := e.simulator.Calls(bybit, exchanges.OpCreateKey)
		require.Eventually(t, func() bool { return e.simulator.Calls(bybit, exchanges.OpCreateKey) > began }, soon, time.Millisecond)
		lost := vault.Active(t)
		if killed {
			lost.Kill(t)
		} else {
			require.NoError(t, lost.Client(t).Sys().StepDownWithContext(t.Context()))
		}
		require.Eventually(t, func() bool { return vault.Active(t) != lost }, soon, often, "no other server becomes active")
		e.client = vault.Client(t)
		require.Eventually(t, func() bool { return e.tryRead(t, "static-creds/"+gateway) == nil }, soon, often)
		e.present(t).works(t)
		if killed {
			lost.Start(t)
		}
	}
	e.static(t, fields{"rotation_period": "24h"})
	require.Eventually(t, func() bool { return len(e.list(t, "keys")) == 1 && len(e.simulator.Keys()) == 1 }, 2*sweep, often, "a key is left")
	e.present(t).works(t)
}

package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// sharing has two connections of one root key, each with a role that reads in a
// sub-account of its own.
func sharing(t *testing.T) (d *desk, old string) {
	d = newDesk(t)
	access := d.sim.Exchange(rotating)
	for i, name := range []string{"a", "b"} {
		d.write("config/"+name, connectionFields(rotating, access))
		d.write("roles/"+name, map[string]any{"connection": name, "sub_accounts": access.SubAccounts[i], "scopes": "read"})
	}
	return d, access.APIKey
}

// rootOf is the connection's root key, which must work.
func (d *desk) rootOf(name string) string {
	d.Helper()
	require.Equal(d, true, d.read("config/" + name + "/check")["can_mint"], "the root key of %s does not work", name)
	return d.read("config/" + name)["api_key"].(string)
}

// leftoversOf are the root keys that the connection shows as left over.
func (d *desk) leftoversOf(name string) []string {
	return d.read("config/" + name)["leftover_root_keys"].([]string)
}

// A rotation replaces the root key in every connection that holds it: each of them
// goes on minting, and deletes what it minted before.
func TestRotationTakesAlongWhoSharesTheRootKey(t *testing.T) {
	d, old := sharing(t)
	leases := []*logical.Response{d.mint("a"), d.mint("b")}
	d.write("config/b", map[string]any{"rotation_period": "24h", "max_ttl": "2h"})
	d.clock.advance(23 * time.Hour)
	response := d.write("config/a/rotate-root", nil).Data
	require.Equal(t, true, response["old_deleted"])
	require.Equal(t, []string{old}, d.sim.Deletions(rotating))
	for i, name := range []string{"a", "b"} {
		require.Equal(t, response["api_key"], d.rootOf(name))
		require.Equal(t, timestamp(d.clock.Now()), d.read("config/" + name)["last_rotated_at"])
		require.NoError(t, d.revoke(leases[i]))
		require.NoError(t, d.revoke(d.mint(name)))
	}
	require.EqualValues(t, 7200, d.read("config/b")["max_ttl"], "its guard rails stay")

	// Its own period begins anew, and it takes the first one along in its turn.
	d.clock.advance(23 * time.Hour)
	d.tendRoots()
	require.Equal(t, response["api_key"], d.rootOf("b"))
	d.clock.advance(time.Hour)
	d.tendRoots()
	require.NotEqual(t, response["api_key"], d.rootOf("b"))
	require.Equal(t, d.rootOf("b"), d.rootOf("a"))
	require.Len(t, d.sim.Keys(), 1, "nobody tracks a root key")
	d.keptSecrets()
}

// Wherever the process is killed in a rotation, the next one ends with both connections
// on a root key that works, and with no other left.
func TestSharedRootKeySurvivesACrash(t *testing.T) {
	const most = 20
	writes := 0
	for n := 1; n <= most; n++ {
		finished := false
		t.Run(fmt.Sprintf("at write %d", n), func(t *testing.T) {
			d, old := sharing(t)
			leases := []*logical.Response{d.mint("a"), d.mint("b")}
			refusing := refusedFromPut(n)
			killed := false
			d.storage.failing(func(call, key string) error {
				if refusing(call, key) == nil && !killed {
					return nil
				}
				killed = true
				_ = d.sim.Inject(simulator.Fault{Exchange: rotating, Operation: exchanges.OpAny, Kind: simulator.Outage})
				return errors.New("the process is dead")
			})
			_, _ = d.do(logical.UpdateOperation, "config/a/rotate-root", nil)
			d.storage.failing(nil)
			d.sim.ClearFaults()
			finished = !killed
			d.start()
			for _, name := range []string{"a", "b"} {
				d.rootOf(name)
			}
			d.clock.advance(leftoverGrace)
			d.tendRoots()
			require.Equal(t, d.rootOf("a"), d.rootOf("b"))
			if d.rootOf("a") != old {
				require.Contains(t, d.sim.Deletions(rotating), old)
			}
			for i, name := range []string{"a", "b"} {
				require.Empty(t, d.leftoversOf(name))
				require.NoError(t, d.revoke(leases[i]), name)
				require.NoError(t, d.revoke(d.mint(name)), name)
			}
			for _, key := range d.sim.Keys() {
				require.Equal(t, d.rootOf("a"), key.APIKey, "nobody tracks a root key")
			}
		})
		if finished {
			break
		}
		writes = n
	}
	// The announcement, the new key, the other connection, and that the old key is gone.
	require.Equal(t, 4, writes)
}

// Whose credential was never proved to be the same gets no successor, nor does who
// sends what it signs elsewhere; but nobody loses the root key that it uses.
func TestRootKeyIsKeptForWhoCannotBeGivenItsSuccessor(t *testing.T) {
	for name, fields := range map[string]map[string]any{
		"another secret":  {"api_secret": "guessed", "verify": false},
		"another address": {"base_url": "http://localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			d, old := sharing(t)
			if base, given := fields["base_url"]; given {
				_, port, _ := strings.Cut(strings.TrimPrefix(d.sim.Exchange(rotating).BaseURL, "http://"), ":")
				fields = map[string]any{"base_url": fmt.Sprint(base, ":", port)}
			}
			d.write("config/b", fields)
			response := d.write("config/a/rotate-root", nil).Data
			require.Equal(t, false, response["old_deleted"])
			require.Equal(t, response["api_key"], d.rootOf("a"))
			require.Equal(t, old, d.read("config/b")["api_key"])
			require.Empty(t, d.sim.Deletions(rotating))
			require.Equal(t, []string{old}, d.leftoversOf("a"))
			for _, words := range []string{old, "config/b/rotate-root"} {
				require.Contains(t, fmt.Sprint(d.read("config/a/check")["warnings"]), words)
			}
			d.tendRoots()
			require.Empty(t, d.sim.Deletions(rotating))

			// Once it has another one, or is gone, the old one goes too.
			if name == "another address" {
				require.NoError(t, d.revoke(d.mint("b")))
				d.write("config/b/rotate-root", nil)
				require.NotEqual(t, d.rootOf("a"), d.rootOf("b"))
			} else {
				require.Nil(t, d.must(logical.DeleteOperation, "config/b", nil))
			}
			d.tendRoots()
			require.Contains(t, d.sim.Deletions(rotating), old)
			require.Empty(t, d.leftoversOf("a"))
			d.write("config/a/rotate-root", nil)
		})
	}
}

// A root key that the engine made and that several connections hold is a leftover only
// of the last of them.
func TestSharedRootKeyOutlivesItsFirstConnection(t *testing.T) {
	for name, leave := range map[string]func(d *desk){
		"another credential": func(d *desk) { d.write("config/a", d.otherRoot()) },
		"another account": func(d *desk) {
			access, ok := d.sim.Root(rotating, "other")
			require.True(d, ok)
			resp := d.write("config/a", merge(replacement(access), map[string]any{"force": true}))
			require.NotContains(d, fmt.Sprint(resp.Warnings), "Delete them", "there is nothing to delete by hand")
		},
		"deleted": func(d *desk) {
			require.Nil(d, d.must(logical.DeleteOperation, "config/a", nil), "there is nothing to delete by hand")
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := sharing(t)
			made := d.write("config/a/rotate-root", nil).Data["api_key"].(string)
			leave(d)
			d.tendRoots()
			require.NotContains(t, d.sim.Deletions(rotating), made)
			require.Equal(t, made, d.rootOf("b"))
			if name != "deleted" {
				require.Empty(t, d.leftoversOf("a"), "nothing keeps it from a rotation")
			}
			d.write("config/b", d.otherRoot())
			require.Equal(t, []string{made}, d.leftoversOf("b"))
			d.tendRoots()
			require.Contains(t, d.sim.Deletions(rotating), made)
		})
	}
}

// Nobody is told to delete by hand what another connection uses.
func TestRootKeyInUseIsNotGivenUp(t *testing.T) {
	d, old := sharing(t)
	d.write("config/b", map[string]any{"api_secret": "guessed", "verify": false})
	made := d.write("config/a/rotate-root", nil).Data["api_key"].(string)
	require.Equal(t, []string{old}, d.leftoversOf("a"))
	access, ok := d.sim.Root(rotating, "other")
	require.True(t, ok)
	warnings := fmt.Sprint(d.write("config/a", merge(replacement(access), map[string]any{"force": true})).Warnings)
	require.Contains(t, warnings, made)
	require.NotContains(t, warnings, old)
}

// What another connection is deleting is not taken into use.
func TestRootKeyThatAnotherConnectionDeletesIsRefused(t *testing.T) {
	d, old := sharing(t)
	d.must(logical.DeleteOperation, "config/b", nil)
	d.inject(rotating, exchanges.OpDeleteKey, simulator.Error5xx, 0)
	d.write("config/a/rotate-root", nil)
	require.Equal(t, []string{old}, d.leftoversOf("a"))
	d.refused(logical.UpdateOperation, "config/b", connectionFields(rotating, d.sim.Exchange(rotating)), "api_key", old, `connection "a"`)
}

// A connection that cannot be read may use any root key.
func TestRootKeyIsKeptWhileAConnectionCannotBeRead(t *testing.T) {
	d, old := sharing(t)
	b, err := d.storage.Get(t.Context(), connectionPrefix+"b")
	require.NoError(t, err)
	whole := slices.Clone(b.Value)
	b.Value = []byte(`{"schema":999}`)
	require.NoError(t, d.storage.Put(t.Context(), b))
	require.Equal(t, false, d.write("config/a/rotate-root", nil).Data["old_deleted"])
	require.Contains(t, d.log.String(), "config/b, which cannot be read")
	d.write("config/c", merge(connectionFields(rotating, d.sim.Exchange(rotating)), d.otherRoot()))

	b.Value = whole
	require.NoError(t, d.storage.Put(t.Context(), b))
	d.start()
	d.tendRoots()
	require.Equal(t, d.rootOf("a"), d.rootOf("b"))
	require.Equal(t, []string{old}, d.sim.Deletions(rotating))
}

// Connections that share a root key and are due together replace it once.
func TestSharedRootKeyIsReplacedOnce(t *testing.T) {
	d, _ := sharing(t)
	for _, name := range []string{"a", "b"} {
		d.write("config/"+name, map[string]any{"rotation_period": "24h"})
	}
	d.clock.advance(24 * time.Hour)
	d.tendRoots()
	_, _, err := d.engine.rotateRoot(t.Context(), d.storage, "b", "late", true)
	require.NoError(t, err)
	d.clock.advance(time.Minute)
	d.tendRoots()
	require.Equal(t, d.rootOf("a"), d.rootOf("b"))
	require.Len(t, d.sim.Keys(), 1)
	require.Len(t, d.sim.Deletions(rotating), 1)
}

// Two root keys of one account that are made in the same second bear labels of their
// own: by its label one is found, and deleted, whose answer was lost.
func TestRootKeysMadeTogetherHaveTheirOwnLabels(t *testing.T) {
	d, _ := sharing(t)
	d.write("config/b", d.otherRoot())
	for _, name := range []string{"a", "b"} {
		d.write("config/"+name, map[string]any{"rotation_period": "24h"})
	}
	d.clock.advance(24 * time.Hour)
	d.tendRoots()
	made := d.sim.Keys()
	require.Len(t, made, 2)
	require.NotEqual(t, made[0].Label, made[1].Label)
}

// A connection that takes a root key into use while another replaces it is refused, or
// goes on with the new one.
func TestRootKeyIsNotTakenIntoUseAsItGoes(t *testing.T) {
	for _, rotationFirst := range []bool{true, false} {
		t.Run(fmt.Sprintf("rotation first: %t", rotationFirst), func(t *testing.T) {
			t.Parallel()
			n, met := 0, true
			for met {
				n++
				p := &pauser{paused: make(chan struct{}), resume: make(chan struct{})}
				d := newWritersDesk(t, p)
				rotation := writer{path: "config/" + rotating + "/rotate-root", data: func(*desk) map[string]any { return nil }}.prepare(d)
				taking := writer{path: "config/b", data: func(d *desk) map[string]any {
					return connectionFields(rotating, d.sim.Exchange(rotating))
				}}.prepare(d)
				var failed, otherFailed error
				if rotationFirst {
					met, failed, otherFailed = p.meet(n, rotation, taking)
				} else {
					met, otherFailed, failed = p.meet(n, taking, rotation)
				}
				if !met {
					break
				}
				require.NoError(t, failed, "the rotation, at call %d", n)
				d.tendRoots()
				require.Empty(t, d.leftovers())
				if otherFailed == nil {
					require.Equal(t, d.rootOf(rotating), d.rootOf("b"), "at call %d", n)
				}
			}
			require.Greater(t, n, 3, "the pause does not reach the calls")
		})
	}
}

// stalled is storage in which the first write or deletion of one key waits.
type stalled struct {
	logical.Storage
	key           string
	arrived, goOn chan struct{}
}

func (s stalled) wait(key string) {
	if key != s.key {
		return
	}
	select {
	case s.arrived <- struct{}{}:
		<-s.goOn
	case <-s.goOn:
	}
}

func (s stalled) Put(ctx context.Context, entry *logical.StorageEntry) error {
	s.wait(entry.Key)
	return s.Storage.Put(ctx, entry)
}

func (s stalled) Delete(ctx context.Context, key string) error {
	s.wait(key)
	return s.Storage.Delete(ctx, key)
}

// duringWriteOf does one thing while another is about to write or delete a connection. Both
// must succeed.
func (d *desk) duringWriteOf(name string, stalling, meanwhile *logical.Request) {
	d.Helper()
	storage := stalled{d.storage.Storage, connectionPrefix + name, make(chan struct{}), make(chan struct{})}
	d.storage.Storage = storage
	start := func(req *logical.Request) chan error {
		ended := make(chan error, 1)
		go func() {
			resp, err := d.engine.HandleRequest(context.Background(), req)
			if err == nil && resp.IsError() {
				err = resp.Error()
			}
			ended <- err
		}()
		return ended
	}
	stalls := start(stalling)
	<-storage.arrived
	other := start(meanwhile)
	select {
	case err := <-other:
		other <- err // It did not wait; the end shows what came of that.
	case <-time.After(patience):
	}
	close(storage.goOn)
	require.NoError(d, <-stalls)
	require.NoError(d, <-other)
}

// A connection that is about to be stored with a root key counts among those that use
// it.
func TestRootKeyDoesNotGoWhileItComesIntoUse(t *testing.T) {
	d, _ := sharing(t)
	d.must(logical.DeleteOperation, "config/b", map[string]any{"force": true})
	d.duringWriteOf("b",
		d.request(logical.UpdateOperation, "config/b", connectionFields(rotating, d.sim.Exchange(rotating))),
		d.request(logical.UpdateOperation, "config/a/rotate-root", nil))
	d.tendRoots()
	require.Equal(t, d.rootOf("a"), d.rootOf("b"))
}

// One that is about to be deleted does not count among those that see to the deletion
// of a root key.
func TestSharedRootKeyIsNotForgottenByBoth(t *testing.T) {
	d, _ := sharing(t)
	made := d.write("config/a/rotate-root", nil).Data["api_key"].(string)
	d.duringWriteOf("a",
		d.request(logical.DeleteOperation, "config/a", nil),
		d.request(logical.UpdateOperation, "config/b", d.otherRoot()))
	d.tendRoots()
	require.Contains(t, d.sim.Deletions(rotating), made)
}

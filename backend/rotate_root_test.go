package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// rotating is an exchange whose API can replace a root key.
const rotating = "deribit"

func TestRotateRootReplacesTheKeyAndDeletesTheOld(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	d.write("roles/r", map[string]any{
		"connection": rotating, "sub_accounts": d.sim.Exchange(rotating).SubAccounts[0], "scopes": "read",
	})
	lease := d.mint("r")
	before := d.read("config/" + rotating)["api_key"]

	response := d.write("config/"+rotating+"/rotate-root", nil).Data
	require.Equal(t, true, response["old_deleted"])
	require.NotEqual(t, before, response["api_key"])
	require.Equal(t, response["api_key"], d.read("config/" + rotating)["api_key"])
	require.NoError(t, d.revoke(lease), "a key of the old root is deleted with the new one")
	d.mint("r")
}

func TestRotateRootKeepsTheOldKeyIfTheNewOneCannotBeStored(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	before := d.read("config/" + rotating)["api_key"]
	d.storage.failing(refusedFromPut(2))
	_, err := d.do(logical.UpdateOperation, "config/"+rotating+"/rotate-root", nil)
	require.ErrorContains(t, err, "storage is full")
	d.storage.failing(nil)
	require.Equal(t, before, d.read("config/" + rotating)["api_key"])
	require.Equal(t, true, d.read("config/" + rotating + "/check")["can_mint"])
	require.Len(t, d.sim.Deletions(rotating), 1, "the new root key is deleted")
	require.Len(t, d.read("config/" + rotating)["leftover_root_keys"], 1, "that it is gone could not be stored")
	d.clock.advance(leftoverGrace)
	d.tick()
	d.eventually("it is looked for", func() bool { return len(d.leftovers()) == 0 })
}

// refusedFromPut makes storage refuse the n-th write and all that follow.
func refusedFromPut(n int) func(call, key string) error {
	return func(call, _ string) error {
		if call != "put" {
			return nil
		}
		if n--; n <= 0 {
			return errors.New("storage is full")
		}
		return nil
	}
}

// leftovers are the root keys that are shown as left over.
func (d *desk) leftovers() []string {
	return d.read("config/" + rotating)["leftover_root_keys"].([]string)
}

// otherRoot are the fields of another root key of the account, of the same rights.
func (d *desk) otherRoot() map[string]any {
	access, ok := d.sim.Root(rotating, "second")
	require.True(d, ok)
	return replacement(access)
}

// tendRoots lets the rotator work and waits for it.
func (d *desk) tendRoots() {
	d.tick()
	d.engine.rotator.work.Wait()
}

func TestRotateRootMakesNothingBeforeItIsStored(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	d.storage.failing(refusedFromPut(1))
	_, err := d.do(logical.UpdateOperation, "config/"+rotating+"/rotate-root", nil)
	require.ErrorContains(t, err, "storage is full")
	require.Zero(t, d.sim.Calls(rotating, exchanges.OpCreateKey))
}

// A root key whose answer was lost is found by the label that was stored before.
func TestRootKeyWhoseAnswerWasLostIsDeleted(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	before := d.read("config/" + rotating)["api_key"]
	d.inject(rotating, exchanges.OpCreateKey, simulator.DropAfterCommit, 1)
	_, err := d.do(logical.UpdateOperation, "config/"+rotating+"/rotate-root", nil)
	require.ErrorContains(t, err, "outcome unknown")
	require.ErrorContains(t, err, "check shows whether it has")
	lost := d.sim.Keys()
	require.Len(t, lost, 1)
	require.Equal(t, []string{"label " + lost[0].Label}, d.leftovers())
	require.Contains(t, d.metrics(), fmt.Sprintf("exchange_root_keys_left_over{connection=%q} 1\n", rotating))
	checked := d.read("config/" + rotating + "/check")
	require.Equal(t, d.leftovers(), checked["leftover_root_keys"])
	require.Contains(t, fmt.Sprint(checked["warnings"]), "may have been made")
	d.refused(logical.UpdateOperation, "config/"+rotating+"/rotate-root", nil, "not deleted yet", lost[0].Label)

	d.start() // What is known of it outlives the process.
	d.tendRoots()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.leftovers())
	require.Contains(t, d.metrics(), fmt.Sprintf("exchange_root_keys_left_over{connection=%q} 0\n", rotating))
	require.Equal(t, before, d.read("config/" + rotating)["api_key"])
	d.write("config/"+rotating+"/rotate-root", nil)
}

// One that was never made is looked for until no call can be under way any more.
func TestRootKeyThatWasNeverMadeIsGivenUp(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	d.inject(rotating, exchanges.OpCreateKey, simulator.DropBeforeCommit, 1)
	_, err := d.do(logical.UpdateOperation, "config/"+rotating+"/rotate-root", nil)
	require.ErrorContains(t, err, "outcome unknown")
	d.clock.advance(leftoverGrace - time.Second)
	d.tendRoots()
	require.Len(t, d.leftovers(), 1)
	require.NotContains(t, d.log.String(), "[WARN]  a root key could not be replaced")
	d.clock.advance(time.Second)
	d.tendRoots()
	require.Empty(t, d.leftovers())
}

// One that surely was not made leaves nothing to look for.
func TestRootKeyThatIsRefusedLeavesNothing(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	d.inject(rotating, exchanges.OpCreateKey, simulator.RateLimit, 0)
	_, err := d.do(logical.UpdateOperation, "config/"+rotating+"/rotate-root", nil)
	require.ErrorContains(t, err, "rate limited")
	require.Empty(t, d.leftovers())
}

// A process that is killed while it rotates leaves the old key in use, and a new one
// that the next process deletes.
func TestRotationThatIsKilledLeavesNothing(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	before := d.read("config/" + rotating)["api_key"]
	d.storage.failing(func(call, _ string) error {
		if call == "put" && d.sim.Calls(rotating, exchanges.OpCreateKey) > 0 {
			_ = d.sim.Inject(simulator.Fault{Exchange: rotating, Operation: exchanges.OpAny, Kind: simulator.Outage})
			return errors.New("the process is dead")
		}
		return nil
	})
	_, err := d.do(logical.UpdateOperation, "config/"+rotating+"/rotate-root", nil)
	require.ErrorContains(t, err, "could not be deleted")
	d.storage.failing(nil)
	d.sim.ClearFaults()
	require.Len(t, d.sim.Keys(), 1)
	d.start()
	d.tendRoots()
	require.Empty(t, d.sim.Keys())
	require.Equal(t, before, d.read("config/" + rotating)["api_key"])
	require.Equal(t, true, d.read("config/" + rotating + "/check")["can_mint"])
}

// tornStorage takes the n-th write and reports it as failed.
type tornStorage struct {
	logical.Storage
	n int
}

func (s *tornStorage) Put(ctx context.Context, entry *logical.StorageEntry) error {
	err := s.Storage.Put(ctx, entry)
	if s.n--; s.n == 0 {
		return errors.New("the answer was lost")
	}
	return err
}

// A write that took effect although it was reported as failed has put the new root key
// in use: it must not be deleted.
func TestRootKeyThatWasStoredAllTheSameStays(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	before := d.read("config/" + rotating)["api_key"].(string)
	d.storage.Storage = &tornStorage{Storage: d.storage.Storage, n: 2}
	_, err := d.do(logical.UpdateOperation, "config/"+rotating+"/rotate-root", nil)
	require.ErrorContains(t, err, "in use all the same")
	require.Equal(t, []string{before}, d.leftovers())
	require.Equal(t, true, d.read("config/" + rotating + "/check")["can_mint"])
	d.tendRoots()
	require.Empty(t, d.leftovers())
	require.Equal(t, []string{before}, d.sim.Deletions(rotating))
}

// A new credential goes on with what the former one had to delete, and with the root
// key that the engine made: nobody else has it.
func TestNewCredentialKeepsTheLeftovers(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	old := d.read("config/" + rotating)["api_key"].(string)
	d.inject(rotating, exchanges.OpDeleteKey, simulator.Error5xx, 0)
	made := d.write("config/"+rotating+"/rotate-root", nil).Data["api_key"].(string)
	require.Equal(t, []string{old}, d.leftovers())
	d.refused(logical.UpdateOperation, "config/"+rotating, replacement(d.sim.Exchange(rotating)), "api_key", old, "deleting it")

	d.write("config/"+rotating, d.otherRoot())
	require.Equal(t, []string{old, made}, d.leftovers())
	checked := d.read("config/" + rotating + "/check")
	require.Contains(t, fmt.Sprint(checked["warnings"]), "root key "+made+" was replaced")
	d.refused(logical.DeleteOperation, "config/"+rotating, nil, old, "force=true")
	d.sim.ClearFaults()
	d.tendRoots()
	require.Empty(t, d.leftovers())
	require.ElementsMatch(t, []string{old, made}, d.sim.Deletions(rotating))

	// One that a person made is a person's to delete.
	third, _ := d.sim.Root(rotating, "unbound")
	d.write("config/"+rotating, replacement(third))
	require.Empty(t, d.leftovers())
	d.must(logical.DeleteOperation, "config/"+rotating, nil)
}

// Of a credential that was not verified it is not known whether it is of the account.
func TestLeftoversWaitForACredentialOfTheirAccount(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	old := d.read("config/" + rotating)["api_key"].(string)
	d.inject(rotating, exchanges.OpDeleteKey, simulator.Error5xx, 0)
	d.write("config/"+rotating+"/rotate-root", nil)
	d.write("config/"+rotating, merge(d.otherRoot(), map[string]any{"verify": false}))
	d.sim.ClearFaults()
	d.tendRoots()
	require.Len(t, d.leftovers(), 2)
	require.Contains(t, fmt.Sprint(d.read("config/" + rotating + "/check")["warnings"]), "not known to belong to that account")
	d.write("config/"+rotating, map[string]any{"verify": true})
	d.tendRoots()
	require.Empty(t, d.leftovers())
	require.Contains(t, d.sim.Deletions(rotating), old)
}

// Whoever takes a connection to another account is told what stays at the former one.
func TestLeftoversAreGivenUpOnlyByForce(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	old := d.read("config/" + rotating)["api_key"].(string)
	d.inject(rotating, exchanges.OpDeleteKey, simulator.Error5xx, 0)
	made := d.write("config/"+rotating+"/rotate-root", nil).Data["api_key"].(string)
	guarded, ok := d.sim.Root(rotating, "totp")
	require.True(t, ok)
	elsewhere := merge(replacement(guarded), map[string]any{"totp_secret": guarded.TOTPSecret})
	d.refused(logical.UpdateOperation, "config/"+rotating, elsewhere, old, "force=true")
	require.Equal(t, []string{old}, d.leftovers())
	resp := d.write("config/"+rotating, merge(elsewhere, map[string]any{"force": true}))
	require.Contains(t, fmt.Sprint(resp.Warnings), old+", "+made)
	require.Empty(t, d.leftovers())
	resp = d.must(logical.DeleteOperation, "config/"+rotating, nil)
	require.Nil(t, resp)
}

func TestDeletedConnectionSaysWhichRootKeysItLeaves(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	made := d.write("config/"+rotating+"/rotate-root", nil).Data["api_key"].(string)
	resp := d.must(logical.DeleteOperation, "config/"+rotating, nil)
	require.Contains(t, fmt.Sprint(resp.Warnings), made)
}

// What was stored by a version that knew at most one is read on.
func TestLeftoverOfAnEarlierVersion(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	d.inject(rotating, exchanges.OpDeleteKey, simulator.Error5xx, 0)
	old := d.read("config/" + rotating)["api_key"].(string)
	d.write("config/"+rotating+"/rotate-root", nil)
	entry, err := d.storage.Get(t.Context(), connectionPrefix+rotating)
	require.NoError(t, err)
	var stored map[string]any
	require.NoError(t, json.Unmarshal(entry.Value, &stored))
	stored["entry"].(map[string]any)["superseded"] = old
	entry.Value, err = json.Marshal(stored)
	require.NoError(t, err)
	require.NoError(t, d.storage.Put(t.Context(), entry))
	d.start()
	d.sim.ClearFaults()
	require.Equal(t, []string{old}, d.leftovers())
	d.tendRoots()
	require.Empty(t, d.leftovers())
	require.Equal(t, []string{old}, d.sim.Deletions(rotating))
}

func TestSupersededRootKeyIsDeletedLater(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, nil)
	d.inject(rotating, exchanges.OpDeleteKey, simulator.Error5xx, 0)
	response := d.write("config/"+rotating+"/rotate-root", nil).Data
	require.Equal(t, false, response["old_deleted"])
	d.refused(logical.UpdateOperation, "config/"+rotating+"/rotate-root", nil, "not deleted yet")
	d.sim.ClearFaults()
	d.sweep()
	d.eventually("the old root key is deleted", func() bool { return len(d.sim.Deletions(rotating)) == 1 })
}

func TestRotationPeriod(t *testing.T) {
	d := newDesk(t)
	d.connect(rotating, map[string]any{"rotation_period": "24h"})
	before := d.read("config/" + rotating)["api_key"]
	d.clock.advance(23 * time.Hour)
	d.sweep()
	d.engine.rotator.stop()
	require.Equal(t, before, d.read("config/" + rotating)["api_key"])
	d.start()
	d.clock.advance(time.Hour)
	d.sweep()
	d.eventually("the root key is replaced", func() bool { return d.read("config/" + rotating)["api_key"] != before })
	d.refused(logical.UpdateOperation, "config/"+rotating, map[string]any{"rotation_period": "1m"}, "rotation_period", "at least")
}

func TestRotateRootWhereTheExchangeCannot(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	d.refused(logical.UpdateOperation, "config/bybit/rotate-root", nil, "Bybit", "website")
	d.refused(logical.UpdateOperation, "config/none/rotate-root", nil, "none")
	d.refused(logical.UpdateOperation, "config/bybit", map[string]any{"rotation_period": "24h"}, "rotation_period", "by hand")
}

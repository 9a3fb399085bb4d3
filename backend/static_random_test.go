package backend

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// TestStaticRoleAtRandom does with a static role whatever comes, in an order that nobody
// has thought of, and asks after each step what must always be true. A failure names
// its seed. With ROTATE=full there are more of them.
func TestStaticRoleAtRandom(t *testing.T) {
	t.Parallel()
	seeds := uint64(30)
	if fullRotations() {
		seeds = 200
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &staticWalk{desk: newBubbleDesk(t, "bybit"), random: rand.New(rand.NewPCG(seed, 1))}
				w.hand = w.handMadeAtBybit("trade:spot")
				w.connect("bybit", nil)
				for range 40 {
					w.step()
					w.holds()
				}
				w.comesToRest()
				w.keptSecrets()
			})
		})
	}
}

// staticWalk is a desk with a static role on which a random walk is played.
type staticWalk struct {
	*desk
	random *rand.Rand
	// hand is a key that a person made, which only an import may end.
	hand     map[string]any
	imported bool
	// What is in the way of the role.
	outage, frozen bool
}

func (w *staticWalk) step() {
	w.Helper()
	switch w.random.IntN(14) {
	case 0, 1:
		fields := w.gatewayFields()
		if !w.imported && w.random.IntN(2) == 0 {
			// Its answer may be lost: the key counts as taken over from now on.
			resp, err := w.do(logical.UpdateOperation, "static-roles/gateway", merge(fields, w.hand))
			w.imported = err != nil || !resp.IsError()
			return
		}
		_, _ = w.do(logical.UpdateOperation, "static-roles/gateway", fields)
	case 2:
		_, _ = w.do(logical.UpdateOperation, "rotate-role/gateway", nil)
	case 3:
		_, _ = w.do(logical.UpdateOperation, "rotate-role/gateway", map[string]any{"overlap": w.random.IntN(120)})
	case 4:
		if w.random.IntN(3) == 0 {
			_, _ = w.do(logical.UpdateOperation, "rotate-role/gateway", map[string]any{"compromised": true})
		}
	case 5:
		if w.random.IntN(3) == 0 {
			_, _ = w.do(logical.DeleteOperation, "static-roles/gateway", nil)
		}
	case 6:
		w.frozen = !w.frozen
		w.write("config/bybit", map[string]any{"frozen": map[bool]string{true: "minting", false: "no"}[w.frozen]})
	case 7:
		if w.outage = !w.outage; w.outage {
			w.inject("bybit", exchanges.OpAny, simulator.Outage, 0)
		} else {
			w.sim.ClearFaults()
		}
	case 8:
		w.inject("bybit", exchanges.OpCreateKey, simulator.DropAfterCommit, 1)
	case 9:
		// Killed at a write, some time from now.
		writes := w.random.IntN(8)
		w.storage.failing(func(call, _ string) error {
			if call == "put" || call == "delete" {
				if writes--; writes < 0 {
					return errors.New("storage is out of order")
				}
			}
			return nil
		})
		time.Sleep(time.Duration(w.random.IntN(int(70 * time.Minute))))
		w.storage.failing(nil)
		w.start()
	case 10:
		if id, _ := w.role()["key_id"].(string); id != "" && w.random.IntN(3) == 0 {
			_, _ = w.do(logical.DeleteOperation, "keys/"+id, nil)
		}
	case 11:
		_, _ = w.do(logical.PatchOperation, "static-roles/gateway", map[string]any{"rotation_period": 1800 + w.random.IntN(3600)})
	default:
		time.Sleep(time.Duration(w.random.IntN(int(2 * time.Hour))))
		w.tick()
	}
}

// role reads the role; nil if there is none.
func (w *staticWalk) role() map[string]any {
	resp := w.must(logical.ReadOperation, "static-roles/gateway", nil)
	if resp == nil {
		return nil
	}
	return resp.Data
}

// holds asserts what is true after every step: a key that is handed out is at the
// exchange, and a key that a person made is ended only if it was brought in.
func (w *staticWalk) holds() {
	w.Helper()
	if !w.imported {
		require.Contains(w, w.keysAt(), w.hand["api_key"], "a key was ended that nobody had brought in")
	}
	resp, err := w.do(logical.ReadOperation, "static-creds/gateway", nil)
	if err == nil && !resp.IsError() {
		require.Contains(w, w.keysAt(), resp.Data["api_key"], "static-creds names a key that is gone")
		require.Equal(w, ledger.Live, w.entry(resp.Data["key_id"].(string)).State)
	}
}

// comesToRest asserts what is true once nothing is in the way any more: the role has one
// key, or none if it is gone, and nothing else is left of it.
func (w *staticWalk) comesToRest() {
	w.Helper()
	w.sim.ClearFaults()
	w.write("config/bybit", map[string]any{"frozen": "no"})
	if w.role() != nil {
		_, err := w.do(logical.PatchOperation, "static-roles/gateway", map[string]any{"disabled": false, "rotation_period": "1000h"})
		require.NoError(w, err)
	}
	for range 30 {
		w.pass()
	}
	var want []string
	if !w.imported {
		want = append(want, w.hand["api_key"].(string))
	}
	ids := []string{}
	if w.role() != nil {
		key := w.static()
		want = append(want, key["api_key"].(string))
		ids = append(ids, key["key_id"].(string))
	}
	if w.imported && len(w.keysAt()) > len(want) {
		// One whose import was killed half-way stays with whoever made it.
		want = append(want, w.hand["api_key"].(string))
	}
	require.ElementsMatch(w, want, w.keysAt())
	require.ElementsMatch(w, ids, w.custodyIDs())
	require.ElementsMatch(w, ids, w.ledgerIDs())
}

func (w *staticWalk) pass() {
	time.Sleep(time.Minute)
	w.sweep()
}

package backend

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// A mint may wait a minute for the rate limit. Vault's lease begins after it, and
// the sweeper must not end the key before that lease.
func TestLeaseBeginsWhenTheKeyIsThere(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.midway(func() { d.clock.advance(maxMaxWait) })
	lease := d.mint("trader")

	end := d.clock.Now().Add(lease.Secret.TTL)
	require.Equal(t, timestamp(end), lease.Data["expires_at"])
	d.clock.advance(lease.Secret.TTL)
	d.sweep()
	require.Len(t, d.sim.Keys(), 1, "Vault has the first try")
	d.clock.advance(ledger.LeaseGrace)
	d.sweep()
	require.Empty(t, d.sim.Keys())
}

// A kill switch stops the mints that are under way as well.
func TestMintUnderWayIsStopped(t *testing.T) {
	for name, stop := range map[string]func(d *desk){
		"connection stopped": func(d *desk) { d.write("config/bybit/revoke-all", nil) },
		"connection frozen":  func(d *desk) { d.write("config/bybit", map[string]any{"frozen": "minting"}) },
		"role stopped":       func(d *desk) { d.write("roles/trader/revoke-all", nil) },
		"role stopped for a moment": func(d *desk) {
			d.write("roles/trader/revoke-all", nil)
			d.must(logical.DeleteOperation, "roles/trader/revoke-all", nil)
		},
		"role deleted": func(d *desk) { d.must(logical.DeleteOperation, "roles/trader", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.trader()
			d.midway(func() { stop(d) })
			d.refused(logical.ReadOperation, "creds/trader", nil, "while the key was made", "deleted")
			require.Len(t, d.sim.Deletions("bybit"), 1, "the key was made and deleted again")
			require.Empty(t, d.sim.Keys())
			require.Empty(t, d.ledgerIDs())
		})
	}
}

// midway does something in the middle of the next mint, after the role and the
// connection were looked at.
func (d *desk) midway(do func()) { d.atWrite(1, do) }

// atWrite does something during the n-th write from now on, counted from 1.
func (d *desk) atWrite(n int, do func()) {
	d.storage.failing(func(call, _ string) error {
		if call == "put" {
			if n--; n == 0 {
				d.storage.failing(nil)
				do()
			}
		}
		return nil
	})
}

func TestMintAnswersWithAKeyThatTheLedgerKnows(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")

	live := d.sim.Keys()
	require.Len(t, live, 1)
	require.Equal(t, live[0].APIKey, lease.Data["api_key"])
	require.Equal(t, []string{"127.0.0.1"}, live[0].IPs)
	require.Equal(t, []string{"read", "trade:spot"}, lease.Data["scopes"])
	require.Equal(t, "moderate", lease.Data["risk"])
	require.NotEmpty(t, lease.Data["api_secret"])
	require.Equal(t, 10*time.Minute, lease.Secret.TTL)
	require.Equal(t, time.Hour, lease.Secret.MaxTTL)
	for name, value := range lease.Secret.InternalData {
		require.IsType(t, "", value, "internal data %q must survive JSON", name)
	}

	entry := d.entry(lease.Data["key_id"].(string))
	require.Equal(t, ledger.Live, entry.State)
	require.Equal(t, live[0].Label, entry.Label)
	require.True(t, strings.HasPrefix(entry.Label, d.engine.tag+entry.Stem()))
	require.Equal(t, ledger.Requester{EntityID: "entity-1", DisplayName: "userpass-ada", Address: "127.0.0.1"}, entry.Requester)

	raw, err := d.storage.Get(t.Context(), ledger.Prefix+entry.ID)
	require.NoError(t, err)
	require.NotContains(t, string(raw.Value), lease.Data["api_secret"])
}

func TestLostCreateAnswerIsSettledByLabel(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.inject("bybit", exchanges.OpCreateKey, simulator.DropAfterCommit, 1)

	_, err := d.do(logical.ReadOperation, "creds/trader", nil)
	require.ErrorContains(t, err, "outcome unknown")
	require.Len(t, d.sim.Keys(), 1, "the exchange made the key")
	require.Equal(t, 1, d.sim.Calls("bybit", exchanges.OpCreateKey), "a create call is never blindly repeated")
	ids := d.ledgerIDs()
	require.Len(t, ids, 1)
	require.Equal(t, ledger.Pending, d.entry(ids[0]).State)

	d.sweep()
	require.Len(t, d.ledgerIDs(), 1, "a create call may still be on its way")
	d.clock.advance(ledger.PendingGrace)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

func TestRefusedCreateLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.trader()
		d.inject("bybit", exchanges.OpCreateKey, simulator.RateLimit, 0)
		d.must(logical.PatchOperation, "roles/trader", map[string]any{"max_wait": "1s"})

		_, err := d.do(logical.ReadOperation, "creds/trader", nil)
		var coded logical.HTTPCodedError
		require.ErrorAs(t, err, &coded)
		require.Equal(t, http.StatusTooManyRequests, coded.Code())
		require.Empty(t, d.ledgerIDs())
		require.Empty(t, d.sim.Keys())
	})
}

func TestCallerWhoHangsUpLeavesNoKey(t *testing.T) {
	d := newDesk(t)
	d.trader()
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	writes := 0
	d.storage.failing(func(call, _ string) error {
		if call == "put" {
			if writes++; writes == 2 {
				hangUp()
			}
		}
		return nil
	})
	_, err := d.engine.HandleRequest(ctx, d.request(logical.ReadOperation, "creds/trader", nil))
	require.ErrorContains(t, err, "the caller has gone")
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
	require.Len(t, d.sim.Deletions("bybit"), 1, "the key was made and deleted again")
}

// A refusal says that the key was deleted only where that is proved.
func TestRefusalSaysWhatBecameOfTheKey(t *testing.T) {
	at := func(answered answering, listed listing) func(*testing.T) *desk {
		return func(t *testing.T) *desk { return newScriptedDesk(t, &script{answer: answered, list: listed}, "2s") }
	}
	shown := at(answeredAddresses("127.0.0.1"), nil)
	for name, refusal := range map[string]struct {
		desk func(*testing.T) *desk
		// write is during which of the mint's writes something happens.
		write     int
		meanwhile func(d *desk, hangUp func())
		says      string
	}{
		"surplus rights": {
			at(func(key *exchanges.Key) { key.Permissions = append(key.Permissions, "Earn.Earn") }, nil), 0, nil,
			"the exchange granted more than was asked for: Earn.Earn",
		},
		"rights that are not shown": {
			at(answeredPermissions(), listedFrom(time.Hour)), 0, nil,
			"its answer leaves them out, and its list does not have the key",
		},
		"wrong addresses": {
			at(answeredAddresses("198.51.100.1"), listedFrom(time.Hour)), 0, nil,
			"its answer shows [198.51.100.1], and its list does not have the key",
		},
		"role deleted": {
			shown, 1, func(d *desk, _ func()) { d.must(logical.DeleteOperation, "roles/trader", nil) },
			`role "trader" was stopped while the key was made`,
		},
		"connection frozen": {
			shown, 1, func(d *desk, _ func()) { d.write("config/bybit", map[string]any{"frozen": "minting"}) },
			`connection "bybit" was stopped while the key was made`,
		},
		"kill switch": {
			shown, 1, func(d *desk, _ func()) { d.write("roles/trader/revoke-all", nil) },
			`while the key was made, role "trader" was stopped by its kill switch`,
		},
		"the caller has gone": {
			shown, 2, func(_ *desk, hangUp func()) { hangUp() },
			"the caller has gone: context canceled",
		},
		"the ttl is used up": {
			func(t *testing.T) *desk {
				d := newBubbleDesk(t, "bitfinex")
				d.connect("bitfinex", map[string]any{"require_ip_allowlist": false})
				d.write("roles/trader", map[string]any{"connection": "bitfinex", "sub_accounts": "self", "scopes": "trade", "ttl": "30s"})
				return d
			}, 2, func(d *desk, _ func()) { d.clock.advance(45 * time.Second) },
			"the key took longer to make than its ttl of 30s; ask for a longer one",
		},
	} {
		for _, fault := range []simulator.FaultKind{"", simulator.Error5xx, simulator.DeleteLies} {
			t.Run(name+"/"+cmp.Or(string(fault), "deleted"), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := refusal.desk(t)
					if fault != "" {
						d.inject(d.sim.Exchanges()[0], exchanges.OpDeleteKey, fault, 0)
					}
					ctx, hangUp := context.WithCancel(t.Context())
					defer hangUp()
					d.atWrite(refusal.write, func() { refusal.meanwhile(d, hangUp) })
					resp, err := d.engine.HandleRequest(ctx, d.request(logical.ReadOperation, "creds/trader", nil))
					d.note(resp, err)
					if err == nil {
						err = resp.Error()
					}
					require.ErrorContains(t, err, refusal.says)
					if fault == "" {
						require.True(t, strings.HasSuffix(err.Error(), "; the key was deleted"), err)
						require.Empty(t, d.sim.Keys())
						require.Empty(t, d.ledgerIDs())
						return
					}
					require.Len(t, d.sim.Keys(), 1)
					require.Len(t, d.ledgerIDs(), 1)
					id := d.ledgerIDs()[0]
					require.True(t, strings.HasSuffix(err.Error(), "; the key could not be deleted yet: the engine keeps trying, keys/"+id+" shows how far it is"), err)
					require.NotContains(t, err.Error(), "was deleted")
					require.NotEmpty(t, d.read("keys/" + id)["last_error"])

					d.sim.ClearFaults()
					d.clock.advance(ledger.LastRetry)
					d.sweep()
					require.Empty(t, d.sim.Keys())
					require.Empty(t, d.ledgerIDs())
				})
			})
		}
	}
}

// A key of which no id came may or may not be there.
func TestAnswerWithoutAnID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newScriptedDesk(t, &script{answer: func(key *exchanges.Key) { key.ID = "" }}, "2s")
		_, err := d.do(logical.ReadOperation, "creds/trader", nil)
		require.ErrorContains(t, err, "the answer holds no key; "+inDoubt(d.ledgerIDs()[0]))
		d.clock.advance(ledger.PendingGrace)
		d.sweep()
		require.Empty(t, d.sim.Keys())
	})
}

// Where keys cannot be deleted, none is said to be.
func TestRefusedKeyThatCannotBeDeleted(t *testing.T) {
	d := newDesk(t)
	d.write("roles/reader", d.classic(map[string]any{"allow_undeletable_keys": true}))
	d.inject("bitget", exchanges.OpCreateKey, simulator.GrantMore, 1)
	d.refused(logical.ReadOperation, "creds/reader", nil, "granted more than was asked for", "; the key was revoked (revocation takes all permissions from a key")
}

func TestSameRequestAgainAfterACrashMintsAnew(t *testing.T) {
	for _, crash := range []struct {
		name string
		at   string // the state whose write is the last thing that happens
	}{
		{"before the answer of the exchange was recorded", "pending"},
		{"after the key was live", "live"},
	} {
		t.Run(crash.name, func(t *testing.T) {
			d := newDesk(t)
			d.trader()
			req := d.request(logical.ReadOperation, "creds/trader", nil)
			if crash.at == "pending" {
				// The process dies between the exchange's answer and the
				// second write, so that nothing more is written.
				writes := 0
				d.storage.failing(func(call, _ string) error {
					if call == "put" || call == "delete" {
						if writes++; writes > 1 {
							return errors.New("the process is dead")
						}
					}
					return nil
				})
				d.inject("bybit", exchanges.OpDeleteKey, simulator.Outage, 0)
				d.inject("bybit", exchanges.OpListKeys, simulator.Outage, 0)
			}
			_, _ = d.engine.HandleRequest(t.Context(), req)
			d.storage.failing(nil)
			d.sim.ClearFaults()
			require.Len(t, d.sim.Keys(), 1)
			first := d.sim.Keys()[0].APIKey

			d.start()
			resp, err := d.engine.HandleRequest(t.Context(), req)
			require.NoError(t, err)
			require.False(t, resp.IsError(), "%v", resp)
			live := d.sim.Keys()
			require.Len(t, live, 1)
			require.Equal(t, resp.Data["api_key"], live[0].APIKey)
			require.NotEqual(t, first, live[0].APIKey)
			require.Equal(t, []string{first}, d.sim.Deletions("bybit"))
		})
	}
}

func TestReadOnlyStorageForwardsBeforeAnythingIsMinted(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.storage.failing(func(call, _ string) error {
		if call == "put" || call == "delete" {
			// As it arrives in a plugin: without its identity.
			return errors.New("rpc error: code = Unknown desc = " + logical.ErrReadOnly.Error())
		}
		return nil
	})
	_, err := d.do(logical.ReadOperation, "creds/trader", nil)
	require.Equal(t, logical.ErrReadOnly, err, "Vault compares by identity")
	require.Zero(t, d.sim.Calls("bybit", exchanges.OpCreateKey))
	_, err = d.do(logical.UpdateOperation, "roles/other", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "read",
	})
	require.Equal(t, logical.ErrReadOnly, err)
}

// A key that cannot be recorded is deleted at once, though that cannot be recorded
// either.
func TestKeyThatCannotBeRecordedIsDeletedAtOnce(t *testing.T) {
	d := newDesk(t)
	d.trader()
	puts := 0
	d.storage.failing(func(call, _ string) error {
		if call == "put" {
			puts++
		}
		if puts > 1 && call != "get" {
			return errors.New("storage is out of order")
		}
		return nil
	})
	_, err := d.do(logical.ReadOperation, "creds/trader", nil)
	require.ErrorContains(t, err, "storage is out of order; the key was deleted")
	require.Len(t, d.sim.Deletions("bybit"), 1)
	require.Empty(t, d.sim.Keys())
}

package backend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

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
	require.True(t, strings.HasPrefix(entry.Label, d.engine.tag+entry.ID))
	require.Equal(t, ledger.Requester{EntityID: "entity-1", DisplayName: "userpass-ada", Address: "127.0.0.1"}, entry.Requester)

	raw, err := d.storage.Get(t.Context(), ledger.Prefix+entry.ID)
	require.NoError(t, err)
	require.NotContains(t, string(raw.Value), lease.Data["api_secret"])
}

func TestRevokeDeletesTheKeyWithoutTheRole(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.must(logical.DeleteOperation, "roles/trader", nil)

	require.NoError(t, d.revoke(lease))
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
	require.NoError(t, d.revoke(lease), "gone already is success")
}

func TestRevokeReportsFailureAsAnErrorAndTheSweeperFinishes(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.inject("bybit", exchanges.OpDeleteKey, simulator.DeleteLies, 1)

	resp, err := d.leaseAnswer(logical.RevokeOperation, lease, 0)
	require.Error(t, err, "a deletion that only claims success is not one")
	require.Nil(t, resp, "Vault prints an error response of a revocation as a Go struct")
	entry := d.entry(lease.Data["key_id"].(string))
	require.Equal(t, ledger.Revoking, entry.State)
	require.Equal(t, 1, entry.Attempts)
	require.NotEmpty(t, entry.LastError)

	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

func TestSweeperEndsALeaseThatVaultForgot(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")

	d.clock.advance(10*time.Minute + ledger.LeaseGrace - time.Second)
	d.sweep()
	require.Len(t, d.sim.Keys(), 1, "Vault has the first try")
	d.clock.advance(time.Second)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
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

func TestWrongGrantIsDeletedAtOnce(t *testing.T) {
	for _, kind := range []simulator.FaultKind{simulator.GrantMore, simulator.GrantLess} {
		t.Run(string(kind), func(t *testing.T) {
			d := newDesk(t)
			d.trader()
			d.inject("bybit", exchanges.OpCreateKey, kind, 1)
			d.refused(logical.ReadOperation, "creds/trader", nil, "the key was deleted")
			require.Empty(t, d.sim.Keys())
			require.Empty(t, d.ledgerIDs())
		})
	}
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

func TestRenewMovesTheLedgerFirst(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	id := lease.Data["key_id"].(string)
	d.clock.advance(5 * time.Minute)

	resp, err := d.leaseAnswer(logical.RenewOperation, lease, 20*time.Minute)
	require.NoError(t, err)
	require.False(t, resp.IsError(), "%v", resp)
	require.Equal(t, 20*time.Minute, resp.Secret.TTL)
	require.WithinDuration(t, d.clock.Now().Add(20*time.Minute), d.entry(id).Expires, time.Second)

	resp, err = d.leaseAnswer(logical.RenewOperation, lease, 5*time.Hour)
	require.NoError(t, err)
	require.Equal(t, 55*time.Minute, resp.Secret.TTL, "the hard limit stands")

	d.storage.failing(func(call, _ string) error {
		if call == "put" {
			return errors.New("storage is full")
		}
		return nil
	})
	_, err = d.leaseAnswer(logical.RenewOperation, lease, time.Minute)
	require.ErrorContains(t, err, "storage is full", "what the ledger does not hold is not promised")
	d.storage.failing(nil)

	d.clock.advance(time.Hour)
	resp, err = d.leaseAnswer(logical.RenewOperation, lease, time.Minute)
	require.NoError(t, err)
	require.True(t, resp.IsError())
}

func TestRenewAsksTheRoleAgain(t *testing.T) {
	for name, tighten := range map[string]func(d *desk){
		"role disabled":    func(d *desk) { d.must(logical.PatchOperation, "roles/trader", map[string]any{"disabled": true}) },
		"role deleted":     func(d *desk) { d.must(logical.DeleteOperation, "roles/trader", nil) },
		"scope taken away": func(d *desk) { d.must(logical.PatchOperation, "roles/trader", map[string]any{"scopes": "read"}) },
		"address taken away": func(d *desk) {
			d.must(logical.PatchOperation, "roles/trader", map[string]any{"ip_allowlist": "203.0.113.7"})
		},
		"connection frozen":     func(d *desk) { d.write("config/bybit", map[string]any{"frozen": "minting"}) },
		"scope not allowed":     func(d *desk) { d.write("config/bybit", map[string]any{"allowed_scopes": "read"}) },
		"sub-account forbidden": func(d *desk) { d.write("config/bybit", map[string]any{"allowed_sub_accounts": "nobody"}) },
		"role forbidden":        func(d *desk) { d.write("config/bybit", map[string]any{"allowed_roles": "other-*"}) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.trader()
			lease := d.mint("trader")
			require.NoError(t, d.lease(logical.RenewOperation, lease))
			tighten(d)
			resp, err := d.leaseAnswer(logical.RenewOperation, lease, 0)
			require.NoError(t, err)
			require.True(t, resp.IsError(), "renewed all the same")
			require.NoError(t, d.revoke(lease))
			require.Empty(t, d.sim.Keys())
		})
	}
}

func TestFreezeOfAllHoldsDeletionsBack(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.write("config/bybit", map[string]any{"frozen": "all"})

	d.refused(logical.ReadOperation, "creds/trader", nil, "frozen")
	require.ErrorContains(t, d.revoke(lease), "held back")
	d.clock.advance(time.Hour)
	d.sweep()
	require.Len(t, d.sim.Keys(), 1)

	d.write("config/bybit", map[string]any{"frozen": "no"})
	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

// A revocation is remembered though its connection cannot be used, as after a
// downgrade.
func TestRevocationWithoutAConnectionIsRemembered(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	good, err := connectionTable().Get(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	bad := *good
	bad.Variant = "no-such"
	require.NoError(t, connectionTable().Put(t.Context(), d.storage, "bybit", bad))
	d.start()
	require.Error(t, d.revoke(lease))
	require.Equal(t, ledger.Revoking, d.entry(lease.Data["key_id"].(string)).State)

	require.NoError(t, connectionTable().Put(t.Context(), d.storage, "bybit", *good))
	d.start()
	d.sweep()
	require.Empty(t, d.sim.Keys())
}

// Where storage took a write and reported a failure, the sweeper goes by what is
// stored, and looks at it once.
func TestSweeperGoesByWhatIsStored(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	later := d.entry(lease.Data["key_id"].(string))
	later.Expires = later.Expires.Add(time.Hour)
	require.NoError(t, ledgerTable().Put(t.Context(), d.storage, later.ID, later))
	d.clock.advance(later.Expires.Sub(d.clock.Now()) - time.Minute)
	var reads atomic.Int64
	d.storage.failing(func(call, key string) error {
		if call == "get" && strings.HasPrefix(key, ledger.Prefix) {
			reads.Add(1)
		}
		return nil
	})
	d.sweep()
	require.EqualValues(t, 1, reads.Load())
	require.Len(t, d.sim.Keys(), 1)
	d.sweep()
	require.EqualValues(t, 1, reads.Load(), "it is looked at once")
}

// A lease that was revoked during a freeze is remembered: its key goes with the
// freeze, and does not wait for the lease's own end.
func TestRevocationDuringAFreezeIsRemembered(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.write("config/bybit", map[string]any{"frozen": "all"})
	require.ErrorContains(t, d.revoke(lease), "held back")
	require.Equal(t, ledger.Revoking, d.entry(lease.Data["key_id"].(string)).State)
	d.write("config/bybit", map[string]any{"frozen": "no"})
	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

func TestStorageBudget(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")
	var lease *logical.Response

	reads, writes := d.storage.counted(func() { lease = d.mint("trader") })
	require.LessOrEqual(t, reads+writes, 5, "mint")
	require.LessOrEqual(t, writes, 2, "mint")

	reads, writes = d.storage.counted(func() { require.NoError(t, d.lease(logical.RenewOperation, lease)) })
	require.LessOrEqual(t, reads+writes, 3, "renew")
	require.Equal(t, 1, writes, "renew")

	reads, writes = d.storage.counted(func() { require.NoError(t, d.revoke(lease)) })
	require.LessOrEqual(t, reads+writes, 3, "revoke")
}

func TestOneConnectionServesManyMints(t *testing.T) {
	d := newDeskWith(t, simulator.Options{RateMultiplier: hurried, SubAccounts: 25})
	d.connect("bybit", nil)
	d.write("roles/pool", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts, "scopes": "trade:spot", "ip_allowlist": "127.0.0.1",
	})
	opened := 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if !info.Reused {
				opened++
			}
		},
	})
	for range 500 {
		resp, err := d.engine.HandleRequest(ctx, d.request(logical.ReadOperation, "creds/pool", nil))
		require.NoError(t, err)
		require.False(t, resp.IsError(), "%v", resp)
	}
	require.Len(t, d.sim.Keys(), 500)
	// A second one is opened where a call begins before the pool has taken the
	// last call's connection back.
	require.LessOrEqual(t, opened, 4, "TCP connections for 500 mints, one after another")
}

func TestNoGoroutineLeftAfterClean(t *testing.T) {
	d := newDesk(t)
	before := goleak.IgnoreCurrent()
	d.trader()
	lease := d.mint("trader")
	d.inject("bybit", exchanges.OpDeleteKey, simulator.Outage, 1)
	_ = d.revoke(lease)
	d.clock.advance(time.Hour)
	d.sweep()
	d.engine.clean(t.Context())
	require.NoError(t, d.sim.Close())
	goleak.VerifyNone(t, before)
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

func TestCapsAndPools(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", map[string]any{"max_keys_per_sub_account": 1})
	d.write("roles/pool", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts, "scopes": "read",
	})
	used := map[string]bool{}
	for range d.sim.Exchange("bybit").SubAccounts {
		used[d.mint("pool").Data["sub_account"].(string)] = true
	}
	require.Len(t, used, len(d.sim.Exchange("bybit").SubAccounts), "each goes where the most room is")

	_, err := d.do(logical.ReadOperation, "creds/pool", nil)
	var coded logical.HTTPCodedError
	require.ErrorAs(t, err, &coded)
	require.Equal(t, http.StatusTooManyRequests, coded.Code())
	require.ErrorContains(t, err, "the next lease ends at")
}

func TestSecretsPrintNothing(t *testing.T) {
	c := connection{Credential: credential{APISecret: "canary", PrivateKey: "canary"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, c), "canary")
		require.NotContains(t, fmt.Sprintf(verb, &c.Credential), "canary")
	}
	require.ErrorIs(t, &connectionError{"x", exchanges.ErrAuth}, exchanges.ErrAuth)
}

// What a deletion came to is recorded even if the exchange has used up all the
// time that there was for it.
func TestDeletionThatRunsOutOfTimeIsRecorded(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	entry := d.entry(lease.Data["key_id"].(string))
	require.NoError(t, d.sim.Inject(simulator.Fault{Exchange: "bybit", Operation: exchanges.OpDeleteKey, Kind: simulator.Slow, Delay: time.Minute}))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.Error(t, d.engine.revokeByID(ctx, d.storage, entry.ID))
	entry = d.entry(entry.ID)
	require.Equal(t, ledger.Revoking, entry.State)
	require.Equal(t, 1, entry.Attempts)
	require.NotEmpty(t, entry.LastError)
	require.True(t, entry.NextTry.After(d.clock.Now()))
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
	require.ErrorContains(t, err, "storage is out of order")
	require.Len(t, d.sim.Deletions("bybit"), 1)
	require.Empty(t, d.sim.Keys())
}

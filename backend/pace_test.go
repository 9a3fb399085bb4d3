package backend

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/bybit"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/bybit"
)

// wired is an exchange that is reached over a transport of the test's.
type wired struct {
	exchanges.Exchange
	options exchanges.Options
}

func (w wired) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	options.Transport = w.options.Transport
	return w.Exchange.Open(credential, options)
}

// paced runs a test in a synctest bubble, where waits take no time and are exact,
// with a desk at a Bybit that keeps to its documented limits: one key a second.
func paced(t *testing.T, test func(d *desk)) {
	subject := exchangetest.Subject{Exchange: bybit.New(), Venue: standin.Venue()}
	exchangetest.Bubble(t, subject, func(t *testing.T, sim *simulator.Simulator, options exchanges.Options) {
		d := &desk{
			TB: t, storage: &watchedStorage{Storage: &logical.InmemStorage{}}, sim: sim,
			system: &logical.StaticSystemView{DefaultLeaseTTLVal: time.Hour, MaxLeaseTTLVal: 24 * time.Hour},
			log:    &lockedBuffer{}, said: &lockedBuffer{},
		}
		began := time.Now()
		d.engine = newEngine([]exchanges.Exchange{wired{bybit.New(), options}}, Build{}, time.Now, func() time.Duration { return time.Since(began) })
		require.NoError(t, d.engine.setup(t.Context(), &logical.BackendConfig{
			System: d.system, BackendUUID: "6f7d0d44-6f0c-4f44-8a3b-3b7b5e2f7a10", Logger: hclog.New(&hclog.LoggerOptions{Output: d.log}),
		}))
		t.Cleanup(func() { d.engine.clean(context.Background()) })
		test(d)
	})
}

// pacedRole writes a connection at the documented limits, and a role of the same name
// on it.
func (d *desk) pacedRole(name string, more map[string]any) {
	d.Helper()
	access := d.sim.Exchange("bybit")
	d.write("config/"+name, merge(connectionFields("bybit", access), merge(map[string]any{"rate_multiplier": 1}, more)))
	d.roleOn(name, name)
}

func (d *desk) roleOn(connection, name string) {
	d.Helper()
	d.write("roles/"+name, map[string]any{
		"connection": connection, "sub_accounts": d.sim.Exchange("bybit").SubAccounts, "scopes": "read", "max_wait": "20s", "ttl": "10m",
	})
}

// apart mints a key of a role beside others that do so at the same time.
func (d *desk) apart(role, id string) error {
	resp, err := d.engine.HandleRequest(d.Context(), &logical.Request{
		ID: id, Operation: logical.ReadOperation, Path: "creds/" + role, Storage: d.storage, Connection: &logical.Connection{RemoteAddr: "127.0.0.1"},
	})
	if err == nil && resp.IsError() {
		err = resp.Error()
	}
	return err
}

// Forty callers of one role that never let go leave another role its share.
func TestOneRoleStarvesNoOther(t *testing.T) {
	paced(t, func(d *desk) {
		d.pacedRole("greedy", nil)
		d.roleOn("greedy", "patient")
		stop, cancel := context.WithCancel(d.Context())
		var greedy sync.WaitGroup
		for caller := range 40 {
			greedy.Go(func() {
				for n := 0; exchanges.Sleep(stop, time.Second) == nil; n++ {
					_ = d.apart("greedy", fmt.Sprintf("greedy-%d-%d", caller, n))
				}
			})
		}
		require.NoError(d, exchanges.Sleep(stop, 10*time.Second))
		for n := range 10 {
			began := time.Now()
			assert.NoError(d, d.apart("patient", fmt.Sprintf("patient-%d", n)))
			assert.LessOrEqual(d, time.Since(began), 3*time.Second)
		}
		cancel()
		greedy.Wait()
	})
}

// created returns how many keys the exchange was asked for, refusals included.
func (d *desk) created() int { return d.sim.Calls("bybit", exchanges.OpCreateKey) }

// However many connections have a root key, they keep one pace.
func TestConnectionsOfOneRootKeyShareItsPace(t *testing.T) {
	paced(t, func(d *desk) {
		const connections, item = 6, 2
		for n := range connections {
			// Some know whose the key is, some do not.
			d.pacedRole(fmt.Sprintf("desk-%d", n), map[string]any{"verify": n%2 == 0})
		}
		var mints sync.WaitGroup
		for n := range connections {
			for m := range item {
				mints.Go(func() { assert.NoError(d, d.apart(fmt.Sprintf("desk-%d", n), fmt.Sprintf("mint-%d-%d", n, m))) })
			}
		}
		mints.Wait()
		require.Equal(d, connections*item, d.created(), "the exchange had to refuse for rate")
		require.Len(d, d.sim.Keys(), connections*item)
	})
}

// A write that leaves the access as it is leaves the pace as it is, too.
func TestGuardRailsKeepThePace(t *testing.T) {
	paced(t, func(d *desk) {
		d.pacedRole("desk", nil)
		for n := range 4 {
			require.NoError(d, d.apart("desk", fmt.Sprintf("mint-%d", n)))
			d.write("config/desk", map[string]any{"max_ttl": fmt.Sprintf("%dh", n+1)})
			require.Equal(d, n+1, d.created(), "the exchange had to refuse for rate")
		}
	})
}

// A connection that leaves room for other tools does so for all that share its key.
func TestSmallestMultiplierOfARootKeyCounts(t *testing.T) {
	paced(t, func(d *desk) {
		d.pacedRole("whole", nil)
		d.pacedRole("tenth", map[string]any{"rate_multiplier": 0.1})
		require.NoError(d, d.apart("tenth", "mint-1"))
		began := time.Now()
		require.NoError(d, d.apart("whole", "mint-2"))
		require.Equal(d, 10*time.Second, time.Since(began))
	})
}

package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/helper/errutil"
	"github.com/hashicorp/vault/sdk/helper/testhelpers/schema"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/custody"
	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/backend/store"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// hurried multiplies rate limits on both sides, where pace is not the subject.
const hurried = 1000

// desk is a mount of the engine, with storage that can fail, a clock that can
// be moved, and simulated exchanges.
type desk struct {
	testing.TB
	engine  *engine
	storage *watchedStorage
	sim     *simulator.Simulator
	clock   clock
	catalog []exchanges.Exchange
	system  *logical.StaticSystemView
	log     *lockedBuffer
	uuid    string
	// secrets are what no log, error, metric or ledger entry may hold; said is
	// every error and warning so far.
	secrets []string
	said    *lockedBuffer
	// requests counts the requests made, to give each an id of its own.
	requests int
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	return newDeskWith(t, simulator.Options{RateMultiplier: hurried})
}

func newDeskWith(t testing.TB, options simulator.Options) *desk {
	t.Helper()
	return newDeskAt(t, options, &fakeClock{now: time.Now()})
}

func newDeskAt(t testing.TB, options simulator.Options, clock clock) *desk {
	t.Helper()
	sim := simulator.New(options, all.Venues()...)
	require.NoError(t, sim.Start("127.0.0.1", 0))
	return newDeskOf(t, sim, clock, catalog.All())
}

// newDeskOf returns a desk at a simulator that serves, which ends with the test.
func newDeskOf(t testing.TB, sim *simulator.Simulator, clock clock, venues []exchanges.Exchange) *desk {
	t.Helper()
	d := &desk{
		TB:      t,
		storage: &watchedStorage{Storage: &logical.InmemStorage{}},
		sim:     sim,
		clock:   clock,
		catalog: venues,
		system: &logical.StaticSystemView{
			DefaultLeaseTTLVal: time.Hour, MaxLeaseTTLVal: 24 * time.Hour, PluginEnvironment: &logical.PluginEnvironment{},
			ReplicationStateVal: consts.ReplicationPerformanceDisabled | consts.ReplicationDRDisabled,
		},
		log:  &lockedBuffer{},
		said: &lockedBuffer{},
		uuid: "6f7d0d44-6f0c-4f44-8a3b-3b7b5e2f7a10",
	}
	t.Cleanup(func() { require.NoError(t, d.sim.Close()) })
	d.start()
	return d
}

// start starts the engine, as Vault does after a restart: in memory nothing,
// in storage what was left.
func (d *desk) start() {
	d.Helper()
	if d.engine != nil {
		d.engine.clean(d.Context())
	}
	d.engine = newEngine(d.catalog, Build{Version: "v1.2.3", Commit: "abc"}, d.clock.Now, d.clock.Elapsed)
	require.NoError(d, d.engine.setup(d.Context(), &logical.BackendConfig{
		System: d.system, BackendUUID: d.uuid,
		Logger: hclog.New(&hclog.LoggerOptions{Output: d.log, Level: hclog.Trace}),
	}))
	require.NoError(d, d.engine.Initialize(d.Context(), &logical.InitializationRequest{Storage: d.storage}))
	engine := d.engine
	d.Cleanup(func() {
		engine.clean(context.Background())
		require.Zero(d, engine.ledger.Held(), "a claim was never released")
	})
}

// request makes a request as an authenticated user would.
func (d *desk) request(operation logical.Operation, path string, data map[string]any) *logical.Request {
	d.requests++
	return &logical.Request{
		ID: fmt.Sprintf("request-%d", d.requests), Operation: operation, Path: path, Data: data, Storage: d.storage,
		EntityID: "entity-1", DisplayName: "userpass-ada", Connection: &logical.Connection{RemoteAddr: "127.0.0.1"},
	}
}

// do makes a request and checks the form of a successful answer against what
// its path declares.
func (d *desk) do(operation logical.Operation, path string, data map[string]any) (*logical.Response, error) {
	d.Helper()
	return d.send(d.request(operation, path, data))
}

func (d *desk) send(req *logical.Request) (*logical.Response, error) {
	d.Helper()
	if req.Operation == logical.CreateOperation || req.Operation == logical.UpdateOperation {
		// Vault asks first which of the two it is.
		_, exists, err := d.engine.HandleExistenceCheck(d.Context(), req)
		if mistake := (errutil.UserError{}); errors.As(err, &mistake) {
			d.note(nil, err)
			return logical.ErrorResponse(err.Error()), nil // Vault answers 400.
		}
		require.NoError(d, err)
		if path := d.engine.Route(req.Path); path != nil && path.ExistenceCheck != nil && !exists {
			req.Operation = logical.CreateOperation
		}
	}
	resp, err := d.engine.HandleRequest(d.Context(), req)
	if strings.HasPrefix(req.Path, "static-creds/") && err == nil && !resp.IsError() {
		d.noteSecrets(resp)
	} else {
		d.note(resp, err)
	}
	if err == nil && resp != nil && !resp.IsError() && resp.Secret == nil && resp.Data != nil {
		if t, ok := d.TB.(*testing.T); ok {
			path := d.engine.Route(req.Path)
			schema.ValidateResponse(t, schema.GetResponseSchema(t, path, req.Operation), resp, true)
		}
	}
	return resp, err
}

// must is do for what has to succeed.
func (d *desk) must(operation logical.Operation, path string, data map[string]any) *logical.Response {
	d.Helper()
	resp, err := d.do(operation, path, data)
	require.NoError(d, err)
	require.False(d, resp.IsError(), "%v", resp)
	return resp
}

func (d *desk) write(path string, data map[string]any) *logical.Response {
	d.Helper()
	return d.must(logical.UpdateOperation, path, data)
}

func (d *desk) read(path string) map[string]any {
	d.Helper()
	resp := d.must(logical.ReadOperation, path, nil)
	require.NotNil(d, resp, "nothing at %s", path)
	return resp.Data
}

// refused asserts that a request is answered with a 400 whose text holds every
// one of the words.
func (d *desk) refused(operation logical.Operation, path string, data map[string]any, words ...string) {
	d.Helper()
	resp, err := d.do(operation, path, data)
	require.NoError(d, err)
	require.NotNil(d, resp)
	require.True(d, resp.IsError(), "%s %s was accepted", operation, path)
	for _, word := range words {
		require.Contains(d, resp.Error().Error(), word)
	}
}

// connect writes a connection to the simulated exchange.
func (d *desk) connect(exchange string, more map[string]any) {
	d.Helper()
	d.write("config/"+exchange, merge(connectionFields(exchange, d.sim.Exchange(exchange)), more))
}

// connectionFields are the fields of a connection to a simulated exchange.
func connectionFields(exchange string, access simulator.Access) map[string]any {
	return map[string]any{
		"exchange": exchange, "base_url": access.BaseURL, "variant": access.Variant, "rate_multiplier": hurried,
		"api_key": access.APIKey, "api_secret": access.APISecret, "passphrase": access.Passphrase,
		"private_key": access.PrivateKey, "totp_secret": access.TOTPSecret, "broker": access.Broker,
	}
}

// trader writes a connection to Bybit and a role that trades spot on it.
func (d *desk) trader() {
	d.Helper()
	d.connect("bybit", nil)
	d.write("roles/trader", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0],
		"scopes": "trade:spot", "ip_allowlist": "127.0.0.1", "ttl": "10m", "max_ttl": "1h",
	})
}

// mint reads a key, which has to succeed.
func (d *desk) mint(role string) *logical.Response {
	d.Helper()
	resp, err := d.do(logical.ReadOperation, "creds/"+role, nil)
	require.NoError(d, err)
	require.False(d, resp.IsError(), "%v", resp)
	resp.Secret.IssueTime = d.clock.Now() // Vault notes it.
	return resp
}

// listed lets time pass until the exchange's list must show every key.
func (d *desk) listed() { d.clock.advance(time.Minute) }

// revoke does what Vault does when a lease ends.
func (d *desk) revoke(lease *logical.Response) error {
	return d.lease(logical.RevokeOperation, lease)
}

func (d *desk) lease(operation logical.Operation, lease *logical.Response) error {
	_, err := d.leaseAnswer(operation, lease, 0)
	return err
}

func (d *desk) leaseAnswer(operation logical.Operation, lease *logical.Response, increment time.Duration) (*logical.Response, error) {
	secret := *lease.Secret
	secret.Increment = increment
	req := d.request(operation, "", nil)
	req.Secret = &secret
	resp, err := d.engine.HandleRequest(d.Context(), req)
	d.note(resp, err)
	return resp, err
}

// note keeps what the engine said, and which secrets it gave away in a lease.
func (d *desk) note(resp *logical.Response, err error) {
	fmt.Fprintf(d.said, "%+v\n", err)
	if resp == nil {
		return
	}
	if resp.Secret == nil {
		fmt.Fprintf(d.said, "%+v %v\n", resp.Data, resp.Warnings)
		return
	}
	d.noteSecrets(resp)
}

// noteSecrets keeps which secrets an answer gave away that is to do so, and what else it
// said.
func (d *desk) noteSecrets(resp *logical.Response) {
	fmt.Fprintf(d.said, "%v\n", resp.Warnings)
	for _, field := range []string{"api_secret", "passphrase", "private_key", "token", "client_config"} {
		if secret, _ := resp.Data[field].(string); secret != "" {
			d.secrets = append(d.secrets, secret)
		}
	}
}

// keptSecrets asserts that no secret is in anything that came out, or in
// storage but for the root credential in its connection, and the secrets of keys of
// the ledger in custody. A passphrase may be in the ledger where the exchange needs it
// to delete the key.
func (d *desk) keptSecrets() {
	d.Helper()
	kept := map[string]string{"log": d.log.String(), "errors": d.said.String(), "metrics": d.metrics()}
	for key, value := range d.snapshot() {
		id, isKept := strings.CutPrefix(key, custody.Prefix)
		if isKept {
			require.Contains(d, d.ledgerIDs(), id, "a secret is in custody of no key")
		}
		if !isKept && !strings.HasPrefix(key, connectionPrefix) {
			kept[key] = string(value)
		}
	}
	require.NotEmpty(d, d.secrets, "nothing to look for")
	// Those too that nobody got, since the mint failed.
	secrets := append(d.sim.Issued(), d.secrets...)
	for place, text := range kept {
		for _, secret := range secrets {
			// A PEM block is broken into lines, and JSON escapes their ends.
			for line := range strings.Lines(secret) {
				if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") && strings.Contains(text, line) {
					require.Fail(d, "a secret came out", "in %s", place)
				}
			}
		}
	}
}

// sweep runs the periodic function twice, half a minute apart, after which it has
// done all that is due.
func (d *desk) sweep() {
	d.Helper()
	d.tick()
	d.clock.elapse(30 * time.Second)
	d.tick()
}

// tick runs the periodic function.
func (d *desk) tick() {
	d.Helper()
	_ = d.engine.periodic(d.Context(), d.request(logical.RollbackOperation, "", nil))
}

// The tables as they are stored, whatever the engine keeps of them in memory.
func ledgerTable() *store.Table[ledger.Entry]   { return store.New[ledger.Entry](ledger.Prefix, nil) }
func connectionTable() *store.Table[connection] { return store.New[connection](connectionPrefix, nil) }
func roleTable() *store.Table[role]             { return store.New[role](rolePrefix, nil) }

// ledgerIDs lists the ledger, as stored.
func (d *desk) ledgerIDs() []string {
	d.Helper()
	ids, err := ledgerTable().List(d.Context(), d.storage.Storage)
	require.NoError(d, err)
	return ids
}

// entry reads a ledger entry that must exist.
func (d *desk) entry(id string) ledger.Entry {
	d.Helper()
	entry, err := ledgerTable().Get(d.Context(), d.storage.Storage, id)
	require.NoError(d, err)
	require.NotNil(d, entry, "no ledger entry %s", id)
	return *entry
}

// inject makes a simulated exchange misbehave.
func (d *desk) inject(exchange string, operation exchanges.Operation, kind simulator.FaultKind, count int) {
	d.Helper()
	require.NoError(d, d.sim.Inject(simulator.Fault{Exchange: exchange, Operation: operation, Kind: kind, Count: count}))
}

// merge adds fields, and takes away those that are nil.
func merge(fields, more map[string]any) map[string]any {
	for field, value := range more {
		fields[field] = value
	}
	for field, value := range fields {
		if value == nil || value == "" {
			delete(fields, field)
		}
	}
	return fields
}

// clock is what the engine goes by.
type clock interface {
	Now() time.Time
	Elapsed() time.Duration
	advance(by time.Duration)
	elapse(by time.Duration)
	jump(by time.Duration)
}

// lockedBuffer collects a log.
type lockedBuffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	return len(p), nil
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

// eventually polls, with a bound.
func (d *desk) eventually(what string, condition func() bool) {
	d.Helper()
	require.Eventually(d, condition, 30*time.Second, 5*time.Millisecond, what)
}

func (d *desk) sweepQuietly() error {
	return d.engine.periodic(d.Context(), d.request(logical.RollbackOperation, "", nil))
}

// snapshot copies what is in storage.
func (d *desk) snapshot() map[string][]byte {
	d.Helper()
	copied := map[string][]byte{}
	keys, err := logical.CollectKeys(d.Context(), d.storage.Storage.(logical.ClearableView))
	require.NoError(d, err)
	for _, key := range keys {
		entry, err := d.storage.Storage.Get(d.Context(), key)
		require.NoError(d, err)
		copied[key] = entry.Value
	}
	return copied
}

// restore puts a snapshot in the place of what is in storage.
func (d *desk) restore(snapshot map[string][]byte) {
	d.Helper()
	fresh := &logical.InmemStorage{}
	for key, value := range snapshot {
		require.NoError(d, fresh.Put(d.Context(), &logical.StorageEntry{Key: key, Value: value}))
	}
	d.storage.Storage = fresh
}

// foreignKey makes a key at the exchange without the engine, as a person does.
func (d *desk) foreignKey() string {
	d.Helper()
	other := *d
	other.uuid = "another mount"
	other.storage = &watchedStorage{Storage: &logical.InmemStorage{}}
	other.engine = nil
	other.start()
	other.trader()
	return fmt.Sprint(other.mint("trader").Data["api_key"])
}

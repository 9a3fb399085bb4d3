package backend

import (
	"context"
	"sync"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/store"
)

// selfTestPrefix is where the last report of each connection lies in storage.
const selfTestPrefix = "self-test/"

// selfTests runs the self-tests of connections in the background, one at a time for
// each. It owns their goroutines, which end with the test, or when the mount goes away.
type selfTests struct {
	// ended has the last report of each connection that is whole.
	ended  *store.Table[selfTestReport]
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	running map[string]*selfTest
	stopped bool
	work    sync.WaitGroup
}

func newSelfTests() *selfTests {
	ctx, cancel := context.WithCancel(context.Background())
	return &selfTests{
		ended: store.New[selfTestReport](selfTestPrefix, nil), ctx: ctx, cancel: cancel, running: map[string]*selfTest{},
	}
}

// start runs the test, unless one of its connection is running.
func (a *selfTests) start(t *selfTest) error {
	name := t.order.link.name
	a.mu.Lock()
	defer a.mu.Unlock()
	switch running := a.running[name]; {
	case a.stopped:
		return refuse("the plugin is being stopped; try again")
	case running != nil:
		return refuse("a self-test of connection %q has been running since %s; read config/%[1]s/self-test for its report so far, and start another when it has ended",
			name, timestamp(running.told().Started))
	}
	a.running[name] = t
	a.work.Go(func() {
		t.run(a.ctx)
		a.end(t)
	})
	return nil
}

// end stores the report of a test that has ended.
func (a *selfTests) end(t *selfTest) {
	ctx, cancel := afterwards(a.ctx)
	defer cancel()
	name := t.order.link.name
	if err := a.ended.Put(ctx, t.storage, name, t.told()); err != nil {
		t.engine.Logger().Warn("the report of a self-test could not be stored", "connection", name, "error", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.running, name)
}

// report returns what is told of a connection's running or last self-test; nil if there
// was none.
func (a *selfTests) report(ctx context.Context, s logical.Storage, name string) (*selfTestReport, error) {
	a.mu.Lock()
	running := a.running[name]
	a.mu.Unlock()
	if running != nil {
		report := running.told()
		return &report, nil
	}
	return a.ended.Get(ctx, s, name)
}

// stop ends the tests and waits for them. Their keys are in the ledger as ones that
// must go.
func (a *selfTests) stop() {
	a.mu.Lock()
	a.stopped = true
	a.mu.Unlock()
	a.cancel()
	a.work.Wait()
}

package backend

import (
	"context"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"
)

// initialize loads the ledger's index and the last heartbeat, so that the first mint
// and the first deletion need not. A failure is not fatal: they are loaded on first
// use then.
func (e *engine) initialize(ctx context.Context, req *logical.InitializationRequest) error {
	if err := e.heartbeat.load(ctx, req.Storage, e.connections.table); err != nil {
		e.Logger().Warn("the last heartbeat could not be read; it is read before anything is deleted", "error", err)
	}
	for connection, found := range e.heartbeat.held() {
		e.reportHeld(connection, found)
	}
	if err := e.ledger.Load(ctx, req.Storage); err != nil {
		e.Logger().Warn("the ledger could not be loaded; it is loaded when it is first needed", "error", err)
		return nil
	}
	e.reportUnreadable(ctx, req.Storage)
	if e.ownsStorage() {
		e.schedule(ctx, req.Storage)
	}
	return nil
}

// reportUnreadable logs each ledger entry that cannot be read, once.
func (e *engine) reportUnreadable(ctx context.Context, s logical.Storage) {
	unreadable, err := e.ledger.Unreadable(ctx, s)
	if err != nil {
		return // Whoever needs the ledger reports it.
	}
	for id, why := range unreadable {
		if _, known := e.reported.LoadOrStore(id, true); !known {
			e.Logger().Error("an entry of the ledger cannot be read, so its key is not looked after", "key_id", id, "problem", why)
		}
	}
}

// periodic is called by Vault about once a minute on every node.
func (e *engine) periodic(ctx context.Context, req *logical.Request) error {
	if !e.ownsStorage() {
		return nil
	}
	e.clockKeeper.start(req.Storage)
	return e.sweep(ctx, req.Storage)
}

// ownsStorage asks Vault whether this node may write: the active node of a primary
// cluster, or of a secondary where the mount is local. Only there may anything be deleted
// at an exchange, so that nothing is done twice.
func (e *engine) ownsStorage() bool { return e.vault.ask().mayWrite() }

// invalidate drops what was kept in memory of an entry that another node
// wrote.
func (e *engine) invalidate(_ context.Context, key string) {
	e.roles.Invalidate(key)
	e.connections.table.Invalidate(key)
	e.ledger.Invalidate(key)
	e.custody.Invalidate(key)
	e.staticRoles.Invalidate(key)
	if strings.HasPrefix(key, pulsePrefix) {
		e.heartbeat.forget()
	}
}

// clean is called when the mount goes away or the plugin ends.
func (e *engine) clean(context.Context) {
	e.drainer.stop()
	e.rotator.stop()
	e.clockKeeper.stop()
	e.scheduler.stop()
	e.selfTests.stop()
	e.signers.close()
	e.connections.close()
}

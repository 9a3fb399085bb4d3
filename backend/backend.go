// Package backend is the secrets engine as Vault sees it: paths, leases, and
// the life of an API key from the request to its deletion at the exchange.
//
// It knows no exchange by name; main hands it the catalog. Start reading at
// [Factory], then follow a request for a key: path_creds.go, order.go (what is to
// be made), mint.go (making it), secret_api_key.go (the lease). static_rotate.go is
// about keys that have none. revoke.go ends a key, and sweeper.go finishes what a crash
// or an outage left undone.
//
// The verbs of a key's end are few. To condemn a key is to write into the ledger
// that it must go. To revoke it is to condemn it, delete it at the exchange, and,
// once it is proved gone, forget it: remove its entry. To discard it is to revoke
// it although nobody has asked, since nobody holds it. To adopt it is to take a
// stray into the ledger as condemned.
package backend

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/custody"
	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/backend/store"
	"vault-plugin-secrets-exchange/exchanges"
)

// Build says what binary this is.
type Build struct {
	// Version is a semantic version with a leading "v", as Vault's plugin
	// catalogue wants it.
	Version string
	// Commit of the source, if known.
	Commit string
}

// engine is one mount of the secrets engine.
type engine struct {
	*framework.Backend
	build Build
	now   func() time.Time
	// sleep waits between questions to an exchange.
	sleep       func(context.Context, time.Duration) error
	vault       *systemView
	mountUUID   string
	tag         string
	connections *connections
	roles       *store.Table[role]
	ledger      *ledger.Ledger
	custody     *store.Table[custody.Secret]
	signers     *signers
	uses        *uses
	// clockKeeper measures the clocks by which is signed.
	clockKeeper *worker
	staticRoles *store.Table[staticRole]
	// overlaps remembers how long superseded keys stay.
	overlaps   *overlaps
	heartbeat  *heartbeat
	rootExpiry *rootExpiry
	places     *places
	gone       *gone
	metrics    *metrics
	// loader loads the ledger after a start.
	loader *worker
	// drainer deletes what is due without waiting for Vault's next tick;
	// rotator inspects and replaces root keys, which can take longer than a tick may.
	drainer, rotator *worker
	// crowded says that a deletion failed, since the drainer last began, because the rate
	// limit had no room for it.
	crowded   atomic.Bool
	selfTests *selfTests
	// scheduler starts rotations at their time.
	scheduler *scheduler
	// rotating has the connections whose root key is being replaced, and the names of
	// these keys.
	rotating sync.Map
	// deletedRoots has the names of the root keys that this process has deleted.
	deletedRoots sync.Map
	// roots is held while a root key comes into use or goes out of it, so that none is
	// taken into use that has just gone out. It is never held during a call to an
	// exchange.
	roots sync.Mutex
	// reported has the unreadable ledger entries that were logged.
	reported sync.Map
}

// Factory returns the factory that Vault calls for each mount. The engine can
// mint at the exchanges of the catalogue.
func Factory(catalog []exchanges.Exchange, build Build) logical.Factory {
	return func(ctx context.Context, config *logical.BackendConfig) (logical.Backend, error) {
		began := time.Now()
		e := newEngine(catalog, build, time.Now, func() time.Duration { return time.Since(began) })
		if err := e.setup(ctx, config); err != nil {
			return nil, err
		}
		return e, nil
	}
}

// newEngine returns an engine that goes by the given clock, and by the time elapsed
// where a clock that jumps must do no harm.
func newEngine(catalog []exchanges.Exchange, build Build, now func() time.Time, elapsed func() time.Duration) *engine {
	e := &engine{
		build:      build,
		now:        now,
		sleep:      exchanges.Sleep,
		vault:      &systemView{},
		signers:    newSigners(now),
		uses:       newUses(),
		ledger:     ledger.New(now, elapsed),
		heartbeat:  newHeartbeat(now),
		rootExpiry: newRootExpiry(now),
		places:     newPlaces(now),
		gone:       newGone(now),
		metrics:    newMetrics(build),
	}
	e.connections = newConnections(catalog, now, e.metrics.observer)
	e.connections.held = holds(os.Getenv(holdVariable))
	e.roles = store.New[role](rolePrefix, e.signers.forgetRole).Keeping(keptRoles)
	e.custody = custody.New(e.signers.forget)
	e.clockKeeper = newWorker(e.signers.tend)
	e.loader = newWorker(e.load)
	e.drainer = newWorker(e.drain)
	e.rotator = newWorker(e.tendRoots)
	e.selfTests = newSelfTests()
	e.scheduler = newScheduler(now, e.runJob)
	e.staticRoles = store.New[staticRole](staticRolePrefix, e.signers.forgetStatic).Keeping(keptRoles)
	e.overlaps = newOverlaps(elapsed)
	e.Backend = &framework.Backend{
		Help:           rootHelp,
		BackendType:    logical.TypeLogical,
		RunningVersion: build.Version,
		PathsSpecial:   &logical.Paths{SealWrapStorage: []string{connectionPrefix, ledger.Prefix, custody.Prefix}},
		Secrets:        []*framework.Secret{e.apiKeySecret()},
		InitializeFunc: e.initialize,
		PeriodicFunc:   e.periodic,
		Invalidate:     e.invalidate,
		Clean:          e.clean,
	}
	// The framework tries one after another, so that what is asked for most comes first.
	paths := append([]*framework.Path{e.pathCreds()}, e.pathsSign()...)
	paths = append(
		paths,
		e.pathConfigList(), e.pathConfig(), e.pathConfigCheck(), e.pathConfigSubAccounts(),
		e.pathConfigRotateRoot(), e.pathConfigRevokeAll(), e.pathConfigReconcile(), e.pathConfigSelfTest(),
		e.pathRolesList(), e.pathRoles(), e.pathRolesCheck(), e.pathRolesRevokeAll(),
		e.pathStaticRolesList(), e.pathStaticRoles(), e.pathStaticRolesCheck(), e.pathStaticCreds(), e.pathRotateRole(),
		e.pathKeysList(), e.pathKeysLookup(), e.pathKeysForget(), e.pathKeys(),
		e.pathExchangesList(), e.pathExchanges(), e.pathExchangesEnvironments(), e.pathExchangesCredentials(),
		e.pathExchangesVariants(), e.pathExchangesVariant(), e.pathExchangesPermissions(),
		e.pathMetrics(), e.pathInfo(),
	)
	for _, path := range paths {
		e.Paths = append(e.Paths, strict(path))
	}
	return e
}

func (e *engine) setup(ctx context.Context, config *logical.BackendConfig) error {
	if config != nil {
		e.mountUUID = config.BackendUUID
	}
	e.tag = ownershipTag(e.mountUUID)
	if config == nil || config.System == nil {
		return e.Setup(ctx, config)
	}
	e.vault.SystemView = config.System
	wrapped := *config
	wrapped.System = e.vault
	return e.Setup(ctx, &wrapped)
}

const rootHelp = `
The exchange secrets engine mints API keys at crypto exchanges on demand, with
exactly the scopes that a role names, and deletes them at the exchange when
their lease ends.

To get a key, write a parent account's credential to config/, write a role to
roles/, and read creds/. A program that cannot handle leases reads static-creds/
instead: write a static role to static-roles/, and the engine keeps one key for it
and replaces that key on a schedule. keys/ lists every key that exists, and
exchanges/ shows what each exchange can do.
`

package backend

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/prometheus/client_golang/prometheus"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// metrics counts what happens on one mount.
type metrics struct {
	registry    *prometheus.Registry
	mints       *prometheus.CounterVec
	revocations *prometheus.CounterVec
	rotations   *prometheus.CounterVec
	sweeps      *prometheus.CounterVec
	calls       *prometheus.CounterVec
	latency     *prometheus.HistogramVec
	signatures  *prometheus.CounterVec
}

func newMetrics(build Build) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "exchange", Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry:    prometheus.NewRegistry(),
		mints:       counter("mints_total", "Keys asked for, by connection and result.", "connection", "result"),
		revocations: counter("revocations_total", "Attempts to delete a key, by connection and result.", "connection", "result"),
		rotations:   counter("static_rotations_total", "Rotations of static roles, by connection and result.", "connection", "result"),
		sweeps:      counter("sweeps_total", "Runs of the sweeper, by result.", "result"),
		calls:       counter("calls_total", "Calls to an exchange, by connection, operation and result.", "connection", "operation", "result"),
		signatures:  counter("signatures_total", "Signatures asked for with keys whose secret stays in Vault, by role, kind (request, login, fix, raw) and result.", "role", "kind", "result"),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "exchange", Name: "call_seconds", Help: "How long calls to an exchange took, waiting for the rate limit included.",
			Buckets: []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"connection", "operation"}),
	}
	about := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "exchange", Name: "build_info", Help: "Which version of the plugin this is; always 1.",
		ConstLabels: prometheus.Labels{"version": build.Version, "commit": build.Commit},
	}, func() float64 { return 1 })
	m.registry.MustRegister(about, m.mints, m.revocations, m.rotations, m.sweeps, m.calls, m.latency, m.signatures)
	return m
}

// result names how something ended: ok, or the kind of failure.
func result(err error) string {
	if err == nil {
		return "ok"
	}
	var input *inputError
	var capacity *capacityError
	switch {
	case errors.As(err, &input):
		return "refused"
	case errors.As(err, &capacity):
		return "capacity"
	}
	for _, kind := range exchanges.Kinds() {
		if errors.Is(err, kind) {
			return string(kind)
		}
	}
	return "internal"
}

// observer returns what a connection's calls are reported to.
func (m *metrics) observer(connection string) func(exchanges.Operation, error, time.Duration) {
	return func(operation exchanges.Operation, err error, took time.Duration) {
		m.calls.WithLabelValues(connection, string(operation), result(err)).Inc()
		m.latency.WithLabelValues(connection, string(operation)).Observe(took.Seconds())
	}
}

var (
	keysDesc    = prometheus.NewDesc("exchange_keys", "Keys in the ledger, by connection and state.", []string{"connection", "state"}, nil)
	oldestDesc  = prometheus.NewDesc("exchange_oldest_key_age_seconds", "Age of the oldest key, by connection and state.", []string{"connection", "state"}, nil)
	overdueDesc = prometheus.NewDesc("exchange_overdue_seconds", "How long ago the most overdue key should have been deleted, by connection; 0 if none is overdue.", []string{"connection"}, nil)
	lateDesc    = prometheus.NewDesc("exchange_overdue_keys", "How many keys should have been deleted and are not, by connection.", []string{"connection"}, nil)
	damagedDesc = prometheus.NewDesc("exchange_unreadable_entries", "Ledger entries that are damaged or were written by a newer version; keys/ lists them.", nil, nil)
	freeDesc    = prometheus.NewDesc("exchange_free_slots", "How many more keys fit, by connection and sub-account, where there is a cap: in those that hold keys, and where the roles of these keys may mint.", []string{"connection", "sub_account"}, nil)
	heldDesc    = prometheus.NewDesc("exchange_deletions_held", "Whether deletions are held back, by a freeze or because storage looks restored from a snapshot; config/NAME/check says why.", []string{"connection"}, nil)
	rootDesc    = prometheus.NewDesc("exchange_root_expires_seconds", "How long until the exchange ends the root key, by connection; only where the exchange tells.", []string{"connection"}, nil)
	leftDesc    = prometheus.NewDesc("exchange_root_keys_left_over", "Whether there are root keys that are not in use and not yet deleted, by connection; config/NAME/check names them.", []string{"connection"}, nil)
	staticDesc  = prometheus.NewDesc("exchange_static_rotation_overdue_seconds", "How long ago the key of a static role should have been replaced, by role and connection; 0 if it is not due.", []string{"static_role", "connection"}, nil)
	circuitDesc = prometheus.NewDesc("exchange_circuit_open", "Whether calls are held back because the exchange does not answer.", []string{"connection"}, nil)
)

// stock is how the ledger stands.
type stock struct {
	groups  map[group]keysOfGroup
	overdue map[string]overdue // by connection
	held    map[place]int
	// roles are those that have keys.
	roles map[string]bool
}

// group is a connection's keys of one state.
type group struct {
	connection string
	state      ledger.State
}

type keysOfGroup struct {
	keys   int
	oldest time.Time
}

// overdue is how many keys should have been gone, and for how long the first of them.
type overdue struct {
	keys int
	by   time.Duration
}

// stock takes stock of the ledger.
func (e *engine) stock(ctx context.Context, s logical.Storage) (stock, error) {
	now := e.now()
	found := stock{groups: map[group]keysOfGroup{}, overdue: map[string]overdue{}, held: map[place]int{}, roles: map[string]bool{}}
	err := e.ledger.Tell(ctx, s, func(t ledger.Tally) {
		for _, connection := range t.Connections() {
			for _, state := range []ledger.State{ledger.Pending, ledger.Live, ledger.Revoking} {
				if keys, oldest := t.OfState(connection, state); keys > 0 {
					found.groups[group{connection, state}] = keysOfGroup{keys, oldest}
				}
			}
			var late overdue
			var since time.Time
			if late.keys, since = t.Overdue(connection, now); late.keys > 0 {
				late.by = now.Sub(since)
			}
			found.overdue[connection] = late
			for name, keys := range t.SubAccounts(connection) {
				found.held[place{connection, name}] = keys
			}
			for _, name := range t.Roles(connection) {
				found.roles[name] = true
			}
		}
	})
	return found, err
}

// present is the state of the ledger and the circuits at the time of a scrape.
type present struct {
	now        time.Time
	stock      stock
	unreadable int
	free       map[place]int
	circuits   map[string]bool
	// held says of the connections in use whether deletions are held back.
	held map[string]bool
	// leftOver says of them whether they have leftover root keys.
	leftOver map[string]bool
	// static are the static roles.
	static map[string]staticRole
	// rootsLeft is how long the root keys still have that end.
	rootsLeft map[string]time.Duration
}

// Describe implements [prometheus.Collector].
func (*present) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{keysDesc, oldestDesc, overdueDesc, lateDesc, damagedDesc, freeDesc, heldDesc, rootDesc, leftDesc, staticDesc, circuitDesc} {
		descriptions <- d
	}
}

// Collect implements [prometheus.Collector].
func (p *present) Collect(found chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		found <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for of, found := range p.stock.groups {
		gauge(keysDesc, float64(found.keys), of.connection, string(of.state))
		gauge(oldestDesc, p.now.Sub(found.oldest).Seconds(), of.connection, string(of.state))
	}
	for connection, late := range p.stock.overdue {
		gauge(overdueDesc, late.by.Seconds(), connection)
		gauge(lateDesc, float64(late.keys), connection)
	}
	for connection, left := range p.rootsLeft {
		gauge(rootDesc, left.Seconds(), connection)
	}
	for name, r := range p.static {
		gauge(staticDesc, r.overdue(p.now).Seconds(), name, r.Keys.Connection)
	}
	gauge(damagedDesc, float64(p.unreadable))
	for at, slots := range p.free {
		gauge(freeDesc, float64(slots), at.connection, at.subAccount)
	}
	for d, states := range map[*prometheus.Desc]map[string]bool{circuitDesc: p.circuits, heldDesc: p.held, leftDesc: p.leftOver} {
		for connection, is := range states {
			value := 0.0
			if is {
				value = 1
			}
			gauge(d, value, connection)
		}
	}
}

package backend

import (
	"bytes"
	"context"
	"net/http"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// pathMetrics is metrics.
func (e *engine) pathMetrics() *framework.Path {
	return &framework.Path{
		Pattern:      "metrics$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: "metrics"},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: &framework.PathOperation{
				Callback: e.readMetrics,
				Summary:  "Read the mount's metrics in Prometheus' text format.",
				Responses: map[int][]framework.Response{http.StatusOK: {{
					Description: "The metrics.", MediaType: string(expfmt.NewFormat(expfmt.TypeTextPlain)),
				}}},
			},
		},
		HelpSynopsis: "Metrics of this mount in Prometheus' text format.",
		HelpDescription: "Shows keys by connection and state, overdue deletions, mints, revocations, signatures and rotations by result, calls to each exchange, " +
			"free slots, open circuits, connections whose deletions are held back, root keys that expire or are left over, and the plugin's version. " +
			"Scrape it with a token. On the command line use: vault read -format=raw <mount>/metrics",
	}
}

func (e *engine) readMetrics(ctx context.Context, req *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	now, err := e.stock(ctx, req.Storage)
	if err != nil {
		return nil, err
	}
	unreadable, err := e.ledger.Unreadable(ctx, req.Storage)
	if err != nil {
		return nil, err
	}
	static, err := e.allStaticRoles(ctx, req.Storage)
	if err != nil {
		static = nil // Left out, so that metrics outlive an outage of storage.
	}
	scrape := prometheus.NewRegistry()
	scrape.MustRegister(&present{
		now: e.now(), stock: now, unreadable: len(unreadable), free: e.freeSlots(ctx, req.Storage, now), circuits: e.connections.circuits(),
		held: e.heldConnections(), leftOver: e.connections.states(func(l *link) bool { return len(l.Leftovers) > 0 }), rootsLeft: e.rootExpiry.left(), static: static,
	})
	families, err := prometheus.Gatherers{e.metrics.registry, scrape}.Gather()
	if err != nil {
		return nil, err
	}
	// Never nil, even if there is nothing to say: Vault gets nil as null, which it
	// answers with 500.
	text := bytes.NewBuffer([]byte{})
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	encoder := expfmt.NewEncoder(text, format)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			return nil, err
		}
	}
	return &logical.Response{Data: map[string]any{
		logical.HTTPContentType: string(format),
		logical.HTTPRawBody:     text.Bytes(),
		logical.HTTPStatusCode:  http.StatusOK,
	}}, nil
}

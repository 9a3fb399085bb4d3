// Command noop is a secrets plugin that does nothing: it answers every request below
// sign/ with the same map, of the shape of a signed request. What it costs is what Vault
// asks for a call to any external plugin.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/plugin"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "noop:", err)
		os.Exit(1)
	}
}

// serve answers Vault until Vault ends the process.
func serve(args []string) error {
	meta := &api.PluginAPIClientMeta{}
	if err := meta.FlagSet().Parse(args); err != nil {
		return err
	}
	return plugin.ServeMultiplex(&plugin.ServeOpts{
		BackendFactoryFunc: factory,
		TLSProviderFunc:    api.VaultPluginTLSProvider(meta.GetTLSConfig()),
	})
}

func factory(ctx context.Context, config *logical.BackendConfig) (logical.Backend, error) {
	text := func() *framework.FieldSchema { return &framework.FieldSchema{Type: framework.TypeString} }
	b := &framework.Backend{
		BackendType: logical.TypeLogical,
		Paths: []*framework.Path{{
			Pattern: "sign/(?P<name>[^/]+)$",
			// A field that is not declared would cost a warning.
			Fields: map[string]*framework.FieldSchema{"name": text(), "method": text(), "path": text(), "body": text()},
			Operations: map[logical.Operation]framework.OperationHandler{
				logical.UpdateOperation: &framework.PathOperation{Callback: answer},
			},
		}},
	}
	return b, b.Setup(ctx, config)
}

// answer is as long as what this engine answers for Bybit, so that it takes as long to
// carry.
func answer(context.Context, *logical.Request, *framework.FieldData) (*logical.Response, error) {
	return &logical.Response{Data: map[string]any{
		"method": "POST",
		"url":    "http://127.0.0.1:65535/bybit/v5/order/create",
		"headers": map[string]string{
			"Content-Type":       "application/json",
			"X-Bapi-Api-Key":     "0000000000000000000",
			"X-Bapi-Recv-Window": "5000",
			"X-Bapi-Sign":        "0000000000000000000000000000000000000000000000000000000000000000",
			"X-Bapi-Timestamp":   "1700000000000",
		},
		"body":        `{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001","price":"10000"}`,
		"valid_until": "2023-11-14T22:13:25Z",
	}}, nil
}

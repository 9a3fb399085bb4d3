package main

import (
	"math"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/sdk/helper/pluginutil"
	sdk "github.com/hashicorp/vault/sdk/plugin"
	"google.golang.org/grpc"

	"vault-plugin-secrets-exchange/backend"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// workers is how many goroutines stay to answer requests. An answer needs a deep stack,
// which a new goroutine would have to grow each time.
const workers = 32

// window is how many bytes of requests Vault may send ahead. A fixed window keeps gRPC from
// measuring the connection with a ping beside each request, which within one machine only
// costs time.
const window = 1 << 20

// serve answers Vault until Vault ends the process. One process serves all mounts of the
// engine. It does what the SDK's ServeMultiplex does, which takes no gRPC options.
func serve() error {
	meta := &api.PluginAPIClientMeta{}
	if err := meta.FlagSet().Parse(os.Args[1:]); err != nil {
		return err
	}
	if err := pluginutil.OptionallyEnableMlock(); err != nil {
		return err
	}
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: os.Stderr, JSONFormat: true})
	engine := &sdk.GRPCBackendPlugin{
		Factory:             backend.Factory(catalog.All(), backend.Build{Version: version, Commit: commit}),
		MultiplexingSupport: true,
		Logger:              logger,
	}
	single := *engine
	single.MultiplexingSupport = false
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: sdk.HandshakeConfig,
		VersionedPlugins: map[int]plugin.PluginSet{
			// Protocols of earlier servers, which start a process for each mount.
			3: {sdk.BackendPluginName: &single},
			4: {sdk.BackendPluginName: &single},
			5: {sdk.BackendPluginName: engine},
		},
		TLSProvider: api.VaultPluginTLSProvider(meta.GetTLSConfig()), // for protocols before 5
		Logger:      logger,
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return plugin.DefaultGRPCServer(append(options,
				grpc.MaxRecvMsgSize(math.MaxInt32), grpc.MaxSendMsgSize(math.MaxInt32),
				grpc.StaticStreamWindowSize(window), grpc.StaticConnWindowSize(window),
				grpc.NumStreamWorkers(workers)))
		},
	})
	return nil
}

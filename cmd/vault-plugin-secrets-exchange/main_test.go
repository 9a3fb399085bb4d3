package main

import (
	"context"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/vault/sdk/helper/pluginutil"
	"github.com/hashicorp/vault/sdk/logical"
	sdk "github.com/hashicorp/vault/sdk/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// built is the plugin's binary.
func built(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "plugin")
	out, err := exec.Command("go", "build", "-o", path, "-ldflags", "-X main.version=v1.2.3", ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// TestPlugin runs the binary as Vault does, and as somebody does by mistake. A fault of
// the protocol shows here within seconds, and without a server.
func TestPlugin(t *testing.T) {
	path := built(t)
	t.Run("protocol", func(t *testing.T) { testProtocol(t, path) })
	t.Run("a wrong sum", func(t *testing.T) { testAnotherSum(t, path) })
	t.Run("by hand", func(t *testing.T) { testByHand(t, path) })
}

// clientOf is go-plugin's client, set up as Vault sets it up.
func clientOf(t *testing.T, path string, sum []byte) *plugin.Client {
	command := exec.Command(path)
	command.Env = append(os.Environ(), pluginutil.PluginAutoMTLSEnv+"=true", pluginutil.PluginMetadataModeEnv+"=false", pluginutil.PluginVaultVersionEnv+"=1.21.2")
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  sdk.HandshakeConfig,
		VersionedPlugins: sdk.PluginSet,
		Cmd:              command,
		SecureConfig:     &plugin.SecureConfig{Checksum: sum, Hash: sha256.New()},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		Logger:           hclog.NewNullLogger(),
		StartTimeout:     time.Minute,
	})
	t.Cleanup(client.Kill)
	return client
}

// sumOf is the sum that Vault's catalogue would have.
func sumOf(t *testing.T, path string) []byte {
	binary, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(binary)
	return sum[:]
}

// mount is one mount's connection to a process that serves several, as Vault keeps it.
type mount struct {
	plugin.ClientProtocol
	connection grpc.ClientConnInterface
	id         string
}

func (m *mount) Conn() grpc.ClientConnInterface { return m }
func (m *mount) Reload() error                  { return nil }

func (m *mount) named(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, pluginutil.MultiplexingCtxKey, m.id)
}

func (m *mount) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	return m.connection.Invoke(m.named(ctx), method, args, reply, options...)
}

func (m *mount) NewStream(ctx context.Context, description *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	return m.connection.NewStream(m.named(ctx), description, method, options...)
}

// testProtocol starts the plugin as Vault does, and lets one process serve two
// mounts.
func testProtocol(t *testing.T, path string) {
	client := clientOf(t, path, sumOf(t, path))
	protocol, err := client.Client()
	require.NoError(t, err)
	require.Equal(t, plugin.ProtocolGRPC, client.Protocol())
	require.Equal(t, 5, client.NegotiatedVersion(), "the one that is multiplexed, and encrypted by keys that both ends make")
	require.NoError(t, protocol.Ping())
	connection := protocol.(*plugin.GRPCClient).Conn
	supported, err := pluginutil.MultiplexingSupported(t.Context(), connection, "exchange")
	require.NoError(t, err)
	require.True(t, supported)

	tags := map[any]bool{}
	for _, id := range []string{"one", "two"} {
		backend, err := sdk.Dispense(protocol, &mount{protocol, connection, id})
		require.NoError(t, err)
		storage := &logical.InmemStorage{}
		require.NoError(t, backend.Setup(t.Context(), &logical.BackendConfig{
			StorageView: storage, Logger: hclog.NewNullLogger(), BackendUUID: id,
			System: &logical.StaticSystemView{DefaultLeaseTTLVal: time.Hour, MaxLeaseTTLVal: time.Hour},
		}))
		require.NoError(t, backend.Initialize(t.Context(), &logical.InitializationRequest{Storage: storage}))
		require.Equal(t, logical.TypeLogical, backend.Type())
		require.Equal(t, "v1.2.3", backend.(logical.PluginVersioner).PluginVersion().Version)
		info, err := backend.HandleRequest(t.Context(), &logical.Request{Operation: logical.ReadOperation, Path: "info", Storage: storage})
		require.NoError(t, err)
		require.False(t, info.IsError(), "%v", info)
		require.Equal(t, "v1.2.3", info.Data["version"])
		tags[info.Data["label_tag"]] = true
		large, err := backend.HandleRequest(t.Context(), &logical.Request{
			Operation: logical.ReadOperation, Path: "info", Storage: storage, Data: map[string]any{"x": strings.Repeat("x", 8<<20)},
		})
		require.NoError(t, err, "a request may be larger than gRPC takes if nobody says otherwise")
		require.ErrorContains(t, large.Error(), "not a field of this path")
	}
	require.Len(t, tags, 2, "each mount has its own storage")
}

// testAnotherSum proves that a file which is not the registered one is not run.
func testAnotherSum(t *testing.T, path string) {
	sum := sumOf(t, path)
	sum[0]++
	_, err := clientOf(t, path, sum).Client()
	require.ErrorIs(t, err, plugin.ErrChecksumsDoNotMatch)
}

// testByHand proves that who runs the plugin is told what it is for.
func testByHand(t *testing.T, path string) {
	out, err := exec.Command(path).CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 1, exit.ExitCode())
	assert.Equal(t, "vault-plugin-secrets-exchange v1.2.3 is a plugin that a Vault server starts. To install it, copy it to the\n"+
		"server's plugin_directory, and register it by its SHA-256 sum:\n\n"+
		"  vault plugin register -sha256=SUM -version=v1.2.3 secret vault-plugin-secrets-exchange\n"+
		"  vault secrets enable -path=exchange vault-plugin-secrets-exchange\n\n"+
		"docs/production.md in its repository says more.\n", string(out))
}

package vaulttest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
)

// Cluster is one or more Vault servers that share their storage by raft. The
// plugin is in their catalog and an audit device is enabled.
type Cluster struct {
	// Servers in the order in which they joined.
	Servers []*Server

	// joined says that there are several.
	joined    bool
	binaries  binaries
	unsealKey string
	rootToken string
	// life ends with the test, shortly before its deadline at the latest, so
	// that no process outlives the tests.
	life context.Context
}

// lastWords is how long before the test's deadline the servers are ended.
const lastWords = 10 * time.Second

// Start starts a cluster that ends with the test.
func Start(t *testing.T, servers int) *Cluster {
	built, err := prepare()
	require.NoError(t, err)
	c := &Cluster{joined: servers > 1, binaries: built, life: lifeOf(t)}
	for i := range servers {
		server := newServer(t, c)
		join := ""
		if i > 0 {
			join = c.Servers[0].Address
		}
		server.configure(t, fmt.Sprintf("server-%d", i), join)
		c.Servers = append(c.Servers, server)
	}
	t.Cleanup(func() {
		for _, server := range c.Servers {
			if server.process != nil {
				server.Stop(t)
			}
			server.checkLog(t)
		}
	})
	c.initialize(t)
	for _, server := range c.Servers[1:] {
		server.Start(t)
	}
	if c.joined {
		c.awaitVoters(t)
	}
	return c
}

// lifeOf returns a context that ends with the test or shortly before its
// deadline.
func lifeOf(t *testing.T) context.Context {
	life, cancel := context.WithCancel(context.Background())
	if deadline, ok := t.Deadline(); ok {
		life, cancel = context.WithDeadline(context.Background(), deadline.Add(-lastWords))
	}
	t.Cleanup(cancel)
	return life
}

// initialize starts the first server, makes it a cluster, and sets that up.
func (c *Cluster) initialize(t *testing.T) {
	first := c.Servers[0]
	first.launch(t)
	keys, err := first.client.Sys().InitWithContext(t.Context(), &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	require.NoError(t, err)
	c.unsealKey, c.rootToken = keys.Keys[0], keys.RootToken
	first.Unseal(t)

	client := first.Client(t)
	if c.joined {
		_, err = client.Logical().WriteWithContext(t.Context(), "sys/storage/raft/autopilot/configuration", map[string]any{
			"server_stabilization_time": "1s",
		})
		require.NoError(t, err)
	}
	require.NoError(t, client.Sys().EnableAuditWithOptionsWithContext(t.Context(), "file", &api.EnableAuditOptions{
		Type: "file", Options: map[string]string{"file_path": "audit.log"},
	}))
	c.register(t, client, nil)
}

// Register enters the plugin in the catalog anew, with what its processes have in
// their environment besides what their server has, and starts those of all mounts
// again.
func (c *Cluster) Register(t *testing.T, environment ...string) {
	client := c.Client(t)
	c.register(t, client, environment)
	_, err := client.Sys().ReloadPluginWithContext(t.Context(), &api.ReloadPluginInput{Plugin: PluginName})
	require.NoError(t, err)
}

func (c *Cluster) register(t *testing.T, client *api.Client, environment []string) {
	require.NoError(t, client.Sys().RegisterPluginWithContext(t.Context(), &api.RegisterPluginInput{
		Name: PluginName, Type: api.PluginTypeSecrets, Command: PluginName, SHA256: c.binaries.sha256, Version: PluginVersion,
		Env: environment,
	}))
}

// Program is the path of the servers' program, which is the command line too.
func (c *Cluster) Program() string { return c.binaries.vault }

// Provide puts another program into the folder from which the servers take plugins,
// until the test ends.
func (c *Cluster) Provide(t *testing.T, file string, program []byte) {
	path := filepath.Join(c.binaries.plugins, file)
	require.NoError(t, os.WriteFile(path, program, 0o700))
	t.Cleanup(func() { _ = os.Remove(path) })
}

// awaitVoters waits until every server has a vote, so that any may be lost.
func (c *Cluster) awaitVoters(t *testing.T) {
	client := c.Servers[0].Client(t)
	c.Servers[0].await(t, "joining", func(ctx context.Context) error {
		state, err := client.Sys().RaftAutopilotStateWithContext(ctx)
		if err == nil && (state == nil || len(state.Voters) < len(c.Servers)) {
			err = fmt.Errorf("not all servers are voters: %+v", state)
		}
		return err
	})
}

// Active returns the active server, waiting until there is one.
func (c *Cluster) Active(t *testing.T) *Server {
	var active *Server
	require.Eventually(t, func() bool {
		for _, server := range c.Servers {
			if server.process == nil {
				continue
			}
			leader, err := server.leader(t.Context())
			if err == nil && leader == server.Address {
				active = server
				return true
			}
		}
		return false
	}, bound, interval, "no server is active")
	return active
}

// Client returns a client of the active server with the root token.
func (c *Cluster) Client(t *testing.T) *api.Client { return c.Active(t).Client(t) }

// Enable mounts the engine at a path, with leases of an hour by default and a
// day at most.
func (c *Cluster) Enable(t *testing.T, path string) {
	require.NoError(t, c.Client(t).Sys().MountWithContext(t.Context(), path, &api.MountInput{
		Type:   PluginName,
		Config: api.MountConfigInput{DefaultLeaseTTL: "1h", MaxLeaseTTL: "24h"},
	}))
}

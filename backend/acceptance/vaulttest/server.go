package vaulttest

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-cleanhttp"
	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// bound is how long anything about a server may take that is not waited
	// for elsewhere; it is far above what it does take.
	bound = 60 * time.Second
	// interval is how often a server is asked meanwhile.
	interval = 50 * time.Millisecond
)

// Server is one Vault server, running or not. It is not safe for concurrent
// starting and stopping.
type Server struct {
	// Address is the URL of its API.
	Address string
	// Environment is what the server has in its environment from its next start on,
	// as NAME=VALUE, besides what the tests have in theirs.
	Environment []string

	cluster   *Cluster
	directory string
	client    *api.Client
	process   *process // nil while it is stopped
	// Where it listens, as host and port: for requests, and for its cluster.
	api, raft string
}

// newServer reserves what a server needs; it does not start it.
func newServer(t *testing.T, cluster *Cluster) *Server {
	s := &Server{cluster: cluster, directory: t.TempDir(), api: reserve(t), raft: reserve(t)}
	s.Address = "http://" + s.api
	require.NoError(t, os.Mkdir(s.path("raft"), 0o700))
	transport := cleanhttp.DefaultPooledClient()
	t.Cleanup(transport.CloseIdleConnections)
	var err error
	// With no retries set, none are made.
	s.client, err = api.NewClient(&api.Config{Address: s.Address, HttpClient: transport, Timeout: bound})
	require.NoError(t, err)
	s.client.ClearNamespace()
	return s
}

func (s *Server) path(name string) string { return filepath.Join(s.directory, name) }

// configure writes the configuration, with the address of a server whose cluster
// is to be joined, or none.
func (s *Server) configure(t *testing.T, id, join string) {
	raft := map[string]any{"path": s.path("raft"), "node_id": id, "performance_multiplier": "1"}
	if s.cluster.joined {
		// So that every server has a vote soon. A server alone is left as it
		// is: one that steps down during an update of the autopilot can hang.
		raft["autopilot_reconcile_interval"], raft["autopilot_update_interval"] = "1s", "500ms"
	}
	if join != "" {
		raft["retry_join"] = []map[string]string{{"leader_api_addr": join}}
	}
	configuration, err := json.MarshalIndent(map[string]any{
		"storage": map[string]any{"raft": raft},
		"listener": []map[string]any{{"tcp": map[string]any{
			"address": s.api, "cluster_address": s.raft, "tls_disable": true,
		}}},
		"api_addr":             s.Address,
		"cluster_addr":         "https://" + s.raft,
		"plugin_directory":     s.cluster.binaries.plugins,
		"disable_mlock":        true,
		"raw_storage_endpoint": true,
		// What a plugin writes to stderr of its own accord, such as a report
		// of a data race, is logged at this level.
		"log_level": "debug",
	}, "", "\t")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.path("vault.json"), configuration, 0o600))
}

// Client returns a client of its own with the root token. It repeats no request.
func (s *Server) Client(t *testing.T) *api.Client {
	client, err := s.client.Clone()
	require.NoError(t, err)
	client.SetToken(s.cluster.rootToken)
	return client
}

// Start starts the server and unseals it, and returns once it serves requests.
func (s *Server) Start(t *testing.T) {
	s.launch(t)
	s.Unseal(t)
}

// launch starts the process and returns once it answers.
func (s *Server) launch(t *testing.T) {
	require.Nil(t, s.process, "the server is running already")
	var err error
	s.process, err = startProcess(s.cluster.life, s.directory, s.path("vault.log"), s.Environment,
		s.cluster.binaries.vault, "server", "-config="+s.path("vault.json"))
	require.NoError(t, err)
	s.await(t, "starting", func(ctx context.Context) error {
		_, err := s.client.Sys().SealStatusWithContext(ctx)
		return err
	})
}

// Unseal unseals the server, which joins its cluster thereby if it is new, and
// returns once it knows who is active. The key is given once: a server that joins
// unseals some time after it has taken the key, and one that takes it twice would
// start standing by twice, and then never step down.
func (s *Server) Unseal(t *testing.T) {
	s.await(t, "taking the unseal key", func(ctx context.Context) error {
		_, err := s.client.Sys().UnsealWithContext(ctx, s.cluster.unsealKey)
		return err
	})
	s.await(t, "unsealing", func(ctx context.Context) error {
		status, err := s.client.Sys().SealStatusWithContext(ctx)
		if err == nil && status.Sealed {
			err = errors.New("the server is still sealed")
		}
		return err
	})
	s.await(t, "finding the active server", func(ctx context.Context) error {
		_, err := s.leader(ctx)
		return err
	})
}

// Seal seals the server, which ends its plugins. Unseal goes on from there.
func (s *Server) Seal(t *testing.T) {
	require.NoError(t, s.Client(t).Sys().SealWithContext(t.Context()))
	s.await(t, "sealing", func(ctx context.Context) error {
		status, err := s.client.Sys().SealStatusWithContext(ctx)
		if err == nil && !status.Sealed {
			err = errors.New("the server is not sealed yet")
		}
		return err
	})
}

// leader returns the address of the active server, which has finished becoming
// it.
func (s *Server) leader(ctx context.Context) (string, error) {
	health, err := s.client.Sys().HealthWithContext(ctx)
	if err != nil {
		return "", err
	}
	leader, err := s.client.Sys().LeaderWithContext(ctx)
	switch {
	case err != nil:
		return "", err
	case health.Sealed || leader.LeaderAddress == "" || leader.IsSelf == health.Standby:
		return "", errors.New("no server is active yet")
	}
	return leader.LeaderAddress, nil
}

// Stop lets the server end in good order. One that loses its cluster's lead
// meanwhile leaves its plugins behind; they are ended as well.
func (s *Server) Stop(t *testing.T) {
	plugins := s.Plugins(t)
	require.NoError(t, signal(s.process.pid, syscall.SIGTERM))
	s.ended(t)
	for _, pid := range plugins {
		require.NoError(t, signal(pid, syscall.SIGKILL))
	}
}

// Kill ends the server and its plugins without warning.
func (s *Server) Kill(t *testing.T) {
	require.NoError(t, kill(s.process.pid))
	s.ended(t)
}

// ended waits for the end of the process.
func (s *Server) ended(t *testing.T) {
	select {
	case <-s.process.exited:
	case <-time.After(bound):
		assert.Fail(t, "the server does not end")
		assert.NoError(t, kill(s.process.pid))
		<-s.process.exited
	}
	s.process = nil
}

// Plugins returns the process ids of the server's plugins.
func (s *Server) Plugins(t *testing.T) []int {
	require.NotNil(t, s.process, "the server is not running")
	pids, err := children(s.process.pid)
	require.NoError(t, err)
	return pids
}

// KillPlugins ends the server's plugins without warning. Requests can fail until
// the server has noticed; it starts a plugin again with the next request.
func (s *Server) KillPlugins(t *testing.T) {
	pids := s.Plugins(t)
	require.NotEmpty(t, pids, "the server has no plugins")
	for _, pid := range pids {
		require.NoError(t, signal(pid, syscall.SIGKILL))
	}
}

// await repeats a step until it succeeds, the server ends, or too much time has
// passed.
func (s *Server) await(t *testing.T, doing string, step func(context.Context) error) {
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		err := step(ctx)
		if err == nil {
			return
		}
		require.True(t, s.process.running(), "%s: the server has ended: %v", doing, err)
		select {
		case <-tick.C:
		case <-ctx.Done():
			require.NoError(t, err, doing)
		}
	}
}

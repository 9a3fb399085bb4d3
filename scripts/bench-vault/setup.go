package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// The plugins, by the names of their binaries.
const (
	ours = "vault-plugin-secrets-exchange"
	peer = "nomad-engine"
)

// setUp mounts both engines beside their stand-ins, and returns what to measure: the peer
// is the last.
func setUp(ctx context.Context, client *api.Client, server int) (engines []engine, end func(), err error) {
	exchange := simulator.New(simulator.Options{RateMultiplier: 1e6}, all.Venues()...)
	if err := exchange.Start("127.0.0.1", 0); err != nil {
		return nil, nil, err
	}
	nomad := httptest.NewServer(http.HandlerFunc(answerAsNomad))
	end = func() {
		nomad.Close()
		_ = exchange.Close() // It kept nothing.
	}
	access := exchange.Exchange("bybit")
	role := map[string]any{
		"connection": "bybit", "sub_accounts": access.SubAccounts[0], "ttl": "10m", "max_ttl": "1h",
	}
	for _, mount := range []string{ours, peer} {
		if err = client.Sys().MountWithContext(ctx, mount, &api.MountInput{Type: mount}); err != nil {
			end()
			return nil, nil, fmt.Errorf("mounting %s: %w", mount, err)
		}
	}
	for _, write := range []struct {
		path string
		data map[string]any
	}{
		{ours + "/config/bybit", map[string]any{
			"exchange": "bybit", "base_url": access.BaseURL, "api_key": access.APIKey, "api_secret": access.APISecret, "rate_multiplier": 10_000,
		}},
		{ours + "/roles/reader", with(role, map[string]any{"scopes": "read"})},
		{ours + "/roles/trader", with(role, map[string]any{"scopes": "read,trade:spot", "ip_allowlist": "127.0.0.1"})},
		{peer + "/config/access", map[string]any{"address": nomad.URL, "token": "bench"}},
		{peer + "/config/lease", map[string]any{"ttl": "10m", "max_ttl": "1h"}},
		{peer + "/role/reader", map[string]any{"policies": "reader"}},
	} {
		if _, err = client.Logical().WriteWithContext(ctx, write.path, write.data); err != nil {
			end()
			return nil, nil, fmt.Errorf("writing %s: %w", write.path, err)
		}
	}
	return []engine{
		{"this engine, read", client, server, ours + "/creds/reader"},
		{"this engine, trade", client, server, ours + "/creds/trader"},
		{"Vault's Nomad engine", client, server, peer + "/creds/reader"},
	}, end, nil
}

// with returns the fields and more.
func with(fields, more map[string]any) map[string]any {
	whole := map[string]any{}
	for _, some := range []map[string]any{fields, more} {
		for field, value := range some {
			whole[field] = value
		}
	}
	return whole
}

// answerAsNomad answers what the peer asks of Nomad: a new token, and its deletion.
func answerAsNomad(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v1/acl/token") {
		http.NotFound(w, r)
		return
	}
	if r.Method == http.MethodDelete {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{ // a peer that has gone reads nothing
		"AccessorID": rand.Text(), "SecretID": rand.Text(), "Type": "client",
	})
}

// freeAddress is one on this machine at which nobody listens.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

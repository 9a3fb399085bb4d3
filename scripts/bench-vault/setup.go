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
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// The plugins, by the names of their binaries.
const (
	ours = "vault-plugin-secrets-exchange"
	peer = "nomad-engine"
)

// setUp mounts both engines that lease credentials beside their stand-ins, and returns
// what to measure: the peer is the last.
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
	if err = mount(ctx, client, ours, peer); err != nil {
		end()
		return nil, nil, err
	}
	for _, entry := range []struct {
		path string
		data map[string]any
	}{
		{ours + "/config/bybit", map[string]any{
			"exchange": "bybit", "base_url": access.BaseURL, "api_key": access.APIKey, "api_secret": access.APISecret, "rate_multiplier": 10_000,
		}},
		{ours + "/roles/reader", with(role, map[string]any{"scopes": "read"})},
		{ours + "/roles/trader", with(role, map[string]any{"scopes": "read,trade:spot", "ip_allowlist": "127.0.0.1"})},
		{ours + "/roles/signer", with(role, map[string]any{"scopes": "read,trade:spot", "ip_allowlist": "127.0.0.1", "custody": "vault", "ttl": "24h", "max_ttl": "24h"})},
		{peer + "/config/access", map[string]any{"address": nomad.URL, "token": "bench"}},
		{peer + "/config/lease", map[string]any{"ttl": "10m", "max_ttl": "1h"}},
		{peer + "/role/reader", map[string]any{"policies": "reader"}},
	} {
		if err = write(ctx, client, entry.path, entry.data); err != nil {
			end()
			return nil, nil, err
		}
	}
	return []engine{
		{"this engine, read", server, leases(client, ours+"/creds/reader")},
		{"this engine, trade", server, leases(client, ours+"/creds/trader")},
		{"Vault's Nomad engine", server, leases(client, peer+"/creds/reader")},
	}, end, nil
}

// mount mounts plugins, each at its own name.
func mount(ctx context.Context, client *api.Client, plugins ...string) error {
	for _, name := range plugins {
		if err := client.Sys().MountWithContext(ctx, name, &api.MountInput{Type: name}); err != nil {
			return fmt.Errorf("mounting %s: %w", name, err)
		}
	}
	return nil
}

func write(ctx context.Context, client *api.Client, path string, data map[string]any) error {
	if _, err := client.Logical().WriteWithContext(ctx, path, data); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// leases returns what reads a credential and revokes its lease.
func leases(client *api.Client, creds string) func(context.Context) (answer, revoke time.Duration, err error) {
	return func(ctx context.Context) (answer, revoke time.Duration, err error) {
		began := time.Now()
		secret, err := client.Logical().ReadWithContext(ctx, creds)
		if err != nil {
			return 0, 0, err
		}
		minted := time.Now()
		err = client.Sys().RevokeWithOptionsWithContext(ctx, &api.RevokeOptions{LeaseID: secret.LeaseID, Sync: true})
		return minted.Sub(began), time.Since(minted), err
	}
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

package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/vault/api"
)

// The peers of a signature: Vault's own transit engine, which is built in, and a plugin
// that does nothing, by the name of its binary.
const (
	transit = "transit"
	noop    = "noop-engine"
)

// setUpSigning mounts the peers of a signature, leases a key whose secret stays in Vault
// from the role signer, and returns what to measure: this engine is the first. Each
// signs the same order, or does as if.
func setUpSigning(ctx context.Context, client *api.Client, server int) ([]engine, error) {
	if err := mount(ctx, client, transit, noop); err != nil {
		return nil, err
	}
	if err := write(ctx, client, transit+"/keys/bench", map[string]any{"type": "hmac", "key_size": 32}); err != nil {
		return nil, err
	}
	handle, err := client.Logical().ReadWithContext(ctx, ours+"/creds/signer")
	if err != nil {
		return nil, fmt.Errorf("leasing a key that signs: %w", err)
	}
	path, _ := handle.Data["sign_path"].(string)
	const body = `{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001","price":"10000"}`
	order := map[string]any{"method": "POST", "path": "/v5/order/create", "body": body}
	calls := []struct {
		name, path string
		data       map[string]any
	}{
		{"this engine, sign", ours + "/" + path, order},
		{"Vault's transit, hmac", transit + "/hmac/bench/sha2-256", map[string]any{"input": base64.StdEncoding.EncodeToString([]byte(body))}},
		{"a plugin that does nothing", noop + "/sign/bench", order},
	}
	var engines []engine
	var shapes [][]string
	for _, call := range calls {
		answer, err := client.Logical().WriteWithContext(ctx, call.path, call.data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", call.name, err)
		}
		shapes = append(shapes, shape(answer.Data))
		engines = append(engines, engine{call.name, server, func(ctx context.Context) (answer, revoke time.Duration, err error) {
			began := time.Now()
			_, err = client.Logical().WriteWithContext(ctx, call.path, call.data)
			return time.Since(began), 0, err
		}})
	}
	if !slices.Equal(shapes[0], shapes[2]) {
		return nil, fmt.Errorf("a signed request has %q, and what %s answers has %q; make noop answer alike", shapes[0], noop, shapes[2])
	}
	return engines, nil
}

// shape is the names of an answer's fields, and of the fields of those, in order.
func shape(data map[string]any) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(data)) {
		names = append(names, name)
		if below, ok := data[name].(map[string]any); ok {
			for _, inner := range shape(below) {
				names = append(names, name+"."+inner)
			}
		}
	}
	return names
}

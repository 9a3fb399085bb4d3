package acceptance_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// The goals for a start with 100,000 keys.
const (
	firstMint    = 2 * time.Second
	wholeLoad    = 10 * time.Second
	memoryOfLoad = 256 << 20
)

// TestStart unseals a server whose ledger has many keys: some, or as many as KEYS says in
// the environment. It shows the times beside their goals, but does not assert them: how
// long things take depends on the machine. With KEYS it asserts the goal for memory.
func TestStart(t *testing.T) {
	keys := 2_000
	if text := os.Getenv("KEYS"); text != "" {
		var err error
		keys, err = strconv.Atoi(text)
		require.NoError(t, err, "KEYS")
	} else {
		t.Parallel()
	}
	vault := vaulttest.Start(t, 1)
	venues := simulator.New(simulator.Options{RateMultiplier: hurried, SubAccounts: 201}, all.Venues()...)
	require.NoError(t, venues.Start("127.0.0.1", 0))
	t.Cleanup(func() { require.NoError(t, venues.Close()) })
	e := enableBeside(t, vault, venues)
	e.write(t, "config/"+desk, e.connection())
	e.write(t, "roles/"+reader, fields{"connection": desk, "scopes": "read", "sub_accounts": venues.Exchange(bybit).SubAccounts[1:], "ttl": "2h"})
	e.write(t, "roles/"+trader, fields{"connection": desk, "scopes": "read", "sub_accounts": venues.Exchange(bybit).SubAccounts[0], "max_live_keys": 2})
	e.mint(t, trader)
	made := e.fill(t, keys)

	server := vault.Servers[0]
	server.Seal(t)
	began := time.Now()
	server.Unseal(t)
	k := e.mint(t, trader)
	first := time.Since(began)
	e.read(t, "config/"+desk) // It counts keys, and waits for all.
	whole := time.Since(began)
	require.EqualValues(t, json.Number(strconv.Itoa(made+2)), e.read(t, "config/"+desk)["live_keys"])
	require.Error(t, e.tryRead(t, "creds/"+trader), "its third key")
	k.revoke(t)
	memory := peakMemory(t, server.Plugins(t))
	t.Logf("%d keys: after the unseal key was given, the first mint was done in %s (goal %s), and all were loaded in %s (goal %s); the plugin has used %s of a processor, and %d MiB at most (goal %d)",
		made+2, first.Round(time.Millisecond), firstMint, whole.Round(time.Millisecond), wholeLoad, processorTime(t, server.Plugins(t)), memory>>20, memoryOfLoad>>20)
	if os.Getenv("KEYS") != "" {
		require.Less(t, memory, memoryOfLoad)
	}
}

// fill writes the entries of at least so many keys into the ledger, like those of real keys
// in 200 sub-accounts, and returns how many live keys there are then. None of the others is
// at an exchange, which the ledger is not to know.
func (e *engine) fill(t *testing.T, keys int) (live int) {
	mount, err := e.client.Sys().GetMountWithContext(t.Context(), e.path)
	require.NoError(t, err)
	folder := "sys/raw/logical/" + mount.UUID + "/key/"
	type entry map[string]any
	var models []entry
	for range 200 {
		raw, err := e.client.Logical().ReadWithContext(t.Context(), folder+e.mint(t, reader).text("key_id"))
		require.NoError(t, err)
		var stored struct{ Entry entry }
		require.NoError(t, json.Unmarshal([]byte(raw.Data["value"].(string)), &stored))
		models = append(models, stored.Entry)
	}
	var writes errgroup.Group
	writes.SetLimit(64)
	for i := range keys - len(models) {
		writes.Go(func() error {
			copied := maps.Clone(models[i%len(models)])
			_, hashes, _ := strings.Cut(copied["id"].(string), "-")
			copied["id"] = fmt.Sprintf("key%09d-%s", i, hashes)
			copied["api_key"] = fmt.Sprintf("%018d", i)
			copied["exchange_key_id"] = copied["api_key"]
			copied["label"] = fmt.Sprint(copied["label"].(string)[:6], copied["id"].(string)[:12])
			value, err := json.Marshal(map[string]any{"schema": 1, "entry": copied})
			if err == nil {
				_, err = e.client.Logical().WriteWithContext(t.Context(), folder+copied["id"].(string), map[string]any{"value": string(value)})
			}
			return err
		})
	}
	require.NoError(t, writes.Wait())
	return max(keys, len(models))
}

// processorTime is what the processes have used of a processor since they began, all
// together; zero where the system does not say.
func processorTime(t *testing.T, pids []int) (used time.Duration) {
	const tick = 10 * time.Millisecond // On every Linux that Go runs on.
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if os.IsNotExist(err) {
			return 0
		}
		require.NoError(t, err)
		// The name, in parentheses, may hold anything. What comes after it counts from 3.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		for _, field := range fields[14-3 : 16-3] {
			ticks, err := strconv.Atoi(field)
			require.NoError(t, err)
			used += time.Duration(ticks) * tick
		}
	}
	return used
}

var residentPeak = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// peakMemory is what the processes had at the most, all together, in bytes; zero where
// the system does not say.
func peakMemory(t *testing.T, pids []int) (bytes int) {
	require.NotEmpty(t, pids)
	for _, pid := range pids {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if os.IsNotExist(err) {
			return 0
		}
		require.NoError(t, err)
		found := residentPeak.FindSubmatch(status)
		require.NotNil(t, found)
		kilobytes, err := strconv.Atoi(string(found[1]))
		require.NoError(t, err)
		bytes += kilobytes << 10
	}
	return bytes
}

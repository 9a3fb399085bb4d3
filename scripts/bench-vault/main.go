// Command bench-vault measures the engine beside a secrets engine of Vault's own, Nomad's,
// on one Vault server, as clients see them: each client reads a credential and revokes
// its lease, again and again. Both engines are external plugins of a server that keeps
// its storage in memory, and both talk to stand-ins on this machine that answer at once,
// so that what is measured is what an engine and Vault cost.
//
// The engines take turns, round after round, so that what else the machine does slows
// down both. It prints each round as it ends, and the table in Markdown at the end.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-cleanhttp"
	"github.com/hashicorp/vault/api"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench-vault:", err)
		os.Exit(1)
	}
}

// settings of a run.
type settings struct {
	vault, plugins, json string
	rounds               int
	round                time.Duration
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("bench-vault", flag.ContinueOnError)
	flags.StringVar(&s.vault, "vault", "bin/vault", "`path` of the Vault server")
	flags.StringVar(&s.plugins, "plugins", "bin/bench-vault", "`folder` that holds the two plugins and nothing else")
	flags.StringVar(&s.json, "json", "", "`file` to which the results are written too")
	flags.IntVar(&s.rounds, "rounds", 5, "how many rounds each case is measured")
	flags.DurationVar(&s.round, "round", 4*time.Second, "how long a round takes for each engine")
	if err := flags.Parse(args); err != nil {
		return err
	}
	client, server, end, err := startVault(ctx, s)
	if err != nil {
		return err
	}
	defer end()
	engines, closeStandIns, err := setUp(ctx, client, server)
	if err != nil {
		return err
	}
	defer closeStandIns()
	report := report{CPUs: runtime.NumCPU(), Go: runtime.Version(), Rounds: s.rounds, Seconds: s.round.Seconds()}
	for _, clients := range []int{1, 8, 32} {
		measured, err := measure(ctx, out, s, engines, clients)
		if err != nil {
			return err
		}
		report.Cases = append(report.Cases, measured...)
	}
	fmt.Fprint(out, report.table())
	if s.json == "" {
		return nil
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.json, append(text, '\n'), 0o644)
}

// startVault starts a server with its storage in memory and both plugins in its catalog.
func startVault(ctx context.Context, s settings) (client *api.Client, id int, end func(), err error) {
	plugins, err := filepath.Abs(s.plugins)
	if err != nil {
		return nil, 0, nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, 0, nil, err
	}
	const token = "bench" // Of a server that ends with this command.
	ctx, cancel := context.WithCancel(ctx)
	server := exec.CommandContext(ctx, s.vault, "server", "-dev", "-dev-root-token-id="+token, "-dev-no-store-token",
		"-dev-listen-address="+address, "-dev-plugin-dir="+plugins, "-log-level=error")
	server.Stderr = os.Stderr
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) }
	server.WaitDelay = 10 * time.Second
	if err := server.Start(); err != nil {
		cancel()
		return nil, 0, nil, fmt.Errorf("starting %s: %w", s.vault, err)
	}
	end = func() {
		cancel()
		_ = server.Wait() // It was told to end.
	}
	transport := cleanhttp.DefaultPooledClient()
	if client, err = api.NewClient(&api.Config{Address: "http://" + address, HttpClient: transport, Timeout: time.Minute}); err == nil {
		client.SetToken(token)
		err = awaitVault(ctx, client)
	}
	if err != nil {
		end()
		return nil, 0, nil, err
	}
	return client, server.Process.Pid, end, nil
}

// startTime is how long the server may take to start.
const startTime = time.Minute

func awaitVault(ctx context.Context, client *api.Client) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for tick := time.Tick(100 * time.Millisecond); ; {
		select {
		case <-tick:
			if health, err := client.Sys().HealthWithContext(ctx); err == nil && !health.Sealed {
				return nil
			}
		case <-ctx.Done():
			return errors.New("the server does not start")
		}
	}
}

// measure lets the engines take turns with so many clients.
func measure(ctx context.Context, out io.Writer, s settings, engines []engine, clients int) ([]result, error) {
	rounds := make([][]round, len(engines))
	for n := range s.rounds + 1 {
		for i, e := range engines {
			r, err := e.play(ctx, clients, s.round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			}
			if n == 0 {
				continue // The first round warms up.
			}
			rounds[i] = append(rounds[i], r)
			fmt.Fprintf(out, "%2d clients, round %d of %d, %-24s %7.0f keys/s, p50 of a mint %s, CPU a key %s\n",
				clients, n, s.rounds, e.name, r.rate, r.mint.Round(10*time.Microsecond), r.cpu.Round(10*time.Microsecond))
		}
	}
	results := make([]result, len(engines))
	for i, e := range engines {
		results[i] = resultOf(e.name, clients, rounds[i], rounds[len(engines)-1])
	}
	return results, nil
}

// round is what one engine did in one round.
type round struct {
	// rate is how many credentials were read and revoked in a second.
	rate float64
	// mint and revoke are the medians of how long a client waited.
	mint, revoke time.Duration
	// cpu is what Vault and its plugins used of the processor for each credential.
	cpu time.Duration
}

// engine is one to be measured.
type engine struct {
	name   string
	client *api.Client
	// server is the id of Vault's process.
	server int
	creds  string
}

// play lets clients read and revoke credentials for a while.
func (e engine) play(ctx context.Context, clients int, length time.Duration) (round, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var mints, revocations []time.Duration
	began, used := time.Now(), cpuOf(e.server)
	var working sync.WaitGroup
	for range clients {
		working.Go(func() {
			for time.Since(began) < length && ctx.Err() == nil {
				mint, revoke, err := e.once(ctx)
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				mints, revocations = append(mints, mint), append(revocations, revoke)
				mu.Unlock()
			}
		})
	}
	working.Wait()
	if err := context.Cause(ctx); err != nil {
		return round{}, err
	}
	r := round{rate: float64(len(mints)) / time.Since(began).Seconds(), mint: median(mints), revoke: median(revocations)}
	if len(mints) > 0 {
		r.cpu = (cpuOf(e.server) - used) / time.Duration(len(mints))
	}
	return r, nil
}

// once reads a credential and revokes its lease.
func (e engine) once(ctx context.Context) (mint, revoke time.Duration, err error) {
	began := time.Now()
	secret, err := e.client.Logical().ReadWithContext(ctx, e.creds)
	if err != nil {
		return 0, 0, err
	}
	minted := time.Now()
	err = e.client.Sys().RevokeWithOptionsWithContext(ctx, &api.RevokeOptions{LeaseID: secret.LeaseID, Sync: true})
	return minted.Sub(began), time.Since(minted), err
}

func median[T ~int64 | ~float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

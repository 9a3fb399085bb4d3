// Command bench-vault measures the engine beside a secrets engine of Vault's own, Nomad's,
// on one Vault server, as clients see them: each client reads a credential and revokes
// its lease, again and again. Both engines are external plugins of a server that keeps
// its storage in memory, and both talk to stand-ins on this machine that answer at once,
// so that what is measured is what an engine and Vault cost.
//
// On the same server it measures signatures with a key whose secret stays in Vault, one a
// request, beside an HMAC of Vault's own transit engine and beside an external plugin that
// does nothing.
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
	flags.StringVar(&s.plugins, "plugins", "bin/bench-vault", "`folder` that holds the plugins and nothing else")
	flags.StringVar(&s.json, "json", "", "`file` to which the results are written too")
	flags.IntVar(&s.rounds, "rounds", 5, "how many rounds each case is measured")
	flags.DurationVar(&s.round, "round", 4*time.Second, "how long a round takes for each engine")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.rounds < 1 || s.round <= 0 {
		return fmt.Errorf("-rounds %d and -round %s: give at least one round, of some time", s.rounds, s.round)
	}
	client, server, end, err := startVault(ctx, s)
	if err != nil {
		return err
	}
	defer end()
	leasing, closeStandIns, err := setUp(ctx, client, server)
	if err != nil {
		return err
	}
	defer closeStandIns()
	signing, err := setUpSigning(ctx, client, server)
	if err != nil {
		return err
	}
	report := report{CPUs: runtime.NumCPU(), Go: runtime.Version(), Rounds: s.rounds, Seconds: s.round.Seconds()}
	for _, clients := range []int{1, 8, 32} {
		rounds, err := measure(ctx, out, s, leasing, clients)
		if err != nil {
			return err
		}
		for i, e := range leasing {
			report.Cases = append(report.Cases, resultOf(e.name, clients, rounds[i], rounds[len(leasing)-1]))
		}
		if rounds, err = measure(ctx, out, s, signing, clients); err != nil {
			return err
		}
		for i, e := range signing[1:] {
			report.Signatures = append(report.Signatures, signaturesOf(e.name, clients, rounds[0], rounds[i+1]))
		}
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

// startVault starts a server with its storage in memory and the plugins in its catalog.
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

// measure lets the engines take turns with so many clients, and returns the rounds of each.
func measure(ctx context.Context, out io.Writer, s settings, engines []engine, clients int) ([][]round, error) {
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
			fmt.Fprintf(out, "%2d clients, round %d of %d, %-26s %7.0f a second, p50 %s, CPU of each %s\n",
				clients, n, s.rounds, e.name, r.rate, r.answer.Round(10*time.Microsecond), r.cpu.Round(10*time.Microsecond))
		}
	}
	return rounds, nil
}

// round is what one engine did in one round.
type round struct {
	// rate is how many credentials were read and revoked, or requests signed, in a second.
	rate float64
	// answer and revoke are the medians of how long a client waited: for a credential or
	// a signature, and for a credential's end.
	answer, revoke time.Duration
	// cpu is what Vault and its plugins used of the processor for each.
	cpu time.Duration
}

// engine is one to be measured.
type engine struct {
	name string
	// server is the id of Vault's process.
	server int
	// once does once what is measured.
	once func(context.Context) (answer, revoke time.Duration, err error)
}

// play lets clients do what is measured, again and again for a while.
func (e engine) play(ctx context.Context, clients int, length time.Duration) (round, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var answers, revocations []time.Duration
	began, used := time.Now(), cpuOf(e.server)
	var working sync.WaitGroup
	for range clients {
		working.Go(func() {
			for time.Since(began) < length && ctx.Err() == nil {
				answer, revoke, err := e.once(ctx)
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				answers, revocations = append(answers, answer), append(revocations, revoke)
				mu.Unlock()
			}
		})
	}
	working.Wait()
	if err := context.Cause(ctx); err != nil {
		return round{}, err
	}
	r := round{rate: float64(len(answers)) / time.Since(began).Seconds(), answer: median(answers), revoke: median(revocations)}
	if len(answers) > 0 {
		r.cpu = (cpuOf(e.server) - used) / time.Duration(len(answers))
	}
	return r, nil
}

func median[T ~int64 | ~float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

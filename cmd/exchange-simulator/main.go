// Command exchange-simulator serves stand-ins of the exchanges for tests and
// demonstrations: a control API on the base port, and each exchange on a port
// of its own. It is never the exchange itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "exchange-simulator:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, out, usage io.Writer) error {
	flags := flag.NewFlagSet("exchange-simulator", flag.ContinueOnError)
	flags.SetOutput(usage)
	listen := flags.String("listen", "127.0.0.1", "`address` to listen on")
	basePort := flags.Int("base-port", 8300, "`port` of the control API; the exchanges take the ports after it. 0 takes free ports")
	multiplier := flags.Float64("rate-multiplier", 1, "`factor` that multiplies every documented rate limit")
	subAccounts := flags.Int("sub-accounts", 3, "`number` of sub-accounts that each exchange starts with")
	allowRemote := flags.Bool("allow-remote", false, "allow an address that other machines can reach")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q; this command takes only flags, see -help", flags.Arg(0))
	case !*allowRemote && !isLoopback(*listen):
		return fmt.Errorf("%q is not a loopback address; the control API gives root credentials to anyone who asks, "+
			"so add -allow-remote only if you want that", *listen)
	case *multiplier <= 0:
		return errors.New("-rate-multiplier must be positive")
	case *subAccounts < 1:
		return errors.New("-sub-accounts must be at least 1")
	case *basePort < 0 || *basePort > 65000:
		return errors.New("-base-port must be between 0 and 65000")
	}

	s := simulator.New(simulator.Options{RateMultiplier: *multiplier, SubAccounts: *subAccounts}, all.Venues()...)
	if err := s.Start(*listen, *basePort); err != nil {
		return err
	}
	fmt.Fprintf(out, "control     %s\n", s.ControlURL())
	for _, name := range s.Exchanges() {
		fmt.Fprintf(out, "%-11s %s\n", name, s.Exchange(name).BaseURL)
	}
	fmt.Fprintln(out, "These exchanges are simulated, not real. Ready.")
	<-ctx.Done()
	return s.Close()
}

func isLoopback(address string) bool {
	parsed, err := netip.ParseAddr(address)
	return address == "localhost" || err == nil && parsed.IsLoopback()
}

// Command connect-simulator writes to Vault everything that it takes to mint
// keys at a running exchange simulator. Every exchange that both know gets a
// connection named after it and a role NAME-trader. It also gets a role
// NAME-reader if it can make a read-only key. Bybit gets trader-role as well.
//
// It finds Vault by VAULT_ADDR and VAULT_TOKEN, as Vault's own command does.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/hashicorp/go-cleanhttp"
	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// timeout limits the whole run: a few calls to Vault, and to the simulator on
// the same machine.
const timeout = time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "connect-simulator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	flags := flag.NewFlagSet("connect-simulator", flag.ContinueOnError)
	simulatorURL := flags.String("simulator", "http://127.0.0.1:8300", "`URL` of the simulator's control API")
	mount := flags.String("mount", "exchange", "`path` of the secrets engine")
	if err := flags.Parse(args); err != nil {
		return err
	}
	simulated, err := readSimulator(ctx, *simulatorURL)
	if err != nil {
		return err
	}
	vault, err := api.NewClient(nil)
	if err != nil {
		return err
	}
	write := func(path string, data map[string]any) error {
		_, err := vault.Logical().WriteWithContext(ctx, *mount+"/"+path, data)
		return err
	}
	connected := 0
	for _, exchange := range catalog.All() {
		about := exchange.Describe()
		root, ok := simulated[about.Name]
		if !ok {
			fmt.Fprintf(out, "%s is not simulated, so it is left out\n", about.Name)
			continue
		}
		if err := connect(about, root, write, out); err != nil {
			return fmt.Errorf("%s: %w", about.Name, err)
		}
		connected++
	}
	if connected == 0 {
		return errors.New("the simulator has no exchange that the plugin knows")
	}
	return nil
}

// root is what the simulator says about reaching one of its exchanges.
type root struct {
	BaseURL     string   `json:"base_url"`
	APIKey      string   `json:"api_key"`
	APISecret   string   `json:"api_secret"`
	Passphrase  string   `json:"passphrase"`
	PrivateKey  string   `json:"private_key"`
	TOTPSecret  string   `json:"totp_secret"`
	Broker      string   `json:"broker"`
	Variant     string   `json:"variant"`
	SubAccounts []string `json:"sub_accounts"`
}

// readSimulator asks the simulator which exchanges it has.
func readSimulator(ctx context.Context, url string) (map[string]root, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := cleanhttp.DefaultClient().Do(request)
	if err != nil {
		return nil, fmt.Errorf("the simulator cannot be reached: %w", err)
	}
	defer response.Body.Close()
	var overview struct {
		Exchanges map[string]root `json:"exchanges"`
	}
	if err := json.NewDecoder(response.Body).Decode(&overview); err != nil || response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server at %s is not the simulator", url)
	}
	return overview.Exchanges, nil
}

// loopback is the address from which this machine's users call the simulator.
// Keys are bound to it.
const loopback = "127.0.0.1"

// connect writes one exchange's connection and roles.
func connect(about exchanges.Description, root root, write func(string, map[string]any) error, out io.Writer) error {
	variant, err := about.Variant(root.Variant)
	if err != nil {
		return err
	}
	trade := narrowestTrade(variant)
	addresses := []string{loopback}
	if variant.Addresses.None {
		addresses = nil
	}
	err = write("config/"+about.Name, map[string]any{
		"exchange": about.Name, "base_url": root.BaseURL, "variant": root.Variant,
		"api_key": root.APIKey, "api_secret": root.APISecret, "passphrase": root.Passphrase,
		"private_key": root.PrivateKey, "totp_secret": root.TOTPSecret, "broker": root.Broker,
		"allowed_scopes":         defaultScopes().Union(trade).Strings(),
		"require_ip_allowlist":   !variant.Addresses.None,
		"allow_undeletable_keys": variant.NoDeletion != "",
		"frozen":                 "no",
	})
	if err != nil {
		return err
	}
	type role struct {
		name   string
		scopes exchanges.Scopes
	}
	roles := []role{{about.Name + "-trader", trade}}
	read := exchanges.Scopes{exchanges.ScopeRead}
	if _, err := variant.Grant(read, nil); err == nil {
		roles = append(roles, role{about.Name + "-reader", read})
	}
	if about.Name == "bybit" {
		roles = append(roles, role{"trader-role", trade})
	}
	fmt.Fprintf(out, "connection %s\n", about.Name)
	for _, role := range roles {
		err := write("roles/"+role.name, map[string]any{
			"connection": about.Name, "sub_accounts": root.SubAccounts, "scopes": role.scopes.Strings(),
			"ip_allowlist": addresses, "ttl": "15m", "max_ttl": "8h",
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  role %-18s %s\n", role.name, role.scopes)
	}
	return nil
}

// defaultScopes are a connection's allowed_scopes by default: all that cannot
// move funds.
func defaultScopes() exchanges.Scopes {
	return exchanges.NewScopes(exchanges.AllScopes()...).Without(exchanges.Scopes{exchanges.ScopeTransfer, exchanges.ScopeWithdraw})
}

// narrowestTrade is the smallest set of scopes with which a key can trade. If
// there is a choice, it is the one for spot.
func narrowestTrade(variant exchanges.Variant) exchanges.Scopes {
	var narrowest exchanges.Scopes
	for _, permission := range variant.Permissions {
		candidate := permission.Scopes.Union(exchanges.Scopes{exchanges.ScopeRead})
		if !slices.ContainsFunc(candidate, exchanges.Scope.IsTrade) || narrowest != nil && !narrower(candidate, narrowest) {
			continue
		}
		if _, err := variant.Grant(candidate, nil); err == nil {
			narrowest = candidate
		}
	}
	return narrowest
}

// narrower prefers fewer scopes and, between equally many, those with spot.
func narrower(a, b exchanges.Scopes) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a.Has(exchanges.ScopeSpot) && !b.Has(exchanges.ScopeSpot)
}

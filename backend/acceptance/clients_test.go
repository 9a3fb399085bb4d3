package acceptance_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// clientsFolder holds the clients that people use, and what drives them.
const clientsFolder = "../../scripts/clients"

// balanceRight is what a key needs besides the scopes to read balances, where a key
// that trades may not.
var balanceRight = map[string]string{"bitget": "uta_mgt", "deribit": "account:read"}

// classOfNoOrder is the client's class for the exchange's refusal to cancel an order
// that does not exist, where the client does not know it as OrderNotFound.
var classOfNoOrder = map[string]string{"bitget": "ExchangeError", "mexc": "BadRequest", "orderly": "InvalidOrder"}

// sdkClassOfNoOrder is the class of the same refusal in the SDK that the exchange
// publishes itself, for the exchanges whose SDK lives the day as well.
var sdkClassOfNoOrder = map[string]string{"binance": "BadRequestError", "gate": "AxiosError", "kucoin": "RestError"}

// A client that people use lives a small trading day with a minted key, at each
// exchange and with each type of key that the client can use: it reads the balance,
// places an order, finds it listed, cancels it, and is refused when it does so again. It
// is given nothing of the key but client_config. This proves that client_config is all
// that the client needs, and that the simulated exchange answers as the exchange does, as
// far as the client reads it.
func TestDay(t *testing.T) {
	t.Parallel()
	needClients(t)
	vault := vaulttest.Start(t, 1)
	e := enable(t, vault)
	for _, exchange := range catalog.All() {
		about := exchange.Describe()
		t.Run(about.Name, func(t *testing.T) {
			t.Parallel()
			e.livesDays(t, about, about.Variants[0])
		})
	}
}

// The same client lives the same day with a key that it does not have: Vault signs each
// of its requests.
func TestSignedDay(t *testing.T) {
	t.Parallel()
	needClients(t)
	vault := vaulttest.Start(t, 1)
	e := enable(t, vault)
	for _, exchange := range catalog.All() {
		about := exchange.Describe()
		if about.Variants[0].Signing.NoCustody != "" {
			continue
		}
		t.Run(about.Name, func(t *testing.T) {
			t.Parallel()
			role := e.traderRole(t, about, about.Variants[0])
			role["custody"] = "vault"
			e.write(t, "roles/"+about.Name, role)
			k := e.mint(t, about.Name)
			for _, secret := range []string{"api_secret", "passphrase", "private_key", "token"} {
				require.Empty(t, k.Data[secret], secret)
			}
			k.Data["vault"] = map[string]string{
				"url": e.client.Address() + "/v1/" + e.path + "/" + k.text("sign_path"), "token": e.client.Token(),
			}
			requireDay(t, day(t, "vault.mjs", k.Data), cmp.Or(classOfNoOrder[about.Name], "OrderNotFound"))
		})
	}
}

// needClients installs the clients if they are not there. Without a Node.js that is
// new enough it skips the test, but in continuous integration it fails.
func needClients(t *testing.T) {
	if missing := missingNode(t); missing != "" {
		missing += "; the exchange clients need Node.js 20.19 or newer, with npm"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	require.NoError(t, installClients(), "the exchange clients cannot be installed; run npm ci in scripts/clients")
}

// installClients installs the clients once for all tests, which run side by side.
var installClients = sync.OnceValue(func() error {
	pinned, err := os.Stat(filepath.Join(clientsFolder, "package-lock.json"))
	if err != nil {
		return err
	}
	// npm writes this file last.
	installed, err := os.Stat(filepath.Join(clientsFolder, "node_modules", ".package-lock.json"))
	if err == nil && !installed.ModTime().Before(pinned.ModTime()) {
		return nil
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = clientsFolder
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
})

// missingNode says what is missing to run the clients, empty if nothing is.
func missingNode(t *testing.T) string {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return program + " is not on the PATH"
		}
	}
	version, err := exec.CommandContext(t.Context(), "node", "--version").Output()
	require.NoError(t, err)
	var major, minor int
	_, err = fmt.Sscanf(string(version), "v%d.%d", &major, &minor)
	require.NoError(t, err, "%s", version)
	if major < 20 || major == 20 && minor < 19 {
		return "node is " + strings.TrimSpace(string(version))
	}
	return ""
}

// traderRole connects the exchange and returns a role for keys that can trade.
func (e *engine) traderRole(t *testing.T, about exchanges.Description, variant exchanges.Variant) fields {
	exchange := about.Name
	access := rootOf(t, e, exchange, variant)
	e.connect(t, exchange, exchange, variant, access)
	allowed := variant.Offered().Strings()
	if right := balanceRight[exchange]; right != "" {
		allowed = append(allowed, right)
		if !slices.Contains(allowed, "transfer") {
			allowed = append(allowed, "transfer") // Bitget's right includes it.
		}
	}
	e.write(t, "config/"+exchange, fields{"allowed_scopes": allowed})
	return fields{
		"connection": exchange, "sub_accounts": access.SubAccounts[0], "scopes": variant.Offered().Strings(),
		"native_permissions": balanceRight[exchange], "ip_allowlist": addresses(variant), "ttl": "10m", "client_format": "ccxt",
	}
}

// livesDays mints keys that can trade and gives them to the client.
func (e *engine) livesDays(t *testing.T, about exchanges.Description, variant exchanges.Variant) {
	exchange, role := about.Name, e.traderRole(t, about, variant)
	for _, keyType := range variant.KeyTypes {
		role["key_type"] = string(keyType)
		if why := about.CCXT.Unusable[keyType]; why != "" {
			refused(t, e.tryWrite(t, "roles/"+exchange, role), http.StatusBadRequest, "client_format: ccxt cannot use keys of type "+string(keyType), why)
			continue
		}
		e.write(t, "roles/"+exchange, role)
		t.Run(string(keyType), func(t *testing.T) { livesDay(t, e.mint(t, exchange)) })
	}
	if about.CCXT.Wallet || about.CCXT.AccountID {
		t.Run("by freqtrade's configuration", func(t *testing.T) {
			livesDay(t, e.key(t, e.write(t, "creds/"+exchange, fields{"format": "freqtrade"})))
		})
	}
	if class := sdkClassOfNoOrder[exchange]; class != "" {
		t.Run("sdk", func(t *testing.T) { requireDay(t, day(t, "sdks.mjs", e.mint(t, exchange).Data), class) })
	}
}

// livesDay gives a key to ccxt.
func livesDay(t *testing.T, k *key) {
	requireDay(t, day(t, "ccxt.mjs", k.Data), cmp.Or(classOfNoOrder[k.text("exchange")], "OrderNotFound"))
}

// requireDay requires that the day went as it should. The last cancellation is refused
// with an error of the client's class.
func requireDay(t *testing.T, steps map[string]dayStep, noOrder string) {
	for _, name := range []string{"balance", "order", "listed", "cancel"} {
		assert.Equal(t, dayStep{Step: name, Result: true}, steps[name])
	}
	assert.Equal(t, dayStep{Step: "still listed"}, steps["still listed"])
	again := steps["cancel what is not there"]
	assert.Equal(t, noOrder, again.Error, again.Message)
	assert.Len(t, steps, 6)
}

// ownHost are environments for which ccxt uses another host of the same system.
var ownHost = map[string]string{
	"binance/gcp": "api.binance.com", "htx/aws": "api.huobi.pro", "okx/production": "www.okx.com", "okx/demo": "www.okx.com",
	"orderly/production": "api-evm.orderly.org", "orderly/testnet": "testnet-api-evm.orderly.org",
}

// TestClientGoesToTheEnvironment proves that client_config leads the client to the
// environment in which the key was made.
func TestClientGoesToTheEnvironment(t *testing.T) {
	t.Parallel()
	needClients(t)
	var configs, want, names []string
	for _, exchange := range catalog.All() {
		about := exchange.Describe()
		if about.CCXT.Class == "" {
			continue
		}
		for _, environment := range about.Environments {
			config := fields{"id": about.CCXT.Class}
			maps.Copy(config, environment.CCXT)
			text, err := json.Marshal(config)
			require.NoError(t, err)
			name := about.Name + "/" + environment.Name
			host := strings.TrimPrefix(cmp.Or(environment.KeyBaseURL, environment.BaseURL), "https://")
			configs, want, names = append(configs, string(text)), append(want, cmp.Or(ownHost[name], host)), append(names, name)
		}
	}
	input, err := json.Marshal(configs)
	require.NoError(t, err)
	client := exec.CommandContext(t.Context(), "node", "hosts.mjs")
	client.Dir, client.Stdin = clientsFolder, bytes.NewReader(input)
	var complaints bytes.Buffer
	client.Stderr = &complaints
	out, err := client.Output()
	require.NoError(t, err, complaints.String())
	var hosts []string
	require.NoError(t, json.Unmarshal(out, &hosts))
	require.Len(t, hosts, len(names))
	for i, name := range names {
		assert.Equal(t, want[i], hosts[i], name)
	}
}

// dayStep is what came of one step of the day.
type dayStep struct {
	Step    string `json:"step"`
	Result  bool   `json:"result"`
	Error   string `json:"error"` // the client's class of errors
	Message string `json:"message"`
}

// atOnce bounds how many clients run at a time.
var atOnce = make(chan struct{}, 2)

// day runs a client and returns its steps by name.
func day(t *testing.T, client string, creds map[string]any) map[string]dayStep {
	input, err := json.Marshal(creds)
	require.NoError(t, err)
	atOnce <- struct{}{}
	defer func() { <-atOnce }()
	program := exec.CommandContext(t.Context(), "node", "day.mjs", client)
	program.Dir, program.Stdin = clientsFolder, bytes.NewReader(input)
	var complaints bytes.Buffer
	program.Stderr = &complaints
	out, err := program.Output()
	require.NoError(t, err, complaints.String())
	for _, part := range []string{"api_secret", "passphrase", "private_key"} {
		if secret, _ := creds[part].(string); secret != "" {
			require.NotContains(t, string(out)+complaints.String(), secret)
		}
	}
	steps := make(map[string]dayStep)
	for line := range bytes.Lines(out) {
		var s dayStep
		require.NoError(t, json.Unmarshal(line, &s), "%s", line)
		t.Logf("%s", bytes.TrimSpace(line))
		steps[s.Step] = s
	}
	return steps
}

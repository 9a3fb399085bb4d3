package acceptance_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// clientsFolder holds the clients that people use, and what drives them.
const clientsFolder = "../../scripts/clients"

// noClient says at which exchanges ccxt cannot use a minted key, and why.
var noClient = map[string]string{
	"bitfinex": "what is minted there is a token, and ccxt signs with a key and its secret only",
}

// balanceRight is what a key needs besides the scopes to read balances, where a key
// that trades may not.
var balanceRight = map[string]string{"bitget": "uta_mgt", "deribit": "account:read"}

// classOfNoOrder is the client's class for the exchange's refusal to cancel an order
// that does not exist, where the client does not know it as OrderNotFound.
var classOfNoOrder = map[string]string{"bitget": "ExchangeError", "mexc": "BadRequest", "orderly": "InvalidOrder"}

// A client that people use lives a small trading day with a minted key, at each
// exchange: it reads the balance, places an order, finds it listed, cancels it, and
// is refused when it does so again. This proves that the simulated exchange answers
// as the exchange does, as far as the client reads it.
func TestDay(t *testing.T) {
	t.Parallel()
	needClients(t)
	vault := vaulttest.Start(t, 1)
	e := enable(t, vault)
	for _, exchange := range catalog.All() {
		about := exchange.Describe()
		if why := noClient[about.Name]; why != "" {
			t.Logf("%s: ccxt cannot use a minted key: %s", about.Name, why)
			continue
		}
		t.Run(about.Name, func(t *testing.T) {
			t.Parallel()
			e.livesDay(t, about.Name, about.Variants[0], false)
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
		if about.Variants[0].Signing.NoCustody != "" || noClient[about.Name] != "" {
			continue
		}
		t.Run(about.Name, func(t *testing.T) {
			t.Parallel()
			e.livesDay(t, about.Name, about.Variants[0], true)
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
	// npm writes this file last.
	if _, err := os.Stat(filepath.Join(clientsFolder, "node_modules", ".package-lock.json")); !os.IsNotExist(err) {
		require.NoError(t, err)
		return
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = clientsFolder
	out, err := install.CombinedOutput()
	require.NoError(t, err, "the exchange clients cannot be installed; run npm ci in scripts/clients:\n%s", out)
}

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

// livesDay mints a key that can trade and gives it to the client, or, if it is to stay in
// Vault, what it takes to have requests signed with it.
func (e *engine) livesDay(t *testing.T, exchange string, variant exchanges.Variant, inVault bool) {
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
	custody := "caller"
	if inVault {
		custody = "vault"
	}
	e.write(t, "roles/"+exchange, fields{
		"connection": exchange, "sub_accounts": access.SubAccounts[0], "scopes": variant.Offered().Strings(),
		"native_permissions": balanceRight[exchange], "ip_allowlist": addresses(variant), "ttl": "10m", "custody": custody,
	})
	k := e.mint(t, exchange)
	if inVault {
		for _, secret := range []string{"api_secret", "passphrase", "private_key", "token"} {
			require.NotContains(t, k.Data, secret)
		}
		k.Data["vault"] = map[string]string{
			"url": e.client.Address() + "/v1/" + e.path + "/" + k.text("sign_path"), "token": e.client.Token(),
		}
	}

	steps := day(t, k.Data)
	for _, name := range []string{"balance", "order", "listed", "cancel"} {
		assert.Equal(t, dayStep{Step: name, Result: true}, steps[name])
	}
	assert.Equal(t, dayStep{Step: "still listed"}, steps["still listed"])
	again := steps["cancel what is not there"]
	assert.Equal(t, cmp.Or(classOfNoOrder[exchange], "OrderNotFound"), again.Error, again.Message)
	assert.Len(t, steps, 6)
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

// day runs the client and returns its steps by name.
func day(t *testing.T, creds map[string]any) map[string]dayStep {
	input, err := json.Marshal(creds)
	require.NoError(t, err)
	atOnce <- struct{}{}
	defer func() { <-atOnce }()
	client := exec.CommandContext(t.Context(), "node", "day.mjs")
	client.Dir, client.Stdin = clientsFolder, bytes.NewReader(input)
	var complaints bytes.Buffer
	client.Stderr = &complaints
	out, err := client.Output()
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

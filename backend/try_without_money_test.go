package backend

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/catalog"
)

var commandsOfPage = regexp.MustCompile("(?ms)^```\n(.*?)^```$")

// TestTryWithoutMoney follows docs/try-without-money.md word by word, at the simulator: the
// commands are those of the page, with base_url in the place of environment, as it says.
func TestTryWithoutMoney(t *testing.T) {
	page, err := os.ReadFile("../docs/try-without-money.md")
	require.NoError(t, err)
	followed := map[string]bool{}
	for _, chapter := range strings.Split(string(page), "\n## ")[1:] {
		title, text, _ := strings.Cut(chapter, "\n")
		blocks := commandsOfPage.FindAllStringSubmatch(text, -1)
		require.Len(t, blocks, 1, title)
		commands := strings.Split(strings.TrimSpace(strings.ReplaceAll(blocks[0][1], "\\\n", " ")), "\n")
		if title == "Before you begin" {
			continue
		}
		followed[title] = true
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { followPage(t, commands) })
		})
	}
	require.Len(t, followed, 7)
	for _, exchange := range catalog.All() {
		require.Contains(t, string(page), strings.Fields(exchange.Describe().DisplayName)[0], "the page says of each exchange whether it has a test system")
	}
}

// followPage runs the commands of a chapter, each of which must succeed.
func followPage(t *testing.T, commands []string) {
	exchange := regexp.MustCompile(`\bexchange=(\w+)`).FindStringSubmatch(commands[0])[1]
	d := newBubbleDesk(t, exchange)
	access := d.sim.Exchange(exchange)
	variables := map[string]string{
		"API_KEY": access.APIKey, "API_SECRET": access.APISecret, "PASSPHRASE": access.Passphrase, "PRIVATE_KEY": access.PrivateKey,
		"BROKER": access.Broker, "SUB_ACCOUNT": access.SubAccounts[0], "ACCOUNT": access.SubAccounts[0], "ADDRESS": "127.0.0.1",
	}
	for _, secret := range []string{access.APISecret, access.Passphrase, access.PrivateKey} {
		if secret != "" {
			d.secrets = append(d.secrets, secret)
		}
	}
	var report map[string]any
	for i, command := range commands {
		words := strings.Fields(command)
		require.Equal(t, "vault", words[0])
		path, data := "", map[string]any{}
		for _, word := range words[2:] {
			name, value, isField := strings.Cut(word, "=")
			switch {
			case strings.HasPrefix(word, "-"):
			case !isField:
				path = strings.TrimPrefix(word, "exchange/")
			case strings.HasPrefix(value, `"$`):
				given, known := variables[strings.Trim(value, `"$`)]
				require.True(t, known && given != "", "%s has no value at the simulator", value)
				data[name] = given
			default:
				data[name] = value
			}
		}
		if i == 0 {
			if name, given := data["environment"].(string); given {
				known, err := d.engine.connections.exchange(exchange)
				require.NoError(t, err)
				_, err = known.Describe().Environment(name)
				require.NoError(t, err)
			}
			delete(data, "environment")
			data["base_url"], data["rate_multiplier"] = access.BaseURL, hurried
		}
		operation, known := map[string]logical.Operation{"write": logical.UpdateOperation, "read": logical.ReadOperation, "list": logical.ListOperation}[words[1]]
		require.True(t, known, command)
		if operation == logical.ListOperation {
			path += "/"
		}
		resp := d.must(operation, path, data)
		if operation == logical.ReadOperation && strings.HasSuffix(path, "/self-test") {
			report = (&bench{desk: d}).selfTestEndedAt(path)
		} else if strings.HasSuffix(path, "/check") {
			require.Equal(t, true, resp.Data["can_mint"], resp.Data["problem"])
		}
	}
	require.NotNil(t, report, "the chapter reads a report")
	require.Equal(t, selfTestDone, report["state"], report["problem"])
	require.Empty(t, report["differences"], factsOf(report))
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
	d.keptSecrets()
}

package acceptance_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// signedOverlap is how long a request that was signed just before a rotation stays good.
const signedOverlap = 2 * time.Second

// hookClient is an SDK that has a text signed, and not a request.
const hookClient = "vault-hook.mjs"

// Bots with clients that people use trade with a key that Vault signs with, while that
// key is replaced again and again. They are never refused, and nothing that they are
// told holds a secret. ROTATIONS in the environment is how many rotations each lives
// through.
func TestSignedBots(t *testing.T) {
	t.Parallel()
	needClients(t)
	rotations := 5
	if text := os.Getenv("ROTATIONS"); text != "" {
		var err error
		rotations, err = strconv.Atoi(text)
		require.NoError(t, err, "ROTATIONS")
	}
	vault := vaulttest.Start(t, 1)
	for exchange, client := range map[string]string{"bybit": "vault.mjs", "gate": "vault-sdks.mjs", "okx": hookClient} {
		t.Run(exchange, func(t *testing.T) {
			t.Parallel()
			e := enable(t, vault)
			allow := "request"
			if client == hookClient {
				allow = "raw"
			}
			e.signsFor(t, exchange, allow)
			b := startSignedBot(t, e, client, exchange)
			b.trades(t)
			b.holdsNoSecret(t)
			for range rotations {
				e.forceRotation(t)
				b.trades(t)
				b.holdsNoSecret(t)
			}
			t.Logf("%d trades with %d keys", b.seen().done, len(b.secrets))
			require.Len(t, b.secrets, rotations+1, "each key had a secret that the bot might have been told")

			// The bot notices when it is refused: the above can fail.
			_, err := e.client.Logical().JSONMergePatch(t.Context(), e.path+"/static-roles/"+gateway, fields{"disabled": true})
			require.NoError(t, err)
			require.Eventually(t, func() bool { return b.seen().failed.Error != "" }, soon, often)
			require.Contains(t, b.seen().failed.Message, "disabled")
		})
	}
}

// signsFor writes the static role of a bot that trades at the exchange.
func (e *engine) signsFor(t *testing.T, exchange, allow string) {
	known := catalog.All()
	i := slices.IndexFunc(known, func(x exchanges.Exchange) bool { return x.Describe().Name == exchange })
	about := known[i].Describe()
	role := e.traderRole(t, about, about.Variants[0])
	e.write(t, "static-roles/"+gateway, fields{
		"connection": role["connection"], "sub_account": role["sub_accounts"], "scopes": role["scopes"],
		"ip_allowlist": role["ip_allowlist"], "rotation_period": "24h", "overlap": signedOverlap.String(), "custody": "vault",
		"allow": allow,
	})
}

// forceRotation replaces the role's key as soon as the one before it is gone.
func (e *engine) forceRotation(t *testing.T) {
	require.Eventually(t, func() bool {
		err := e.tryWrite(t, "rotate-role/"+gateway, nil)
		if err != nil {
			refused(t, err, http.StatusBadRequest, "otate again")
		}
		return err == nil
	}, soon, often, "the key cannot be replaced")
}

// signedBot is a running bot, whose every way to Vault is watched.
type signedBot struct {
	e *engine
	// secrets of the keys that the role has had.
	secrets canaries

	mu sync.Mutex
	progress
	// told is what the bot was told and what it said since that was last looked at.
	told bytes.Buffer
	// answer is Vault's last one.
	answer string
}

// progress is what a bot has done.
type progress struct {
	done   int     // trades, to their end
	failed dayStep // the first step that did not go as it should
}

// startSignedBot starts a bot that may do what the published policy says. It ends with
// the test.
func startSignedBot(t *testing.T, e *engine, client, exchange string) *signedBot {
	b := &signedBot{e: e, secrets: canaries{}}
	way := httptest.NewServer(b.watched(t, e.client.Address()))
	t.Cleanup(way.Close)
	rules := e.published(t, "signer")
	if client == hookClient {
		rules += `path "` + e.path + "/sign/" + gateway + `/raw" { capabilities = ["update"] }`
	}
	input, err := json.Marshal(fields{
		"exchange": exchange, "base_url": e.simulator.Exchange(exchange).BaseURL,
		"vault": fields{
			"url":   way.URL + "/v1/" + e.path + "/sign/" + gateway,
			"token": e.limited(t, rules).client.Token(),
		},
	})
	require.NoError(t, err)
	b.told.Write(input)

	atOnce <- struct{}{}
	program := exec.Command("node", "bot.mjs", client)
	program.Dir, program.Stderr = clientsFolder, writer(b.hear)
	stdin, err := program.StdinPipe()
	require.NoError(t, err)
	stdout, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())
	var reading sync.WaitGroup
	reading.Go(func() { b.follow(stdout) })
	t.Cleanup(func() {
		_ = stdin.Close() // which ends the bot
		late := time.AfterFunc(soon, func() { _ = program.Process.Kill() })
		defer late.Stop()
		reading.Wait()
		assert.NoError(t, program.Wait())
		<-atOnce
	})
	_, err = stdin.Write(append(input, '\n'))
	require.NoError(t, err)
	return b
}

// writer is a function to which a program writes.
type writer func(text []byte)

func (w writer) Write(text []byte) (int, error) {
	w(text)
	return len(text), nil
}

// hear notes what the bot is told or says.
func (b *signedBot) hear(text []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told.Write(text)
}

// watched leads to Vault, and notes its answers.
func (b *signedBot) watched(t *testing.T, address string) http.Handler {
	target, err := url.Parse(address)
	require.NoError(t, err)
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(answer *http.Response) error {
			body, err := io.ReadAll(answer.Body)
			answer.Body = io.NopCloser(bytes.NewReader(body))
			b.mu.Lock()
			defer b.mu.Unlock()
			b.answer = string(body)
			fmt.Fprintf(&b.told, "%v\n%s\n", answer.Header, body)
			return err
		},
	}
}

// follow reads what the bot reports.
func (b *signedBot) follow(reports io.Reader) {
	lines := bufio.NewScanner(reports)
	for lines.Scan() {
		b.hear(lines.Bytes())
		var taken dayStep
		err := json.Unmarshal(lines.Bytes(), &taken)
		b.mu.Lock()
		switch {
		case err != nil || !taken.Result:
			taken.Message = lines.Text()
			b.failed = taken
		case taken.Step == "cancel":
			b.done++
		}
		b.mu.Unlock()
	}
}

// seen is what the bot has done so far.
func (b *signedBot) seen() progress {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.progress
}

// trades waits until the bot has traded with the present key alone: two trades after
// a request that was signed with it, of which the first may have begun before.
func (b *signedBot) trades(t *testing.T) {
	id := b.e.read(t, "static-roles/"+gateway)["key_id"].(string)
	apiKey := b.e.read(t, "keys/"+id)["api_key"].(string)
	since := -1
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		if since < 0 && strings.Contains(b.answer, apiKey) {
			since = b.done
		}
		return b.failed.Step != "" || since >= 0 && b.done >= since+2
	}, soon, often, "the bot does not trade with the new key")
	require.Empty(t, b.seen().failed)
}

// holdsNoSecret looks for the secret of the present key, and of those before it, in what
// the bot was told.
func (b *signedBot) holdsNoSecret(t *testing.T) {
	mounts, err := b.e.client.Sys().ListMountsWithContext(t.Context())
	require.NoError(t, err)
	for id, value := range b.e.stored(t, "sys/raw/logical/"+mounts[b.e.path+"/"].UUID+"/custody/") {
		var kept struct {
			Entry map[string]any `json:"entry"`
		}
		require.NoError(t, json.Unmarshal([]byte(value), &kept))
		delete(kept.Entry, "passphrase") // Each request holds it as it is.
		b.secrets.plant(id, kept.Entry)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	require.NotEmpty(t, b.told.Bytes())
	require.Empty(t, b.secrets.in(b.told.String()), "the bot was told secrets")
	b.told.Reset()
}

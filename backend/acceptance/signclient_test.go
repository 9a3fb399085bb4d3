package acceptance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges/signclient"
)

// shortRotations is how many rotations a bot lives through where ROTATIONS is not set.
const shortRotations = 5

// Bots written in Go whose keys stay in Vault.
func TestGoBot(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	for name, test := range map[string]func(*testing.T, *engine){
		"rotations": testGoBotTrades,
		"refusals":  testGoBotIsToldWhatToDo,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, enableDesk(t, vault))
		})
	}
}

// A bot trades with the key of a static role that it never sees, while that key is
// replaced again and again: the exchange refuses none of its requests and logins.
//
// ROTATIONS sets the number of rotations; each takes some seconds.
func testGoBotTrades(t *testing.T, e *engine) {
	rotated, _ := number(t, "ROTATIONS", shortRotations)
	e.static(t, fields{"custody": "vault", "rotation_period": "1h", "overlap": "2s"})
	b := startGoBot(t, e, e.limited(t, e.published(t, "signer")).client)
	trades := func(keys int) {
		require.Eventually(t, func() bool { return b.keys() >= keys || b.failed() != nil }, soon, often, "the bot does not trade with key %d", keys)
		require.NoError(t, b.failed())
	}
	trades(1)
	for i := range int(rotated) {
		// Until the key before the present one is gone, there is no other.
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			require.NoError(c, e.tryWrite(t, "rotate-role/"+gateway, nil))
		}, soon, often)
		trades(i + 2)
	}
	b.end()
	require.NoError(t, b.failed())
	t.Logf("%d rounds of trading with %d keys", b.rounds, len(b.used))
	require.Len(t, b.used, int(rotated)+1)
}

// Where nothing is signed, the bot is told why, and nothing is sent.
func testGoBotIsToldWhatToDo(t *testing.T, e *engine) {
	vaultKept := fields{"custody": "vault", "rotation_period": "1h"}
	e.static(t, vaultKept)
	venue := e.simulator.Exchange(bybit).BaseURL
	ask := func(vault *api.Client, host string) error {
		signer, err := signclient.New(vault, e.path+"/sign/"+gateway)
		require.NoError(t, err)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, host+"/v5/account/info", nil)
		require.NoError(t, err)
		answer, err := signer.Client().Do(request)
		if err == nil {
			require.NoError(t, answer.Body.Close())
		}
		return err
	}
	require.NoError(t, ask(e.client, venue))
	require.ErrorContains(t, ask(e.client, "https://elsewhere.com"), "is not one of the exchange's")
	err := ask(e.limited(t, e.published(t, "static")).client, venue)
	refused(t, err, http.StatusForbidden, "permission denied")
	require.ErrorContains(t, err, `let its policy have "update" on `+e.path+"/sign/"+gateway)
	e.static(t, vaultKept.with(fields{"disabled": true}))
	require.ErrorContains(t, ask(e.client, venue), "is disabled")
	require.NoError(t, e.tryDelete(t, "static-roles/"+gateway))
	require.ErrorContains(t, ask(e.client, venue), "there is no static role")
}

// goBot trades all the time, through package signclient. It knows nothing of rotations,
// and of keys only their names, which it reads from what it sends.
type goBot struct {
	signer *signclient.Signer
	client *http.Client
	venue  string

	mu      sync.Mutex // guards the fields below
	used    map[string]bool
	rounds  int
	failure error

	stop  context.CancelFunc
	ended sync.WaitGroup
}

// startGoBot starts a bot that trades until it is refused, or ended.
func startGoBot(t *testing.T, e *engine, vault *api.Client) *goBot {
	signer, err := signclient.New(vault, e.path+"/sign/"+gateway)
	require.NoError(t, err)
	b := &goBot{signer: signer, client: signer.Client(), venue: e.simulator.Exchange(bybit).BaseURL, used: map[string]bool{}}
	b.client.Transport = &signclient.Transport{Signer: signer, Base: b}
	ctx, cancel := context.WithCancel(t.Context())
	b.stop = cancel
	tick := time.NewTicker(often)
	b.ended.Go(func() {
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := b.round(); err != nil {
				b.mu.Lock()
				b.failure = err
				b.mu.Unlock()
				return
			}
		}
	})
	t.Cleanup(b.end)
	return b
}

// end lets the bot finish what it is at.
func (b *goBot) end() {
	b.stop()
	b.ended.Wait()
}

// failed is why the bot ended, if it did.
func (b *goBot) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failure
}

// keys is with how many keys the bot has traded.
func (b *goBot) keys() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.used)
}

// RoundTrip sends what was signed, and notes with which key.
func (b *goBot) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(request)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used[request.Header.Get("X-Bapi-Api-Key")] = true
	return answer, err
}

// round places an order, finds it listed, cancels it, and logs in to the WebSocket.
func (b *goBot) round() error {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	placed, err := b.call(ctx, http.MethodPost, "/v5/order/create",
		`{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001","price":"10000"}`)
	if err != nil {
		return err
	}
	listed, err := b.call(ctx, http.MethodGet, "/v5/order/realtime?category=spot&symbol=BTCUSDT&orderId="+placed.Result.OrderID, "")
	if err != nil {
		return err
	}
	if len(listed.Result.List) != 1 {
		return fmt.Errorf("the order is listed %d times", len(listed.Result.List))
	}
	if _, err := b.call(ctx, http.MethodPost, "/v5/order/cancel", `{"category":"spot","symbol":"BTCUSDT","orderId":"`+placed.Result.OrderID+`"}`); err != nil {
		return err
	}
	if err := b.logIn(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rounds++
	return nil
}

// bybitAnswer is what the exchange answers, as far as the bot reads it.
type bybitAnswer struct {
	Code   int    `json:"retCode"`
	Text   string `json:"retMsg"`
	Result struct {
		OrderID string `json:"orderId"`
		List    []any  `json:"list"`
	} `json:"result"`
}

// call calls the exchange.
func (b *goBot) call(ctx context.Context, method, path, body string) (bybitAnswer, error) {
	var read bybitAnswer
	request, err := http.NewRequestWithContext(ctx, method, b.venue+path, strings.NewReader(body))
	if err != nil {
		return read, err
	}
	answer, err := b.client.Do(request)
	if err != nil {
		return read, err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&read); err != nil {
		return read, fmt.Errorf("%s %s: %d: %w", method, path, answer.StatusCode, err)
	}
	if read.Code != 0 {
		return read, fmt.Errorf("%s %s: the exchange refuses it: %d %s", method, path, read.Code, read.Text)
	}
	return read, nil
}

// logIn opens a session and ends it.
func (b *goBot) logIn(ctx context.Context) error {
	login, err := b.signer.Login(ctx, signclient.LoginRequest{Channel: "trade"})
	if err != nil {
		return err
	}
	stream, answer, err := websocket.Dial(ctx, login.URL, nil)
	if answer != nil && answer.Body != nil {
		defer answer.Body.Close() // It is there if no session was opened.
	}
	if err != nil {
		return err
	}
	defer stream.CloseNow()
	if err := stream.Write(ctx, websocket.MessageText, []byte(login.Message)); err != nil {
		return err
	}
	var told struct {
		Success bool `json:"success"`
	}
	if err := wsjson.Read(ctx, stream, &told); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	if !told.Success {
		return errors.New("log in: the exchange refuses it")
	}
	return nil
}

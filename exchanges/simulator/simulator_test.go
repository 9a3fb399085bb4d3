package simulator_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start serves the test's exchanges until the test ends.
func start(t *testing.T, options simulator.Options) *simulator.Simulator {
	t.Helper()
	s := simulator.New(options, stalls()...)
	require.NoError(t, s.Start("127.0.0.1", 0))
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// get asks the stall for a path.
func get(t *testing.T, s *simulator.Simulator, path string) (status int) {
	t.Helper()
	response, err := http.Get(s.Exchange("stall").BaseURL + path)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

// control sends a request to the control API and returns the status and body.
func control(t *testing.T, s *simulator.Simulator, method, path, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.ControlURL()+path, strings.NewReader(body))
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

func TestControlOverview(t *testing.T) {
	s := start(t, simulator.Options{SubAccounts: 2})
	status, body := control(t, s, http.MethodGet, "/", "")
	require.Equal(t, http.StatusOK, status)

	type access struct {
		BaseURL     string   `json:"base_url"`
		APIKey      string   `json:"api_key"`
		APISecret   string   `json:"api_secret"`
		PrivateKey  string   `json:"private_key"`
		SubAccounts []string `json:"sub_accounts"`
	}
	var overview struct {
		Exchanges map[string]struct {
			access
			Roots map[string]access `json:"roots"`
		} `json:"exchanges"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &overview))
	require.Len(t, overview.Exchanges, len(s.Exchanges()))

	stall, want := overview.Exchanges["stall"], s.Exchange("stall")
	require.Equal(t, access{
		BaseURL: want.BaseURL, APIKey: want.APIKey, APISecret: want.APISecret, SubAccounts: want.SubAccounts,
	}, stall.access)
	require.Len(t, stall.SubAccounts, 2)
	for _, kind := range []string{"read_only", "no_right", "unbound", "rsa"} {
		root, ok := s.Root("stall", kind)
		require.True(t, ok, kind)
		require.Equal(t, root.APIKey, stall.Roots[kind].APIKey)
		require.NotEqual(t, stall.APIKey, root.APIKey)
	}
	require.Empty(t, stall.Roots["rsa"].APISecret)
	block, _ := pem.Decode([]byte(stall.Roots["rsa"].PrivateKey))
	require.NotNil(t, block)
	_, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)

	var raw map[string]map[string]map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &raw))
	for _, field := range []string{
		"base_url", "api_key", "api_secret", "passphrase", "private_key", "totp_secret", "broker", "variant", "sub_accounts",
	} {
		require.Contains(t, raw["exchanges"]["stall"], field, "clients may rely on every field being there")
	}
}

func TestControlFaults(t *testing.T) {
	s := start(t, simulator.Options{})
	refused := []struct{ body, want string }{
		{`{"exchange":"stall","operation":"create_key","fault":"outage","colour":"red"}`, "colour"},
		{`{"exchange":"mtgox","operation":"create_key","fault":"outage"}`, "stall"},
		{`{"exchange":"stall","operation":"mint","fault":"outage"}`, "create_key"},
		{`{"exchange":"stall","operation":"create_key","fault":"explode"}`, "drop_after_commit"},
		{`{"exchange":"stall","operation":"create_key","fault":"slow","delay":"soon"}`, "2s"},
		{`{"exchange":"stall","operation":"create_key","fault":"slow","delay":2}`, "delay"},
		{`{"exchange":"stall","operation":"create_key","fault":"slow_start","delay":"10m"}`, "drop_after_commit"}, // the exchange documents no such thing
		{`{"exchange":"stall"} {}`, "not understood"},
		{``, "not understood"},
	}
	for _, test := range refused {
		status, body := control(t, s, http.MethodPost, "/faults", test.body)
		require.Equal(t, http.StatusBadRequest, status, test.body)
		var answer map[string]string
		require.NoError(t, json.Unmarshal([]byte(body), &answer))
		require.Contains(t, answer["error"], test.want)
	}

	status, _ := control(t, s, http.MethodPost, "/faults", `{"exchange":"stall","operation":"server_time","fault":"error_5xx"}`)
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, http.StatusBadGateway, get(t, s, "/time"))
	status, _ = control(t, s, http.MethodDelete, "/faults", "")
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, http.StatusOK, get(t, s, "/time"))
	require.Equal(t, 2, s.Calls("stall", exchanges.OpServerTime))
}

func TestControlWeather(t *testing.T) {
	s := start(t, simulator.Options{})
	set := func(body string) (int, string) { return control(t, s, http.MethodPost, "/weather", body) }
	status, _ := set(`{"exchange":"stall","condition":"appears_late","value":"3s"}`)
	require.Equal(t, http.StatusNoContent, status)
	status, body := control(t, s, http.MethodGet, "/weather", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `{"condition":"appears_late","values":["3s","20s"],"operations":["list_keys"],"source":"The documentation does not say.","hostile":false,"blind":false,"elsewhere":false,"value":"3s"}`)
	status, _ = set(`{"exchange":"stall","condition":"appears_late","value":""}`)
	require.Equal(t, http.StatusNoContent, status)
	for _, c := range s.Weather("stall") {
		require.Empty(t, c.Value, c.Name)
	}
	for wish, complaint := range map[string]string{
		`{"exchange":"nowhere","condition":"appears_late","value":"3s"}`: `exchange \"nowhere\" is unknown`,
		`{"exchange":"stall","condition":"rain","value":"on"}`:           `condition \"rain\" is unknown`,
		`{"exchange":"stall","condition":"appears_late","value":"4s"}`:   `value \"4s\" is unknown`,
		`{"exchange":"stall","weather":"rain"}`:                          "the fields exchange, condition and value",
		`rain`:                                                           "not understood",
	} {
		status, body := set(wish)
		require.Equal(t, http.StatusBadRequest, status, wish)
		require.Contains(t, body, complaint)
	}
	require.NoError(t, s.SetWeather("stall", "works_late", "3s"))
	s.Reset()
	for _, c := range s.Weather("stall") {
		require.Empty(t, c.Value, c.Name)
	}
}

func TestControlKeysAndReset(t *testing.T) {
	clock := venuetest.NewClock()
	s := start(t, simulator.Options{Now: clock.Now})
	status, body := control(t, s, http.MethodGet, "/keys", "")
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, "[]", body)

	access := s.Exchange("stall")
	minted := mint(t, s, `{"sub_account":"`+access.SubAccounts[0]+`","label":"lease-1","ips":["192.0.2.1"],"permissions":["trade"]}`)
	_, body = control(t, s, http.MethodGet, "/keys", "")
	require.JSONEq(t, `[{"exchange":"stall","sub_account":"`+access.SubAccounts[0]+`","api_key":"`+minted.APIKey+
		`","label":"lease-1","permissions":["trade"],"ips":["192.0.2.1"],"created_at":`+
		mustJSON(t, clock.Now())+`}]`, body)
	require.NotContains(t, body, minted.APISecret)

	status, _ = control(t, s, http.MethodPost, "/reset", "")
	require.Equal(t, http.StatusNoContent, status)
	require.Empty(t, s.Keys())
	require.Equal(t, access, s.Exchange("stall"))

	status, _ = control(t, s, http.MethodGet, "/elsewhere", "")
	require.Equal(t, http.StatusNotFound, status)
}

func mustJSON(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	return string(encoded)
}

func TestAccessors(t *testing.T) {
	clock := venuetest.NewClock()
	s := start(t, simulator.Options{Now: clock.Now})
	before := s.Exchange("stall").SubAccounts
	require.Len(t, before, 3)
	added := s.AddSubAccounts("stall", 2)
	require.Equal(t, append(before, added...), s.Exchange("stall").SubAccounts)

	minted := mint(t, s, `{"sub_account":"`+added[1]+`","permissions":["trade"]}`)
	require.True(t, s.RemoveKey("stall", minted.APIKey))
	require.False(t, s.RemoveKey("stall", minted.APIKey))
	require.Empty(t, s.Keys())
	require.Equal(t, []string{minted.APIKey}, s.Deletions("stall"))

	_, ok := s.Root("stall", "golden")
	require.False(t, ok)
	require.Error(t, s.Inject(simulator.Fault{Exchange: "stall", Operation: exchanges.OpCreateKey}))
	require.Panics(t, func() { s.Exchange("mtgox") })
}

func TestStartTakesPortsInOrder(t *testing.T) {
	base := freePorts(t, len(simulator.New(simulator.Options{}, stalls()...).Exchanges())+1)
	s := simulator.New(simulator.Options{}, stalls()...)
	require.NoError(t, s.Start("127.0.0.1", base))
	defer s.Close()
	require.Equal(t, "http://127.0.0.1:"+strconv.Itoa(base), s.ControlURL())
	for i, name := range s.Exchanges() {
		require.Equal(t, "http://127.0.0.1:"+strconv.Itoa(base+1+i), s.Exchange(name).BaseURL)
	}
	require.ErrorContains(t, s.Start("127.0.0.1", 0), "already")

	other := simulator.New(simulator.Options{}, stalls()...)
	require.Error(t, other.Start("127.0.0.1", base), "the ports are taken")
	require.NoError(t, other.Close())
}

// freePorts finds n ports in a row that are free right now, and returns the first.
func freePorts(t *testing.T, n int) int {
	t.Helper()
	for range 50 {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		opened := []net.Listener{first}
		base := first.Addr().(*net.TCPAddr).Port
		for i := 1; i < n; i++ {
			next, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(base+i))
			if err != nil {
				break
			}
			opened = append(opened, next)
		}
		for _, listener := range opened {
			require.NoError(t, listener.Close())
		}
		if len(opened) == n {
			return base
		}
	}
	t.Fatal("no free ports in a row")
	return 0
}

func TestCloseEndsSlowRequests(t *testing.T) {
	s := simulator.New(simulator.Options{}, stalls()...)
	require.NoError(t, s.Start("127.0.0.1", 0))
	require.NoError(t, s.Inject(simulator.Fault{
		Exchange: "stall", Operation: exchanges.OpServerTime, Kind: simulator.Slow, Delay: time.Hour,
	}))
	address := s.Exchange("stall").BaseURL + "/time"
	ended := make(chan error, 1)
	go func() {
		response, err := http.Get(address)
		if err == nil {
			response.Body.Close()
		}
		ended <- err
	}()
	require.Eventually(t, func() bool { return s.Calls("stall", exchanges.OpServerTime) == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, s.Close())
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("the request outlived the simulator")
	}
}

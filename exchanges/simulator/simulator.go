package simulator

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Simulator is a set of simulated exchanges and their control API. Its methods
// may be called concurrently.
type Simulator struct {
	venues []*venue.Venue
	now    func() time.Time

	mu         sync.Mutex // guards the fields below
	controlURL string
	servers    []*http.Server

	serving sync.WaitGroup
}

// New makes a simulator of the venues, with new accounts and credentials; each
// venue's package lists them. It serves nothing until Start.
func New(options Options, venues ...Listing) *Simulator {
	if options.Now == nil {
		options.Now = time.Now
	}
	options.RateMultiplier = cmp.Or(options.RateMultiplier, 1)
	options.SubAccounts = cmp.Or(options.SubAccounts, 3)

	rsaPair := sync.OnceValue(venue.NewRSA)
	s := &Simulator{now: options.Now}
	for _, exchange := range venues {
		s.venues = append(s.venues, venue.New(exchange, options, rsaPair))
	}
	return s
}

// Start serves the control API on basePort and each exchange on its own port
// from basePort+1 on, all at the address listen. With basePort 0 every port is
// a free one. On an error it serves nothing.
func (s *Simulator) Start(listen string, basePort int) error {
	return s.Serve(func(i int) (net.Listener, error) {
		port := 0
		if basePort != 0 {
			port = basePort + i
		}
		return net.Listen("tcp", net.JoinHostPort(listen, strconv.Itoa(port)))
	})
}

// Serve is Start for callers with listeners of their own, such as tests in a
// [testing/synctest] bubble, whose time stands still while anything waits for a
// socket. It asks for the control API's listener first, as number 0, and then for
// one for each exchange.
func (s *Simulator) Serve(listen func(i int) (net.Listener, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.servers != nil {
		return errors.New("the simulator is already started")
	}
	handlers := []http.Handler{newControl(s)}
	for _, v := range s.venues {
		handlers = append(handlers, v)
	}

	listeners := make([]net.Listener, 0, len(handlers))
	for i := range handlers {
		listener, err := listen(i)
		if err != nil {
			for _, opened := range listeners {
				_ = opened.Close()
			}
			return fmt.Errorf("start the simulator: %w", err)
		}
		listeners = append(listeners, listener)
	}

	for i, listener := range listeners {
		server := &http.Server{Handler: handlers[i], ReadHeaderTimeout: 10 * time.Second}
		s.servers = append(s.servers, server)
		s.serving.Go(func() { _ = server.Serve(listener) })

		url := "http://" + listener.Addr().String()
		if i == 0 {
			s.controlURL = url
		} else {
			s.venues[i-1].SetURL(url)
		}
	}
	return nil
}

// Close closes all connections and ends the requests in progress, even those
// that a Slow fault holds. A closed simulator cannot start again.
func (s *Simulator) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failures []error
	for _, server := range s.servers {
		failures = append(failures, server.Close())
	}
	s.serving.Wait()
	return errors.Join(failures...)
}

// Now is the time by the clock of the simulated exchanges.
func (s *Simulator) Now() time.Time { return s.now() }

// ControlURL is where the control API is served.
func (s *Simulator) ControlURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.controlURL
}

// Exchanges lists the names of the simulated exchanges.
func (s *Simulator) Exchanges() []string {
	names := make([]string, len(s.venues))
	for i, v := range s.venues {
		names[i] = v.Name()
	}
	return names
}

// Exchange says how to reach an exchange with its main root. It panics if the
// simulator has no exchange of that name.
func (s *Simulator) Exchange(name string) Access {
	access, _ := s.Root(name, venue.MainRoot)
	return access
}

// Root says how to reach an exchange with another of its roots, such as
// "read_only", "no_right", "unbound", "rsa" or "ed25519"; not every exchange
// has all of them. It panics if the simulator has no exchange of that name.
func (s *Simulator) Root(exchange, kind string) (Access, bool) {
	return s.mustFind(exchange).Root(kind)
}

// Inject makes an exchange misbehave. The error names the allowed values.
func (s *Simulator) Inject(fault Fault) error {
	v := s.find(fault.Exchange)
	if v == nil {
		return s.unknown(fault.Exchange)
	}
	return v.Inject(fault)
}

// SetWeather sets one of an exchange's conditions; an empty value makes it calm. The
// error names the allowed values.
func (s *Simulator) SetWeather(exchange, condition, value string) error {
	v := s.find(exchange)
	if v == nil {
		return s.unknown(exchange)
	}
	return v.SetWeather(condition, value)
}

// Weather lists an exchange's conditions. It panics if the simulator has no exchange
// of that name.
func (s *Simulator) Weather(exchange string) []ConditionView {
	return s.mustFind(exchange).Weather()
}

// unknown is the error for an exchange that the simulator does not have.
func (s *Simulator) unknown(exchange string) error {
	return fmt.Errorf("exchange %q is unknown; it must be one of \"%s\"", exchange, strings.Join(s.Exchanges(), `", "`))
}

// ClearFaults makes every exchange behave again.
func (s *Simulator) ClearFaults() {
	for _, v := range s.venues {
		v.ClearFaults()
	}
}

// Reset returns every exchange to its initial state: the same roots and first
// sub-accounts, no minted keys, no faults, calm weather, all counts at zero.
func (s *Simulator) Reset() {
	for _, v := range s.venues {
		v.Reset()
	}
}

// Keys lists every live minted key at every exchange, oldest first within each
// exchange.
func (s *Simulator) Keys() []KeyView {
	views := []KeyView{}
	for _, v := range s.venues {
		views = append(views, v.Keys()...)
	}
	return views
}

// Issued returns the secret parts of all keys that were ever minted, so that
// tests can look for them where they must not be. The control API does not
// reveal them.
func (s *Simulator) Issued() []string {
	var secrets []string
	for _, v := range s.venues {
		secrets = append(secrets, v.Issued()...)
	}
	return secrets
}

// RemoveKey deletes a key without a request from its owner's client, as someone
// does on the exchange's website. It reports whether the key existed.
func (s *Simulator) RemoveKey(exchange, apiKey string) bool {
	return s.mustFind(exchange).RemoveKey(apiKey)
}

// Verifies reports whether an exchange takes the signature of a request, as a server
// has read it, for that of a live key.
func (s *Simulator) Verifies(exchange string, request *http.Request) bool {
	return s.mustFind(exchange).Verifies(request)
}

// AddSubAccounts adds n sub-accounts to the main root's master account and
// returns the names by which requests address them.
func (s *Simulator) AddSubAccounts(exchange string, n int) []string {
	return s.mustFind(exchange).AddSubAccounts(n)
}

// Calls returns how many requests of an operation have arrived at an exchange,
// whatever became of them.
func (s *Simulator) Calls(exchange string, operation exchanges.Operation) int {
	return s.mustFind(exchange).Arrived(operation)
}

// Deletions lists the API keys that were deleted at an exchange, in the order
// of deletion.
func (s *Simulator) Deletions(exchange string) []string {
	return s.mustFind(exchange).Deletions()
}

func (s *Simulator) find(exchange string) *venue.Venue {
	for _, v := range s.venues {
		if v.Name() == exchange {
			return v
		}
	}
	return nil
}

func (s *Simulator) mustFind(exchange string) *venue.Venue {
	v := s.find(exchange)
	if v == nil {
		panic(fmt.Sprintf("simulator: no exchange %q", exchange))
	}
	return v
}

package venue

import (
	"crypto"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// maxBody limits how much of a request is read, in bytes. No simulated call
// takes more at any exchange.
const maxBody = 1 << 20

// MainRoot is the kind of root that can do everything that minting needs.
const MainRoot = "main"

// Venue runs one exchange. It does what is the same for all of them (counting,
// faults, rate limits, locking) and leaves the rest to the rules.
type Venue struct {
	name  string
	rules Rules
	clock func() time.Time
	mux   *http.ServeMux

	multiplier float64
	forecast   Forecast // empty for an exchange without weather
	initial    *Books   // as seeded; a reset returns to this state

	mu      sync.Mutex // guards the fields below, and all state of rules
	url     string     // empty until the simulator has started
	books   *Books
	limiter *limiter
	faults  faults
	weather weather
	calls   map[exchanges.Operation]int
}

// New makes a venue with new accounts and credentials. The options must be
// complete. Roots that sign with RSA use the given key pair.
func New(exchange Listing, options Options, rsaPair func() crypto.Signer) *Venue {
	r := exchange.New()
	v := &Venue{name: exchange.Name, rules: r, clock: options.Now, multiplier: options.RateMultiplier, mux: http.NewServeMux()}
	if f, ok := r.(Forecaster); ok {
		v.forecast = f.Forecast()
	}
	v.initial = &Books{}
	r.Seed(v.initial, v.clock(), rsaPair)
	for _, master := range v.initial.masters() {
		for range options.SubAccounts {
			r.AddSubAccount(v.initial, v.clock(), master)
		}
	}
	for _, rt := range r.Routes() {
		v.mux.HandleFunc(rt.Pattern, func(w http.ResponseWriter, request *http.Request) { v.serve(rt, w, request) })
	}
	v.mux.HandleFunc("/", func(w http.ResponseWriter, request *http.Request) {
		v.serve(Route{Operation: OpOther, Public: true, Handle: r.NotFound}, w, request)
	})
	v.Reset()
	return v
}

// Name is the name of the exchange.
func (v *Venue) Name() string { return v.name }

// ServeHTTP answers as the exchange does.
func (v *Venue) ServeHTTP(w http.ResponseWriter, request *http.Request) { v.mux.ServeHTTP(w, request) }

// Reset returns the venue to its initial state.
func (v *Venue) Reset() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.books = v.initial.clone()
	v.limiter = newLimiter(v.multiplier)
	v.faults = nil
	v.weather = make(weather)
	v.calls = make(map[exchanges.Operation]int)
	if r, ok := v.rules.(Resetter); ok {
		r.Reset()
	}
}

// SetURL says where the venue is served.
func (v *Venue) SetURL(url string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.url = url
}

// Root says how to reach the venue with its root of that kind, if it has one.
// The answer is always the initial root, even if a client has deleted that key
// since.
func (v *Venue) Root(kind string) (Access, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.initial.root(kind)
	if k == nil {
		return Access{}, false
	}
	access := Access{BaseURL: v.url, Credential: k.credential(), SubAccounts: []string{}}
	if k.Account.Parent != nil {
		// A root that lives in a sub-account manages that one only.
		access.SubAccounts = []string{k.Account.ID}
	}
	for _, sub := range v.books.SubAccounts(v.books.Account(k.Account.ID)) {
		access.SubAccounts = append(access.SubAccounts, sub.ID)
	}
	return access, true
}

// RootKinds lists the kinds of root that the venue has.
func (v *Venue) RootKinds() []string {
	var kinds []string
	for _, k := range v.initial.Keys {
		kinds = append(kinds, k.Kind)
	}
	return kinds
}

// faultKinds lists the faults that the venue can have.
func (v *Venue) faultKinds() []FaultKind {
	if _, ok := v.rules.(SlowStarter); ok {
		return append(faultKinds(), SlowStart)
	}
	return faultKinds()
}

// Keys lists the live minted keys, oldest first.
func (v *Venue) Keys() []KeyView {
	v.mu.Lock()
	defer v.mu.Unlock()
	var views []KeyView
	for _, k := range v.books.Minted(v.clock()) {
		views = append(views, KeyView{
			Exchange: v.name, SubAccount: k.Account.ID, APIKey: k.APIKey, Label: k.Label,
			Permissions: append([]string{}, k.Permissions...), IPs: append([]string{}, k.IPs...), CreatedAt: k.Created,
		})
	}
	return views
}

// AddSubAccounts adds n sub-accounts to the master of the main root.
func (v *Venue) AddSubAccounts(n int) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	master := v.books.Account(v.initial.root(MainRoot).Account.ID)
	added := make([]string, n)
	for i := range added {
		added[i] = v.rules.AddSubAccount(v.books, v.clock(), master).ID
	}
	return added
}

// Inject makes the venue misbehave. The error names the allowed values.
func (v *Venue) Inject(fault Fault) error {
	if err := fault.validate(v.faultKinds()); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults = append(v.faults, fault)
	return nil
}

// SetWeather sets one of the venue's conditions; an empty value makes it calm. The
// error names the allowed values.
func (v *Venue) SetWeather(condition, value string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.weather.set(v.conditions(), condition, value)
}

// Weather lists the venue's conditions.
func (v *Venue) Weather() []ConditionView {
	v.mu.Lock()
	defer v.mu.Unlock()
	views := []ConditionView{}
	for _, condition := range v.conditions() {
		views = append(views, ConditionView{condition, v.weather[condition.Name]})
	}
	return views
}

// ClearFaults makes the venue behave again.
func (v *Venue) ClearFaults() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults = nil
}

// Issued returns the secret parts of all keys that were ever minted.
func (v *Venue) Issued() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.books.issued)
}

// RemoveKey deletes a key without a request, and reports whether the key
// existed.
func (v *Venue) RemoveKey(apiKey string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.books.Key(apiKey)
	if k == nil {
		return false
	}
	v.books.RemoveKey(k, v.clock())
	return true
}

// Arrived returns how many requests of an operation have arrived, whatever
// became of them.
func (v *Venue) Arrived(operation exchanges.Operation) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls[operation]
}

// Deletions lists the API keys that were deleted, in the order of deletion.
func (v *Venue) Deletions() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var deleted []string
	for _, g := range v.books.gone {
		deleted = append(deleted, g.key.APIKey)
	}
	return deleted
}

// Verifies reports whether the venue takes the signature of a request as that of a
// live key, whatever is at its path: what a signature holds, a test can find out that
// changes the request. A request that is taken counts as sent.
func (v *Venue) Verifies(request *http.Request) bool {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	c := &Call{Request: request, Body: body, Caller: callerOf(request), Now: v.clock(), Books: v.books, multiplier: v.multiplier, weather: v.weather}
	key, refusal := v.rules.Authenticate(c)
	return refusal == nil && key != nil
}

// serve takes one request through the fault that acts on it and through the
// rules.
func (v *Venue) serve(rt Route, w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		TextAnswer(http.StatusRequestEntityTooLarge, "text/plain", "The request body is too large.\n").Write(w)
		return
	}
	c := &Call{Request: request, Body: body, Caller: callerOf(request)}
	if rt.Choose != nil {
		rt = rt.Choose(c)
	}
	c.Fault = v.arrive(rt.Operation)

	switch c.Fault.Kind {
	case DropBeforeCommit:
		cut()
	case Outage:
		resetConnection(w)
	case Error5xx:
		TextAnswer(http.StatusBadGateway, "text/plain", "Bad Gateway\n").Write(w)
		return
	case HTMLError:
		TextAnswer(http.StatusOK, "text/html; charset=utf-8", htmlPage).Write(w)
		return
	case Slow:
		if !sleep(request, c.Fault.Delay) {
			cut()
		}
	}
	response := v.commit(rt, c)
	if c.Fault.Kind == DropAfterCommit {
		cut()
	}
	response.Write(w)
}

const htmlPage = "<!DOCTYPE html>\n<html><head><title>Just a moment</title></head><body><h1>Please wait</h1></body></html>\n"

// arrive counts a request and takes the fault that acts on it.
func (v *Venue) arrive(operation exchanges.Operation) Fault {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls[operation]++
	v.calls[exchanges.OpAny]++
	return v.faults.take(operation)
}

// commit does what the request asks for, or refuses it.
func (v *Venue) commit(rt Route, c *Call) *Answer {
	v.mu.Lock()
	defer v.mu.Unlock()
	c.Books, c.multiplier, c.weather = v.books, v.multiplier, v.weather
	c.Now = v.clock()
	if c.Fault.Kind == ClockSkew {
		c.Now = c.Now.Add(c.Fault.Delay)
	}
	if refusal := v.count(rt, c, PerAddress); refusal != nil {
		return refusal
	}
	if !rt.Public {
		c.Books = c.known()
		caller, refusal := v.rules.Authenticate(c)
		c.Books = v.books
		if refusal != nil {
			return refusal
		}
		c.Key = caller
		if refusal := v.count(rt, c, PerAccount); refusal != nil {
			return refusal
		}
	}
	if c.Fault.Kind == RateLimit {
		q := v.exhausted(rt)
		c.Quotas = append(c.Quotas, q)
		return v.rules.RateLimited(c, q)
	}
	if rt.Permit != nil {
		if refusal := rt.Permit(c); refusal != nil {
			return refusal
		}
	}
	if unknown := v.weather[Refuses]; unknown != "" && v.forecast.Refusable[unknown] == rt.Operation && c.gives(unknown) {
		return v.rules.(Forecaster).RefuseParameter(c, unknown)
	}
	answer := rt.Handle(c)
	v.forecast.reshape(v.weather, rt.Operation, answer)
	return answer
}

// count charges the request to the route's limits of one scope.
func (v *Venue) count(rt Route, c *Call, by Scope) *Answer {
	for _, lim := range rt.Limits {
		if lim.By != by {
			continue
		}
		bucket, subject := lim.Bucket, c.Caller.String()
		if bucket == "" {
			bucket = rt.Pattern
		}
		if by == PerAccount {
			subject = c.Key.Account.ID
		}
		if lim.Of != nil {
			subject += " " + lim.Of(c)
		}
		q := v.limiter.take(bucket, subject, lim, v.clock())
		c.Quotas = append(c.Quotas, q)
		if q.Exceeded {
			return v.rules.RateLimited(c, q)
		}
	}
	return nil
}

// exhausted is the quota that the fault RateLimit pretends: the last of the
// route's limits, used up a moment ago.
func (v *Venue) exhausted(rt Route) Quota {
	lim := Limit{Quota: 1, Window: time.Second}
	if n := len(rt.Limits); n > 0 {
		lim = rt.Limits[n-1]
	}
	allowed := v.limiter.allowed(lim)
	return Quota{Limit: lim, Allowed: allowed, Used: allowed, Exceeded: true, Wait: lim.Window}
}

func callerOf(request *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(request.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap()
}

// sleep waits, and reports whether the caller is still there and the simulator
// is still running.
func sleep(request *http.Request, delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-request.Context().Done():
		return false
	}
}

// cut ends the request by closing the connection without an answer.
func cut() {
	panic(http.ErrAbortHandler)
}

// resetConnection ends the request with a TCP reset, as a host does on which
// nothing is listening.
func resetConnection(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		if tcp, ok := connection.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = connection.Close()
	}
	panic(http.ErrAbortHandler)
}

package simulator

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

// maxBody bounds how much of a request is read, in bytes. No exchange takes more
// from the calls that are simulated.
const maxBody = 1 << 20

// mainRoot is the kind of root that can do everything that minting needs.
const mainRoot = "main"

// venue runs one exchange: it does for all of them what does not depend on the
// exchange (counting, faults, rate limits, locking) and leaves the rest to rules.
type venue struct {
	name  string
	rules rules
	clock func() time.Time
	mux   *http.ServeMux

	multiplier float64
	initial    *books // as seeded; what a reset returns to

	mu      sync.Mutex // guards what follows, and all state of rules
	url     string     // empty until the simulator has started
	books   *books
	limiter *limiter
	faults  faults
	calls   map[exchanges.Operation]int
}

// newVenue makes a venue with fresh accounts and credentials. The options are
// complete. The key pair is that of the roots which sign with RSA.
func newVenue(exchange listing, options Options, rsaPair func() crypto.Signer) *venue {
	r := exchange.rules()
	v := &venue{name: exchange.name, rules: r, clock: options.Now, multiplier: options.RateMultiplier, mux: http.NewServeMux()}
	v.initial = &books{}
	r.seed(v.initial, v.clock(), rsaPair)
	for _, master := range v.initial.masters() {
		for range options.SubAccounts {
			r.addSubAccount(v.initial, v.clock(), master)
		}
	}
	for _, rt := range r.routes() {
		v.mux.HandleFunc(rt.pattern, func(w http.ResponseWriter, request *http.Request) { v.serve(rt, w, request) })
	}
	v.mux.HandleFunc("/", func(w http.ResponseWriter, request *http.Request) {
		v.serve(route{operation: opOther, public: true, handle: r.notFound}, w, request)
	})
	v.reset()
	return v
}

// exchange is the name of the exchange.
func (v *venue) exchange() string { return v.name }

// ServeHTTP answers as the exchange does.
func (v *venue) ServeHTTP(w http.ResponseWriter, request *http.Request) { v.mux.ServeHTTP(w, request) }

// reset returns the venue to how it started.
func (v *venue) reset() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.books = v.initial.clone()
	v.limiter = newLimiter(v.multiplier)
	v.faults = nil
	v.calls = make(map[exchanges.Operation]int)
	if r, ok := v.rules.(resetter); ok {
		r.reset()
	}
}

func (v *venue) setURL(url string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.url = url
}

// root tells how to reach the venue with one of its roots. That stays what it
// was at the start, even if a client has deleted the root key since.
func (v *venue) root(kind string) (Access, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.initial.root(kind)
	if k == nil {
		return Access{}, false
	}
	access := Access{BaseURL: v.url, Credential: k.credential(), SubAccounts: []string{}}
	if k.account.parent != nil {
		// A root that lives in a sub-account manages that one.
		access.SubAccounts = []string{k.account.id}
	}
	for _, sub := range v.books.subAccounts(v.books.account(k.account.id)) {
		access.SubAccounts = append(access.SubAccounts, sub.id)
	}
	return access, true
}

// rootKinds lists the kinds of root that the venue has.
func (v *venue) rootKinds() []string {
	var kinds []string
	for _, k := range v.initial.keys {
		kinds = append(kinds, k.kind)
	}
	return kinds
}

// faultKinds lists the faults that the venue can have.
func (v *venue) faultKinds() []FaultKind {
	if _, ok := v.rules.(slowStarter); ok {
		return append(faultKinds(), SlowStart)
	}
	return faultKinds()
}

// keys lists the live minted keys, oldest first.
func (v *venue) keys() []KeyView {
	v.mu.Lock()
	defer v.mu.Unlock()
	var views []KeyView
	for _, k := range v.books.minted(v.clock()) {
		views = append(views, KeyView{
			Exchange: v.name, SubAccount: k.account.id, APIKey: k.apiKey, Label: k.label,
			Permissions: append([]string{}, k.permissions...), IPs: append([]string{}, k.ips...), CreatedAt: k.created,
		})
	}
	return views
}

// addSubAccounts adds n sub-accounts to the master of the main root.
func (v *venue) addSubAccounts(n int) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	master := v.books.account(v.initial.root(mainRoot).account.id)
	added := make([]string, n)
	for i := range added {
		added[i] = v.rules.addSubAccount(v.books, v.clock(), master).id
	}
	return added
}

// inject makes the venue misbehave. The error tells the allowed values.
func (v *venue) inject(fault Fault) error {
	if err := fault.validate(v.faultKinds()); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults = append(v.faults, fault)
	return nil
}

// clearFaults makes the venue behave again.
func (v *venue) clearFaults() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults = nil
}

// issued returns the secret parts of all keys that were ever minted.
func (v *venue) issued() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.books.issued)
}

// removeKey deletes a key without a request, and tells whether there was such a
// key.
func (v *venue) removeKey(apiKey string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.books.key(apiKey)
	if k == nil {
		return false
	}
	v.books.removeKey(k)
	return true
}

// arrived tells how many requests of an operation have arrived, whatever became
// of them.
func (v *venue) arrived(operation exchanges.Operation) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls[operation]
}

// deletions lists the api keys of the keys that were deleted, in that order.
func (v *venue) deletions() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.books.removed)
}

// serve carries one request through the fault that acts on it and through the
// rules.
func (v *venue) serve(rt route, w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		textAnswer(http.StatusRequestEntityTooLarge, "text/plain", "The request body is too large.\n").write(w)
		return
	}
	c := &call{Request: request, body: body, caller: callerOf(request)}
	if rt.choose != nil {
		rt = rt.choose(c)
	}
	c.fault = v.arrive(rt.operation)

	switch c.fault.Kind {
	case DropBeforeCommit:
		cut()
	case Outage:
		resetConnection(w)
	case Error5xx:
		textAnswer(http.StatusBadGateway, "text/plain", "Bad Gateway\n").write(w)
		return
	case HTMLError:
		textAnswer(http.StatusOK, "text/html; charset=utf-8", htmlPage).write(w)
		return
	case Slow:
		if !sleep(request, c.fault.Delay) {
			cut()
		}
	}
	response := v.commit(rt, c)
	if c.fault.Kind == DropAfterCommit {
		cut()
	}
	response.write(w)
}

const htmlPage = "<!DOCTYPE html>\n<html><head><title>Just a moment</title></head><body><h1>Please wait</h1></body></html>\n"

// arrive counts a request and takes the fault that acts on it.
func (v *venue) arrive(operation exchanges.Operation) Fault {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls[operation]++
	v.calls[exchanges.OpAny]++
	return v.faults.take(operation)
}

// commit does what the request asks for, or refuses it.
func (v *venue) commit(rt route, c *call) *answer {
	v.mu.Lock()
	defer v.mu.Unlock()
	c.books, c.multiplier = v.books, v.multiplier
	c.now = v.clock()
	if c.fault.Kind == ClockSkew {
		c.now = c.now.Add(c.fault.Delay)
	}
	if refusal := v.count(rt, c, perAddress); refusal != nil {
		return refusal
	}
	if !rt.public {
		caller, refusal := v.rules.authenticate(c)
		if refusal != nil {
			return refusal
		}
		c.key = caller
		if refusal := v.count(rt, c, perAccount); refusal != nil {
			return refusal
		}
	}
	if c.fault.Kind == RateLimit {
		q := v.exhausted(rt)
		c.quotas = append(c.quotas, q)
		return v.rules.rateLimited(c, q)
	}
	if rt.permit != nil {
		if refusal := rt.permit(c); refusal != nil {
			return refusal
		}
	}
	return rt.handle(c)
}

// count holds the request against the route's limits of one scope.
func (v *venue) count(rt route, c *call, by scope) *answer {
	for _, lim := range rt.limits {
		if lim.by != by {
			continue
		}
		bucket, subject := lim.bucket, c.caller.String()
		if bucket == "" {
			bucket = rt.pattern
		}
		if by == perAccount {
			subject = c.key.account.id
		}
		if lim.of != nil {
			subject += " " + lim.of(c)
		}
		q := v.limiter.take(bucket, subject, lim, v.clock())
		c.quotas = append(c.quotas, q)
		if q.exceeded {
			return v.rules.rateLimited(c, q)
		}
	}
	return nil
}

// exhausted is the quota that the fault RateLimit pretends: the last of the
// route's limits, used up a moment ago.
func (v *venue) exhausted(rt route) quota {
	lim := limit{quota: 1, window: time.Second}
	if n := len(rt.limits); n > 0 {
		lim = rt.limits[n-1]
	}
	allowed := v.limiter.allowed(lim)
	return quota{limit: lim, allowed: allowed, used: allowed, exceeded: true, wait: lim.window}
}

func callerOf(request *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(request.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap()
}

// sleep waits, and tells whether the caller is still there and the simulator
// still runs.
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

// resetConnection ends the request with a TCP reset, as a host does that serves
// nobody.
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

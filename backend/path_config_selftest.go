package backend

import (
	"context"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// Bounds on how long a self-test waits for one thing to show itself.
const (
	leastSelfTestWait = time.Second
	selfTestWait      = time.Minute
	maxSelfTestWait   = 10 * time.Minute
)

// pathConfigSelfTest is config/:name/self-test.
func (e *engine) pathConfigSelfTest() *framework.Path {
	return &framework.Path{
		Pattern:      "config/(?P<name>[^/]+)/self-test$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: "connection-self-test"},
		Fields: map[string]*framework.FieldSchema{
			"name":         nameField("connection"),
			"sub_account":  {Type: framework.TypeString, Description: "The sub-account in which the key is made. Required."},
			"scopes":       {Type: framework.TypeCommaStringSlice, Default: []string{string(exchanges.ScopeRead)}, Description: "What the key may do, within the connection's allowed_scopes; read by default."},
			"ip_allowlist": {Type: framework.TypeCommaStringSlice, Description: "Addresses from which the key works. Include this server's own, since it uses the key."},
			"wait": {
				Type:        framework.TypeSignedDurationSecond,
				Description: "How long to wait for each thing to happen, at most 10m; by default a minute, or longer where the exchange documents a longer delay.",
			},
		},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.UpdateOperation: &framework.PathOperation{
				Callback:     e.startSelfTest,
				Summary:      "Make a real key, watch what the exchange does with it, and delete it.",
				Responses:    responses("The report so far; read the same path for more.", selfTestFields()),
				Examples:     []framework.RequestExample{{Description: "A key that can only read.", Data: map[string]any{"sub_account": "53888000"}}},
				DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "start", OperationSuffix: "connection-self-test"},

				ForwardPerformanceStandby:   true,
				ForwardPerformanceSecondary: true,
			},
			logical.ReadOperation: &framework.PathOperation{
				Callback:     e.readSelfTest,
				Summary:      "Read the report of the running or the last self-test.",
				Responses:    responses("The report.", selfTestFields()),
				DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationVerb: "read", OperationSuffix: "connection-self-test"},

				ForwardPerformanceStandby:   true,
				ForwardPerformanceSecondary: true,
			},
		},
		HelpSynopsis:    "Find out on your own account what the exchange really does.",
		HelpDescription: selfTestHelp,
	}
}

func selfTestFields() map[string]*framework.FieldSchema {
	text := func(description string) *framework.FieldSchema {
		return &framework.FieldSchema{Type: framework.TypeString, Description: description, Required: true}
	}
	words := func(description string) *framework.FieldSchema {
		return &framework.FieldSchema{Type: framework.TypeStringSlice, Description: description, Required: true}
	}
	return map[string]*framework.FieldSchema{
		"state":          text("running; done: the report is complete; failed: the test ended early."),
		"problem":        text("Why it failed."),
		"exchange":       text("The exchange."),
		"environment":    text("The exchange's environment."),
		"variant":        text("The kind of parent account; empty if the exchange has only one."),
		"plugin_version": text("Version of this plugin."),
		"sub_account":    text("The sub-account in which the key was made."),
		"key_id":         text("The key's id in the ledger, see keys/."),
		"scopes":         words("Scopes that were asked for."),
		"permissions":    words("Its permissions in the exchange's words."),
		"ip_allowlist":   words("Addresses that were asked for."),
		"wait":           {Type: framework.TypeInt64, Description: "How long the test waits for each thing, in seconds.", Required: true},
		"started_at":     text("When it began."),
		"finished_at":    text("When it ended; empty while it is running."),
		"differences":    words("Names of the facts that are not as expected."),
		"facts": {
			Type: framework.TypeSlice, Required: true,
			Description: "What was found out, in order. Each has name, verdict (as expected, different, not told), expected, seen, seconds if measured, code (the exchange's own), and about (where the exchange's page describes it). None of it is secret.",
		},
	}
}

func (e *engine) startSelfTest(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	l, err := e.connections.existing(ctx, req.Storage, d.Get("name").(string))
	if err != nil {
		return nil, err
	}
	wait, err := selfTestPatience(d, l.variant)
	if err != nil {
		return nil, err
	}
	o, err := e.selfTestOrder(ctx, req, d, l, wait)
	if err != nil {
		return nil, err
	}
	warnings, err := l.checkSubAccount(ctx, o.subAccounts[0])
	if err != nil {
		return nil, err
	}
	environment, _ := l.about.Environment(l.Environment)
	t := &selfTest{
		engine: e, storage: req.Storage, order: o, wait: wait,
		report: selfTestReport{
			State: selfTestRunning, Exchange: l.Exchange, Environment: environment.Name, Variant: l.variant.Name, Version: e.build.Version,
			SubAccount: o.subAccounts[0], Scopes: o.grant.Scopes.Strings(), Permissions: o.grant.Permissions, Addresses: o.addresses,
			Wait: wait, Started: e.now(),
		},
		seen: observations{about: l.about, variant: l.variant, wait: wait},
	}
	if err := e.selfTests.start(t); err != nil {
		return nil, err
	}
	return &logical.Response{Data: t.told().show(), Warnings: warnings}, nil
}

func (e *engine) readSelfTest(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name := d.Get("name").(string)
	if _, err := e.connections.existing(ctx, req.Storage, name); err != nil {
		return nil, err
	}
	report, err := e.selfTests.report(ctx, req.Storage, name)
	if err != nil || report == nil {
		return nil, err
	}
	return &logical.Response{Data: report.show()}, nil
}

// selfTestPatience is how long to wait for each thing.
func selfTestPatience(d *framework.FieldData, variant exchanges.Variant) (time.Duration, error) {
	wait, err := duration(d, "wait")
	switch {
	case err != nil:
		return 0, err
	case wait > maxSelfTestWait:
		return 0, invalid("wait", "%s is too long; give at most %s", wait, maxSelfTestWait)
	case wait > 0:
		return max(wait, leastSelfTestWait), nil
	}
	// What is documented to take so long is given a little longer.
	documented := max(variant.ActivationDelay, variant.RevocationDelay, variant.ListingDelay)
	return min(max(selfTestWait, documented+selfTestWait/2), maxSelfTestWait), nil
}

// selfTestOrder is what a self-test asks for: a key for no role, within the guard rails
// of the connection. It makes no call to the exchange.
func (e *engine) selfTestOrder(ctx context.Context, req *logical.Request, d *framework.FieldData, l *link, wait time.Duration) (*order, error) {
	subAccount := strings.TrimSpace(d.Get("sub_account").(string))
	if subAccount == "" {
		return nil, invalid("sub_account", "missing; name the sub-account in which a key is to be made, see config/%s/sub-accounts", l.name)
	}
	if l.frozen() != frozenNo {
		return nil, refuse("minting on connection %q is frozen (%s)", l.name, l.freeze())
	}
	// A key that could not be deleted must not be made for a test.
	if err := e.mayDelete(ctx, req.Storage, l); err != nil {
		return nil, err
	}
	if err := e.checkSwitches(ctx, req.Storage, "", l.name); err != nil {
		return nil, err
	}
	addresses, err := parseAddresses("ip_allowlist", wordsOf(d, "ip_allowlist"))
	if err != nil {
		return nil, err
	}
	r := role{Connection: l.name, SubAccounts: []string{subAccount}, Scopes: wordsOf(d, "scopes"), IPAllowlist: addresses}
	if len(r.Scopes) == 0 {
		r.Scopes = []string{string(exchanges.ScopeRead)}
	}
	grant, err := r.checkKeys(l)
	if err != nil {
		return nil, err
	}
	o := &order{
		role: r, link: l, subAccounts: []string{l.variant.SubAccountName(subAccount)}, grant: grant, addresses: addresses,
		keyType: r.keyType(l.variant), requestID: req.ID,
		requester: requesterOf(req, causeSelfTest),
	}
	// The key's own end is when it must have been deleted, whatever becomes of the test.
	life := shortest(wait+r.makingTime()+selfTestWait, l.MaxTTL)
	o.lifetime = lifetime{ttl: life, maxTTL: life}.within(l.variant, r.makingTime())
	return o, nil
}

// checkSubAccount refuses a sub-account that the exchange does not have, or in which it
// gives no keys. If the exchange cannot be asked, that is a warning.
func (l *link) checkSubAccount(ctx context.Context, name string) (warnings []string, err error) {
	known, err := l.rosterSoon(ctx, "")
	switch problem := known.problem(name); {
	case err != nil:
		return []string{"could not ask whether there is a sub-account " + quote(name) + ": " + err.Error()}, nil
	case len(known) == 0 || problem == "":
		return nil, nil
	default:
		return nil, invalid("sub_account", "no key can be made in %s: %s; see config/%s/sub-accounts", quote(name), problem, l.name)
	}
}

var selfTestHelp = strings.TrimSpace(`
A write makes one real key in the sub-account, with the given scopes and addresses,
and returns at once. In the background the engine notes how soon the exchange lists
the key, what it shows about it, and how soon it accepts it. Then it deletes the key
and notes when it is no longer listed, when it is no longer accepted, and how the
exchange answers a second deletion. A read shows the report so far.

The report compares each fact with what the exchange's documentation says. It
contains no secret, so you can put it into a bug report. A difference is not the
fault of your account, and the engine may well cope with it. The field about says
where the exchange's page describes the fact.

Nobody gets the key. It is in the ledger like any other, but without a role or lease,
and the sweeper deletes it if the test does not. The connection's guard rails, caps,
freezes and kill switch apply to it; allowed_roles does not, since it has no role.
`)

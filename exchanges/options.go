package exchanges

import (
	"net/http"
	"time"

	"vault-plugin-secrets-exchange/exchanges/pace"
)

// Options says how to reach an account.
type Options struct {
	// Environment is the name of one of [Description.Environments]; empty
	// means the first.
	Environment string
	// Variant is the name of one of [Description.Variants]; empty means the
	// first.
	Variant string
	// BaseURL replaces the environment's base URL.
	BaseURL string
	// Timeout bounds one HTTP request. Zero means [DefaultTimeout].
	Timeout time.Duration
	// RateMultiplier multiplies the exchange's documented rate limits: below 1
	// where other tools share the account's quota, above 1 where the exchange has
	// raised it. Zero means 1.
	RateMultiplier float64
	// Account is what the exchange calls the parent account, as [Identity.Account]
	// said; empty if that is not known.
	Account string
	// Pacers, if set, gives one pace to all accounts that are opened with them and
	// have the root credential or the parent account in common. The smallest of their
	// multipliers counts. Nil means a pace of its own.
	Pacers *pace.Pacers
	// UserAgent is sent with each request.
	UserAgent string
	// Transport replaces the pooled HTTP transport, for tests.
	Transport http.RoundTripper
}

// Wait is the wait to use where the exchange's documented rates require this one.
func (o Options) Wait(documented time.Duration) time.Duration {
	if o.RateMultiplier == 0 {
		return documented
	}
	return time.Duration(float64(documented) / o.RateMultiplier)
}

// DefaultTimeout bounds one HTTP request where [Options.Timeout] is unset.
const DefaultTimeout = 10 * time.Second

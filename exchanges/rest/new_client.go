package rest

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// NewClient returns a client for an account: it fills into the config what follows
// from the exchange's description, the credential and the options, among it
// the base URL of the chosen environment and the rate limits of the chosen
// variant. The client must be closed: nothing may fail between making it and handing
// it out.
func NewClient(d exchanges.Description, credential exchanges.Credential, options exchanges.Options, config Config) (*Client, error) {
	environment, err := d.Environment(options.Environment)
	if err != nil {
		return nil, err
	}
	variant, err := d.Variant(options.Variant)
	if err != nil {
		return nil, err
	}
	if credential.TOTPSecret != "" {
		if _, err := OneTimeCode(credential.TOTPSecret, time.Now()); err != nil {
			return nil, err
		}
	}
	config.Exchange = d.Name
	config.BaseURL = environment.BaseURL
	if options.BaseURL != "" {
		config.BaseURL = options.BaseURL
	}
	config.Options = options
	config.Secrets = append(credential.Secrets(), config.Secrets...)
	config.Limits = variant.RateLimits
	config.paceNames = paceNames(config, variant.Name, credential)
	client, err := newClient(config)
	if err != nil {
		return nil, err
	}
	client.environment, client.variant = environment, variant
	return client, nil
}

// Variant is the kind of account that the client is for.
func (c *Client) Variant() exchanges.Variant { return c.variant }

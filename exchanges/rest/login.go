package rest

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// LoginMessage makes the message that logs in to a channel at the exchange's time. The
// login is to be valid for the given time, where [exchanges.Channel.Chosen] is set. Address
// is the URL of the connection; empty where it is not known.
type LoginMessage func(channel exchanges.Channel, address string, at time.Time, validity time.Duration) (message any, err error)

// Login is what an [exchanges.LoginSigner] is made of. It finds the channel and the time,
// and has the message made, which is nil for an exchange whose channels all have a
// [exchanges.Channel.Request].
func (c *Client) Login(ctx context.Context, request exchanges.LoginRequest, compose LoginMessage) (exchanges.Login, error) {
	channel, err := c.variant.Signing.Channel(request.Channel)
	if err != nil {
		return exchanges.Login{}, err
	}
	validity := request.Validity
	switch {
	case validity != 0 && !channel.Chosen:
		return exchanges.Login{}, refusal("validity: the exchange does not let a login choose it; leave it out")
	case validity < 0 || validity > exchanges.MaxLoginValidity:
		return exchanges.Login{}, refusal("validity: %s is not allowed; give at most %s", validity, exchanges.MaxLoginValidity)
	case validity == 0 && channel.Chosen:
		validity = exchanges.MaxLoginValidity
	case validity == 0:
		validity = channel.Validity
	}
	login := exchanges.Login{Channel: channel, URL: c.streamURL(channel.Name)}
	if channel.Request != "" {
		method, path, _ := strings.Cut(channel.Request, " ")
		login.Request, err = c.SignRequest(ctx, exchanges.UserRequest{Method: method, Path: path})
		return c.until(login, validity), err
	}
	message, err := compose(channel, login.URL, c.Now(ctx), validity)
	if err != nil {
		return exchanges.Login{}, err
	}
	if login.Message, err = json.Marshal(message); err != nil {
		return exchanges.Login{}, refusal("the login cannot be encoded")
	}
	return c.until(login, validity), nil
}

// until notes by our clock how long the login is valid.
func (c *Client) until(login exchanges.Login, validity time.Duration) exchanges.Login {
	if validity > 0 {
		login.ValidUntil = time.Now().Add(validity)
	}
	return login
}

// streamURL is where a client connects for a channel. A base URL on this machine, such
// as a simulator's, serves the same paths; of any other that is not the environment's
// own, it is not known.
func (c *Client) streamURL(channel string) string {
	stream := c.environment.Streams[channel]
	switch {
	case stream == "" || c.config.Options.BaseURL == "" || c.config.BaseURL == c.environment.BaseURL || c.config.BaseURL == c.environment.KeyBaseURL:
		return stream
	case !IsLoopback(c.config.BaseURL):
		return ""
	}
	parsed, err := url.Parse(stream)
	if err != nil {
		return ""
	}
	parsed.Host = hostOf(c.config.BaseURL)
	if parsed.Scheme = "wss"; strings.HasPrefix(c.config.BaseURL, "http:") {
		parsed.Scheme = "ws"
	}
	return parsed.String()
}

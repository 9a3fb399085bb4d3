package htx

import (
	"context"
	"net/url"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// The channels, and the paths of their connections.
const (
	channelSpot          = "spot"
	channelLinearSwap    = "linear_swap"
	pathSpotStream       = "/ws/v2"
	pathLinearSwapStream = "/linear-swap-notification"
)

// loginRequests are requests for the paths of all connections that take a login
// (https://www.htx.com/en-us/opend/newApiPages/), also of those to which there is no
// channel: most take the signature of such a request, and some then take orders.
func loginRequests() []string {
	return []string{
		"GET " + pathSpotStream, "GET /ws/v1", "GET /ws/trade",
		"GET " + pathLinearSwapStream, "GET /linear-swap-trade", "GET /swap-notification", "GET /notification",
	}
}

// SignLogin implements [exchanges.LoginSigner].
func (a *account) SignLogin(ctx context.Context, request exchanges.LoginRequest) (exchanges.Login, error) {
	return a.Login(ctx, request, a.login)
}

// login is the message that logs in. The signature is of the connection's URL, and of
// parameters that the two APIs name differently
// (https://huobiapi.github.io/docs/spot/v1/en/#authentication-2).
func (s signer) login(channel exchanges.Channel, stream string, at time.Time, _ time.Duration) (any, error) {
	parsed, err := url.Parse(stream)
	if err != nil || parsed.Host == "" {
		return nil, &exchanges.Error{
			Kind: exchanges.ErrUnsupported, Exchange: "htx", Message: "channel: the login is signed for one host, and that of " + channel.Name + " is not known for this base_url",
		}
	}
	names := []string{"accessKey", "signatureMethod", "signatureVersion", "timestamp", "signature"}
	version := "2.1"
	if channel.Name == channelLinearSwap {
		names, version = []string{"AccessKeyId", "SignatureMethod", "SignatureVersion", "Timestamp", "Signature"}, "2"
	}
	message := map[string]any{names[0]: s.apiKey, names[1]: s.method, names[2]: version, names[3]: at.UTC().Format(timestampLayout)}
	signed := url.Values{}
	for name, value := range message {
		signed.Set(name, value.(string))
	}
	text := strings.Join([]string{"GET", strings.ToLower(parsed.Host), parsed.Path, signed.Encode()}, "\n")
	if message[names[4]], err = s.signature(text); err != nil {
		return nil, err
	}
	if channel.Name == channelLinearSwap {
		message["op"], message["type"] = "auth", "api"
		return message, nil
	}
	message["authType"] = "api"
	return map[string]any{"action": "req", "ch": "auth", "params": message}, nil
}

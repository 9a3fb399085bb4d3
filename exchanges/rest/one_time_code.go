package rest

import (
	"context"
	"errors"
	"time"

	"github.com/pquerna/otp/totp"

	"vault-plugin-secrets-exchange/exchanges"
)

// OneTimeCodePeriod is how long a one-time code lasts. No exchange needs to take
// one twice (RFC 6238, section 5.2).
const OneTimeCodePeriod = 30 * time.Second

// codeMargin is how long a one-time code must still last to be sent: one that
// ends on its way is a wrong code, of which exchanges take only so many.
const codeMargin = 2 * time.Second

// CodeTime is the time of which to make a one-time code: the exchange's present
// time, after waiting for the next code if the present one is about to end.
// Turns that are a period apart stay so, each with a code of its own.
func (c *Client) CodeTime(ctx context.Context) (time.Time, error) {
	now := c.Now(ctx)
	left := now.Truncate(OneTimeCodePeriod).Add(OneTimeCodePeriod).Sub(now)
	if left >= codeMargin {
		return now, nil
	}
	if !sleep(ctx, left) {
		return time.Time{}, c.blame(Call{Operation: exchanges.OpOneTimeCode}, &exchanges.Error{
			Kind: exchanges.ErrUnavailable, Message: "gave up waiting for the next one-time code", Err: errors.Join(exchanges.ErrNotAsked, context.Cause(ctx)),
		})
	}
	return c.Now(ctx), nil
}

// OneTimeCode is the code of a time, as authenticator apps show it: 6 digits
// (RFC 6238 with SHA-1). A secret that is not base32 is an error that names the
// connection's field.
func OneTimeCode(totpSecret exchanges.Secret, at time.Time) (exchanges.Secret, error) {
	code, err := totp.GenerateCode(totpSecret.Reveal(), at)
	if err != nil {
		return "", refusal("totp_secret: not base32; give the letters A to Z and digits 2 to 7 of the seed, without spaces")
	}
	return exchanges.Secret(code), nil
}

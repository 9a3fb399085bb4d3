package rest

import (
	"errors"
	"time"

	"github.com/pquerna/otp/totp"

	"vault-plugin-secrets-exchange/exchanges"
)

// OneTimeCodePeriod is how long a one-time code lasts. No exchange needs to take
// one twice (RFC 6238, section 5.2).
const OneTimeCodePeriod = 30 * time.Second

// OneTimeCode is the code of a time, as authenticator apps show it: 6 digits
// (RFC 6238 with SHA-1). A secret that is not base32 is an error that names the
// connection's field.
func OneTimeCode(totpSecret exchanges.Secret, at time.Time) (exchanges.Secret, error) {
	code, err := totp.GenerateCode(totpSecret.Reveal(), at)
	if err != nil {
		return "", errors.New("totp_secret: not base32; give the letters A to Z and digits 2 to 7 of the seed, without spaces")
	}
	return exchanges.Secret(code), nil
}

package deribit

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// LogsOn follows https://docs.deribit.com/fix-api/production/logon: the password is a hash
// of time, nonce and secret. A nonce has at least 32 bytes.
func (e *exchange) LogsOn(c *venue.Call, fields map[int]string) *venue.Key {
	caller := c.Books.Key(fields[553])
	raw := fields[96]
	at, nonce, _ := strings.Cut(raw, ".")
	sent, err := strconv.ParseInt(at, 10, 64)
	decoded, wrong := base64.StdEncoding.DecodeString(nonce)
	if caller == nil || caller.Secret == "" || err != nil || wrong != nil || len(decoded) < 32 || c.Now.Sub(time.UnixMilli(sent)).Abs() > time.Minute || fields[95] != strconv.Itoa(len(raw)) {
		return nil
	}
	password := sha256.Sum256([]byte(raw + caller.Secret))
	if subtle.ConstantTimeCompare([]byte(base64.StdEncoding.EncodeToString(password[:])), []byte(fields[554])) != 1 {
		return nil
	}
	return caller
}

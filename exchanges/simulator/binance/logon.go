package binance

import (
	"crypto/ed25519"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// LogsOn follows
// https://developers.binance.com/docs/binance-spot-api-docs/fix-api#signature-computation.
func (e *exchange) LogsOn(c *venue.Call, fields map[int]string) *venue.Key {
	caller := c.Books.Key(fields[553])
	sent, err := time.Parse("20060102-15:04:05.000", fields[52])
	if caller == nil || err != nil || c.Now.Sub(sent).Abs() > 5*time.Second || fields[95] != strconv.Itoa(len(fields[96])) {
		return nil
	}
	if _, ed := caller.PublicKey().(ed25519.PublicKey); !ed {
		return nil
	}
	signed := strings.Join([]string{"A", fields[49], fields[56], fields[34], fields[52]}, "\x01")
	if !e.verifies(caller, signed, fields[96]) {
		return nil
	}
	return caller
}

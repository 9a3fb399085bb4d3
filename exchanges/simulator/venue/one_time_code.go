package venue

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"
)

// Base32Alphabet is the alphabet of the seeds of one-time codes.
const Base32Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// oneTimeCodePeriod is how long a one-time code is valid.
const oneTimeCodePeriod = 30 * time.Second

// OneTimeStep numbers the periods of one-time codes. Each period has one code.
func OneTimeStep(at time.Time) int64 { return at.Unix() / int64(oneTimeCodePeriod.Seconds()) }

// OneTimeCode is the one-time code for a time (RFC 6238: SHA-1, 6 digits). The
// secret is in base32; the function panics if it is not.
func OneTimeCode(secret string, at time.Time) string {
	seed, err := base32.StdEncoding.DecodeString(secret)
	if err != nil {
		panic(err) // secrets are drawn in base32
	}
	var step [8]byte
	binary.BigEndian.PutUint64(step[:], uint64(OneTimeStep(at)))
	mac := hmac.New(sha1.New, seed)
	mac.Write(step[:])
	sum := mac.Sum(nil)
	number := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0x0f:]) & 0x7fffffff
	return fmt.Sprintf("%06d", number%1_000_000)
}

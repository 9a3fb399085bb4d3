package deribit_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/deribit"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// otp is a one-time code by RFC 6238.
func otp(t *testing.T, secret string, at time.Time) string {
	seed, err := base32.StdEncoding.DecodeString(secret)
	require.NoError(t, err)
	mac := hmac.New(sha1.New, seed)
	require.NoError(t, binary.Write(mac, binary.BigEndian, at.Unix()/30))
	sum := mac.Sum(nil)
	offset := sum[19] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:offset+4])&0x7fffffff%1000000)
}

func TestSecondFactor(t *testing.T) {
	clock := venuetest.NewClock()
	s := venuetest.Start(t, deribit.Venue(), simulator.Options{Now: clock.Now, RateMultiplier: 1000})
	c := newClient(t, s, "totp")
	require.NotEmpty(t, c.TOTPSecret)
	type demand struct {
		Required  bool `json:"security_key_authorization_required"`
		Challenge string
		Keys      []struct{ Type string } `json:"security_keys"`
	}
	const method = "private/create_api_key"
	ask := func() string {
		t.Helper()
		var wanted demand
		c.call(method, `{"max_scope":"trade:read"}`).into(&wanted)
		require.True(t, wanted.Required)
		require.Equal(t, "tfa", wanted.Keys[0].Type)
		return wanted.Challenge
	}
	confirm := func(method, challenge, code string) answer {
		t.Helper()
		return c.call(method, `{"max_scope":"trade:read","authorization_data":"`+code+`","challenge":"`+challenge+`"}`)
	}
	now := func() string { return otp(t, c.TOTPSecret, clock.Now()) }
	reason := func(a answer) string {
		t.Helper()
		a.refused(13668)
		return a.Error.Data["reason"]
	}

	confirm(method, ask(), now()).ok()
	require.Len(t, s.Keys(), 1, "asking made none")
	require.Equal(t, "used_tfa_code", reason(confirm(method, ask(), now())))
	clock.Advance(30 * time.Second)
	require.Equal(t, "tfa_code_not_matched", reason(confirm(method, ask(), otp(t, c.TOTPSecret, clock.Now().Add(-30*time.Second)))))
	challenge := ask()
	require.Equal(t, "challenge_timeout", reason(confirm(method, "unknown", now())))
	clock.Advance(61 * time.Second)
	require.Equal(t, "challenge_timeout", reason(confirm(method, challenge, now())))
	challenge = ask()
	confirm(method, challenge, now()).ok()
	clock.Advance(30 * time.Second)
	require.Equal(t, "challenge_timeout", reason(confirm(method, challenge, now())), "a challenge can be used once")

	var wanted demand
	c.minter().call("private/list_api_keys", `{}`).into(&wanted)
	require.True(t, wanted.Required, "sub-accounts are guarded too")
	c.call("private/remove_api_key", `{"id":1}`).refused(-32602)
	c.call(method, `{"max_scope":"trade:read","authorization_data":1}`).refused(-32602)
	s.Reset()
	confirm(method, ask(), now()).ok()
}

package exchanges_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestDescriptionLookUps(t *testing.T) {
	d := exchanges.Description{
		DisplayName:  "Example",
		Environments: []exchanges.Environment{{Name: "production"}, {Name: "testnet"}},
		Variants:     []exchanges.Variant{{Summary: "the only one"}},
	}

	environment, err := d.Environment("")
	require.NoError(t, err)
	require.Equal(t, "production", environment.Name)
	environment, err = d.Environment("testnet")
	require.NoError(t, err)
	require.Equal(t, "testnet", environment.Name)
	_, err = d.Environment("Testnet")
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.EqualError(t, err, `environment: "Testnet" is not known at Example; choose one of: production, testnet`)

	variant, err := d.Variant("")
	require.NoError(t, err)
	require.Equal(t, "the only one", variant.Summary)
	_, err = d.Variant("link")
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.EqualError(t, err, `variant: "link" is not known at Example, which has no such choice; leave it out`)

	_, err = exchanges.Description{DisplayName: "Example"}.Environment("")
	require.ErrorIs(t, err, exchanges.ErrInvalid, "an exchange without environments has no default one")
}

func TestHasKeyType(t *testing.T) {
	v := exchanges.Variant{KeyTypes: []exchanges.KeyType{exchanges.KeyHMAC, exchanges.KeyRSA}}
	require.True(t, v.HasKeyType(exchanges.KeyRSA))
	require.False(t, v.HasKeyType(exchanges.KeyEd25519))
	require.False(t, v.HasKeyType(""))
}

func TestAsymmetric(t *testing.T) {
	for keyType, want := range map[exchanges.KeyType]bool{
		exchanges.KeyHMAC: false, exchanges.KeyBearer: false,
		exchanges.KeyRSA: true, exchanges.KeyEd25519: true, exchanges.KeySecp256k1: true,
	} {
		require.Equal(t, want, keyType.Asymmetric(), keyType)
	}
}

func TestRateLimitText(t *testing.T) {
	require.Equal(t, "5 per 1s", exchanges.RateLimit{Operation: exchanges.OpCreateKey, Requests: 5, Per: time.Second}.String())
}

func TestPeriod(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1s", time.Minute: "1m", 90 * time.Second: "1m30s", time.Hour: "1h", 90 * time.Minute: "1h30m",
		720 * time.Hour: "30 days", 25 * time.Hour: "25h", time.Millisecond: "1ms", 10 * time.Minute: "10m",
	} {
		require.Equal(t, want, exchanges.Period(d))
	}
}

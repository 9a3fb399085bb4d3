package exchangetest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// testCapabilities checks that the exchange and its account can do exactly what the
// description promises.
func (s *suite) testCapabilities(t *testing.T) {
	account := s.start(t).account(t)
	_, rotates := account.(exchanges.RootRotator)
	assert.Equal(t, s.description.RootRotation, rotates, "an account is a RootRotator where the description has RootRotation, and nowhere else")
	_, probes := account.(exchanges.Prober)
	assert.Equal(t, s.variant.ActivationDelay > 0, probes, "an account is a Prober where the variant has an ActivationDelay, and nowhere else")
	if s.variant.MaskedIDs || s.variant.Unlisted != "" {
		_, checks := account.(exchanges.KeyChecker)
		assert.True(t, checks, "an account is a KeyChecker where no list proves that a key is gone")
	}
	_, signs := account.(exchanges.RequestSigner)
	assert.True(t, signs, "an account signs requests for the user of a minted key")
	_, logsIn := account.(exchanges.LoginSigner)
	assert.Equal(t, len(s.variant.Signing.Logins) > 0, logsIn, "an account is a LoginSigner where the variant has Signing.Logins, and nowhere else")
	_, logsOn := account.(exchanges.LogonSigner)
	assert.Equal(t, len(s.variant.Signing.Logons) > 0, logsOn, "an account is a LogonSigner where the variant has Signing.Logons, and nowhere else")
	raw, signsRaw := account.(exchanges.RawSigner)
	require.True(t, signsRaw)
	if _, err := raw.SignRaw("text"); len(s.variant.Signing.Raw) > 0 {
		assert.NoError(t, err)
	} else {
		assert.ErrorIs(t, err, exchanges.ErrUnsupported, "an account signs any text where the variant has Signing.Raw, and nowhere else")
	}
	if _, makes := s.Exchange.(exchanges.PairMaker); makes {
		assert.True(t, slices.ContainsFunc(s.variant.KeyTypes, exchanges.KeyType.Asymmetric), "a PairMaker mints keys that are pairs")
	}
}

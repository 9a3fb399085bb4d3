package exchangetest

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// testRaw compares signatures of texts alone with those that other software has made of
// them, and proves that a passphrase is no secret to whoever sends what was signed.
func (s *suite) testRaw(t *testing.T) {
	for _, keyType := range s.variant.Signing.Raw {
		assert.True(t, s.variant.Signing.SignsRequests(keyType), "a text is signed as a request is, and %s keys sign none", keyType)
	}
	vectors, _ := ReadVectors(t, s.description.Name)
	for _, vector := range vectors.Vectors {
		credential := vectors.Credential(vector)
		account, err := s.Exchange.Open(credential, exchanges.Options{Variant: s.Variant, Transport: unreachable{}})
		require.NoError(t, err, vector.Name)
		signature, err := account.(exchanges.RawSigner).SignRaw(vector.StringToSign)
		require.NoError(t, err, vector.Name)
		assert.Equal(t, vector.Signature, signature, vector.Name)
		if s.variant.Passphrase != nil {
			request, err := account.(exchanges.RequestSigner).SignRequest(t.Context(), exchanges.UserRequest{Method: http.MethodGet, Path: "/"})
			require.NoError(t, err, vector.Name)
			assert.Contains(t, valuesOf(t, request), credential.Passphrase.Reveal())
		}
		account.Close()
	}
}

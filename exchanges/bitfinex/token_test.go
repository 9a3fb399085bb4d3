package bitfinex

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// uuid is the secret of the token in Bitfinex's documentation.
const uuid = "88888888-4444-4444-4444-121212121212"

const sample = exchanges.Secret("pub:api:" + uuid + "-caps:o:w-write")

func TestParse(t *testing.T) {
	for suffix, want := range map[string]grant{
		"-caps:o:w-write": {[]string{"o", "w"}, true},
		"-caps:wd-write":  {[]string{"wd"}, true},
		"-caps:o-read":    {[]string{"o"}, false},
		"-read":           {nil, false},
	} {
		says, err := parse(exchanges.Secret("pub:api:" + uuid + suffix))
		require.NoError(t, err)
		require.Equal(t, want, says, suffix)
	}
	for _, text := range []string{
		"", uuid, "pub:api:" + uuid, "pub:api:" + uuid + "-caps:-read", "pub:api:" + uuid + "-caps:o:-read", "pub:api:" + uuid + "-caps:o",
		"pub:api:" + uuid + "-caps:o-admin", "pub:api:88888888-4444-4444-121212121212-caps:o-read", sample.Reveal() + "\n", " " + sample.Reveal(),
	} {
		_, err := parse(exchanges.Secret(text))
		require.ErrorIs(t, err, errForm, text)
		require.NotContains(t, err.Error(), uuid)
	}
}

func TestFingerprint(t *testing.T) {
	// Computed with sha256sum.
	require.Equal(t, "tok_59a48eca09c9906a2d6a57e09feecc3e", fingerprint(sample))
	require.NotEqual(t, fingerprint(sample), fingerprint(sample+" "))
}

// FuzzParse checks that everything a token says about itself is in its text, and
// that its secret is recognized as one.
func FuzzParse(f *testing.F) {
	f.Add(sample.Reveal())
	f.Add("pub:api:" + uuid + "-read")
	f.Add("pub:api::-caps:-")
	f.Fuzz(func(t *testing.T, text string) {
		token := exchanges.Secret(text)
		secrets := secretsOf(token)
		require.Equal(t, token, secrets[0])
		says, err := parse(token)
		if err != nil {
			return
		}
		require.Len(t, secrets, 2)
		caps := ""
		if len(says.caps) > 0 {
			caps = "-caps:" + strings.Join(says.caps, ":")
		}
		require.True(t, strings.HasSuffix(text, secrets[1].Reveal()+caps+"-"+says.mode()))
	})
}

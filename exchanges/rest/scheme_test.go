package rest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func TestSchemes(t *testing.T) {
	_, rsaKey, err := exchanges.NewKeyPair(exchanges.KeyRSA)
	require.NoError(t, err)
	_, edKey, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
	require.NoError(t, err)
	secret := rest.Schemes{HMAC: rest.HexHMAC}
	phrase := rest.Schemes{HMAC: rest.HexHMAC, Passphrase: true}
	rsaToo := rest.Schemes{HMAC: rest.HexHMAC, RSA: rest.RSA}
	edToo := rest.Schemes{HMAC: rest.HexHMAC, Ed25519: rest.Ed25519}
	all := rest.Schemes{HMAC: rest.HexHMAC, RSA: rest.RSA, Ed25519: rest.Ed25519, Passphrase: true}
	for name, test := range map[string]struct {
		schemes    rest.Schemes
		credential exchanges.Credential
		says       string // empty if the credential is good
	}{
		"secret":                  {secret, exchanges.Credential{APIKey: "key", APISecret: "secret"}, ""},
		"secret and passphrase":   {phrase, exchanges.Credential{APIKey: "key", APISecret: "secret", Passphrase: "phrase"}, ""},
		"rsa":                     {rsaToo, exchanges.Credential{APIKey: "key", PrivateKey: rsaKey}, ""},
		"ed25519":                 {edToo, exchanges.Credential{APIKey: "key", PrivateKey: edKey}, ""},
		"one of two":              {all, exchanges.Credential{APIKey: "key", PrivateKey: edKey, Passphrase: "phrase"}, ""},
		"no key":                  {all, exchanges.Credential{APISecret: "secret", Passphrase: "phrase"}, "api_key: missing"},
		"no secret":               {secret, exchanges.Credential{APIKey: "key"}, "api_secret: missing"},
		"neither secret nor pair": {all, exchanges.Credential{APIKey: "key"}, "api_secret: missing; give api_secret (HMAC) or private_key (Ed25519 or RSA)"},
		"both":                    {rsaToo, exchanges.Credential{APIKey: "key", APISecret: "secret", PrivateKey: rsaKey}, "private_key: give either api_secret (HMAC) or private_key (RSA), not both"},
		"no passphrase":           {phrase, exchanges.Credential{APIKey: "key", APISecret: "secret"}, "passphrase: missing; it was chosen when the API key was made, and the exchange cannot show it again"},
		"no passphrase to a pair": {all, exchanges.Credential{APIKey: "key", PrivateKey: rsaKey}, "passphrase: missing"},
		"no pairs":                {secret, exchanges.Credential{APIKey: "key", PrivateKey: rsaKey}, "private_key: the exchange has no key pairs; give api_secret"},
		"not PEM":                 {rsaToo, exchanges.Credential{APIKey: "key", PrivateKey: "canary"}, "private_key: not PEM"},
		"rsa only":                {rsaToo, exchanges.Credential{APIKey: "key", PrivateKey: edKey}, "private_key: the exchange takes RSA keys only"},
		"ed25519 only":            {edToo, exchanges.Credential{APIKey: "key", PrivateKey: rsaKey}, "private_key: the exchange takes Ed25519 keys only"},
	} {
		t.Run(name, func(t *testing.T) {
			signature, err := test.schemes.Signature(test.credential)
			if test.says != "" {
				require.ErrorIs(t, err, exchanges.ErrInvalid)
				require.ErrorContains(t, err, test.says)
				require.NotContains(t, err.Error(), "canary")
				return
			}
			require.NoError(t, err)
			signed, err := signature("text")
			require.NoError(t, err)
			require.NotEmpty(t, signed)
		})
	}
}

// The test vectors 2 of RFC 4231.
func TestHMAC(t *testing.T) {
	for want, sign := range map[string]func(exchanges.Secret) rest.Signature{
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843":                                                                 rest.HexHMAC,
		"W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=":                                                                                     rest.Base64HMAC,
		"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737": rest.HexHMAC512,
	} {
		signature, err := sign("Jefe")("what do ya want for nothing?")
		require.NoError(t, err)
		require.Equal(t, want, signature)
	}
}

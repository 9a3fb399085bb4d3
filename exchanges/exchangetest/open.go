package exchangetest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// Values that must not appear in any error.
const (
	canarySecret     = exchanges.Secret("canary-secret-6f1d9be2c07a4c55")
	canaryPassphrase = exchanges.Secret("Canary#Passphrase8842")
	canaryTOTP       = exchanges.Secret("KRSXG5CANARYSEED")
	canaryBadPEM     = exchanges.Secret("-----BEGIN PRIVATE KEY-----\nY2FuYXJ5LXByaXZhdGUta2V5\n-----END PRIVATE KEY-----\n")
)

// with returns a credential made of these connection fields.
func with(t *testing.T, fields []string) exchanges.Credential {
	var c exchanges.Credential
	for _, field := range fields {
		switch field {
		case "api_key":
			c.APIKey = "canary-api-key"
		case "api_secret":
			c.APISecret = canarySecret
		case "passphrase":
			c.Passphrase = canaryPassphrase
		case "totp_secret":
			c.TOTPSecret = canaryTOTP
		case "broker":
			c.Broker = "canary-broker"
		case "private_key":
			_, private, err := exchanges.NewKeyPair(exchanges.KeyRSA)
			require.NoError(t, err)
			c.PrivateKey = private
		}
	}
	return c
}

// form returns the fields of the first credential form that has all of these.
func (s *suite) form(needed ...string) ([]string, bool) {
	for _, form := range s.description.Credentials {
		if !slices.ContainsFunc(needed, func(field string) bool { return !slices.Contains(form.Fields, field) }) {
			return form.Fields, true
		}
	}
	return nil, false
}

// testOpen checks that Open refuses wrong arguments, names the field, and shows no
// secret.
func (s *suite) testOpen(t *testing.T) {
	venue := s.start(t)
	good := credentialOf(venue.root(t).Credential)
	refused := func(t *testing.T, c exchanges.Credential, options exchanges.Options, field string) {
		account, err := s.Exchange.Open(c, options)
		if err == nil {
			account.Close()
		}
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		assert.Contains(t, err.Error(), field)
		assertSafe(t, err, c.Secrets()...)
	}

	t.Run("missing parts", func(t *testing.T) {
		refused(t, exchanges.Credential{}, exchanges.Options{}, s.description.Credentials[0].Fields[0])
		for _, form := range s.description.Credentials {
			for i, field := range form.Fields {
				rest := slices.Delete(slices.Clone(form.Fields), i, i+1)
				if _, enough := s.whole(rest); !enough {
					refused(t, with(t, rest), exchanges.Options{}, field)
				}
			}
		}
	})
	if _, hasKey := s.form("private_key"); hasKey {
		t.Run("both secret and private key", func(t *testing.T) {
			if _, wanted := s.form("private_key", "api_secret"); !wanted {
				refused(t, with(t, connectionFields()), exchanges.Options{}, "private_key")
			}
		})
		t.Run("private key that is none", func(t *testing.T) {
			for _, bad := range []exchanges.Secret{"canary that is no PEM", canaryBadPEM, "-----BEGIN PRIVATE KEY-----\n"} {
				fields, _ := s.form("private_key")
				c := with(t, fields)
				c.PrivateKey = bad
				refused(t, c, exchanges.Options{}, "private_key")
			}
		})
	}
	t.Run("base URL", func(t *testing.T) {
		for _, base := range []string{
			"http://api.example.com", "http://192.0.2.1", "https://user:canary-secret@api.example.com",
			"https://api.example.com?key=canary-secret", "https://api.example.com/", "https://api.example.com#x",
			"ftp://api.example.com", "api.example.com", "https://", "://", "https://api.example.com:port",
		} {
			account, err := s.Exchange.Open(good, exchanges.Options{Variant: s.Variant, BaseURL: base})
			if err == nil {
				account.Close()
			}
			require.ErrorIs(t, err, exchanges.ErrInvalid, base)
			assert.Contains(t, err.Error(), "base_url", base)
			assertSafe(t, err, append(good.Secrets(), "canary-secret")...)
		}
	})
	t.Run("environment", func(t *testing.T) {
		refused(t, good, exchanges.Options{Variant: s.Variant, Environment: "no-such"}, "environment")
	})
	t.Run("variant", func(t *testing.T) {
		refused(t, good, exchanges.Options{Variant: "no-such"}, "variant")
	})
	t.Run("every environment and form", func(t *testing.T) {
		for _, environment := range s.description.Environments {
			account, err := s.Exchange.Open(good, exchanges.Options{Variant: s.Variant, Environment: environment.Name})
			require.NoError(t, err)
			account.Close()
		}
	})
}

// whole finds a credential form whose fields hold every part.
func (s *suite) whole(fields []string) (exchanges.CredentialForm, bool) {
	for _, form := range s.description.Credentials {
		if !slices.ContainsFunc(form.Fields, func(f string) bool { return !slices.Contains(fields, f) }) {
			return form, true
		}
	}
	return exchanges.CredentialForm{}, false
}

package exchanges_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestNewKeyPair(t *testing.T) {
	message := []byte("a message")
	t.Run("ed25519", func(t *testing.T) {
		public, private := pair(t, exchanges.KeyEd25519)
		signature, err := private.Sign(rand.Reader, message, crypto.Hash(0))
		require.NoError(t, err)
		require.True(t, ed25519.Verify(public.(ed25519.PublicKey), message, signature))
	})
	t.Run("rsa", func(t *testing.T) {
		public, private := pair(t, exchanges.KeyRSA)
		require.Equal(t, 2048, public.(*rsa.PublicKey).N.BitLen())
		digest := sha256.Sum256(message)
		signature, err := private.Sign(rand.Reader, digest[:], crypto.SHA256)
		require.NoError(t, err)
		require.NoError(t, rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), crypto.SHA256, digest[:], signature))
	})
	t.Run("no two are the same", func(t *testing.T) {
		first, _, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
		require.NoError(t, err)
		second, _, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
		require.NoError(t, err)
		require.NotEqual(t, first, second)
	})
	t.Run("hmac", func(t *testing.T) {
		_, _, err := exchanges.NewKeyPair(exchanges.KeyHMAC)
		require.ErrorContains(t, err, `"hmac" has no key pair`)
	})
}

// maker is an exchange with its own form of key pair.
type maker struct{ exchanges.Exchange }

func (maker) NewKeyPair(t exchanges.KeyType) (string, exchanges.Secret, error) {
	return "public " + string(t), "private", nil
}

func TestMakeKeyPair(t *testing.T) {
	public, private, err := exchanges.MakeKeyPair(maker{}, exchanges.KeyEd25519)
	require.NoError(t, err)
	require.Equal(t, "public ed25519", public)
	require.Equal(t, exchanges.Secret("private"), private)

	public, _, err = exchanges.MakeKeyPair(nil, exchanges.KeyEd25519)
	require.NoError(t, err)
	require.Contains(t, public, "BEGIN PUBLIC KEY")
}

// pair makes a pair and reads both halves back.
func pair(t *testing.T, keyType exchanges.KeyType) (crypto.PublicKey, crypto.Signer) {
	publicPEM, privatePEM, err := exchanges.NewKeyPair(keyType)
	require.NoError(t, err)
	block, rest := pem.Decode([]byte(publicPEM))
	require.NotNil(t, block)
	require.Empty(t, rest)
	require.Equal(t, "PUBLIC KEY", block.Type)
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	require.NoError(t, err)
	private, err := exchanges.ParsePrivateKey(privatePEM)
	require.NoError(t, err)
	return public, private
}

func TestParsePrivateKey(t *testing.T) {
	encode := func(blockType string, der []byte) exchanges.Secret {
		return exchanges.Secret(pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der}))
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)

	signer, err := exchanges.ParsePrivateKey(encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)))
	require.NoError(t, err)
	require.True(t, key.Equal(signer))

	agreement, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	agreementDER, err := x509.MarshalPKCS8PrivateKey(agreement)
	require.NoError(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	curveDER, err := x509.MarshalPKCS8PrivateKey(curve)
	require.NoError(t, err)
	publicDER, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	good := encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	for name, test := range map[string]struct {
		text exchanges.Secret
		want string
	}{
		"empty":                  {"", "whole file"},
		"not PEM":                {"canary", "not PEM"},
		"cut off":                {encode("PRIVATE KEY", []byte("canary"))[:40], "END line"},
		"in one line":            {exchanges.Secret(strings.ReplaceAll(good.Reveal(), "\n", " ")), "line breaks"},
		"indented":               {exchanges.Secret("  " + strings.ReplaceAll(good.Reveal(), "\n", "\n  ")), "indented"},
		"quoted":                 {exchanges.Secret(`"` + good.Reveal() + `"`), "quotation marks"},
		"not a key":              {encode("PRIVATE KEY", []byte("canary")), "PKCS #8"},
		"a public key":           {encode("PUBLIC KEY", publicDER), "public key"},
		"a certificate":          {encode("CERTIFICATE", []byte("canary")), "certificate"},
		"an encrypted key":       {encode("ENCRYPTED PRIVATE KEY", []byte("canary")), "encrypted"},
		"an OpenSSH key":         {encode("OPENSSH PRIVATE KEY", []byte("canary")), "ssh-keygen"},
		"a curve's key":          {encode("EC PRIVATE KEY", []byte("canary")), "Ed25519 or RSA"},
		"a curve's key, PKCS #8": {encode("PRIVATE KEY", curveDER), "Ed25519 or RSA"},
		"a key that cannot sign": {encode("PRIVATE KEY", agreementDER), "Ed25519 or RSA"},
	} {
		_, err := exchanges.ParsePrivateKey(test.text)
		require.ErrorContains(t, err, "private_key: ", name)
		require.ErrorContains(t, err, test.want, name)
		require.NotContains(t, err.Error(), "canary", name)
	}
}

// No text makes the reader panic or reveal it.
func FuzzParsePrivateKey(f *testing.F) {
	_, private, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
	require.NoError(f, err)
	f.Add(private.Reveal())
	f.Add("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		signer, err := exchanges.ParsePrivateKey(exchanges.Secret(text))
		if err == nil {
			require.NotNil(t, signer.Public())
			return
		}
		if trimmed := strings.TrimSpace(text); len(trimmed) > 16 {
			require.NotContains(t, err.Error(), trimmed)
		}
	})
}

package exchangetest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// order is a key to be made, with the private half that its user will keep.
type order struct {
	exchanges.KeyRequest
	private exchanges.Secret
	variant exchanges.Variant
}

// order asks for a key of the first key type.
func (s *suite) order(t *testing.T, subAccount string, grant exchanges.Grant) order {
	return s.orderOf(t, s.variant.KeyTypes[0], subAccount, grant)
}

// orderOf asks for a key that can be used from this machine.
func (s *suite) orderOf(t *testing.T, keyType exchanges.KeyType, subAccount string, grant exchanges.Grant) order {
	o := order{KeyRequest: exchanges.KeyRequest{
		SubAccount: subAccount, Label: s.label(), Permissions: grant.Permissions, KeyType: keyType,
		Expires: time.Now().Add(time.Hour + s.ClockSkew),
	}, variant: s.variant}
	if !s.variant.Addresses.None {
		o.Addresses = []string{"127.0.0.1"}
	}
	var err error
	if rule := s.variant.Passphrase; rule != nil {
		o.Passphrase, err = exchanges.NewPassphrase(*rule)
		require.NoError(t, err)
	}
	if keyType.Asymmetric() {
		o.PublicKey, o.private = s.keyPair(t, keyType)
	}
	return o
}

// label makes a new label of the greatest length that the exchange accepts; empty
// if it accepts none.
func (s *suite) label() string {
	rule := s.variant.Label
	text := "vlt"
	if rule.Hyphens {
		text += "-"
	}
	for len(text) < rule.MaxLength {
		text += strings.ToLower(rand.Text())
	}
	return text[:rule.MaxLength]
}

// keyPair makes a pair. RSA pairs are slow to make, so one serves all keys.
func (s *suite) keyPair(t *testing.T, keyType exchanges.KeyType) (public string, private exchanges.Secret) {
	if keyType == exchanges.KeyRSA {
		shared := s.rsaPair()
		require.NoError(t, shared.err)
		return shared.public, shared.private
	}
	public, private, err := exchanges.MakeKeyPair(s.Exchange, keyType)
	require.NoError(t, err)
	return public, private
}

type pair struct {
	public  string
	private exchanges.Secret
	err     error
}

func newRSAPair() pair {
	public, private, err := exchanges.NewKeyPair(exchanges.KeyRSA)
	return pair{public, private, err}
}

// minted is what the key's user signs with.
func (o order) minted(key exchanges.Key) exchanges.Credential {
	c := exchanges.Credential{
		APIKey: key.APIKey, APISecret: key.APISecret, Passphrase: key.Passphrase, Token: key.Token, SubAccount: o.SubAccount,
	}
	if o.private != "" {
		c.APISecret, c.PrivateKey = "", o.private
	}
	return c
}

// ref names the key for its deletion. It counts as old enough for every list to
// show it: the simulator's lists do so at once, unless the weather delays them.
func (o order) ref(key exchanges.Key) exchanges.KeyRef {
	return exchanges.KeyRef{
		SubAccount: o.SubAccount, ID: key.ID, Label: o.Label, Passphrase: o.Passphrase, Token: key.Token, Age: o.variant.Staleness(),
	}
}

// delete deletes the order's key and has the exchange prove it.
func (o order) delete(ctx context.Context, account exchanges.Account, key exchanges.Key) error {
	return exchanges.SettleOne(ctx, account, o.variant, o.ref(key))
}

// noSuchKey is the id of a key that no exchange has.
func noSuchKey() exchanges.Key {
	return exchanges.Key{ID: "no-such-key", Token: "pub:api:facade88-4444-4444-4444-121212121212-caps:o:w-read"}
}

// create makes the key and checks that it is complete.
func (o order) create(ctx context.Context, t *testing.T, account exchanges.Account) exchanges.Key {
	key, err := account.CreateKey(ctx, o.KeyRequest)
	require.NoError(t, err)
	require.NoError(t, o.complete(key))
	assert.Equal(t, o.Passphrase.Reveal(), key.Passphrase.Reveal())
	return key
}

// complete says what a key lacks.
func (o order) complete(key exchanges.Key) error {
	switch {
	case key.ID == "":
		return errorString("a key without ID")
	case key.APIKey == "":
		return errorString("a key without APIKey")
	case o.KeyType == exchanges.KeyHMAC && key.APISecret == "":
		return errorString("a key without APISecret")
	case o.KeyType == exchanges.KeyBearer && key.Token == "":
		return errorString("a key without Token")
	}
	return nil
}

type errorString string

func (e errorString) Error() string { return string(e) }

// find looks for the order's key as the ledger does after a lost answer: by its
// label or, where keys have none, as the one that was not there before.
func (o order) find(ctx context.Context, t *testing.T, venue *venue, account exchanges.Account, before []exchanges.KeyInfo) []exchanges.KeyInfo {
	keys := venue.list(ctx, t, account, o.SubAccount)
	known := map[string]int{}
	for _, key := range before {
		known[key.ID]++
	}
	var found []exchanges.KeyInfo
	for _, key := range keys {
		switch {
		case o.Label != "" && key.Label == o.Label:
			found = append(found, key)
		case o.Label == "" && known[key.ID] == 0:
			found = append(found, key)
		case o.Label == "":
			known[key.ID]--
		}
	}
	return found
}

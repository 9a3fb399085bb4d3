// Package wallet signs with the keys of Ethereum wallets, for the exchanges whose
// accounts are such wallets: secp256k1 keys, their addresses, and typed data
// (EIP-712).
//
// Start reading at [ParseKey] and [Digest].
package wallet

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"vault-plugin-secrets-exchange/exchanges"
)

// Key is a wallet's private key. Printing it reveals nothing.
type Key struct {
	address Address
	// sign and secret are functions, so that printing a struct that holds the key
	// does not reveal it.
	sign   func(digest [32]byte) Signature
	secret func() exchanges.Secret
}

// NewKey makes a key.
func NewKey() (Key, error) {
	private, err := secp256k1.GeneratePrivateKeyFromRand(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("making a wallet key: %w", err)
	}
	return newKey(private), nil
}

// errNotKey reveals nothing of what was given.
var errNotKey = errors.New("private_key: not a wallet's private key; give its 64 hexadecimal digits, with or without 0x")

// ParseKey reads a private key as wallets export it: 32 bytes in hexadecimal, with
// or without 0x. Its errors reveal nothing of the key.
func ParseKey(text exchanges.Secret) (Key, error) {
	digits := strings.TrimPrefix(strings.TrimSpace(text.Reveal()), "0x")
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != 32 {
		return Key{}, errNotKey
	}
	var scalar secp256k1.ModNScalar
	if overflow := scalar.SetByteSlice(raw); overflow || scalar.IsZero() {
		return Key{}, errNotKey
	}
	return newKey(secp256k1.NewPrivateKey(&scalar)), nil
}

func newKey(private *secp256k1.PrivateKey) Key {
	return Key{
		address: addressOf(private.PubKey()),
		sign: func(digest [32]byte) Signature {
			var s Signature
			compact := ecdsa.SignCompact(private, digest[:], false)
			s.V = compact[0]
			copy(s.R[:], compact[1:33])
			copy(s.S[:], compact[33:])
			return s
		},
		secret: func() exchanges.Secret { return exchanges.Secret("0x" + hex.EncodeToString(private.Serialize())) },
	}
}

// Address is the wallet's public name.
func (k Key) Address() Address { return k.address }

// Secret is the key itself, in the form that ParseKey reads.
func (k Key) Secret() exchanges.Secret { return k.secret() }

// Sign signs a digest. The signature is deterministic (RFC 6979).
func (k Key) Sign(digest [32]byte) Signature { return k.sign(digest) }

// Signature is a signature from which the signer's address can be recovered.
type Signature struct {
	R, S [32]byte
	// V is 27 or 28.
	V byte
}

// Hex writes the signature as most exchanges take it: R, S and V in one string.
func (s Signature) Hex() string {
	return "0x" + hex.EncodeToString(s.R[:]) + hex.EncodeToString(s.S[:]) + hex.EncodeToString([]byte{s.V})
}

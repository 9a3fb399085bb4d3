package wallet

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"golang.org/x/crypto/sha3"
)

// Address names a wallet.
type Address [20]byte

// addressOf is the last 20 bytes of the hash of the uncompressed public key.
func addressOf(public *secp256k1.PublicKey) Address {
	hash := Keccak(public.SerializeUncompressed()[1:])
	return Address(hash[12:])
}

// ParseAddress reads an address that starts with 0x. The case of its digits does
// not matter.
func ParseAddress(text string) (Address, error) {
	digits, prefixed := strings.CutPrefix(text, "0x")
	raw, err := hex.DecodeString(digits)
	if err != nil || !prefixed || len(raw) != len(Address{}) {
		return Address{}, fmt.Errorf("%q is not an address; give 0x and 40 hexadecimal digits", text)
	}
	return Address(raw), nil
}

// String writes the address in lower case.
func (a Address) String() string { return "0x" + hex.EncodeToString(a[:]) }

// Checksummed writes the address with the mixed case of EIP-55.
func (a Address) Checksummed() string {
	text := []byte(a.String())
	hash := Keccak(text[2:])
	nibbles := hex.EncodeToString(hash[:])
	for i, digit := range text[2:] {
		if digit >= 'a' && nibbles[i] >= '8' {
			text[2+i] = digit - 'a' + 'A'
		}
	}
	return string(text)
}

// Keccak is Ethereum's hash function, which is not the SHA-3 that became the
// standard.
func Keccak(data ...[]byte) [32]byte {
	hash := sha3.NewLegacyKeccak256()
	for _, part := range data {
		hash.Write(part)
	}
	return [32]byte(hash.Sum(nil))
}

package venue

import (
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"
)

// Wallet is the key of an Ethereum wallet. At some exchanges the wallet is the
// account.
type Wallet struct{ Key *secp256k1.PrivateKey }

// NewWallet makes a wallet.
func NewWallet() *Wallet {
	key, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		panic(err) // crypto/rand documents that its Reader never fails
	}
	return &Wallet{key}
}

// Private is the key in the form in which wallets export it.
func (w *Wallet) Private() string { return "0x" + hex.EncodeToString(w.Key.Serialize()) }

// Address is the wallet's address, in lower case.
func (w *Wallet) Address() string { return walletAddress(w.Key.PubKey()) }

// walletAddress derives an address, in lower case.
func walletAddress(public *secp256k1.PublicKey) string {
	return "0x" + hex.EncodeToString(Keccak(public.SerializeUncompressed()[1:])[12:])
}

// RandomAddress draws an address that nobody has the key of.
func RandomAddress() string { return "0x" + RandomText(40, LowerHex) }

// IsAddress reports whether the text is an address in lower case.
func IsAddress(text string) bool {
	digits, prefixed := strings.CutPrefix(text, "0x")
	return prefixed && len(digits) == 40 && strings.Trim(digits, LowerHex) == ""
}

// RecoverSigner finds the address that signed a digest, empty if there is none.
func RecoverSigner(digest, r, s []byte, v byte) string {
	compact := append([]byte{v}, append(append([]byte{}, r...), s...)...)
	if len(compact) != 65 || v != 27 && v != 28 {
		return ""
	}
	public, _, err := ecdsa.RecoverCompact(compact, digest)
	if err != nil {
		return ""
	}
	return walletAddress(public)
}

// Keccak is Ethereum's hash function.
func Keccak(data []byte) []byte {
	hash := sha3.NewLegacyKeccak256()
	hash.Write(data)
	return hash.Sum(nil)
}

// TypedDomain is the domain of typed data (EIP-712).
type TypedDomain struct {
	Name     string
	ChainID  uint64
	Contract string
}

// TypedDigest is what is signed for typed data: a message whose members are
// text, whole numbers, addresses and 32 bytes of data.
func TypedDigest(domain TypedDomain, messageType string, members ...any) []byte {
	separator := typedHash("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
		domain.Name, "1", domain.ChainID, TypedAddress(domain.Contract))
	return Keccak(append(append([]byte("\x19\x01"), separator...), typedHash(messageType, members...)...))
}

// TypedAddress is a member of type address.
type TypedAddress string

func typedHash(messageType string, members ...any) []byte {
	encoded := Keccak([]byte(messageType))
	for _, member := range members {
		word := make([]byte, 32)
		switch member := member.(type) {
		case string:
			copy(word, Keccak([]byte(member)))
		case uint64:
			binary.BigEndian.PutUint64(word[24:], member)
		case TypedAddress:
			raw, _ := hex.DecodeString(strings.TrimPrefix(string(member), "0x"))
			copy(word[12:], raw)
		case []byte:
			copy(word, member)
		default:
			panic("simulator: typed data of another type")
		}
		encoded = append(encoded, word...)
	}
	return Keccak(encoded)
}

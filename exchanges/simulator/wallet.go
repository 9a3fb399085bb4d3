package simulator

import (
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"
)

// wallet is the key of an Ethereum wallet, which is an account at exchanges
// without accounts of their own.
type wallet struct{ key *secp256k1.PrivateKey }

func newWallet() *wallet {
	key, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		panic(err) // crypto/rand documents that its Reader never fails
	}
	return &wallet{key}
}

// private is the key as wallets export it.
func (w *wallet) private() string { return "0x" + hex.EncodeToString(w.key.Serialize()) }

func (w *wallet) address() string { return walletAddress(w.key.PubKey()) }

// walletAddress derives an address, in lower case.
func walletAddress(public *secp256k1.PublicKey) string {
	return "0x" + hex.EncodeToString(keccak(public.SerializeUncompressed()[1:])[12:])
}

// randomAddress draws an address to which nobody has the key.
func randomAddress() string { return "0x" + randomText(40, lowerHex) }

// isAddress tells whether the text is an address in lower case.
func isAddress(text string) bool {
	digits, prefixed := strings.CutPrefix(text, "0x")
	return prefixed && len(digits) == 40 && strings.Trim(digits, lowerHex) == ""
}

// recoverSigner finds whose signature a digest bears; empty if it is none.
func recoverSigner(digest, r, s []byte, v byte) string {
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

// keccak is the hash function of Ethereum.
func keccak(data []byte) []byte {
	hash := sha3.NewLegacyKeccak256()
	hash.Write(data)
	return hash.Sum(nil)
}

// typedDomain is the domain of typed data (EIP-712).
type typedDomain struct {
	name     string
	chainID  uint64
	contract string
}

// typedDigest is what is signed of typed data: of a message whose members are
// text, whole numbers, addresses and 32 bytes of data.
func typedDigest(domain typedDomain, messageType string, members ...any) []byte {
	separator := typedHash("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
		domain.name, "1", domain.chainID, typedAddress(domain.contract))
	return keccak(append(append([]byte("\x19\x01"), separator...), typedHash(messageType, members...)...))
}

// typedAddress is a member of type address.
type typedAddress string

func typedHash(messageType string, members ...any) []byte {
	encoded := keccak([]byte(messageType))
	for _, member := range members {
		word := make([]byte, 32)
		switch member := member.(type) {
		case string:
			copy(word, keccak([]byte(member)))
		case uint64:
			binary.BigEndian.PutUint64(word[24:], member)
		case typedAddress:
			raw, _ := hex.DecodeString(strings.TrimPrefix(string(member), "0x"))
			copy(word[12:], raw)
		case []byte:
			copy(word, member)
		default:
			panic("simulator: typed data of another type")
		}
		encoded = append(encoded, word...)
	}
	return keccak(encoded)
}

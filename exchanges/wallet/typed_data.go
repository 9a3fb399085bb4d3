package wallet

import "encoding/binary"

// Domain says for whom typed data is signed (https://eips.ethereum.org/EIPS/eip-712).
type Domain struct {
	Name, Version string
	ChainID       uint64
	Contract      Address
}

// domainType is the type of a domain with all of these members.
const domainType = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"

func (d Domain) separator() [32]byte {
	return structHash(domainType, Text(d.Name), Text(d.Version), Number(d.ChainID), d.Contract.Word())
}

// Word is a member of typed data in the form in which it is hashed.
type Word [32]byte

// Text is a member of type string.
func Text(text string) Word { return Keccak([]byte(text)) }

// Number is a member of type uint64 or uint256.
func Number(n uint64) (w Word) {
	binary.BigEndian.PutUint64(w[24:], n)
	return w
}

// Word is a member of type address.
func (a Address) Word() (w Word) {
	copy(w[12:], a[:])
	return w
}

// Digest is the hash of typed data that a wallet signs. The members come in the
// order of the type, for instance
//
//	Digest(domain, "Agent(string source,bytes32 connectionId)", Text("a"), connectionID)
func Digest(domain Domain, messageType string, members ...Word) [32]byte {
	separator, message := domain.separator(), structHash(messageType, members...)
	return Keccak([]byte{0x19, 0x01}, separator[:], message[:])
}

func structHash(structType string, members ...Word) [32]byte {
	hash := Keccak([]byte(structType))
	data := hash[:]
	for _, member := range members {
		data = append(data, member[:]...)
	}
	return Keccak(data)
}

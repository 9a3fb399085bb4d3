package hyperliquid

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// zero is the address that means none.
const zero = "0x0000000000000000000000000000000000000000"

// request is the body of a signed request.
type request struct {
	Action    json.RawMessage `json:"action"`
	Nonce     *int64          `json:"nonce"`
	Signature *struct {
		R string `json:"r"`
		S string `json:"s"`
		V byte   `json:"v"`
	} `json:"signature"`
	VaultAddress string `json:"vaultAddress"`
	ExpiresAfter *int64 `json:"expiresAfter"`
}

// Authenticate finds the key that signed an action. It checks that the key
// belongs to an account, and that the nonce is new and close to the current
// time.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	var request request
	if err := venue.DecodeStrictly(c.Body, &request); err != nil || request.Nonce == nil || request.Signature == nil {
		return nil, e.notUnderstood(c)
	}
	var action struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(request.Action, &action) != nil {
		return nil, e.notUnderstood(c)
	}
	userSigned := action.Type == "approveAgent" || action.Type == "withdraw3"
	digest, err := e.actionDigest(request, userSigned)
	r, badR := scalar(request.Signature.R)
	s, badS := scalar(request.Signature.S)
	if err != nil || badR || badS {
		return nil, e.notUnderstood(c)
	}
	address := venue.RecoverSigner(digest, r, s, request.Signature.V)
	caller := e.signer(c, address)
	switch {
	case address == "":
		return nil, e.notUnderstood(c)
	case caller == nil && userSigned:
		return nil, e.mustDeposit(address)
	case caller == nil:
		return nil, e.refuse("User or API Wallet " + address + " does not exist.")
	case !e.useNonce(address, *request.Nonce, c.Now):
		return nil, e.refuse("Invalid nonce: " + strconv.FormatInt(*request.Nonce, 10))
	case request.ExpiresAfter != nil && *request.ExpiresAfter < c.Now.UnixMilli():
		return nil, e.refuse("Action expired.")
	}
	return caller, nil
}

// scalarDigits is how many hexadecimal digits one half of a signature has.
const scalarDigits = 64

// scalar reads one half of a signature. It is a number, so zeros at its beginning may
// be missing: the exchange's own Python client leaves them out.
func scalar(text string) (number []byte, bad bool) {
	digits, prefixed := strings.CutPrefix(text, "0x")
	if !prefixed || digits == "" || len(digits) > scalarDigits {
		return nil, true
	}
	number, err := hex.DecodeString(strings.Repeat("0", scalarDigits-len(digits)) + digits)
	return number, err != nil
}

// signer finds the live key of an address, if the address is that of a funded
// account or of an agent.
func (e *exchange) signer(c *venue.Call, address string) *venue.Key {
	k := c.Books.Key(address)
	if k == nil || k.Expired(c.Now) || !k.Has(ownerKey, agentKey) {
		return nil
	}
	return k
}

// nonces is how many nonces of each signer are kept.
const nonces = 100

// useNonce reports whether a signer may use a nonce, and takes it if so.
func (e *exchange) useNonce(signer string, nonce int64, now time.Time) bool {
	used := e.nonces[signer]
	at, taken := slices.BinarySearch(used, nonce)
	switch {
	case taken,
		nonce <= now.Add(-48*time.Hour).UnixMilli(), nonce >= now.Add(24*time.Hour).UnixMilli(),
		len(used) == nonces && at == 0:
		return false
	}
	used = slices.Insert(used, at, nonce)
	e.nonces[signer] = used[max(0, len(used)-nonces):]
	return true
}

// actionDigest is what the signer of a request must have signed. For an action
// that its owner signs it always uses this exchange's chain, whatever chain the
// action names, so that a signature for another chain leads to another address.
func (e *exchange) actionDigest(request request, userSigned bool) ([]byte, error) {
	if !userSigned {
		return l1Digest(request, "a")
	}
	return userDigest(request.Action, *request.Nonce, "Mainnet")
}

// userDigest is what a wallet signs for an action of its owner.
func userDigest(action []byte, nonce int64, chain string) ([]byte, error) {
	var members struct {
		Type             string  `json:"type"`
		SignatureChainID string  `json:"signatureChainId"`
		HyperliquidChain string  `json:"hyperliquidChain"`
		Nonce            int64   `json:"nonce"`
		AgentAddress     string  `json:"agentAddress"`
		AgentName        *string `json:"agentName"`
		Destination      string  `json:"destination"`
		Amount           string  `json:"amount"`
		Time             int64   `json:"time"`
	}
	if err := venue.DecodeStrictly(action, &members); err != nil {
		return nil, err
	}
	chainID, err := strconv.ParseUint(strings.TrimPrefix(members.SignatureChainID, "0x"), 16, 64)
	if err != nil || !strings.HasPrefix(members.SignatureChainID, "0x") {
		return nil, errors.New("signatureChainId is not a hexadecimal number")
	}
	domain := venue.TypedDomain{Name: "HyperliquidSignTransaction", ChainID: chainID, Contract: zero}
	switch members.Type {
	case "approveAgent":
		if members.Nonce != nonce || !venue.IsAddress(members.AgentAddress) {
			return nil, errors.New("the approval has another nonce, or no address in lower case")
		}
		name := ""
		if members.AgentName != nil {
			name = *members.AgentName
		}
		return venue.TypedDigest(domain,
			"HyperliquidTransaction:ApproveAgent(string hyperliquidChain,address agentAddress,string agentName,uint64 nonce)",
			chain, venue.TypedAddress(members.AgentAddress), name, uint64(nonce)), nil
	case "withdraw3":
		if members.Time != nonce {
			return nil, errors.New("the withdrawal has another nonce")
		}
		return venue.TypedDigest(domain,
			"HyperliquidTransaction:Withdraw(string hyperliquidChain,string destination,string amount,uint64 time)",
			chain, members.Destination, members.Amount, uint64(nonce)), nil
	}
	return nil, errors.New("this action is not simulated")
}

// l1Digest is what any key signs for an action on the chain.
func l1Digest(request request, source string) ([]byte, error) {
	data, err := pack(request.Action)
	if err != nil {
		return nil, err
	}
	data = binary.BigEndian.AppendUint64(data, uint64(*request.Nonce))
	if request.VaultAddress == "" {
		data = append(data, 0)
	} else {
		vault, err := hex.DecodeString(strings.TrimPrefix(request.VaultAddress, "0x"))
		if err != nil || !venue.IsAddress(request.VaultAddress) {
			return nil, errors.New("vaultAddress is not an address")
		}
		data = append(append(data, 1), vault...)
	}
	if request.ExpiresAfter != nil {
		data = binary.BigEndian.AppendUint64(append(data, 0), uint64(*request.ExpiresAfter))
	}
	return venue.TypedDigest(venue.TypedDomain{Name: "Exchange", ChainID: 1337, Contract: zero},
		"Agent(string source,bytes32 connectionId)", source, venue.Keccak(data)), nil
}

// pack writes JSON as MessagePack, in the order of the JSON.
func pack(value []byte) ([]byte, error) {
	switch value = bytes.TrimSpace(value); {
	case len(value) == 0:
		return nil, errors.New("no value")
	case value[0] == '{', value[0] == '[':
		return packItems(value)
	case value[0] == '"':
		var text string
		err := json.Unmarshal(value, &text)
		return packText(text), err
	}
	switch text := string(value); text {
	case "null":
		return []byte{0xc0}, nil
	case "false":
		return []byte{0xc2}, nil
	case "true":
		return []byte{0xc3}, nil
	default:
		number, err := strconv.ParseInt(text, 10, 64)
		return packInteger(number), err
	}
}

// packItems writes an object or an array. It takes the items apart one by one,
// since a Go map would lose their order.
func packItems(value []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(value))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	isObject := value[0] == '{'
	var packed []byte
	count := 0
	for ; decoder.More(); count++ {
		if isObject {
			name, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			packed = append(packed, packText(name.(string))...)
		}
		var item json.RawMessage
		if err := decoder.Decode(&item); err != nil {
			return nil, err
		}
		encoded, err := pack(item)
		if err != nil {
			return nil, err
		}
		packed = append(packed, encoded...)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if isObject {
		return append(packLength(count, 0x80, 15, 0, 0xde), packed...), nil
	}
	return append(packLength(count, 0x90, 15, 0, 0xdc), packed...), nil
}

func packText(text string) []byte {
	return append(packLength(len(text), 0xa0, 31, 0xd9, 0xda), text...)
}

// packLength writes a length in the shortest form that its type has.
func packLength(n int, fix byte, fixMax int, form8, form16 byte) []byte {
	switch {
	case n <= fixMax:
		return []byte{fix | byte(n)}
	case n <= math.MaxUint8 && form8 != 0:
		return []byte{form8, byte(n)}
	default:
		return binary.BigEndian.AppendUint16([]byte{form16}, uint16(n))
	}
}

func packInteger(n int64) []byte {
	switch {
	case n >= -32 && n <= math.MaxInt8:
		return []byte{byte(n)}
	case n >= 0 && n <= math.MaxUint8:
		return []byte{0xcc, byte(n)}
	case n >= 0 && n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16([]byte{0xcd}, uint16(n))
	case n >= 0 && n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32([]byte{0xce}, uint32(n))
	case n >= 0:
		return binary.BigEndian.AppendUint64([]byte{0xcf}, uint64(n))
	case n >= math.MinInt8:
		return []byte{0xd0, byte(n)}
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16([]byte{0xd1}, uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32([]byte{0xd2}, uint32(n))
	}
	return binary.BigEndian.AppendUint64([]byte{0xd3}, uint64(n))
}

package hyperliquid

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
	"vault-plugin-secrets-exchange/exchanges/wallet"
)

// The paths of the API. Everything except actions is public and goes to info.
const (
	pathInfo     = "/info"
	pathExchange = "/exchange"
)

// signatureChainID is part of what is signed and has no other effect; it is the one
// that Hyperliquid's own SDK uses.
const signatureChainID = 0x66eee

// approval is the action that approves an agent, or removes the one with that name
// if the address is zero. Its members are sent in this order.
type approval struct {
	Type             string `json:"type"`
	SignatureChainID string `json:"signatureChainId"`
	HyperliquidChain string `json:"hyperliquidChain"`
	AgentAddress     string `json:"agentAddress"`
	AgentName        string `json:"agentName"`
	Nonce            int64  `json:"nonce"`
}

const (
	typeApproval = "approveAgent"
	chainMainnet = "Mainnet"
	chainTestnet = "Testnet"
)

// envelope is the body of a signed request.
type envelope struct {
	Action       json.RawMessage `json:"action"`
	Signature    signature       `json:"signature"`
	Nonce        int64           `json:"nonce"`
	VaultAddress string          `json:"vaultAddress,omitempty"`
	ExpiresAfter *int64          `json:"expiresAfter,omitempty"`
}

type signature struct {
	R string `json:"r"`
	S string `json:"s"`
	V int    `json:"v"`
}

// signer puts nonce and signature into the body of an action. The body without
// them is {"action":{...}}, with vaultAddress and expiresAfter where they are
// wanted.
type signer struct {
	key   wallet.Key
	chain string
	nonce *nonces
}

// newSigner reads the wallet's key. The address may also be given, to make sure
// that it is the right key.
func newSigner(credential exchanges.Credential, environment string) (signer, error) {
	if credential.APISecret != "" || credential.Passphrase != "" || credential.TOTPSecret != "" {
		return signer{}, fmt.Errorf("private_key: Hyperliquid needs no other secret; leave out api_secret, passphrase and totp_secret")
	}
	key, err := wallet.ParseKey(credential.PrivateKey)
	if err != nil {
		return signer{}, err
	}
	if address := key.Address().String(); credential.APIKey != "" && !strings.EqualFold(credential.APIKey, address) {
		return signer{}, fmt.Errorf("api_key: the private_key belongs to another address, %s; leave api_key out, or give the wallet's address", address)
	}
	chain := chainMainnet
	if environment == testnet {
		chain = chainTestnet
	}
	return signer{key: key, chain: chain, nonce: &nonces{}}, nil
}

func (s signer) sign(request *rest.Request, at time.Time) error {
	if request.Path != pathExchange {
		return nil
	}
	var body envelope
	if err := json.Unmarshal(request.Body, &body); err != nil {
		return fmt.Errorf(`the body must be {"action":{...}}`)
	}
	var kind struct {
		Type             string `json:"type"`
		SignatureChainID string `json:"signatureChainId"`
	}
	if err := json.Unmarshal(body.Action, &kind); err != nil {
		return fmt.Errorf("the action must be an object with a type")
	}
	body.Nonce = s.nonce.next(at)
	var digest [32]byte
	var err error
	switch {
	case kind.Type == typeApproval:
		digest, err = s.fillApproval(&body)
	case kind.SignatureChainID != "":
		err = fmt.Errorf("the action %q may only be signed by the owner's wallet, by hand", kind.Type)
	default:
		digest, err = s.actionDigest(body)
	}
	if err != nil {
		return err
	}
	body.Signature = s.signed(digest)
	request.Signature = body.Signature.R
	request.Body, err = json.Marshal(body)
	return err
}

// fillApproval adds to an approval what depends on the signer, and returns what the
// owner of the account signs.
func (s signer) fillApproval(body *envelope) ([32]byte, error) {
	var action approval
	if err := json.Unmarshal(body.Action, &action); err != nil {
		return [32]byte{}, fmt.Errorf("the approval is incomplete")
	}
	action.SignatureChainID, action.HyperliquidChain = fmt.Sprintf("0x%x", signatureChainID), s.chain
	action.Nonce = body.Nonce
	agent, err := wallet.ParseAddress(action.AgentAddress)
	if err != nil {
		return [32]byte{}, fmt.Errorf("agentAddress: %w", err)
	}
	if body.Action, err = json.Marshal(action); err != nil {
		return [32]byte{}, err
	}
	return wallet.Digest(
		wallet.Domain{Name: "HyperliquidSignTransaction", Version: "1", ChainID: signatureChainID},
		"HyperliquidTransaction:ApproveAgent(string hyperliquidChain,address agentAddress,string agentName,uint64 nonce)",
		wallet.Text(action.HyperliquidChain), agent.Word(), wallet.Text(action.AgentName), wallet.Number(uint64(action.Nonce)),
	), nil
}

// actionDigest is what is signed for an action that agents may do: a hash of the
// action in MessagePack, the nonce, and what else bounds it.
func (s signer) actionDigest(body envelope) ([32]byte, error) {
	data, err := pack(body.Action)
	if err != nil {
		return [32]byte{}, err
	}
	data = binary.BigEndian.AppendUint64(data, uint64(body.Nonce))
	if body.VaultAddress == "" {
		data = append(data, 0)
	} else {
		vault, err := wallet.ParseAddress(body.VaultAddress)
		if err != nil {
			return [32]byte{}, fmt.Errorf("vaultAddress: %w", err)
		}
		data = append(append(data, 1), vault[:]...)
	}
	if body.ExpiresAfter != nil {
		data = binary.BigEndian.AppendUint64(append(data, 0), uint64(*body.ExpiresAfter))
	}
	source := "a"
	if s.chain == chainTestnet {
		source = "b"
	}
	return wallet.Digest(
		wallet.Domain{Name: "Exchange", Version: "1", ChainID: 1337},
		"Agent(string source,bytes32 connectionId)", wallet.Text(source), wallet.Keccak(data),
	), nil
}

func (s signer) signed(digest [32]byte) signature {
	signed := s.key.Sign(digest)
	return signature{R: "0x" + hex.EncodeToString(signed.R[:]), S: "0x" + hex.EncodeToString(signed.S[:]), V: int(signed.V)}
}

// nonces gives out the numbers that Hyperliquid accepts once from each wallet:
// milliseconds since 1970, each larger than the one before.
type nonces struct {
	mu   sync.Mutex
	last int64
}

// setBack is how far the clock must lie behind the last nonce to count as
// corrected; no number of requests brings the nonces that far ahead of it.
const setBack = time.Hour

func (n *nonces) next(at time.Time) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := at.UnixMilli()
	if n.last-now > setBack.Milliseconds() {
		n.last = 0
	}
	n.last = max(now, n.last+1)
	return n.last
}

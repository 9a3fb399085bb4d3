package orderly

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
	"vault-plugin-secrets-exchange/exchanges/wallet"
)

// Paths that are signed by the wallet, in the body, or not at all. All others
// are signed by an Orderly key, in headers.
const (
	pathAddKey   = "/v1/orderly_key"
	pathAccount  = "/v1/get_account"
	pathCheckKey = "/v1/get_orderly_key"
	pathPublic   = "/v1/public/"
)

// headerAccount names the account that a request acts for. A key of the main
// account may name any of its sub-accounts.
const headerAccount = "orderly-account-id"

// owner is the wallet of an account.
type owner struct {
	key     wallet.Key
	broker  string
	chainID uint64
}

// accountID is the name of the wallet's main account with its broker.
func (o owner) accountID() string {
	address, broker := o.key.Address().Word(), wallet.Text(o.broker)
	id := wallet.Keccak(address[:], broker[:])
	return fmt.Sprintf("0x%x", id)
}

// registration is the body of the call that adds a key. Its members are sent in
// this order.
type registration struct {
	Message     addKey `json:"message"`
	Signature   string `json:"signature"`
	UserAddress string `json:"userAddress"`
}

// addKey is what the wallet signs: everything except tag and sub-account.
type addKey struct {
	BrokerID     string `json:"brokerId"`
	OrderlyKey   string `json:"orderlyKey"`
	Scope        string `json:"scope"`
	ChainID      uint64 `json:"chainId"`
	Timestamp    int64  `json:"timestamp"`
	Expiration   int64  `json:"expiration"`
	Tag          string `json:"tag,omitempty"`
	SubAccountID string `json:"subAccountId,omitempty"`
}

// offChain takes the place of the contract in the domain of what is settled without
// one, on all networks: 0xcc, twenty times.
func offChain() wallet.Address {
	return wallet.Address(bytes.Repeat([]byte{0xcc}, len(wallet.Address{})))
}

// sign adds to a registration what depends on the wallet and the time.
func (o owner) sign(r *registration, at time.Time) {
	m := &r.Message
	m.BrokerID, m.ChainID, m.Timestamp = o.broker, o.chainID, at.UnixMilli()
	digest := wallet.Digest(
		wallet.Domain{Name: "Orderly", Version: "1", ChainID: m.ChainID, Contract: offChain()},
		"AddOrderlyKey(string brokerId,uint256 chainId,string orderlyKey,string scope,uint64 timestamp,uint64 expiration)",
		wallet.Text(m.BrokerID), wallet.Number(m.ChainID), wallet.Text(m.OrderlyKey), wallet.Text(m.Scope),
		wallet.Number(uint64(m.Timestamp)), wallet.Number(uint64(m.Expiration)),
	)
	r.Signature, r.UserAddress = o.key.Sign(digest).Hex(), o.key.Address().Checksummed()
}

// signer signs as the credential can: a wallet registers keys, and an Orderly
// key does everything else.
type signer struct {
	// owner is nil for a credential that is an Orderly key.
	owner *owner
	// account is the one that a request acts for unless it says otherwise: the
	// wallet's main account, or that of the Orderly key.
	account string
	// key signs requests; nil until a wallet has made one for itself.
	key atomic.Pointer[orderlyKey]
}

// newSigner tells a wallet from an Orderly key by the form of the private key. The
// public half may also be given, to make sure that it is the right one.
func newSigner(credential exchanges.Credential, environment string) (*signer, error) {
	switch {
	case credential.PrivateKey == "":
		return nil, fmt.Errorf("private_key: missing; give the private key of the wallet that is registered with the broker")
	case credential.APISecret != "" || credential.Passphrase != "" || credential.TOTPSecret != "":
		return nil, fmt.Errorf("private_key: give only the wallet's key; leave out api_secret, passphrase and totp_secret")
	}
	if key, err := parseSecret(credential.PrivateKey); err == nil {
		return keySigner(key, credential)
	}
	if credential.Broker == "" {
		return nil, fmt.Errorf("broker: missing; give the id of the broker (builder) with which the wallet is registered, such as woofi_pro")
	}
	key, err := wallet.ParseKey(credential.PrivateKey)
	if err != nil {
		return nil, err
	}
	if address := key.Address().String(); credential.APIKey != "" && !strings.EqualFold(credential.APIKey, address) {
		return nil, fmt.Errorf("api_key: the private_key belongs to another address, %s; leave api_key out, or give the wallet's address", address)
	}
	o := &owner{key: key, broker: credential.Broker, chainID: chainArbitrum}
	if environment == testnet {
		o.chainID = chainArbitrumSepolia
	}
	return &signer{owner: o, account: o.accountID()}, nil
}

// keySigner signs with an Orderly key.
func keySigner(key orderlyKey, credential exchanges.Credential) (*signer, error) {
	if credential.APIKey != "" && credential.APIKey != key.public {
		return nil, fmt.Errorf("api_key: the private_key belongs to another key, %s", key.public)
	}
	s := &signer{account: credential.SubAccount}
	s.key.Store(&key)
	return s, nil
}

func (s *signer) sign(request *rest.Request, at time.Time) error {
	switch {
	case request.Path == pathAddKey && s.owner != nil:
		return s.signRegistration(request, at)
	case request.Path == pathAddKey, request.Path == pathAccount, request.Path == pathCheckKey, strings.HasPrefix(request.Path, pathPublic):
		return nil
	}
	key := s.key.Load()
	if key == nil {
		return fmt.Errorf("a wallet's key signs no requests; use a key that was minted")
	}
	if request.Header.Get(headerAccount) == "" {
		request.Header.Set(headerAccount, s.account)
	}
	if request.Method == http.MethodGet || request.Method == http.MethodDelete {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	request.Signature = key.sign(timestamp + request.Method + request.Target() + string(request.Body))
	request.Header.Set("orderly-key", key.public)
	request.Header.Set("orderly-timestamp", timestamp)
	request.Header.Set("orderly-signature", request.Signature)
	return nil
}

func (s *signer) signRegistration(request *rest.Request, at time.Time) error {
	var body registration
	err := json.Unmarshal(request.Body, &body)
	if err != nil {
		return fmt.Errorf("the body is not a registration")
	}
	s.owner.sign(&body, at)
	request.Signature = body.Signature
	request.Body, err = json.Marshal(body)
	return err
}

package deribit

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// SignLogon implements [exchanges.LogonSigner]
// (https://docs.deribit.com/fix-api/production/logon). It is no HMAC: the password is a
// hash of a text that ends with the secret.
func (a *account) SignLogon(ctx context.Context, logon exchanges.Logon) (map[int]string, error) {
	if err := logon.Check(); err != nil {
		return nil, err
	}
	var nonce [logonNonce]byte
	_, _ = rand.Read(nonce[:]) // It never fails.
	return a.signer.logon(a.root().APISecret, logon, a.Now(ctx), nonce)
}

// logonNonce is how many bytes a nonce has at least.
const logonNonce = 32

func (s signer) logon(secret exchanges.Secret, logon exchanges.Logon, at time.Time, nonce [logonNonce]byte) (map[int]string, error) {
	if secret == "" {
		return nil, &exchanges.Error{Kind: exchanges.ErrUnsupported, Exchange: name, Message: "only a key with a secret logs on to FIX; mint keys with key_type=hmac"}
	}
	raw := milliseconds(at) + "." + base64.StdEncoding.EncodeToString(nonce[:])
	password := sha256.Sum256([]byte(raw + secret.Reveal()))
	return map[int]string{
		exchanges.TagMsgSeqNum: strconv.Itoa(logon.MsgSeqNum), exchanges.TagSenderCompID: logon.SenderCompID, exchanges.TagTargetCompID: logon.TargetCompID,
		exchanges.TagSendingTime:   cmp.Or(logon.SendingTime, at.UTC().Format(exchanges.SendingTimeLayout)),
		exchanges.TagRawDataLength: strconv.Itoa(len(raw)), exchanges.TagRawData: raw,
		exchanges.TagUsername: s.apiKey, exchanges.TagPassword: base64.StdEncoding.EncodeToString(password[:]),
	}, nil
}

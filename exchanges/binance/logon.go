package binance

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// SignLogon implements [exchanges.LogonSigner]
// (https://developers.binance.com/docs/binance-spot-api-docs/fix-api#signature-computation).
func (a *account) SignLogon(ctx context.Context, logon exchanges.Logon) (map[int]string, error) {
	if err := logon.Check(); err != nil {
		return nil, err
	}
	logon.SendingTime = cmp.Or(logon.SendingTime, a.Now(ctx).UTC().Format(exchanges.SendingTimeLayout))
	return a.logon(logon)
}

// separator stands between the fields of a FIX message.
const separator = "\x01"

// logon signs what a Logon says of itself.
func (s signer) logon(logon exchanges.Logon) (map[int]string, error) {
	if !s.ed25519 {
		return nil, &exchanges.Error{Kind: exchanges.ErrUnsupported, Exchange: "binance", Message: "only an Ed25519 key logs on to FIX; mint keys with key_type=ed25519"}
	}
	number := strconv.Itoa(logon.MsgSeqNum)
	signature, err := s.signature(strings.Join([]string{"A", logon.SenderCompID, logon.TargetCompID, number, logon.SendingTime}, separator))
	return map[int]string{
		exchanges.TagMsgSeqNum: number, exchanges.TagSenderCompID: logon.SenderCompID, exchanges.TagSendingTime: logon.SendingTime,
		exchanges.TagTargetCompID: logon.TargetCompID, exchanges.TagRawDataLength: strconv.Itoa(len(signature)), exchanges.TagRawData: signature,
		exchanges.TagUsername: s.apiKey,
	}, err
}

package exchanges

import (
	"context"
	"fmt"
	"regexp"
	"time"
)

// LogonSigner is an [Account] that signs logons to the exchange's FIX sessions.
type LogonSigner interface {
	// SignLogon returns the fields of a Logon message (35=A) that prove who logs on,
	// by their tags. The client adds the others, such as HeartBtInt (108).
	SignLogon(context.Context, Logon) (map[int]string, error)
}

// Logon is what a client's Logon message says of itself.
type Logon struct {
	SenderCompID string // tag 49
	TargetCompID string // tag 56
	MsgSeqNum    int    // tag 34
	// SendingTime (tag 52) is written like 20240627-11:17:25.223; empty for now.
	SendingTime string
}

// The tags of the fields that a Logon's proof is made of.
const (
	TagMsgSeqNum     = 34
	TagSenderCompID  = 49
	TagSendingTime   = 52
	TagTargetCompID  = 56
	TagRawDataLength = 95
	TagRawData       = 96
	TagUsername      = 553
	TagPassword      = 554
)

// SendingTimeLayout is how FIX writes times, always in UTC.
const SendingTimeLayout = "20060102-15:04:05.000"

// compID is what may name a party: no character that separates fields.
var compID = regexp.MustCompile(`^[!-~]{1,64}$`)

// Check refuses what a Logon cannot hold, as an [ErrInvalid] that names the field.
func (l Logon) Check() error {
	refuse := func(format string, args ...any) error {
		return &Error{Kind: ErrInvalid, Message: fmt.Sprintf(format, args...)}
	}
	if !compID.MatchString(l.SenderCompID) {
		return refuse("sender_comp_id: %.64q is not allowed; give 1 to 64 printable ASCII characters without blanks", l.SenderCompID)
	}
	if !compID.MatchString(l.TargetCompID) {
		return refuse("target_comp_id: %.64q is not allowed; give 1 to 64 printable ASCII characters without blanks", l.TargetCompID)
	}
	if l.MsgSeqNum < 1 {
		return refuse("msg_seq_num: %d is not allowed; give 1 or more", l.MsgSeqNum)
	}
	if l.SendingTime != "" {
		if _, err := time.Parse(SendingTimeLayout, l.SendingTime); err != nil {
			return refuse("sending_time: %.64q is not allowed; write it like 20240627-11:17:25.223, in UTC, or leave it out for now", l.SendingTime)
		}
	}
	return nil
}

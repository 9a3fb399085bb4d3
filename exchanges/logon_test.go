package exchanges

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLogonCheck(t *testing.T) {
	good := Logon{SenderCompID: "DESK", TargetCompID: "SPOT", MsgSeqNum: 1, SendingTime: "20240627-11:17:25.223"}
	require.NoError(t, good.Check())
	for field, spoil := range map[string]func(*Logon){
		"sender_comp_id": func(l *Logon) { l.SenderCompID = "DESK\x0196=forged" },
		"target_comp_id": func(l *Logon) { l.TargetCompID = "" },
		"msg_seq_num":    func(l *Logon) { l.MsgSeqNum = 0 },
		"sending_time":   func(l *Logon) { l.SendingTime = "2024-06-27T11:17:25Z" },
	} {
		bad := good
		spoil(&bad)
		err := bad.Check()
		require.ErrorIs(t, err, ErrInvalid, field)
		require.ErrorContains(t, err, field)
	}
}

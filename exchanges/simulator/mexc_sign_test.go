package simulator

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// mexcCall is a vector as a call to its venue.
func mexcCall(k *key, v vector) *call {
	v.Query += "&signature=" + v.Signature
	return v.callTo(k, time.UnixMilli(1_767_225_600_000), "X-MEXC-APIKEY", k.apiKey, "Content-Type", "application/json")
}

func mexcSigning() signing {
	return signing{
		venue: "mexc", rules: newMEXC, call: mexcCall, signed: (&mexc{}).signedText,
		field: "code", badSignature: mexcBadSignature,
	}
}

func TestMEXCVectors(t *testing.T) {
	mexcSigning().testVectors(t, map[string]func(*vector){"upper case": inUpperCase})
}

// A frozen sub-account's keys cannot be made, deleted or used, which is the
// strictest that the documentation allows; they can be listed.
func TestMEXCFrozenSubAccount(t *testing.T) {
	m := &mexc{}
	master := &account{id: "1"}
	sub := &account{id: "desk0001", parent: master, frozen: true}
	minted := &key{apiKey: "mx0", account: sub}
	perform := func(handle func(*call) *answer, by *key, query string) string {
		return string(handle(&call{
			Request: &http.Request{URL: &url.URL{RawQuery: query}}, key: by,
			books: &books{accounts: []*account{master, sub}, keys: []*key{minted}},
		}).body)
	}
	root := &key{account: master}
	require.Contains(t, perform(m.createKey, root, "subAccount=desk0001&note=x&permissions=SPOT_DEAL_READ"), "140002")
	require.Contains(t, perform(m.deleteKey, root, "subAccount=desk0001&apiKey=mx0"), "140002")
	require.Contains(t, perform(m.listKeys, root, "subAccount=desk0001"), "mx0")
	require.Contains(t, perform(m.futuresOrder, minted, "symbol=BTC_USDT&vol=1"), "140002")
}

func FuzzMEXCAuthenticate(f *testing.F) { mexcSigning().fuzz(f) }

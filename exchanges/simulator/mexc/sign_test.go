package mexc

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// call is a vector as a call to its venue.
func call(k *venue.Key, v venuetest.Vector) *venue.Call {
	v.Query += "&signature=" + v.Signature
	return v.CallTo(k, time.UnixMilli(1_767_225_600_000), "X-MEXC-APIKEY", k.APIKey, "Content-Type", "application/json")
}

func signing() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: call, Signed: (&exchange{}).signedText,
		Field: "code", BadSignature: badSignature,
	}
}

func TestVectors(t *testing.T) {
	signing().TestVectors(t, map[string]func(*venuetest.Vector){"upper case": venuetest.InUpperCase})
}

// Keys of a frozen sub-account can be listed, but not made, deleted or used:
// the strictest reading of the documentation.
func TestFrozenSubAccount(t *testing.T) {
	e := &exchange{}
	master := &venue.Account{ID: "1"}
	sub := &venue.Account{ID: "desk0001", Parent: master, Frozen: true}
	minted := &venue.Key{APIKey: "mx0", Account: sub}
	perform := func(handle func(*venue.Call) *venue.Answer, by *venue.Key, query string) string {
		return string(handle(&venue.Call{
			Request: &http.Request{URL: &url.URL{RawQuery: query}}, Key: by,
			Books: &venue.Books{Accounts: []*venue.Account{master, sub}, Keys: []*venue.Key{minted}},
		}).Body)
	}
	root := &venue.Key{Account: master}
	require.Contains(t, perform(e.createKey, root, "subAccount=desk0001&note=x&permissions=SPOT_DEAL_READ"), "140002")
	require.Contains(t, perform(e.deleteKey, root, "subAccount=desk0001&apiKey=mx0"), "140002")
	require.Contains(t, perform(e.listKeys, root, "subAccount=desk0001"), "mx0")
	require.Contains(t, perform(e.futuresOrder, minted, "symbol=BTC_USDT&vol=1"), "140002")
}

func FuzzAuthenticate(f *testing.F) { signing().Fuzz(f) }
